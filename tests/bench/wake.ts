// How long a job waits for its worker when only the database calls workers, and how often it calls: single jobs in an
// idle queue, 10,000 in one statement, and 10,000 in a statement each. Measured from insert to claim on the database's
// clock. The clock that wakes workers is off: jobs that nobody is woken for stay behind and are counted.

import postgres from "postgres";
import { stack } from "../support/stack.ts";
import { waitFor } from "../support/wait.ts";
import { WORKER_URL } from "../support/worker.ts";
import { shown } from "./median.ts";

const LONE_JOBS = 100;
const MANY_JOBS = 10_000;
const LEFT_BEHIND_AFTER_MS = 20_000;

const sql = postgres(stack.dbUrl, { max: 8, onnotice: () => {} });
await sql`select * from setup_job_queue(${WORKER_URL}, ${stack.workerToken})`;

await measure(`${LONE_JOBS} jobs, half a second apart`, async () => {
  for (let job = 0; job < LONE_JOBS; job++) {
    await insert(1);
    await pause(400 + Math.random() * 200);
  }
});
await measure(`${shown(MANY_JOBS)} jobs in one statement`, () => insert(MANY_JOBS));
for (const connections of [1, 8]) {
  await measure(`${shown(MANY_JOBS)} statements, ${connections} at a time`, async () => {
    const lane = async () => {
      for (let job = 0; job < MANY_JOBS / connections; job++) await insert(1);
    };
    await Promise.all(Array.from({ length: connections }, lane));
  });
}
await sql`select remove_job_queue_setup()`;
await sql.end();

async function measure(what: string, enqueue: () => Promise<unknown>) {
  await sql`truncate jobs, job_queue.wake_ups cascade`;
  const since = Date.now();
  await enqueue();
  const enqueued = Date.now();
  await waitFor("the queue to be empty", async () => {
    const [{ left }] = await sql`
      select count(*)::int as left from jobs where status in ('queued', 'processing')`;
    return left === 0 || Date.now() - enqueued > LEFT_BEHIND_AFTER_MS;
  }, 30_000);
  const [{ left }] = await sql`select count(*)::int as left from jobs where status = 'queued'`;
  const [{ median, late, longest }] = await sql`
    select percentile_cont(0.5) within group (order by ms) as median,
           percentile_cont(0.99) within group (order by ms) as late, max(ms) as longest
    from (select extract(epoch from started_at - created_at)::float8 * 1000 as ms from jobs where started_at is not null) j`;
  const [{ wakeUps }] = await sql`select count(*)::int as "wakeUps" from job_queue.wake_ups`;
  const [{ workers }] = await sql`select count(distinct worker_id)::int as workers from jobs`;
  console.log(
    `${what.padEnd(32)} median ${shown(median, 1).padStart(8)} ms, p99 ${
      shown(late, 1).padStart(8)
    } ms, longest ` +
      `${
        shown(longest, 1).padStart(8)
      } ms; ${wakeUps} wake-ups, ${workers} workers, ${left} left behind; ` +
      `${shown(enqueued - since)} ms to enqueue`,
  );
}

function insert(jobs: number) {
  return sql`insert into jobs (job_type) select 'noop' from generate_series(1, ${jobs})`;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
