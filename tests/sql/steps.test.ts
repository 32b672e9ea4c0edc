// save_job_step: what was paid for is kept.

import assert from "node:assert/strict";
import { refused, testDatabase } from "../support/database.ts";
import { type ClaimedJob, queueOn } from "../support/queue.ts";

const db = await testDatabase();
const queue = queueOn(db.service);

Deno.test.beforeEach(async () => {
  await db.admin`truncate jobs cascade`;
});

async function save(job: ClaimedJob, name: string, result: unknown, progress: unknown = null) {
  const sql = db.service;
  const [{ answer }] = await sql`
    select save_job_step(
      ${job.id}, ${job.lease_token}, ${name}, ${sql.json(result as never)},
      ${progress === null ? null : sql.json(progress as never)}, 90
    ) as answer`;
  return answer;
}

Deno.test("saved steps come back with the next claim, whatever became of the worker", async () => {
  const job = await queue.running();
  assert.equal(await save(job, "batch/1", { n: 1 }), "held");
  assert.equal(await save(job, "batch/2", [2]), "held");
  await queue.expireLease(job.id);
  const [again] = await queue.claim();
  assert.deepEqual(again.steps, { "batch/1": { n: 1 }, "batch/2": [2] });
});

Deno.test("the first result of a step stays, and a repeat is harmless", async () => {
  const job = await queue.running();
  await save(job, "one", { n: 1 });
  assert.equal(await save(job, "one", { n: 2 }), "held");
  assert.equal((await queue.row(job.id)).step_count, 1);
  await queue.expireLease(job.id);
  assert.deepEqual((await queue.claim())[0].steps, { one: { n: 1 } });
});

Deno.test("a step without a result is still a finished step", async () => {
  const job = await queue.running();
  await db.service`select save_job_step(${job.id}, ${job.lease_token}, 'mail', null)`;
  await queue.expireLease(job.id);
  assert.deepEqual((await queue.claim())[0].steps, { mail: null });
});

Deno.test("saving a step renews the lease and shows progress", async () => {
  const job = await queue.running();
  await save(job, "one", {}, { done: 1, total: 2 });
  const row = await queue.row(job.id);
  assert.ok(row.lease_expires_at! > job.lease_expires_at);
  assert.deepEqual(row.progress, { done: 1, total: 2 });
});

Deno.test("a job that is to be cancelled is told so, and its step is kept all the same", async () => {
  const job = await queue.running();
  await db.service`select cancel_job(${job.id})`;
  assert.equal(await save(job, "one", { n: 1 }), "cancelled");
  assert.equal((await queue.row(job.id)).step_count, 1);
});

Deno.test("a step of a worker that lost its lease is not kept", async () => {
  const job = await queue.running();
  await queue.expireLease(job.id);
  await queue.claim();
  await refused("JQ002", save(job, "late", {}));
  assert.equal((await queue.row(job.id)).step_count, 0);
  assert.deepEqual([...await db.admin`select from job_steps`], []);
});

Deno.test("a step needs a name of reasonable length", async () => {
  const job = await queue.running();
  for (const name of ["", "x".repeat(201)]) {
    assert.match(await refused("JQ004", save(job, name, {})), /^name: /);
  }
});

Deno.test("steps survive a manual retry and go with the job", async () => {
  const job = await queue.running({ max_retries: 0 });
  await save(job, "one", { n: 1 });
  await db.service`select mark_job_failed(${job.id}, 'x', ${job.lease_token})`;
  await db.service`select retry_failed_jobs()`;
  assert.deepEqual((await queue.claim())[0].steps, { one: { n: 1 } });
  await db.service`delete from jobs where id = ${job.id}`;
  assert.deepEqual([...await db.admin`select from job_steps`], []);
});
