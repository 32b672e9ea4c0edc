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
  waitingFor: "time" | "retry" | "isolation" | null;
  /** Whether what it waits for has come. */
  isDue: boolean;
  runAt: number;
  /** The claim that holds the job, or has ended its latest run itself. */
  token: Token | null;
  worker: string | null;
  /** While it is processing. */
  run: Run | null;
  isCancelRequested: boolean;
  /** 0: none; 1: it runs beside others like it; 2: it runs alone. */
  suspicion: number;
  /** Ends of runs that used no attempt, since one did or since it got ahead. */
  free: { losses: number; handOvers: number; releases: number };
  steps: Map<string, Step>;
  failures: Failure[];
  error: string | null;
  output: unknown;
  progress: unknown;
}

export interface Failure {
  worker: string | null;
  error: string;
  isAttempt: boolean;
  /** How many others its lost worker held. */
  company: number | null;
}

export interface Run {
  /** Which call it began with. */
  startedAt: number;
  /** Claimed as the only suspect, by a worker that said it had nothing else. */
  readonly isAlone: boolean;
  readonly hasDeadline: boolean;
  readonly stepsBefore: number;
  isSilent: boolean;
  isOutOfTime: boolean;
  /** It fell silent when it was out of time. */
  isSilentOutOfTime: boolean;
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
  outcome: "completed" | "failed" | "timed_out" | "released" | "handed_over" | "cancelled";
  output?: unknown;
  error?: string;
  retryable?: boolean;
  /** Before the retry, or the rest. */
  delay?: number;
  wasGivenTime?: boolean;
  isCounted?: boolean;
}

/** How often in a row a run may end so without using an attempt. */
const FREE = { losses: 19, handOvers: 2, releases: 300 };

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
    suspicion: 0,
    free: { losses: 0, handOvers: 0, releases: 0 },
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
  return isUnder(job, token) && !job.run!.isOutOfTime;
}

/** Whether the token is that of a run that has not ended, in time or not. */
export function isUnder(job: Job, token: Token): boolean {
  return job.run !== null && job.token === token;
}

/** Whether anyone who comes by ends the run. */
export function isLeaseOver(job: Job): boolean {
  return job.run !== null && job.run.isSilent;
}

export function begin(
  job: Job,
  token: Token,
  worker: string | null,
  { hasDeadline, isAlone, startedAt }: {
    hasDeadline: boolean;
    isAlone: boolean;
    startedAt: number;
  },
): void {
  job.status = "processing";
  job.waitingFor = null;
  job.token = token;
  job.worker = worker;
  job.run = {
    hasDeadline,
    isAlone,
    startedAt,
    stepsBefore: finishedSteps(job).length,
    isSilent: false,
    isOutOfTime: false,
    isSilentOutOfTime: false,
  };
}

/** The run has not begun: the answer to its claim was lost. */
export function beginAnew(job: Job, startedAt: number): void {
  Object.assign(job.run!, { startedAt, isSilent: false, isOutOfTime: false });
}

/** Whether the run under way has saved a step. */
function isAhead(job: Job): boolean {
  return finishedSteps(job).length > job.run!.stepsBefore;
}

/** Ends the run as its worker reports. The token stays, so that the report can be recognised when it is repeated. */
export function finish(job: Job, result: Result, now: number): void {
  switch (result.outcome) {
    case "completed":
      end(job, "completed");
      job.output = result.output;
      job.error = null;
      return;
    case "cancelled":
      return end(job, "cancelled");
    case "released":
      if (isAhead(job) || result.isCounted === false || job.free.releases < FREE.releases) {
        return release(job, result);
      }
      return fail(job, "released 300 times in a row without a new step", result, now);
    case "handed_over":
      if (isAhead(job) || (result.wasGivenTime === false && job.free.handOvers < FREE.handOvers)) {
        return release(job, result);
      }
      return fail(job, "handed over without a new step", result, now);
    case "failed":
      return fail(job, result.error ?? "the worker gave no reason", result, now);
    case "timed_out":
      return timeOut(job, result, now);
  }
}

/** Ends a run that took too long. */
export function timeOut(job: Job, then: Omit<Result, "outcome">, now: number): void {
  fail(job, job.run!.hasDeadline ? "timed out after 20 seconds" : "timed out", then, now);
}

/** Ends a run whose lease is over. The token is forgotten: whatever its worker still says is refused. */
export function rescue(job: Job, company: number, now: number): void {
  lose(job, company, now);
  job.token = null;
}

/** The worker has died; so may the job have killed it. */
function lose(job: Job, company: number, now: number): void {
  const suspicion = isAhead(job) ? 0 : Math.min(job.suspicion + 1, 2);
  const isLoop = job.free.losses >= FREE.losses;
  const isKiller = job.run!.isAlone && company === 0 && job.suspicion > 0 && !isAhead(job);
  if (isLoop || isKiller) {
    const blocked = job.run!.isSilentOutOfTime
      ? ", or it blocked the worker for longer than its 20 seconds"
      : "";
    const error = isLoop
      ? "lost its worker 20 times in a row"
      : `the worker died while it ran alone${blocked}`;
    fail(job, error, { company }, now);
    if (job.status === "queued") job.suspicion = suspicion;
    return;
  }
  if (job.isCancelRequested) return end(job, "cancelled");
  job.error = "lease expired: the worker stopped without a word";
  job.failures.push({ worker: job.worker, error: job.error, isAttempt: false, company });
  job.status = "queued";
  job.run = null;
  job.suspicion = suspicion;
  job.free.losses++;
  becomeReady(job);
}

/** The attempt does not count. */
function release(job: Job, { outcome, delay, error, isCounted }: Result): void {
  const isRest = delay !== undefined;
  if (isAhead(job)) clear(job);
  else if (outcome === "handed_over") job.free.handOvers++;
  else {
    if (isCounted !== false) job.free.releases++;
    if (isRest) job.suspicion = 0;
  }
  if (job.isCancelRequested) return end(job, "cancelled");
  // What it waits for.
  if (outcome === "released") job.error = error ?? job.error;
  job.status = "queued";
  job.run = null;
  if (isRest) wait(job, "time");
  else becomeReady(job);
}

/** The attempt counts, unless the job was to be cancelled anyway. */
function fail(
  job: Job,
  error: string,
  then: { retryable?: boolean; delay?: number; company?: number },
  now: number,
): void {
  if (job.isCancelRequested) return end(job, "cancelled");
  const company = then.company ?? null;
  job.failures.push({ worker: job.worker, error, isAttempt: true, company });
  job.error = error;
  if (then.retryable === false || job.retryCount === job.maxRetries) return end(job, "failed");
  job.status = "queued";
  job.run = null;
  job.retryCount++;
  clear(job);
  wait(job, "retry");
  if (then.delay === 0) becomeDue(job, now);
}

/** Nothing is held against it any more. */
export function clear(job: Job): void {
  job.suspicion = 0;
  job.free = { losses: 0, handOvers: 0, releases: 0 };
}

/** For anyone, or for a worker that has nothing else. */
export function becomeReady(job: Job): void {
  job.waitingFor = job.suspicion > 0 ? "isolation" : null;
  job.isDue = true;
}

export function end(job: Job, status: "completed" | "failed" | "cancelled"): void {
  job.status = status;
  job.run = null;
  job.waitingFor = null;
  clear(job);
}

function wait(job: Job, why: "time" | "retry"): void {
  job.waitingFor = why;
  job.isDue = false;
}

export function becomeDue(job: Job, now: number): void {
  job.isDue = true;
  job.runAt = now;
}
