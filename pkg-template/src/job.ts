// A job as its owner sees it, and the types of its input, output and progress.

import type { JobTypes } from "./job_types.ts";

/** The name of a job type that {@link JobTypes} knows. */
export type JobType = keyof JobTypes & string;

/** What a job of this type works on. */
export type InputOf<T extends JobType> = JobTypes[T] extends { input: infer Input } ? Input : never;

/** What a completed job of this type has made. */
export type OutputOf<T extends JobType> = JobTypes[T] extends { output: infer Output } ? Output
  : unknown;

/** How far a job is: as its type says, or as all types of this package do. */
export type ProgressOf<T extends JobType> = JobTypes[T] extends { progress: infer Own } ? Own
  : import("./job_types.ts").Progress;

/** `queued` also while it waits for a time or a retry; the last three are final. */
export type JobStatus = typeof JOB_STATUSES[number];

export const JOB_STATUSES = ["queued", "processing", "completed", "failed", "cancelled"] as const;

/** A job. Told apart by `job_type`: after a look at it, `input_data` and `output_data` have the types of that job type. */
export type Job<T extends JobType = JobType> = { [K in T]: JobOf<K> }[T];

/** A row of `public.visible_jobs`; times are ISO 8601. */
export interface JobOf<T extends JobType> {
  id: string;
  status: JobStatus;
  job_type: T;
  input_data: InputOf<T>;
  /** The result of a completed job. */
  output_data: OutputOf<T> | null;
  /** Why the last attempt failed; null once completed. */
  error: string | null;
  created_at: string;
  updated_at: string;
  /** When the latest attempt began. */
  started_at: string | null;
  /** When the job became final, in whatever way. */
  completed_at: string | null;
  /** Retries used so far. */
  retry_count: number;
  max_retries: number;
  /** Higher first. */
  priority: number;
  /** Not before. */
  run_at: string;
  /** Why a queued job is not ready; null when it is. */
  waiting_for: "time" | "retry" | null;
  /** How long one run may take; null: what its type says. */
  timeout_seconds: number | null;
  /** When the latest run has to be over. */
  deadline_at: string | null;
  /** The user it belongs to. */
  owner_id: string | null;
  /** Since when its worker has been asked to stop. */
  cancel_requested_at: string | null;
  progress: ProgressOf<T> | null;
  /** Finished steps. */
  step_count: number;
}

/** How a job is to be run. */
export interface EnqueueOptions {
  /** Higher first; 0 unless given. Above 0 for servers only. */
  priority?: number;
  /** Attempts after the first one; 3 unless given, 0 is none. Above 3 for servers only. */
  max_retries?: number;
  /** Not before. */
  run_at?: string | Date;
  /** Not before so many seconds from now; instead of `run_at`. */
  delay_seconds?: number;
  /** The same key, type and owner give the same job. Without one, only this call's own repetitions do. */
  idempotency_key?: string;
  /** How long one run may take. */
  timeout_seconds?: number;
  /** The user it belongs to, when a server enqueues; a user's own jobs are theirs. */
  owner_id?: string;
}

/** An element of {@link QueueClient.enqueueJobs}. */
export type NewJob<T extends JobType = JobType> = {
  [K in T]: EnqueueOptions & { job_type: K; input_data: InputOf<K> };
}[T];

/** Which jobs to list; all of them when empty. */
export interface JobFilter {
  status?: JobStatus | JobStatus[];
  job_type?: JobType | JobType[];
  /** Of this user, when a server asks; a user sees only their own. */
  owner_id?: string;
  /** Created before: for the next page, `created_at` of the last job of this one. */
  before?: string;
  /** 50 unless given, at most 1000. */
  limit?: number;
}

/** Whether the job will change no more, unless it is retried. */
export function isFinal(status: JobStatus): boolean {
  return JOB_STATUSES.slice(-3).includes(status);
}
