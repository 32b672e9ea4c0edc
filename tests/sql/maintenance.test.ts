// retry_failed_jobs and cleanup_old_jobs.

import assert from "node:assert/strict";
import { refused, testDatabase } from "../support/database.ts";
import { lease, queueOn } from "../support/queue.ts";

const db = await testDatabase();
const queue = queueOn(db.service);
const sql = db.service;

Deno.test.beforeEach(async () => {
  await db.admin`truncate jobs cascade`;
});

async function failed(job_type = "test"): Promise<string> {
  const id = await queue.enqueue({ job_type, max_retries: 1 });
  await queue.claim(1, [job_type]);
  await sql`select mark_job_failed(${id}, 'x', retry_after_seconds => 0)`;
  await queue.claim(1, [job_type]);
  await sql`select mark_job_failed(${id}, 'no luck')`;
  assert.equal((await queue.row(id)).status, "failed");
  return id;
}

async function ended(outcome: string, days: number): Promise<string> {
  const id = await queue.enqueue({ max_retries: 0 });
  const [job] = await queue.claim();
  assert.equal(job.id, id);
  await queue.finishAndClaim([{ job_id: id, lease_token: job.lease_token, outcome }]);
  await sql`
    update jobs set completed_at = now() - make_interval(days => ${days}) where id = ${id}`;
  return id;
}

Deno.test("failed jobs are queued again with a fresh allowance, ready at once", async () => {
  const id = await failed();
  const [{ retried }] = await sql`select retry_failed_jobs() as retried`;
  assert.equal(retried, 1);
  const row = await queue.row(id);
  assert.deepEqual([row.status, row.retry_count, row.waiting_for], ["queued", 0, null]);
  assert.equal(row.completed_at, null);
  assert.equal((await queue.claim())[0].id, id);
});

Deno.test("only failed jobs are retried", async () => {
  await queue.enqueue({ delay_seconds: 60 });
  await ended("completed", 0);
  await ended("cancelled", 0);
  const [{ retried }] = await sql`select retry_failed_jobs() as retried`;
  assert.equal(retried, 0);
});

Deno.test("retries can be limited to ids, to types and in number", async () => {
  const [one, two] = [await failed("a"), await failed("b")];
  await failed("c");
  await failed("c");
  const retried = async (args: string) => {
    const [{ n }] = await sql.unsafe(`select retry_failed_jobs(${args}) as n`);
    return n;
  };
  assert.equal(await retried(`job_ids => '{${one}}'`), 1);
  assert.equal((await queue.row(one)).status, "queued");
  assert.equal(await retried(`job_ids => '{${two}}', job_types => '{c}'`), 0);
  assert.equal(await retried(`job_types => '{b}'`), 1);
  assert.equal((await queue.row(two)).status, "queued");
  assert.equal(await retried("max_jobs => 1"), 1);
  assert.equal(await retried("job_ids => '{}'"), 0);
  assert.equal(await retried(""), 1);
});

Deno.test("a job without retries is run once more by a retry, and keeps what is known of the run before", async () => {
  const id = await queue.enqueue({ max_retries: 0 });
  for (const error of ["first", "second"]) {
    const [job] = await queue.claim();
    await sql`select mark_job_failed(${id}, ${error}, ${job.lease_token})`;
    assert.equal((await queue.row(id)).status, "failed");
    await sql`select retry_failed_jobs(${[id]})`;
    const row = await queue.row(id);
    assert.deepEqual([row.status, row.error, row.completed_at], ["queued", error, null]);
  }
});

Deno.test("a run after a retry has its own beginning and its own deadline", async () => {
  const late = await queue.running({ max_retries: 0, timeout_seconds: 20 });
  const { id } = late;
  await queue.overrun(id);
  await queue.finishAndClaim([{ ...lease(late), outcome: "timed_out" }]);
  await sql`select retry_failed_jobs()`;
  const job = await queue.running({ priority: 1 });
  await sql`select mark_job_completed(${job.id})`;
  const [again] = await queue.claim();
  assert.equal(again.id, id);
  assert.deepEqual(await queue.heartbeat([lease(again)]), [
    "held",
  ]);
});

Deno.test("a cancelled job is not retried, not even by its id", async () => {
  const id = await queue.enqueue();
  await sql`select cancel_job(${id})`;
  const [{ retried }] = await sql`select retry_failed_jobs(${[id]}) as retried`;
  assert.equal(retried, 0);
  assert.equal((await queue.row(id)).status, "cancelled");
});

Deno.test("the worker whose report made a job fail has no more say after a retry", async () => {
  const id = await queue.enqueue({ max_retries: 0 });
  const [job] = await queue.claim();
  await sql`select mark_job_failed(${id}, 'x', ${job.lease_token})`;
  await sql`select retry_failed_jobs()`;
  await refused("JQ002", sql`select mark_job_failed(${id}, 'x', ${job.lease_token})`);
});

Deno.test("cleanup deletes what ended long ago and counts it; failed and younger jobs stay", async () => {
  const old = [await ended("completed", 31), await ended("cancelled", 31)];
  const kept = [
    await ended("completed", 29),
    await ended("failed", 31),
    await queue.enqueue({ run_at: "2000-01-01T00:00:00Z" }),
  ];
  const [{ deleted }] = await sql`select cleanup_old_jobs(30) as deleted`;
  assert.equal(deleted, 2);
  for (const id of old) assert.equal(await queue.row(id), undefined);
  for (const id of kept) assert.ok(await queue.row(id));
});

Deno.test("cleanup deletes the steps and failures of a job with it, and no others", async () => {
  const withHistory = async (): Promise<string> => {
    const job = await queue.running();
    await sql`select save_job_step(${job.id}, ${job.lease_token}, 'one', '1')`;
    await sql`select start_job_step(${job.id}, ${job.lease_token}, 'two')`;
    await sql`select mark_job_failed(${job.id}, 'x', ${job.lease_token}, retry_after_seconds => 0)`;
    await queue.claim();
    await sql`select mark_job_completed(${job.id})`;
    return job.id;
  };
  const [old, young] = [await withHistory(), await withHistory()];
  await sql`update jobs set completed_at = now() - interval '31 days' where id = ${old}`;
  await sql`select cleanup_old_jobs()`;
  const left = await sql`
    select job_id from job_steps union all select job_id from job_failures`;
  assert.deepEqual(left.map((row) => row.job_id), [young, young, young]);
});

Deno.test("cleanup goes by the end of a job, not by its beginning", async () => {
  const id = await ended("completed", 1);
  await sql`update jobs set created_at = now() - interval '90 days' where id = ${id}`;
  const [{ deleted }] = await sql`select cleanup_old_jobs() as deleted`;
  assert.equal(deleted, 0);
});

Deno.test("cleanup deletes no more than max_jobs in one call, the oldest first", async () => {
  const ids = [
    await ended("completed", 40),
    await ended("completed", 60),
    await ended("completed", 50),
  ];
  const [{ deleted }] = await sql`select cleanup_old_jobs(30, 2) as deleted`;
  assert.equal(deleted, 2);
  assert.ok(await queue.row(ids[0]));
});

Deno.test("cleanup gets through several batches in one call", async () => {
  await sql`
    insert into jobs (job_type, status, completed_at)
    select 'test', 'completed', now() - interval '31 days' from generate_series(1, 1200)`;
  const [{ deleted }] = await sql`select cleanup_old_jobs(30) as deleted`;
  assert.equal(deleted, 1_200);
});

Deno.test("impossible numbers are refused by name", async () => {
  assert.match(await refused("JQ004", sql`select cleanup_old_jobs(-1)`), /^days_to_keep: /);
  assert.match(await refused("JQ004", sql`select cleanup_old_jobs(1, 0)`), /^max_jobs: /);
  assert.match(await refused("JQ004", sql`select retry_failed_jobs(max_jobs => 0)`), /^max_jobs: /);
});
