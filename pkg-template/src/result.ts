// What the client answers. It never throws for what a server says or a network does.

import type { Job, JobStatus, JobType } from "./job.ts";

/**
 * Why something did not happen, for programs: `JQ001`–`JQ006` of the queue, a code of Postgres or PostgREST, or
 * `network`: no answer, even after several tries; whether it happened is unknown, and trying again is safe ·
 * `timeout`, `aborted`: of waiting · `configuration`: the client lacks its address or key ·
 * `http_<status>`: an answer that is not PostgREST's.
 */
export type ErrorCode = string;

/** It did not happen. `error` is a sentence, `code` its {@link ErrorCode}. */
export interface Failed {
  error: string;
  code: ErrorCode;
  /** How long the server asked to be left alone. */
  retryAfterSeconds?: number;
}

interface Fine {
  error: null;
  code?: undefined;
  retryAfterSeconds?: undefined;
}

export type EnqueueResult =
  | ({ success: true; jobId: string } & Fine)
  | ({ success: false; jobId: null } & Failed);

export type EnqueueManyResult =
  | ({ success: true; jobIds: string[] } & Fine)
  | ({ success: false; jobIds: null } & Failed);

/** `status` is the job's after the call: a running job stays `processing` until its worker has heard of it. */
export type ChangeResult =
  | ({ success: true; status: JobStatus } & Fine)
  | ({ success: false; status: null } & Failed);

/** `count` is how many jobs the call changed. */
export type CountResult =
  | ({ success: true; count: number } & Fine)
  | ({ success: false; count: null } & Failed);

export type JobResult<T extends JobType = JobType> =
  | ({ job: Job<T> } & Fine)
  | ({ job: null } & Failed);

export type JobListResult<T extends JobType = JobType> =
  | ({ jobs: Job<T>[] } & Fine)
  | ({ jobs: null } & Failed);

/**
 * `job` and no `error`: completed. Both: the job failed or was cancelled. `error` alone: it is not known how it ends;
 * `code` is `timeout`, `aborted`, or what kept us from asking.
 */
export type WaitResult<T extends JobType = JobType> =
  | ({ job: Job<T> } & Fine)
  | ({ job: Job<T> | null } & Failed);
