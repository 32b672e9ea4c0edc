// The queue's functions as SQL tests call them, and ways to make time pass for a job.

import assert from "node:assert/strict";
import type { Sql } from "./database.ts";

/** A row of `get_next_job`, or an element of `jobs` in the answer of `finish_and_claim_jobs`. */
export interface ClaimedJob {
  id: string;
  job_type: string;
  input_data: Record<string, unknown>;
  retry_count: number;
  lease_token: string;
  lease_expires_at: Date;
  steps: Record<string, unknown>;
}

/** A row of `public.jobs`, as far as tests look at it. */
export interface JobRow {
  id: string;
  status: string;
  job_type: string;
  input_data: unknown;
  output_data: unknown;
  error: string | null;
  updated_at: Date;
  started_at: Date | null;
  completed_at: Date | null;
  retry_count: number;
  max_retries: number;
  priority: number;
  run_at: Date;
  waiting_for: string | null;
  owner_id: string | null;
  worker_id: string | null;
  lease_token: string | null;
  lease_expires_at: Date | null;
  deadline_at: Date | null;
  cancel_requested_at: Date | null;
  progress: unknown;
  step_count: number;
  step_bytes: string;
  input_bytes: number;
  suspicion: number;
  free_releases: number;
}

/** Options of a job other than its type, as `enqueue_jobs` takes them. */
export type JobOptions = Record<string, unknown>;

/** Calls the functions of the queue on one connection. */
export function queueOn(sql: Sql) {
  const enqueueMany = async (jobs: unknown): Promise<string[]> => {
    const [{ ids }] = await sql`select enqueue_jobs(${sql.json(jobs as never)}) as ids`;
    return ids;
  };
  const enqueue = async (options: JobOptions = {}): Promise<string> =>
    (await enqueueMany([{ job_type: "test", ...options }]))[0];
  const claim = async (maxJobs = 1, jobTypes: string[] | null = null): Promise<ClaimedJob[]> => [
    ...await sql<ClaimedJob[]>`
      select * from get_next_job(max_jobs => ${maxJobs}, job_types => ${jobTypes})`,
  ];
  return {
    enqueueMany,
    enqueue,
    claim,

    /** Enqueues a job with these options and claims it; no other job may be ready. */
    running: async (options: JobOptions = {}): Promise<ClaimedJob> => {
      const id = await enqueue(options);
      const [job] = await claim();
      assert.equal(job.id, id);
      return job;
    },

    finishAndClaim: async (results: unknown, options: FinishAndClaimOptions = {}) => {
      const [{ answer }] = await sql`
        select finish_and_claim_jobs(
          ${sql.json(results as never)}, ${options.maxJobs ?? 0}, ${options.jobTypes ?? null},
          ${options.worker ?? "test"}, 30, ${options.leaseToken ?? null},
          ${options.repetition ?? 0}, ${options.isIdle ?? false}, ${options.capacity ?? null},
          ${options.maxBytes ?? 4_194_304}
        ) as answer`;
      return answer as Exchanged;
    },

    heartbeat: async (jobs: unknown, leaseSeconds = 30): Promise<string[]> => {
      const [{ answer }] = await sql`
        select heartbeat_jobs(${sql.json(jobs as never)}, ${leaseSeconds}) as answer`;
      return answer;
    },

    row: async (id: string): Promise<JobRow> => {
      const [row] = await sql<JobRow[]>`select * from jobs where id = ${id}`;
      return row;
    },

    /** Ends the lease of a job whose worker has died. */
    expireLease: (id: string) =>
      sql`update jobs set lease_expires_at = clock_timestamp() - interval '1 second' where id = ${id}`,

    /** Lets the timeout of a running job pass. Its lease, which its worker has renewed until now, holds. */
    overrun: (id: string) =>
      sql`
        update jobs
        set started_at = started_at - (deadline_at - started_at), deadline_at = started_at
        where id = ${id}`,

    /** Lets time pass for all runs, about which nobody says anything meanwhile. */
    pass: (seconds: number) =>
      sql`
        update jobs
        set started_at = started_at - make_interval(secs => ${seconds}),
            deadline_at = deadline_at - make_interval(secs => ${seconds}),
            lease_expires_at = lease_expires_at - make_interval(secs => ${seconds})
        where status = 'processing'`,

    /** Makes the time come that a job waits for. */
    makeDue: (id: string) =>
      sql`update jobs set run_at = clock_timestamp() where id = ${id} and status = 'queued'`,
  };
}

/** The answer of `finish_and_claim_jobs`. */
export interface Exchanged {
  finished: string[];
  jobs: ClaimedJob[];
  are_suspects: boolean;
  suspects_wait: boolean;
  is_cut: boolean;
  weights: Record<string, number> | null;
}

export interface FinishAndClaimOptions {
  maxJobs?: number;
  jobTypes?: string[];
  leaseToken?: string;
  repetition?: number;
  worker?: string;
  isIdle?: boolean;
  capacity?: number;
  maxBytes?: number;
}

/** The part of a claimed job that every report about it carries. */
export function lease(job: ClaimedJob): { job_id: string; lease_token: string } {
  return { job_id: job.id, lease_token: job.lease_token };
}
