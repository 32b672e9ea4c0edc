import { Suspense } from "react";
import { getJobStatus } from "pretium-queue";

/** A job that is there when the site is built. Nothing but the way it is read keeps the page from being made then. */
export default function Page() {
  return <Suspense fallback={<p>Looking…</p>}><Status /></Suspense>;
}

async function Status() {
  const { job, error } = await getJobStatus(process.env.SHOWN_JOB!);
  return <p role="status" data-status={job?.status}>{job?.status ?? error}</p>;
}
