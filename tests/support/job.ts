// Enqueues, reads and awaits jobs as a server with the secret key.

import { secretKeyClient } from "./clients.ts";
import { waitFor } from "./wait.ts";

/** The columns of `public.jobs` that tests look at. */
export interface JobRow {
  id: string;
  status: "queued" | "processing" | "completed" | "failed" | "cancelled";
  job_type: string;
  // deno-lint-ignore no-explicit-any -- a job's result has the shape its type gives it
  output_data: any;
  error: string | null;
  retry_count: number;
  run_at: string;
  waiting_for: string | null;
  started_at: string | null;
  completed_at: string | null;
  lease_token: string | null;
  lease_expires_at: string | null;
  progress: { phase: string; done: number; total: number; message: string } | null;
}

const client = secretKeyClient();

/** Enqueues a job and returns its id. */
export async function enqueue(
  jobType: string,
  input: unknown,
  options: Record<string, unknown> = {},
): Promise<string> {
  const { data, error } = await client.rpc("enqueue_job", {
    job_type: jobType,
    input_data: input,
    ...options,
  });
  if (error) throw new Error(`enqueue_job: ${error.code} ${error.message}`);
  return data;
}

/** Cancels a job, so that no later test meets it; returns its status. */
export async function cancel(id: string): Promise<string> {
  const { data, error } = await client.rpc("cancel_job", { job_id: id });
  if (error) throw new Error(`cancel_job: ${error.code} ${error.message}`);
  return data;
}

/** The job as it is now. */
export async function getJob(id: string): Promise<JobRow> {
  const { data, error } = await client.from("jobs").select("*").eq("id", id).single();
  if (error) throw new Error(`reading job ${id}: ${error.message}`);
  return data;
}

/** Waits until the job's status is one of `wanted`. */
export function waitForStatus(id: string, ...wanted: JobRow["status"][]): Promise<JobRow> {
  return waitFor(`job ${id} to be ${wanted.join(" or ")}`, async () => {
    const job = await getJob(id);
    return wanted.includes(job.status) && job;
  });
}
