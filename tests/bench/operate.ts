// Database time of an operator's queries among a million jobs, the median of nine: 400,000 ready of five types, 100,000
// waiting, 450,000 completed and 50,000 failed just now, 1,000 running.

import { createDatabase, type Sql } from "../support/database.ts";
import { OPERATOR_STATEMENTS } from "../support/operator.ts";
import { median, shown } from "./median.ts";

const LIMIT_MS = 200;
const CALLS = 9;

await using database = await createDatabase();
const sql = database.connect();
console.log("filling the table");
await fill(database.admin);
let missed = 0;
for (const state of ["as it was filled", "after vacuum analyze"]) {
  if (state !== "as it was filled") await database.admin.unsafe("vacuum analyze jobs");
  for (const statement of OPERATOR_STATEMENTS) {
    const times = [];
    for (let call = 0; call < CALLS; call++) times.push(await databaseMs(statement));
    const ms = median(times);
    if (ms > LIMIT_MS) missed++;
    console.log(
      `${statement.padEnd(34)} ${state.padEnd(20)} ${
        shown(ms, 1).padStart(7)
      } ms, at most ${LIMIT_MS}: ${ms > LIMIT_MS ? "MISSED" : "met"}`,
    );
  }
}
if (missed > 0) Deno.exit(1);

async function fill(admin: Sql) {
  await admin`
    select setup_job_queue('https://abc.supabase.co/functions/v1/process-queued-jobs', 'a-long-worker-token')`;
  await admin`
    insert into jobs (job_type, status, priority, run_at, started_at, completed_at, error, worker_id, lease_token, lease_expires_at)
    select 'type ' || i % 5, k.status, i % 3, now() + k.due, k.started, k.ended, k.error, 'worker ' || i % 7, k.token, k.started + k.lease
    from (values
      (400000, 'queued', '-1 hour'::interval, null::timestamptz, null::timestamptz, null, null::uuid, null::interval),
      (99000, 'queued', '1 hour', null, null, null, null, null),
      (450000, 'completed', '-1 hour', now(), now(), null, null, null),
      (50000, 'failed', '-1 hour', now(), now(), 'no luck', null, null),
      (1000, 'processing', '-1 hour', now(), null, null, gen_random_uuid(), '1 hour')
    ) as k (jobs, status, due, started, ended, error, token, lease), generate_series(1, k.jobs) i`;
  await admin`
    insert into job_failures (job_id, started_at, failed_at, error)
    select id, started_at, completed_at, error from jobs, generate_series(1, 3) where status = 'failed'`;
}

async function databaseMs(statement: string): Promise<number> {
  const [row] = await sql.unsafe(`explain (analyze, timing off, format json) ${statement}`);
  return row["QUERY PLAN"][0]["Execution Time"];
}
