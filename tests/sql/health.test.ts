// What an operator reads: job_queue_health, the views, and Prometheus's text.

import assert from "node:assert/strict";
import { type Sql, testDatabase } from "../support/database.ts";
import { OPERATOR_STATEMENTS } from "../support/operator.ts";
import { lease, queueOn } from "../support/queue.ts";

const db = await testDatabase();
const queue = queueOn(db.service);
const sql = db.service;

Deno.test.beforeEach(async () => {
  await db.admin`truncate jobs, job_types, job_queue.settings, job_queue.wake_ups cascade`;
});

// deno-lint-ignore no-explicit-any
async function health(): Promise<any> {
  const [{ health }] = await sql`select job_queue_health() as health`;
  return health;
}

async function someJobs() {
  await queue.running({ job_type: "report", priority: 9 });
  const failing = await queue.running({ job_type: "report", max_retries: 1, priority: 9 });
  await sql`select mark_job_failed(${failing.id}, 'no answer', ${failing.lease_token}, retry_after_seconds => 0)`;
  await sql`select get_next_job()`;
  await sql`select mark_job_failed(${failing.id}, 'still no answer')`;
  const done = await queue.running({ job_type: "mail", priority: 9 });
  await queue.finishAndClaim([{ ...lease(done), outcome: "completed" }]);
  await queue.enqueueMany([{ job_type: "mail" }, { job_type: "mail" }]);
  await queue.enqueue({ job_type: "mail", delay_seconds: 60 });
  return failing.id;
}

Deno.test("health tells of every type what is ready, waits, runs and fails", async () => {
  await someJobs();
  await sql`select pause_job_type('mail')`;
  const { types, stuck, completed_per_minute, workers } = await health();
  const [mail, report] = types;
  assert.ok(mail.oldest_ready_seconds >= 0);
  assert.deepEqual({ ...mail, oldest_ready_seconds: 0 }, {
    job_type: "mail",
    is_paused: true,
    ready: 2,
    oldest_ready_seconds: 0,
    waiting: 1,
    retrying: 0,
    isolated: 0,
    running: 0,
    failed_last_hour: 0,
    last_error: null,
  });
  assert.deepEqual([report.running, report.failed_last_hour], [1, 1]);
  assert.equal(report.last_error, "still no answer");
  assert.deepEqual([stuck, completed_per_minute], [0, 0.2]);
  assert.equal(workers, 0, "these were claimed without a name");
});

Deno.test("health knows stuck jobs, workers, the clock and the last wake-up", async () => {
  await db.admin`
    select setup_job_queue('https://abc.supabase.co/functions/v1/process-queued-jobs', 'a-long-worker-token')`;
  await queue.enqueue();
  await sql`select get_next_job(worker_id => 'one')`;
  await sql`update jobs set lease_expires_at = now() - interval '1 minute' where true`;
  const { stuck, workers, last_tick_at, last_wake_up } = await health();
  assert.deepEqual([stuck, workers, last_tick_at], [1, 1, null]);
  assert.deepEqual([last_wake_up.status, last_wake_up.error], [null, null]);
  await sql`select tend_job_queue()`;
  assert.ok((await health()).last_tick_at);
});

Deno.test("the health of an empty queue is no error", async () => {
  const { at, version, ...counted } = await health();
  assert.ok(Math.abs(Date.parse(at) - Date.now()) < 60_000);
  assert.ok(version);
  assert.deepEqual(counted, {
    types: [],
    not_run: [],
    unavailable: {},
    failed_parts: [],
    stuck: 0,
    completed_per_minute: 0,
    workers: 0,
    last_tick_at: null,
    last_wake_up: null,
  });
});

Deno.test("a failed job is shown with every run that failed", async () => {
  const id = await someJobs();
  const [job] = await sql`select * from failed_jobs`;
  assert.deepEqual([job.id, job.error], [id, "still no answer"]);
  assert.deepEqual(job.history.map((run: { error: string }) => run.error), [
    "no answer",
    "still no answer",
  ]);
});

Deno.test("running jobs are shown with their worker, the stuck ones first", async () => {
  const fine = await queue.running();
  const stuck = await queue.running();
  await sql`update jobs set lease_expires_at = now() - interval '1 minute' where id = ${stuck.id}`;
  const rows = await sql`select id, is_stuck from running_jobs`;
  assert.deepEqual(rows.map((row) => [row.id, row.is_stuck]), [[stuck.id, true], [fine.id, false]]);
});

Deno.test("failed jobs are queued again by the time at which they failed", async () => {
  const ids = [];
  for (const hours of [1, 5, 9]) {
    const job = await queue.running({ max_retries: 0 });
    await sql`select mark_job_failed(${job.id}, 'no luck')`;
    await sql`update jobs set completed_at = now() - make_interval(hours => ${hours}) where id = ${job.id}`;
    ids.push(job.id);
  }
  const [{ retried }] = await sql`
    select retry_failed_jobs(failed_from => now() - interval '6 hours', failed_until => now() - interval '2 hours') as retried`;
  assert.equal(retried, 1);
  assert.equal((await queue.row(ids[1])).status, "queued");
});

Deno.test("Prometheus can read the metrics, whatever a type is called", async () => {
  await someJobs();
  await queue.enqueue({ job_type: 'a "type"\nwith \\ in it' });
  const [{ text }] = await sql`select job_queue_metrics() as text`;
  assert.match(text, /^job_queue_jobs\{job_type="report",state="running"\} 1$/m);
  assert.match(
    text,
    /^job_queue_jobs\{job_type="a \\"type\\"\\nwith \\\\ in it",state="ready"\} 1$/m,
  );
  assert.match(text, /^job_queue_stuck 0$/m);
  for (const line of text.trimEnd().split("\n")) {
    assert.match(line, /^(# (HELP|TYPE) \w+ .+|\w+(\{.*\})? -?\d+(\.\d+)?)$/);
  }
});

/** Sequential scans of `jobs` so far, in whatever session. */
async function tableScans(admin: Sql): Promise<number> {
  const [{ scans }] = await admin`
    select pg_stat_get_numscans('public.jobs'::regclass) + pg_stat_get_xact_numscans('public.jobs'::regclass) as scans`;
  return Number(scans);
}

for (const statement of OPERATOR_STATEMENTS) {
  Deno.test(`${statement} never reads the whole table, with or without statistics`, async () => {
    const connection = db.connect();
    await crowd();
    for (const prepare of ["select 1", "vacuum analyze jobs"]) {
      await db.admin.unsafe(prepare);
      // In one transaction, whose own scans Postgres counts at once.
      await connection.begin(async (transaction) => {
        const before = await tableScans(transaction as unknown as Sql);
        await transaction.unsafe(statement);
        assert.equal(await tableScans(transaction as unknown as Sql), before);
      });
    }
  });
}

async function crowd() {
  await db.admin`
    insert into jobs (job_type, status, run_at, completed_at, error)
    select 'type ' || i % 5, k.status, k.run_at, k.completed_at, k.error
    from generate_series(1, 4000) i, (values
      ('queued', '2000-01-01'::timestamptz, null::timestamptz, null),
      ('queued', '2100-01-01', null, null),
      ('completed', '2000-01-01', now(), null),
      ('failed', '2000-01-01', now(), 'no luck')
    ) as k (status, run_at, completed_at, error)`;
}

Deno.test("the schema is of the version that the worker and the package have", async () => {
  const manifest = await Deno.readTextFile(new URL("../../Cargo.toml", import.meta.url));
  assert.equal((await health()).version, manifest.match(/^version = "(.+)"$/m)![1]);
});
