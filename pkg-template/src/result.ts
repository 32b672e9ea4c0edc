// What the client answers. It never throws: neither for what a server says or a network does, nor for what it is given.

import type { Job, JobStatus, JobType } from "./job.ts";

/**
 * Why something did not happen, for programs: `JQ001`–`JQ006` of the queue (`JQ004`, a bad argument, also from the client
 * itself), a code of Postgres or PostgREST, or
 * `network`: no answer, even after several tries; whether it happened is unknown, and trying again is safe, for an enqueue
 * with an `idempotency_key` of your own ·
 * `failed`, `cancelled`: how the job ended that was waited for · `timeout`, `aborted`: of waiting ·
 * `configuration`: the client's address, key or token is missing or cannot be sent ·
 * `unexpected_answer`: a success that is none of the queue's, such as a sign-in page, even after several tries; like
 * `network`, it says nothing about what happened · `http_<status>`: an error that is not PostgREST's.
 */
export type ErrorCode = string;

/** It did not happen. `error` is a sentence, `code` its {@link ErrorCode}. */
export interface Failed {
  error: string;
  code: ErrorCode;
  /** What to do about it, where the database says so. */
  hint?: string;
  /** How long the server asked to be left alone. */
  retryAfterSeconds?: number;
}

interface Fine {
  error: null;
  code?: undefined;
  hint?: undefined;
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
 * `job`: it is completed. Otherwise `error` and `code`: `failed` or `cancelled`, and `failedJob` is the job as it ended;
 * or it is not known how it ends: `timeout`, `aborted`, or what kept us from asking.
 */
export type WaitResult<T extends JobType = JobType> =
  | ({ job: Job<T>; failedJob?: undefined } & Fine)
  | ({ job: null; failedJob?: Job<T> } & Failed);
