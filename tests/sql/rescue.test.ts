// Jobs of dead workers, and jobs that run too long: every claim rescues them.

import assert from "node:assert/strict";
import { refused, testDatabase } from "../support/database.ts";
import { lease, queueOn } from "../support/queue.ts";

const db = await testDatabase();
const queue = queueOn(db.service);
const sql = db.service;

Deno.test.beforeEach(async () => {
  await db.admin`truncate jobs cascade`;
});

Deno.test("a job whose lease has ended is handed out again at once, and has lost no attempt", async () => {
  const job = await queue.running();
  await queue.expireLease(job.id);
  const [again] = await queue.claim();
  assert.equal(again.id, job.id);
  assert.equal(again.retry_count, 0);
  assert.notEqual(again.lease_token, job.lease_token);
  assert.match((await queue.row(job.id)).error!, /lease expired/);
});

Deno.test("a job whose lease holds is left alone", async () => {
  const job = await queue.running();
  assert.deepEqual(await queue.claim(), []);
  assert.equal((await queue.row(job.id)).lease_token, job.lease_token);
});

Deno.test("a job that loses its workers while it is alone is rescued as often as it may be retried, then it fails", async () => {
  const { id } = await queue.running({ max_retries: 2 });
  await queue.expireLease(id);
  for (const retry of [0, 1, 2]) {
    assert.equal((await queue.claim())[0].retry_count, retry);
    await queue.expireLease(id);
    await sql`select rescue_expired_jobs()`;
    await queue.makeDue(id);
  }
  assert.deepEqual(await queue.claim(), []);
  const row = await queue.row(id);
  assert.deepEqual([row.status, row.retry_count, row.lease_token], ["failed", 2, null]);
  assert.equal(row.error, "the worker died while it ran alone");
});

Deno.test("a claim of another type rescues too", async () => {
  const job = await queue.running();
  await queue.expireLease(job.id);
  await queue.finishAndClaim([], { maxJobs: 1, jobTypes: ["another"] });
  const row = await queue.row(job.id);
  assert.deepEqual([row.status, row.waiting_for, row.retry_count], ["queued", "isolation", 0]);
});

Deno.test("a great many dead workers' jobs are rescued over several claims", async () => {
  const ids = await queue.enqueueMany(Array.from({ length: 250 }, () => ({ job_type: "test" })));
  await queue.claim(250);
  await sql`update jobs set lease_expires_at = now() - interval '1 second' where status = 'processing'`;
  const taken: string[] = [];
  for (let call = 0; call < 3; call++) {
    taken.push(...(await queue.claim(100)).map((job) => job.id));
  }
  assert.deepEqual(taken.sort(), ids.sort());
});

Deno.test("no heartbeat carries a job beyond its timeout", async () => {
  const job = await queue.running({ timeout_seconds: 20 });
  assert.deepEqual(await queue.heartbeat([lease(job)], 3_600), ["held"]);
  const row = await queue.row(job.id);
  assert.equal(row.lease_expires_at!.getTime() - row.started_at!.getTime(), 20_000);
});

Deno.test("a job that overran its timeout is lost to its worker, even if that still breathes", async () => {
  const job = await queue.running({ timeout_seconds: 20 });
  await queue.overrun(job.id);
  assert.deepEqual(await queue.heartbeat([lease(job)]), ["lost"]);
  await refused("JQ002", sql`select mark_job_completed(${job.id}, '{}', ${job.lease_token})`);
  await refused("JQ002", sql`select save_job_step(${job.id}, ${job.lease_token}, 'a', '{}')`);
  const { finished } = await queue.finishAndClaim([{ ...lease(job), outcome: "completed" }]);
  assert.deepEqual(finished, ["lost"]);
});

Deno.test("a job that overran its timeout is tried again after its backoff, and fails when no retries are left", async () => {
  const { id } = await queue.running({ timeout_seconds: 20, max_retries: 1 });
  await queue.overrun(id);
  await queue.claim(1, ["another type"]);
  const retried = await queue.row(id);
  assert.deepEqual(
    [retried.status, retried.waiting_for, retried.retry_count, retried.error],
    ["queued", "retry", 1, "timed out after 20 seconds"],
  );
  const backoff = retried.run_at.getTime() - retried.updated_at.getTime();
  assert.ok(backoff >= 0 && backoff <= 10_000, `${backoff} ms`);
  await queue.makeDue(id);
  assert.equal((await queue.claim())[0].id, id);
  await queue.overrun(id);
  assert.deepEqual(await queue.claim(), []);
  const failed = await queue.row(id);
  assert.deepEqual(
    [failed.status, failed.retry_count, failed.error],
    ["failed", 1, "timed out after 20 seconds"],
  );
});

Deno.test("a worker that died before the deadline did not run out of time, however late it is found", async () => {
  const { id } = await queue.running({ timeout_seconds: 60 });
  await sql`
    update jobs
    set started_at = started_at - interval '1 hour', deadline_at = deadline_at - interval '1 hour',
        lease_expires_at = lease_expires_at - interval '1 hour'
    where id = ${id}`;
  assert.equal((await queue.claim())[0].id, id);
  assert.match((await queue.row(id)).error!, /lease expired/);
});

Deno.test("the timeout counts anew for each attempt", async () => {
  const { id } = await queue.running({ timeout_seconds: 20 });
  await queue.overrun(id);
  await queue.claim(1, ["another type"]);
  await queue.makeDue(id);
  const [again] = await queue.claim();
  assert.deepEqual(await queue.heartbeat([lease(again)]), ["held"]);
});
