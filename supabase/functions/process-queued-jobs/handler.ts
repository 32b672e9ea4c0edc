// What a job type in TypeScript is: a function from an input to a result, and what it is given to work with.

/** Job types by the `job_type` of their jobs. */
// deno-lint-ignore no-explicit-any -- each has an input of its own
export type JobHandlers = Record<string, JobHandler<any>>;

/**
 * Does the work of one attempt. What it returns becomes `output_data`. `input` is `input_data` as it was enqueued: whoever
 * enqueues may get it wrong, so check it and throw `JobError.permanent` with the name of the field. A number in it is the
 * nearest double, as `JSON.parse` has it: what has more than 15 digits comes to the digit only as a text, or to a job in
 * Rust.
 *
 * An error that is no `JobError` is tried again with the queue's own backoff. `jobs.error` gets what it says, its code, hint
 * and causes, without addresses and keys; its stack goes to the log. A result that is no JSON, or of which JSON would lose
 * some, as of a Map, fails the job for good.
 */
export type JobHandler<Input = unknown, Output = unknown> = (
  input: Input,
  context: JobContext,
) => Output | Promise<Output>;

/** What a handler can do besides computing. Its functions may be taken out of it. */
export interface JobContext {
  /** The job as it was claimed. */
  readonly job: {
    readonly id: string;
    readonly job_type: string;
    /** Failed attempts so far: 0 the first time the job runs. */
    readonly retry_count: number;
    /** Attempts after the first before the job fails for good. */
    readonly max_retries: number;
  };

  /**
   * Aborted when the job is to stop: cancelled, too slow, no longer this worker's, or going on in another isolate. Its
   * reason is a `JobStopped`. Give it to every `fetch`: whatever a stopped handler still returns is ignored.
   */
  readonly signal: AbortSignal;

  /**
   * Runs `run` and keeps its result, a JSON value of at most 1 MiB and 100 levels, under `name` (1 to 200 characters); in a later run of the job, on whatever
   * worker, returns that result and runs nothing. A name is used once in a job. `isAgain` says whether an earlier run
   * began the step and never finished it: its effects may then happen twice.
   *
   * Throws what `run` throws; `JobStopped` when the job is to stop, before `run` if there is no time for it here.
   */
  step<T>(name: string, run: (isAgain: boolean) => T | Promise<T>): Promise<T>;

  /** Tells how far the job is, for people who wait for it: it is seen within about a second. */
  progress(progress: Progress): void;

  /**
   * Calls a function of the database as the service role, and again with the same arguments when an answer is lost.
   * Throws a `JobError` when the database stays away or refuses.
   */
  call<T = unknown>(name: string, args?: Record<string, unknown>): Promise<T>;

  /** How long the handler may still take in milliseconds: until its timeout, or until this isolate hands over. */
  timeLeftMs(): number;

  /** Writes one line to the function's log, with the job's id, type and attempt. No payloads, no secrets. */
  log(event: string, fields?: Record<string, unknown>): void;
}

/** How far a job is. */
export interface Progress {
  /** The part of the work, a short word. */
  phase: string;
  /** Units of this phase that are done, rounded down. */
  done: number;
  /** Units of this phase, rounded down. */
  total: number;
  /** A sentence for people. */
  message: string;
}

/** What to do with a job that did not succeed, as the worker reads it. `stack` is for operators only. */
export type Verdict =
  | { retryable: { message: string; retry_after_seconds: number | null; stack?: string } }
  | { permanent: { message: string } }
  | { unavailable: { reason: string } }
  | { snoozed: { seconds: number } };

/** An error that says what to do with the job. */
export class JobError extends Error {
  override readonly name = "JobError";

  private constructor(message: string, readonly verdict: Verdict) {
    super(message);
  }

  /** Try again: after so many seconds, up to a year, if given, else after the queue's own backoff. */
  static retryable(message: string, options: { retry_after_seconds?: number } = {}): JobError {
    const seconds = options.retry_after_seconds ?? null;
    const retry_after_seconds = seconds === null
      ? null
      : wholeSeconds(seconds, "retry_after_seconds", 0);
    return new JobError(message, { retryable: { message, retry_after_seconds } });
  }

  /** Trying again cannot help: the job fails now, whatever retries are left. */
  static permanent(message: string): JobError {
    return new JobError(message, { permanent: { message } });
  }

  /**
   * What all jobs of the type need is not to be had until somebody sees to it: a key was refused, an account is empty. The
   * job goes back unharmed, and this isolate leaves the type to rest: once a minute one job is tried. `reason`, what is
   * missing and what to do about it, is for operators: people who wait for the job are only told that it waits.
   */
  static unavailable(reason: string): JobError {
    return new JobError(reason, { unavailable: { reason } });
  }

  /** The job has to wait for something else: run it again after so many seconds, from 1 to a year. No attempt is used. */
  static snoozed(seconds: number): JobError {
    const whole = wholeSeconds(seconds, "snoozed", 1);
    return new JobError(`snoozed for ${whole} seconds`, { snoozed: { seconds: whole } });
  }

  /** The error of a verdict that came from the worker. */
  static of(verdict: Verdict): JobError {
    const words = Object.values(verdict)[0] as { message?: string; reason?: string };
    return new JobError(words.message ?? words.reason ?? "snoozed", verdict);
  }
}

/** A year: what waits longer is forgotten. */
const MOST_SECONDS = 31_622_400;

/** Rounded up: sooner than asked for is no use. Throws a RangeError that says `what` waits. */
function wholeSeconds(seconds: number, what: string, least: number): number {
  if (typeof seconds === "number" && seconds <= MOST_SECONDS) {
    return Math.max(least, Math.ceil(seconds));
  }
  throw new RangeError(`${what}: expected seconds, up to ${MOST_SECONDS}`);
}

/** Why a handler is to stop. `ended`: it has returned, and what it left running has nobody to report to. */
export type StopReason = "cancelled" | "lease_lost" | "timed_out" | "hand_over" | "ended";

/** The job is to stop. A handler lets it pass: the worker knows already. */
export class JobStopped extends Error {
  override readonly name = "JobStopped";

  /** Made by the worker. */
  constructor(readonly reason: StopReason) {
    super(`the job is to stop: ${reason}`);
  }
}
