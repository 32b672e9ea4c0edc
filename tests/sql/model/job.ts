// A job and what may become of it: the rules of the state machine, without a clock and without a database.
//
// Time shows only in what has come to pass: a job is due or not yet, a run is silent (its worker has not
// renewed the lease in time) or out of time (its deadline is over). `runAt` counts calls, for the order.

export type Status = "queued" | "processing" | "completed" | "failed" | "cancelled";

/** The name of a claim; "by hand" for a run that was started without one. */
export type Token = string;

export interface Job {
  readonly id: number;
  readonly type: string;
  readonly priority: number;
  readonly maxRetries: number;
  readonly hasTimeout: boolean;
  status: Status;
  retryCount: number;
  /** Why a queued job is not ready. */
  waitingFor: "time" | "retry" | null;
  /** Whether what it waits for has come. */
  isDue: boolean;
  runAt: number;
  /** The claim that holds the job, or has ended its latest run itself. */
  token: Token | null;
  worker: string | null;
  /** While it is processing. */
  run: Run | null;
  isCancelRequested: boolean;
  steps: Map<string, Step>;
  failures: { worker: string | null; error: string }[];
  error: string | null;
  output: unknown;
  progress: unknown;
}

export interface Run {
  readonly hasDeadline: boolean;
  readonly stepsBefore: number;
  isSilent: boolean;
  isOutOfTime: boolean;
}

export interface Step {
  runs: number;
  begunUnder: Token;
  isFinished: boolean;
  result: unknown;
}

export interface JobOptions {
  type: string;
  priority: number;
  maxRetries: number;
  isDelayed: boolean;
  hasTimeout: boolean;
  key: string | null;
}

/** What a worker reports about a run. */
export interface Result {
  outcome: "completed" | "failed" | "released" | "handed_over" | "cancelled";
  output?: unknown;
  error?: string;
  retryable?: boolean;
  /** Before the retry, or the rest. */
  delay?: number;
}

export function create(id: number, options: JobOptions, now: number): Job {
  const { type, priority, maxRetries, hasTimeout, isDelayed } = options;
  return {
    id,
    type,
    priority,
    maxRetries,
    hasTimeout,
    status: "queued",
    retryCount: 0,
    waitingFor: isDelayed ? "time" : null,
    isDue: false,
    runAt: now,
    token: null,
    worker: null,
    run: null,
    isCancelRequested: false,
    steps: new Map(),
    failures: [],
    error: null,
    output: null,
    progress: null,
  };
}

export function finishedSteps(job: Job): [string, Step][] {
  return [...job.steps].filter(([, step]) => step.isFinished);
}

/** A run that has neither ended nor overrun belongs to whoever shows its token; a silent one still does. */
export function isHeld(job: Job, token: Token): boolean {
  return job.run !== null && job.token === token && !job.run.isOutOfTime;
}

/** Whether anyone who comes by ends the run. */
export function isLeaseOver(job: Job): boolean {
  return job.run !== null && (job.run.isSilent || job.run.isOutOfTime);
}

export function begin(job: Job, token: Token, worker: string | null, hasDeadline: boolean): void {
  job.status = "processing";
  job.waitingFor = null;
  job.token = token;
  job.worker = worker;
  job.run = {
    hasDeadline,
    stepsBefore: finishedSteps(job).length,
    isSilent: false,
    isOutOfTime: false,
  };
}

/** Ends the run as its worker reports. The token stays, so that the report can be recognised when it is repeated. */
export function finish(job: Job, result: Result, now: number): void {
  const gotAhead = finishedSteps(job).length > job.run!.stepsBefore;
  switch (result.outcome) {
    case "completed":
      end(job, "completed");
      job.output = result.output;
      job.error = null;
      return;
    case "cancelled":
      return end(job, "cancelled");
    case "released":
      return release(job, result.delay);
    case "handed_over":
      if (gotAhead) return release(job, result.delay);
      return fail(job, "handed over without a new step", result, now);
    case "failed":
      return fail(job, result.error ?? "the worker gave no reason", result, now);
  }
}

/** Ends a run whose lease is over. The token is forgotten: whatever its worker still says is refused. */
export function rescue(job: Job, now: number): void {
  if (job.run!.isSilent) {
    fail(job, "lease expired: the worker stopped without a word", { isReadyAtOnce: true }, now);
  } else {
    fail(job, "timed out after 20 seconds", {}, now);
  }
  job.token = null;
}

/** The attempt does not count. */
function release(job: Job, delay = 0): void {
  if (job.isCancelRequested) return end(job, "cancelled");
  job.status = "queued";
  job.run = null;
  if (delay > 0) wait(job, "time");
}

/** The attempt counts, unless the job was to be cancelled anyway. */
function fail(
  job: Job,
  error: string,
  then: { retryable?: boolean; delay?: number; isReadyAtOnce?: boolean },
  now: number,
): void {
  if (job.isCancelRequested) return end(job, "cancelled");
  job.failures.push({ worker: job.worker, error });
  job.error = error;
  if (then.retryable === false || job.retryCount === job.maxRetries) return end(job, "failed");
  job.status = "queued";
  job.run = null;
  job.retryCount++;
  if (then.isReadyAtOnce) return;
  wait(job, "retry");
  if (then.delay === 0) becomeDue(job, now);
}

export function end(job: Job, status: "completed" | "failed" | "cancelled"): void {
  job.status = status;
  job.run = null;
  job.waitingFor = null;
}

function wait(job: Job, why: "time" | "retry"): void {
  job.waitingFor = why;
  job.isDue = false;
}

export function becomeDue(job: Job, now: number): void {
  job.isDue = true;
  job.runAt = now;
}
