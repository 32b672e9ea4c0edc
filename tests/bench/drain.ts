// How fast one worker drains no-op jobs through PostgREST, results stored, against the way Supabase's documentation
// shows (supabase-js: claim 10, handle, complete each by its own call). Both on this stack, in turns.
//
//   cargo xtask bench drain

import { waitFor } from "../support/wait.ts";
import { asSuperuser } from "../support/superuser.ts";
import { recordWire } from "../support/wire.ts";
import type { Worker } from "../support/worker.ts";
import { drain, enqueue, type Start, startOurs, startTypeScript } from "./contestant.ts";
import { median, shown } from "./median.ts";
import { taken } from "./process.ts";

const ROUNDS = 3;
const CONTESTANTS: { name: string; start: Start; jobs: number }[] = [
  { name: "this worker", start: startOurs, jobs: 20_000 },
  { name: "supabase-js, claim 10, complete each", start: startTypeScript, jobs: 2_000 },
];

interface Measured {
  jobsPerSecond: number;
  /** CPU time of the function's process, all threads. */
  workerMicrosPerJob: number;
}

const rounds = CONTESTANTS.map(() => [] as Measured[]);
for (let round = 1; round <= ROUNDS; round++) {
  for (const [index, contestant] of CONTESTANTS.entries()) {
    const measured = await measure(contestant.start, contestant.jobs);
    rounds[index].push(measured);
    console.log(`round ${round}: ${contestant.name}: ${shown(measured.jobsPerSecond)} jobs/s`);
  }
}
console.log(`\nmedians of ${ROUNDS} rounds in turns:`);
const pace = rounds.map((each) => median(each.map((one) => one.jobsPerSecond)));
for (const [index, { name, start, jobs }] of CONTESTANTS.entries()) {
  const micros = median(rounds[index].map((one) => one.workerMicrosPerJob));
  const trips = await tripsPerJob(start, jobs / 2);
  console.log(
    `  ${name}: ${shown(pace[index])} jobs/s, ${shown(trips, 4)} HTTP calls per job, ` +
      `${shown(micros)} µs of worker CPU per job`,
  );
}
console.log(`  ratio: ${shown(pace[0] / pace[1], 1)}`);

async function measure(start: Start, jobs: number): Promise<Measured> {
  await enqueue(jobs);
  const worker = await start();
  try {
    const before = taken(worker.pid).processMs;
    const startedAt = performance.now();
    const completed = await drain(worker);
    const seconds = (performance.now() - startedAt) / 1_000;
    await assertDrained(jobs, completed, worker);
    const cpuMs = taken(worker.pid).processMs - before;
    return { jobsPerSecond: jobs / seconds, workerMicrosPerJob: cpuMs * 1_000 / jobs };
  } finally {
    await worker.kill();
  }
}

/** Counted apart from the measured runs, through a proxy that would slow them down. */
async function tripsPerJob(start: Start, jobs: number): Promise<number> {
  await enqueue(jobs);
  const wire = recordWire();
  const worker = await start({ env: { SUPABASE_URL: wire.url } });
  await drain(worker);
  await worker.kill();
  await wire.shutdown();
  return wire.requests() / jobs;
}

async function assertDrained(jobs: number, completed: number, worker: Worker) {
  if (completed !== jobs) throw new Error(`${completed} of ${jobs} jobs: ${worker.output()}`);
  await waitFor("every result to be stored", async () => {
    const [{ stored }] = await asSuperuser((sql) =>
      sql`select count(*)::int as stored from public.jobs where status = 'completed' and output_data ? 'id'`
    );
    return stored === jobs;
  });
}
