"use client";

import { type FormEvent, useEffect, useState } from "react";
import type { Job } from "pretium-queue";
import { subscribeToJob } from "@/lib/queue";
import { order, post, type Visit } from "@/lib/report";
import { Progress } from "./progress";
import { Report } from "./report";
import { VisitForm } from "./visit-form";

type ReportJob = Job<"generate_report">;

export default function Page() {
  const [jobId, setJobId] = useState<string | null>(null);
  const [job, setJob] = useState<ReportJob | null>(null);
  const [isSending, setIsSending] = useState(false);
  const [error, setError] = useState<string | null>(null);
  // Begins anew with each retry of the same job.
  const [run, setRun] = useState(0);

  useEffect(() => {
    if (!jobId) return;
    return subscribeToJob<"generate_report">(jobId, setJob, {
      intervalMs: 1_000,
      onError: ({ error }) => setError(`The report cannot be followed: ${error}. Reload the page to look again.`),
    });
  }, [jobId, run]);

  async function send(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    setIsSending(true);
    setError(null);
    const fields = Object.fromEntries(new FormData(event.currentTarget)) as unknown as Visit;
    const ordered = await order(fields);
    setIsSending(false);
    if ("error" in ordered) setError(ordered.error);
    else setJobId(ordered.jobId);
  }

  async function change(verb: "cancel" | "retry") {
    setError(null);
    const { error } = await post(`/api/jobs/${jobId}/${verb}`);
    if (error) setError(error);
    setRun(run + 1);
  }

  function startOver() {
    setJobId(null);
    setJob(null);
    setError(null);
  }

  return (
    <>
      <h1>Field review report</h1>
      {!jobId && <VisitForm onSubmit={send} isSending={isSending} />}
      {error && <p role="alert" className="alert">{error}</p>}
      {jobId && <Progress job={job} />}
      {job?.status === "completed" && <Report report={job.output_data!} />}
      {job && ["queued", "processing"].includes(job.status) && (
        <button type="button" onClick={() => change("cancel")}>Cancel</button>
      )}
      {job?.status === "failed" && (
        <button type="button" onClick={() => change("retry")}>Try again</button>
      )}
      {job && !["queued", "processing"].includes(job.status) && (
        <button type="button" onClick={startOver}>Write another report</button>
      )}
    </>
  );
}
