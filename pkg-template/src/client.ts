// The queue client: each method is one call of the database, or several looks at one row.

import { checkNumbers, checkUuid, isUuid, plain, Refused, text, time } from "./arguments.ts";
import {
  type EnqueueOptions,
  type InputOf,
  isFinal,
  type Job,
  JOB_STATUSES,
  type JobFilter,
  type JobType,
  type NewJob,
} from "./job.ts";
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
import { within } from "./timing.ts";
import {
  type Answer,
  expecting,
  noAnswer,
  persist,
  type Query,
  type Transport,
} from "./transport.ts";
import { tell, watch } from "./watch.ts";

/** Ends a call early; the result then has the code `aborted`. */
export interface CallOptions {
  signal?: AbortSignal;
}

export interface WaitOptions<T extends JobType = JobType> extends CallOptions {
  /** Called whenever the job has changed, first with the job as it is. What it throws goes to the console. */
  onProgress?: (job: Job<T>) => void;
}

export interface SubscribeOptions extends CallOptions {
  /** The longest pause between two looks, in milliseconds, at least 1; 2000 unless given. */
  intervalMs?: number;
  /** Called when the job cannot be followed any longer: it is not there, or not yours. */
  onError?: (failed: Failed) => void;
}

/**
 * The methods need no `this`: `const { enqueueJob } = createQueueClient(supabase)` works. None throws or rejects: what they
 * are given and cannot use comes back as `error`, with the code `JQ004` and the name of the argument.
 */
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
   * Waits until the job is final: `job` when it is completed, else `error`, `code` and, where it is known, `failedJob`. Looks
   * at least every `intervalMs` (2000 unless given), more often at first but never more than every 50 ms, and at once where
   * Realtime tells; gives up after `timeoutMs` (300000 unless given). Outlives a network and a session that come back.
   */
  waitForJobCompletion<T extends JobType = JobType>(
    jobId: string,
    intervalMs?: number,
    timeoutMs?: number,
    options?: WaitOptions<T>,
  ): Promise<WaitResult<T>>;
  /**
   * Calls `onChange` with the job as it is and whenever it changes, until it is completed or cancelled or the returned
   * function is called. It goes on after a failure, looking a fifth as often, because a failed job may be retried. What
   * `onChange` throws goes to the console.
   */
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
  const client = to as SupabaseLike;
  if (typeof client?.rpc !== "function") {
    const connection = to as Connection & Patience;
    return queueClient(fetchTransport(connection), connection?.tries);
  }
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
  const ask = (
    form: Form,
    attempt: (signal: AbortSignal) => Promise<Answer>,
    options?: CallOptions,
  ) => persist(async (signal) => expecting(form, await attempt(signal)), tries, options?.signal);
  const call = (form: Form, name: string, args: object, options?: CallOptions) => {
    checkNumbers(args);
    const json = plain(() => args, "");
    return ask(form, (signal) => transport.rpc(name, json, signal), options);
  };
  const read = (form: Form, query: Query, options?: CallOptions) =>
    ask(form, (signal) => transport.read(query, signal), options);

  const getJobStatus = <T extends JobType>(jobId: string, options?: CallOptions) =>
    result<JobResult<T>>({ job: null }, async () => {
      checkJobId(jobId);
      const id = jobId.toLowerCase();
      const isThisJob: Form = (data) => isListOfJobs(data) && data.every((job) => job.id === id);
      const query: Query = { filters: [["id", "eq", id]], limit: 1 };
      const answer = await read(isThisJob, query, options);
      if (!answer.failed && !(answer.data as Job[])[0]) throw noSuchJob(jobId);
      return answer;
    }, ([job]) => ({ job }));

  const source = (jobId: string) => ({
    read: (signal?: AbortSignal) => getJobStatus(jobId, { signal }),
    listen: (hear: () => void) => listenTo(jobId, hear),
  });

  /** What changes something: `key` is what the result calls the answer. */
  const order = (
    key: keyof typeof FORMS,
    name: string,
    args: () => object,
    options?: CallOptions,
    form = FORMS[key],
    // deno-lint-ignore no-explicit-any -- each has a result of its own
  ): any =>
    result(
      { success: false, [key]: null },
      async () => await call(form, name, args(), options),
      (data) => ({ success: true, [key]: data }),
    );

  const change = (name: string, jobId: string, options?: CallOptions): Promise<ChangeResult> =>
    order("status", name, () => {
      checkJobId(jobId);
      return { job_id: jobId };
    }, options);

  return {
    enqueueJob: (job_type, input_data, options) =>
      order("jobId", "enqueue_job", () => {
        const { signal: _, ...rest } = { ...options };
        return newJob({ ...rest, job_type, input_data });
      }, options),
    enqueueJobs: (jobs, options) => {
      // The caller's own list may change before the answer comes.
      let sent = 0;
      return order(
        "jobIds",
        "enqueue_jobs",
        () => {
          if (!Array.isArray(jobs)) throw new Refused("jobs: expected a list");
          sent = jobs.length;
          return { jobs: jobs.map((job, index) => newJob(job, `jobs[${index}].`)) };
        },
        options,
        (ids) => FORMS.jobIds(ids) && (ids as string[]).length === sent,
      );
    },
    getJobStatus,
    waitForJobCompletion: (jobId, intervalMs = 2_000, timeoutMs = 300_000, options) =>
      result({ job: null }, async () => {
        const limits = { intervalMs: Math.ceil(intervalMs), timeoutMs: Math.ceil(timeoutMs) };
        checkNumbers(limits);
        return await within(limits.timeoutMs, [options?.signal], async (signal) => {
          const onJob = options?.onProgress as OnJob;
          const last = await watch(source(jobId), limits.intervalMs, onJob, isFinal, signal);
          const cut = options?.signal?.aborted ? "aborted" : signal.aborted && "timeout";
          return ended(last, jobId, timeoutMs, cut);
        });
      }, (job) => ({ job })),
    subscribeToJob(jobId, onChange, options) {
      const stop = new AbortController();
      const follow = async () => {
        const intervalMs = Math.ceil(options?.intervalMs ?? 2_000);
        checkNumbers({ intervalMs });
        return await within(Infinity, [stop.signal, options?.signal], async (signal) => {
          const last = await watch(source(jobId), intervalMs, onChange as OnJob, isOver, signal);
          return signal.aborted ? null : last;
        });
      };
      follow().catch((error) => noAnswer(error).failed!).then((last) => {
        if (last?.error != null) tell((failed) => options?.onError?.(failed), last as Failed);
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
    listJobs: (filter, options) =>
      result(
        { jobs: null },
        async () => await read(isListOfJobs, queryOf(filter ?? {}), options),
        (jobs) => ({ jobs }),
      ),
    retryFailedJobs: (filter, options) =>
      order("count", "retry_failed_jobs", () => ({ ...filter }), options),
    cleanupOldJobs: (days_to_keep = 30, filter, options) =>
      order("count", "cleanup_old_jobs", () => ({ days_to_keep, ...filter }), options),
  };
}

type Form = (data: unknown) => boolean;

const isStatus: Form = (data) => (JOB_STATUSES as readonly unknown[]).includes(data);

const isListOfJobs = (data: unknown): data is Job[] =>
  Array.isArray(data) && data.every((job) => isUuid(job?.id) && isStatus(job.status));

/** What the database answers to whoever changes something, by what the result calls it. */
const FORMS = {
  jobId: isUuid,
  jobIds: (data: unknown) => Array.isArray(data) && data.every(isUuid),
  status: isStatus,
  count: Number.isInteger,
};

type OnJob = ((job: Job) => unknown) | undefined;

/**
 * The answer to `ask` as its method gives it: what `of` makes of its data, or `none` and why there is none. Nothing passes
 * that is thrown, whether by us or by a getter of what we were given.
 */
async function result<R>(
  none: object,
  ask: () => Promise<Answer>,
  // deno-lint-ignore no-explicit-any -- each call answers something of its own
  of: (data: any) => object,
): Promise<R> {
  try {
    const { failed, data } = await ask();
    return (failed ? { ...none, ...failed } : { ...of(data), error: null }) as R;
  } catch (error) {
    return { ...none, ...noAnswer(error).failed } as R;
  }
}

/** A job of whatever type. */
type AnyJob = EnqueueOptions & { job_type: string; input_data: unknown };

/** The arguments of one job, with a key of this call's own, so that a try whose answer was lost can be repeated. */
function newJob(job: AnyJob, path = ""): object {
  checkNumbers(job, path);
  const { run_at, owner_id, idempotency_key } = job;
  if (owner_id != null) checkUuid(owner_id, `${path}owner_id`);
  return {
    ...job,
    ...(run_at != null && { run_at: time(run_at, `${path}run_at`) }),
    idempotency_key: idempotency_key ?? randomKey(),
  };
}

/** Unlike `crypto.randomUUID`, also where a page did not come by https. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join(
    "-",
  );
}

function checkJobId(jobId: unknown) {
  if (typeof jobId !== "string") checkUuid(jobId, "jobId");
  if (!isUuid(jobId)) throw noSuchJob(jobId as string);
}

function noSuchJob(jobId: string): Refused {
  return new Refused(`there is no job ${text(jobId).slice(0, 200)}`, "JQ003");
}

function isOver(status: Job["status"]): boolean {
  return isFinal(status) && status !== "failed";
}

/** What waiting came to; `cut` says what ended it before the job did. */
function ended(
  last: JobResult | null,
  jobId: string,
  timeoutMs: number,
  cut?: "aborted" | "timeout" | false,
): Answer {
  const job = last?.job;
  const code = job && isFinal(job.status) ? job.status : cut;
  if (code === "completed") return { data: job };
  if (!code) return { failed: last as Failed };
  const state = job ? `it is ${job.status}` : last?.error ?? "it could not be looked at";
  const error = {
    failed: job?.error || "the job failed",
    cancelled: "the job was cancelled",
    aborted: "the waiting was aborted",
    timeout: `job ${jobId} was not done after ${timeoutMs} ms: ${state}`,
  }[code as "failed"];
  return { failed: { error, code, ...(code !== cut && { failedJob: job }) } };
}

function queryOf(filter: JobFilter): Query {
  checkNumbers(filter);
  const { status, job_type, owner_id, before, limit } = plain(() => filter, "");
  const filters: Query["filters"] = [];
  if (status) filters.push(["status", "in", listOf(status)]);
  if (job_type) filters.push(["job_type", "in", listOf(job_type)]);
  if (owner_id) {
    checkUuid(owner_id, "owner_id");
    filters.push(["owner_id", "eq", owner_id]);
  }
  if (before != null) filters.push(["created_at", "lt", time(before, "before")]);
  return { filters, limit: limit ?? 50 };
}

/** PostgREST's way to write a list; quoted, because names may hold commas. */
function listOf(values: string | string[]): string {
  const quoted = [values].flat().map((value) => `"${`${value}`.replace(/["\\]/g, "\\$&")}"`);
  return `(${quoted.join(",")})`;
}
