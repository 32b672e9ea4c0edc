// The queue client: each method is one call of the database, or several looks at one row.

import type { EnqueueOptions, InputOf, Job, JobFilter, JobType, NewJob } from "./job.ts";
import type {
  ChangeResult,
  CountResult,
  EnqueueManyResult,
  EnqueueResult,
  Failed,
  JobListResult,
  JobResult,
  WaitResult,
} from "./result.ts";
import { type Connection, fetchTransport } from "./fetch_transport.ts";
import { listen, type SupabaseLike, supabaseTransport } from "./supabase_transport.ts";
import { type Answer, persist, type Query, type Transport } from "./transport.ts";
import { watch } from "./watch.ts";

/** Ends a call early; the result then has the code `aborted`. */
export interface CallOptions {
  signal?: AbortSignal;
}

export interface WaitOptions<T extends JobType = JobType> extends CallOptions {
  /** Called whenever the job has changed, first with the job as it is. */
  onProgress?: (job: Job<T>) => void;
}

export interface SubscribeOptions extends CallOptions {
  /** The longest pause between two looks, in milliseconds; 2000 unless given. */
  intervalMs?: number;
  /** Called when the job cannot be followed any longer: it is not there, or not yours. */
  onError?: (failed: Failed) => void;
}

/** The methods need no `this`: `const { enqueueJob } = createQueueClient(supabase)` works. */
export interface QueueClient {
  /** Enqueues a job. A try whose answer was lost is repeated without making a second job. */
  enqueueJob<T extends JobType>(
    jobType: T,
    input: InputOf<T>,
    options?: EnqueueOptions & CallOptions,
  ): Promise<EnqueueResult>;
  /** Enqueues up to 10,000 jobs in one trip: all of them or none. `jobIds` has their order. */
  enqueueJobs(jobs: NewJob[], options?: CallOptions): Promise<EnqueueManyResult>;
  /** The job as it is now; code `JQ003` when there is none that the caller may see. */
  getJobStatus<T extends JobType = JobType>(
    jobId: string,
    options?: CallOptions,
  ): Promise<JobResult<T>>;
  /**
   * Waits until the job is final. Looks at least every `intervalMs` (2000 unless given), more often at first, and at once
   * where Realtime tells; gives up after `timeoutMs` (300000 unless given).
   */
  waitForJobCompletion<T extends JobType = JobType>(
    jobId: string,
    intervalMs?: number,
    timeoutMs?: number,
    options?: WaitOptions<T>,
  ): Promise<WaitResult<T>>;
  /** Calls `onChange` with the job as it is and whenever it changes, until it is final or the returned function is called. */
  subscribeToJob<T extends JobType = JobType>(
    jobId: string,
    onChange: (job: Job<T>) => void,
    options?: SubscribeOptions,
  ): () => void;
  /** Cancels a queued job at once, and asks the worker of a running one to stop. */
  cancelJob(jobId: string, options?: CallOptions): Promise<ChangeResult>;
  /** Puts a failed job back into the queue, with a fresh retry allowance and its finished steps. */
  retryJob(jobId: string, options?: CallOptions): Promise<ChangeResult>;
  /** The caller's jobs, the latest first. */
  listJobs<T extends JobType = JobType>(
    filter?: JobFilter & { job_type?: T | T[] },
    options?: CallOptions,
  ): Promise<JobListResult<T>>;
  /** Puts failed jobs back into the queue, up to 10,000. For servers only. */
  retryFailedJobs(
    filter?: { job_ids?: string[]; job_types?: JobType[]; max_jobs?: number },
    options?: CallOptions,
  ): Promise<CountResult>;
  /** Deletes completed and cancelled jobs that ended so many days ago, up to 10,000. For servers only. */
  cleanupOldJobs(
    daysToKeep?: number,
    filter?: { max_jobs?: number },
    options?: CallOptions,
  ): Promise<CountResult>;
}

/** How often a call is tried in all; 4 unless given. */
export interface Patience {
  tries?: number;
}

/** A client for a project and a caller: an address and a key, or a supabase-js client with its session. */
export function createQueueClient(to: (Connection & Patience) | SupabaseLike): QueueClient {
  if ("url" in to && "key" in to) return queueClient(fetchTransport(to), to.tries);
  const client = to as SupabaseLike;
  return queueClient(
    supabaseTransport(client),
    undefined,
    (jobId, hear) => listen(client, jobId, hear),
  );
}

const DEAF = () => ({ isOn: () => false, stop() {} });

function queueClient(
  transport: Transport,
  tries = 4,
  listenTo: (jobId: string, hear: () => void) => ReturnType<typeof listen> = DEAF,
): QueueClient {
  const call = (name: string, args: object, options?: CallOptions) =>
    persist((signal) => transport.rpc(name, args, signal), tries, options?.signal);
  const read = (query: Query, options?: CallOptions) =>
    persist((signal) => transport.read(query, signal), tries, options?.signal);

  const getJobStatus = async <T extends JobType>(
    jobId: string,
    options?: CallOptions,
  ): Promise<JobResult<T>> => {
    if (!isUuid(jobId)) return { job: null, ...noSuchJob(jobId) };
    const answer = await read({ filters: [["id", "eq", jobId]], limit: 1 }, options);
    if (answer.failed) return { job: null, ...answer.failed };
    const job = (answer.data as Job<T>[])[0];
    return job ? { job, error: null } : { job: null, ...noSuchJob(jobId) };
  };

  const source = (jobId: string) => ({
    read: (signal?: AbortSignal) => getJobStatus(jobId, { signal }),
    listen: (hear: () => void) => listenTo(jobId, hear),
  });

  const change = async (
    name: string,
    jobId: string,
    options?: CallOptions,
  ): Promise<ChangeResult> => {
    if (!isUuid(jobId)) return { success: false, status: null, ...noSuchJob(jobId) };
    const { failed, data } = await call(name, { job_id: jobId }, options);
    if (failed) return { success: false, status: null, ...failed };
    return { success: true, status: data as Job["status"], error: null };
  };

  return {
    async enqueueJob(jobType, input, { signal, ...options } = {}) {
      const args = { job_type: jobType, input_data: input, ...keyed(options) };
      const { failed, data } = await call("enqueue_job", args, { signal });
      if (failed) return { success: false, jobId: null, ...failed };
      return { success: true, jobId: data as string, error: null };
    },
    async enqueueJobs(jobs, options) {
      const { failed, data } = await call("enqueue_jobs", { jobs: jobs.map(keyed) }, options);
      if (failed) return { success: false, jobIds: null, ...failed };
      return { success: true, jobIds: data as string[], error: null };
    },
    getJobStatus,
    async waitForJobCompletion(jobId, intervalMs = 2_000, timeoutMs = 300_000, options = {}) {
      const timeout = AbortSignal.timeout(timeoutMs);
      const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
      const onJob = (options.onProgress ?? (() => {})) as (job: Job) => void;
      const last = await watch(source(jobId), intervalMs, onJob, signal);
      return ended(last, jobId, options.signal?.aborted ? 0 : timeoutMs) as WaitResult<never>;
    },
    subscribeToJob(jobId, onChange, options = {}) {
      const stop = new AbortController();
      const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
      watch(source(jobId), options.intervalMs ?? 2_000, onChange as (job: Job) => void, signal)
        .then((last) => {
          if (!signal.aborted && last && !last.job) options.onError?.(last);
        });
      return () => stop.abort();
    },
    async cancelJob(jobId, options) {
      const result = await change("cancel_job", jobId, options);
      if (result.code !== "JQ005") return result;
      // Cancelled already, perhaps by a try of this call whose answer was lost.
      const { job } = await getJobStatus(jobId, options);
      return job?.status === "cancelled"
        ? { success: true, status: "cancelled", error: null }
        : result;
    },
    retryJob: (jobId, options) => change("retry_job", jobId, options),
    async listJobs(filter = {}, options) {
      const answer = await read(queryOf(filter), options);
      if (answer.failed) return { jobs: null, ...answer.failed };
      return { jobs: answer.data as never[], error: null };
    },
    retryFailedJobs: async (filter = {}, options) =>
      counted(await call("retry_failed_jobs", filter, options)),
    cleanupOldJobs: async (daysToKeep = 30, filter = {}, options) =>
      counted(await call("cleanup_old_jobs", { days_to_keep: daysToKeep, ...filter }, options)),
  };
}

/** With a key of this call's own, so that a try whose answer was lost can be repeated. */
function keyed<O extends EnqueueOptions>(options: O): O {
  return { ...options, idempotency_key: options.idempotency_key ?? randomKey() };
}

/** Unlike `crypto.randomUUID`, also where a page did not come by https. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join(
    "-",
  );
}

function isUuid(id: unknown): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(String(id));
}

function noSuchJob(jobId: string): Failed {
  return { error: `there is no job ${jobId}`, code: "JQ003" };
}

/** What waiting came to. */
function ended(last: JobResult | null, jobId: string, timeoutMs: number): WaitResult {
  if (!last?.job && last && !["network", "aborted"].includes(last.code)) return last;
  const status = last?.job?.status;
  switch (status) {
    case "completed":
      return { job: last!.job!, error: null };
    case "failed":
      return { job: last!.job!, error: last!.job!.error ?? "the job failed", code: "failed" };
    case "cancelled":
      return { job: last!.job!, error: "the job was cancelled", code: "cancelled" };
  }
  if (timeoutMs === 0) return { job: null, error: "the waiting was aborted", code: "aborted" };
  const state = status ? `it is ${status}` : last?.error ?? "it could not be looked at";
  return {
    job: null,
    error: `job ${jobId} was not done after ${timeoutMs} ms: ${state}`,
    code: "timeout",
  };
}

function queryOf({ status, job_type, owner_id, before, limit = 50 }: JobFilter): Query {
  const filters: Query["filters"] = [];
  if (status) filters.push(["status", "in", listOf(status)]);
  if (job_type) filters.push(["job_type", "in", listOf(job_type)]);
  if (owner_id) filters.push(["owner_id", "eq", owner_id]);
  if (before) filters.push(["created_at", "lt", before]);
  return { filters, limit };
}

/** PostgREST's way to write a list; quoted, because names may hold commas. */
function listOf(values: string | string[]): string {
  const quoted = [values].flat().map((value) => `"${value.replace(/["\\]/g, "\\$&")}"`);
  return `(${quoted.join(",")})`;
}

function counted({ failed, data }: Answer): CountResult {
  if (failed) return { success: false, count: null, ...failed };
  return { success: true, count: data as number, error: null };
}
