// Jobs of dead workers: every claim rescues them.

import assert from "node:assert/strict";
import { testDatabase } from "../support/database.ts";
import { queueOn } from "../support/queue.ts";

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
