// Random calls of the queue's functions, as workers make them that are late, repeat themselves or are dead,
// and as callers who cancel and retry.

import fc from "fast-check";
import { type Call, Command, type Condition, type World } from "./command.ts";
import type { Job } from "./job.ts";

const type = fc.constantFrom("a", "b");
const types: fc.Arbitrary<string[] | null> = fc.constantFrom(null, ["a"], ["b"], ["a", "b"]);
const worker = fc.constantFrom("worker 1", "worker 2", "worker 3");
const step = fc.constantFrom("one", "two");
const delay = fc.constantFrom(undefined, 0, 600);
const maxJobs = fc.integer({ min: 1, max: 3 });
/** Which of the jobs, and which of the latest leases; see World. */
const job = fc.nat(15);
const lease = fc.nat(7);

const result = fc.record({
  lease,
  outcome: fc.constantFrom(
    "completed",
    "failed",
    "timed_out",
    "released",
    "handed_over",
    "cancelled",
  ),
  output: fc.constantFrom(null, { n: 1 }),
  error: fc.constantFrom(undefined, "reported"),
  retryable: fc.constantFrom(undefined, true, false),
  delay,
  wasGivenTime: fc.constantFrom(undefined, true, false),
  isCounted: fc.constantFrom(undefined, true, false),
});

const always: Condition = () => true;
const someJob: Condition = (world) => world.queue.count > 0;
const someLease: Condition = (world) => world.queue.leases.length > 0;
const someExchange: Condition = (world) => world.exchanges.length > 0;

const isRunning = ({ run }: Job) => run !== null;
const hasDeadline = ({ run }: Job) => run !== null && run.hasDeadline && !run.isOutOfTime;
const isWaiting = ({ waitingFor, isDue }: Job) => waitingFor !== null && !isDue;
const isFailed = ({ status }: Job) => status === "failed";

const enqueue = command(
  always,
  {
    type,
    priority: fc.constantFrom(0, 0, 1),
    maxRetries: fc.constantFrom(0, 1, 1, 2),
    isDelayed: fc.constantFrom(false, false, false, true),
    hasTimeout: fc.boolean(),
    key: fc.constantFrom(null, null, "k"),
  },
  (_, options) => ["enqueue", options],
);

const getNextJob = command(
  always,
  { maxJobs, types, worker },
  (world, { maxJobs, types, worker }) => ["getNextJob", world.claim(), maxJobs, types, worker],
);

const finishAndClaim = command(
  always,
  {
    results: fc.array(result, { maxLength: 4 }),
    maxJobs: fc.integer({ min: 0, max: 3 }),
    types,
    worker,
    isLost: fc.constantFrom(false, false, false, true),
    isIdle: fc.boolean(),
  },
  (world, { results, maxJobs, types, worker, isLost, isIdle }) => {
    const exchange = {
      results: world.results(results),
      maxJobs,
      types,
      worker,
      token: world.claim(),
      isIdle,
    };
    // Of a call that is lost its repetition arrives first, and the call itself later or never.
    const repetitions = Number(isLost);
    world.exchanges.push({ exchange, repetitions });
    return ["finishAndClaim", exchange, repetitions];
  },
);

/** Once more, or what was sent before arrives now, perhaps for the second time. */
const repeatExchange = command(
  someExchange,
  { index: fc.nat(3), late: fc.nat(3), isLate: fc.boolean() },
  (world, { index, late, isLate }) => {
    const sent = world.exchange(index);
    if (!isLate) sent.repetitions++;
    const repetition = isLate ? late % (sent.repetitions + 1) : sent.repetitions;
    return ["finishAndClaim", sent.exchange, repetition];
  },
);

const heartbeat = command(
  someLease,
  { leases: fc.array(lease, { maxLength: 3 }), progress: fc.constantFrom(null, { done: 1 }) },
  (world, { leases, progress }) => ["heartbeat", leases.map((each) => world.lease(each)), progress],
);

const startStep = command(
  someLease,
  { lease, step },
  (world, { lease, step }) => ["startStep", world.lease(lease), step],
);

const saveStep = command(
  someLease,
  { lease, step, result: fc.nat(9), replace: fc.boolean() },
  (
    world,
    { lease, step, result, replace },
  ) => ["saveStep", world.lease(lease), step, result, replace],
);

const checkLease = command(
  someLease,
  { lease },
  (world, { lease }) => ["checkLease", world.lease(lease)],
);

/** With the token of a lease, held or not. */
const oneByOne = command(
  someLease,
  { lease, which: fc.nat(3), retryable: fc.boolean(), delay },
  (world, { lease, which, retryable, delay }) => {
    const { id, token } = world.lease(lease);
    return callsOnOne(id, token, retryable, delay)[which];
  },
);

/** Without a token, as from the SQL editor. */
const byHand = command(
  someJob,
  { job, which: fc.nat(3), retryable: fc.boolean(), delay },
  (world, { job, which, retryable, delay }) =>
    callsOnOne(world.job(job), null, retryable, delay)[which],
);

const cancel = command(someJob, { job }, (world, { job }) => ["cancel", world.job(job)]);

const retry = command(someJob, { job }, (world, { job }) => ["retry", world.job(job)]);

const retryFailed = command(
  (world) => world.jobs(isFailed).length > 0,
  { ids: fc.option(fc.array(job, { maxLength: 3 })) },
  (world, { ids }) => ["retryFailed", ids && ids.map((each) => world.job(each))],
);

const rescueExpired = command(always, {}, () => ["rescueExpired"]);
const cleanup = command(always, {}, () => ["cleanup"]);

const setTimeout = command(
  always,
  { type, isSet: fc.boolean() },
  (_, { type, isSet }) => ["setTimeout", type, isSet],
);

const fallSilent = timePasses("fallSilent", isRunning);
const passDeadline = timePasses("passDeadline", hasDeadline);
const makeDue = timePasses("makeDue", isWaiting);

/** Sequences of calls, those more often that make the others interesting. */
export const commands = fc.commands([
  ...times(4, enqueue),
  ...times(2, getNextJob),
  ...times(5, finishAndClaim),
  ...times(2, repeatExchange),
  ...times(2, heartbeat),
  ...times(2, startStep),
  ...times(2, saveStep),
  checkLease,
  ...times(2, oneByOne),
  byHand,
  ...times(2, cancel),
  ...times(2, retry),
  ...times(2, retryFailed),
  rescueExpired,
  cleanup,
  setTimeout,
  ...times(3, fallSilent),
  ...times(2, passDeadline),
  ...times(3, makeDue),
], { maxCommands: 100, size: "max" });

function command<T>(
  isPossible: Condition,
  parts: { [Part in keyof T]: fc.Arbitrary<T[Part]> },
  choose: (world: World, parts: T) => Call,
): fc.Arbitrary<Command> {
  return fc.record(parts).map((chosen) =>
    new Command(isPossible, (world) => choose(world, chosen as T))
  );
}

/** For one of the jobs for which it can. */
function timePasses(name: "fallSilent" | "passDeadline" | "makeDue", can: (job: Job) => boolean) {
  return command(
    (world) => world.jobs(can).length > 0,
    { job },
    (world, { job }) => {
      const ids = world.jobs(can);
      return [name, ids[job % ids.length]];
    },
  );
}

function callsOnOne(id: number, token: string | null, retryable: boolean, delay?: number): Call[] {
  return [
    ["markProcessing", id, token],
    ["markCompleted", id, token, { n: 1 }],
    ["markFailed", id, token, retryable, delay],
    ["release", id, token, delay],
  ];
}

function times<T>(count: number, item: T): T[] {
  return Array(count).fill(item);
}
