// One call, made to the model and to the database alike: both have to answer the same and to be the same after it.

import assert from "node:assert/strict";
import type fc from "fast-check";
import type { PostgresError } from "postgres";
import type { DatabaseQueue } from "./database.ts";
import { finishedSteps, isLeaseOver, type Job, type Result } from "./job.ts";
import { type Exchange, type Lease, Queue, Refusal } from "./queue.ts";

/** A function of the queue and its arguments. */
export type Call = {
  [Name in keyof DatabaseQueue]: DatabaseQueue[Name] extends (...args: infer Arguments) => unknown
    ? [Name, ...Arguments]
    : never;
}[Exclude<keyof DatabaseQueue, "view" | "sql">];

/** The model, what its callers remember, and how a random number picks one of it. */
export class World {
  readonly queue = new Queue();
  /** Calls of finish_and_claim_jobs that were sent, and how often each was repeated. */
  readonly exchanges: { exchange: Exchange; repetitions: number }[] = [];
  #claims = 0;

  /** Any job that there has ever been. */
  job(index: number): number {
    return index % this.queue.count + 1;
  }

  /** The jobs of which this is true. */
  jobs(isWanted: (job: Job) => boolean): number[] {
    return [...this.queue.jobs.values()].filter(isWanted).map((job) => job.id);
  }

  /** The latest leases are the likeliest to hold. */
  lease(index: number): Lease {
    return latest(this.queue.leases, index);
  }

  exchange(index: number) {
    return latest(this.exchanges, index);
  }

  /** The name of a new claim. */
  claim(): string {
    return `claim ${++this.#claims}`;
  }

  /** Results for leases, each at most once: which of two results for one lease counts is not defined. */
  results(wanted: ({ lease: number } & Result)[]): (Lease & Result)[] {
    if (this.queue.leases.length === 0) return [];
    const byLease = wanted.map(({ lease, ...result }) => ({ ...this.lease(lease), ...result }));
    return byLease.filter(({ id, token }, index) =>
      byLease.findIndex((other) => other.id === id && other.token === token) === index
    );
  }
}

/** Whether a world has what a call is about. */
export type Condition = (world: Readonly<World>) => boolean;

export class Command implements fc.AsyncCommand<World, DatabaseQueue> {
  #shown = "";

  constructor(
    readonly check: Condition,
    readonly choose: (world: World) => Call,
  ) {}

  async run(world: World, database: DatabaseQueue): Promise<void> {
    const [name, ...args] = this.choose(world);
    this.#shown = `${name}(${args.map((each) => JSON.stringify(each)).join(", ")})`;
    const expected = await told(() => call(world.queue, name, args));
    // Both are sent at once, on one connection and so in this order.
    const [actual, jobs] = await Promise.all([
      told(() => call(database, name, args)),
      database.view(),
    ]);
    assert.deepEqual(actual, expected, `${this.#shown} answers`);
    assert.deepEqual(jobs, view(world.queue), `after ${this.#shown}`);
  }

  toString(): string {
    return this.#shown;
  }
}

function call(queue: object, name: string, args: unknown[]): unknown {
  return (queue as Record<string, (...args: unknown[]) => unknown>)[name](...args);
}

/** The answer, or the code of the refusal. */
async function told(call: () => unknown): Promise<{ answer: unknown } | { refused: string }> {
  try {
    return { answer: await call() };
  } catch (error) {
    const { code } = error as Refusal | PostgresError;
    if (!code?.startsWith("JQ")) throw error;
    return { refused: code };
  }
}

/** The model as the database shows itself. */
function view(queue: Queue) {
  return [...queue.jobs.values()].map((job) => ({
    id: job.id,
    status: job.status,
    retryCount: job.retryCount,
    waitingFor: job.waitingFor,
    isDue: job.waitingFor !== null && job.isDue,
    token: job.token,
    worker: job.worker,
    run: job.run && {
      hasDeadline: job.run.hasDeadline,
      stepsBefore: job.run.stepsBefore,
      isLeaseOver: isLeaseOver(job),
      isOutOfTime: job.run.isOutOfTime,
    },
    suspicion: job.status === "queued" || job.status === "processing" ? job.suspicion : null,
    isCancelRequested: job.isCancelRequested,
    stepCount: finishedSteps(job).length,
    steps: steps(job),
    failures: job.failures,
    error: job.error,
    output: job.output,
    progress: job.progress,
    isWithinBounds: true,
  }));
}

function steps(job: Job) {
  return [...job.steps].map(([name, { runs, isFinished, result }]) => ({
    name,
    runs,
    isFinished,
    result,
  })).sort((a, b) => a.name < b.name ? -1 : 1);
}

function latest<T>(all: T[], index: number): T {
  return all[all.length - 1 - index % all.length];
}
