// Buffers that a claim touches among many jobs: 200,000 ready, 50,000 waiting for later, 50,000 finished.
// Choosing ten jobs, and claiming them with everything that writes. Buffers are the same on any machine.

import { buffers } from "../support/buffers.ts";
import { createDatabase, type Sql } from "../support/database.ts";
import { type ClaimedJob, lease, queueOn } from "../support/queue.ts";

const CHOICE_LIMIT = 25;
const CLAIM_LIMIT = 160;
const WARM_UP_CALLS = 5;

interface Measurement {
  what: string;
  limit: number;
  count: (sql: Sql) => Promise<number>;
}

const measurements: Measurement[] = [
  {
    what: "choosing 10 jobs of any type",
    limit: CHOICE_LIMIT,
    count: (sql) => rolledBack(sql, "select job_queue.lock_ready_jobs(10, null, null, '{}')"),
  },
  {
    what: "get_next_job(10)",
    limit: CLAIM_LIMIT,
    count: (sql) => warmed(sql, "select * from get_next_job(10)"),
  },
  {
    what: "get_next_job(10) of three types",
    limit: CLAIM_LIMIT,
    count: (sql) => warmed(sql, "select * from get_next_job(10, '{report,images,export}')"),
  },
  {
    what: "finish_and_claim_jobs, claiming 10",
    limit: CLAIM_LIMIT,
    count: (sql) => warmed(sql, "select finish_and_claim_jobs(max_jobs => 10)"),
  },
];

await using database = await createDatabase();
const sql = database.connect();
// As PostgREST says of a worker's request.
await sql`select set_config('request.path', '/rpc/finish_and_claim_jobs', false)`;
console.log("filling the table");
await fill(database.admin);
let missed = 0;
for (const { what, limit, count } of measurements) {
  const needed = await count(sql);
  if (needed > limit) missed++;
  const verdict = needed <= limit ? "met" : "MISSED";
  console.log(
    `${what.padEnd(36)} ${String(needed).padStart(4)} buffers, at most ${limit}: ${verdict}`,
  );
}
console.log(`${"the same, finishing 10 as well".padEnd(36)} ${await trip(sql)} buffers`);
if (missed > 0) Deno.exit(1);

async function fill(admin: Sql): Promise<void> {
  await admin`
    insert into jobs (job_type, priority, input_data)
    select (array['report', 'images', 'export'])[1 + i % 3], i % 5, jsonb_build_object('number', i)
    from generate_series(1, 200000) i`;
  await admin`
    insert into jobs (job_type, run_at)
    select 'report', now() + interval '1 day' from generate_series(1, 50000)`;
  await admin`
    insert into jobs (job_type, status, started_at, completed_at, output_data)
    select 'report', 'completed', now(), now(), '{"ok": true}' from generate_series(1, 50000)`;
  await admin.unsafe("vacuum analyze jobs");
}

async function warmed(sql: Sql, statement: string): Promise<number> {
  for (let call = 0; call < WARM_UP_CALLS; call++) await sql.unsafe(statement);
  return await buffers(sql, statement);
}

/** For a statement that only locks: rolled back, so that the next can lock the same. */
async function rolledBack(sql: Sql, statement: string): Promise<number> {
  let needed = 0;
  for (let call = 0; call <= WARM_UP_CALLS; call++) {
    await sql.unsafe("begin");
    // As in claim_jobs, which calls it.
    await sql.unsafe("set local plan_cache_mode = force_generic_plan");
    needed = await buffers(sql, statement);
    await sql.unsafe("rollback");
  }
  return needed;
}

/** What a worker's exchange between two batches of ten touches. */
async function trip(sql: Sql): Promise<number> {
  const queue = queueOn(sql);
  let { jobs } = await queue.finishAndClaim([], { maxJobs: 10 });
  for (let call = 0; call < WARM_UP_CALLS; call++) {
    ({ jobs } = await queue.finishAndClaim(jobs.map(completed), { maxJobs: 10 }));
  }
  const results = JSON.stringify(jobs.map(completed));
  return await buffers(sql, `select finish_and_claim_jobs('${results}', max_jobs => 10)`);
}

function completed(job: ClaimedJob): Record<string, unknown> {
  return { ...lease(job), outcome: "completed", output_data: { ok: true } };
}
