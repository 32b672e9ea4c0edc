// cancel_job: queued at once, running by way of its worker, final not at all.

import assert from "node:assert/strict";
import { refused, testDatabase } from "../support/database.ts";
import { type ClaimedJob, lease, queueOn } from "../support/queue.ts";

const db = await testDatabase();
const queue = queueOn(db.service);
const sql = db.service;

Deno.test.beforeEach(async () => {
  await db.admin`truncate jobs cascade`;
});

async function cancel(id: string): Promise<string> {
  const [{ status }] = await sql`select cancel_job(${id}) as status`;
  return status;
}

async function cancelledWhileRunning(): Promise<ClaimedJob> {
  const id = await queue.enqueue();
  const [job] = await queue.claim();
  assert.equal(await cancel(id), "processing");
  return job;
}

Deno.test("a queued job is cancelled at once and never handed out", async () => {
  const id = await queue.enqueue();
  assert.equal(await cancel(id), "cancelled");
  assert.ok((await queue.row(id)).completed_at);
  assert.deepEqual(await queue.claim(), []);
});

Deno.test("a waiting job is cancelled at once", async () => {
  const id = await queue.enqueue({ delay_seconds: 60 });
  assert.equal(await cancel(id), "cancelled");
  assert.equal((await queue.row(id)).waiting_for, null);
});

Deno.test("a running job goes on until its worker has heard of it and says so", async () => {
  const job = await cancelledWhileRunning();
  assert.deepEqual(await queue.heartbeat([lease(job)]), ["cancelled"]);
  assert.equal((await queue.row(job.id)).status, "processing");
  const { finished } = await queue.finishAndClaim([{ ...lease(job), outcome: "cancelled" }]);
  assert.deepEqual(finished, ["cancelled"]);
});

Deno.test("confirming the start of a cancelled job is refused", async () => {
  const job = await cancelledWhileRunning();
  await refused("JQ001", sql`select mark_job_processing(${job.id}, ${job.lease_token})`);
});

Deno.test("a cancelled job that fails is not tried again", async () => {
  const job = await cancelledWhileRunning();
  await sql`select mark_job_failed(${job.id}, 'x', ${job.lease_token})`;
  const row = await queue.row(job.id);
  assert.deepEqual([row.status, row.retry_count], ["cancelled", 0]);
});

Deno.test("a cancelled job that is handed back is not handed out again", async () => {
  const job = await cancelledWhileRunning();
  await sql`select release_job(${job.id}, ${job.lease_token})`;
  assert.equal((await queue.row(job.id)).status, "cancelled");
});

Deno.test("a cancelled job whose worker had finished it is completed", async () => {
  const job = await cancelledWhileRunning();
  await sql`select mark_job_completed(${job.id}, '{"n": 1}', ${job.lease_token})`;
  assert.equal((await queue.row(job.id)).status, "completed");
});

Deno.test("a job whose worker ended it as cancelled cannot be completed by it", async () => {
  const job = await cancelledWhileRunning();
  await queue.finishAndClaim([{ ...lease(job), outcome: "cancelled" }]);
  await refused("JQ001", sql`select mark_job_completed(${job.id}, '{}', ${job.lease_token})`);
});

Deno.test("a cancelled job whose worker died is cancelled by its rescue", async () => {
  const job = await cancelledWhileRunning();
  await queue.expireLease(job.id);
  assert.deepEqual(await queue.claim(), []);
  assert.equal((await queue.row(job.id)).status, "cancelled");
});

Deno.test("asking twice to cancel a running job keeps the first time", async () => {
  const job = await cancelledWhileRunning();
  const first = (await queue.row(job.id)).cancel_requested_at;
  assert.equal(await cancel(job.id), "processing");
  assert.deepEqual((await queue.row(job.id)).cancel_requested_at, first);
});

Deno.test("final jobs are not cancelled", async () => {
  const id = await queue.enqueue();
  await queue.claim();
  await sql`select mark_job_completed(${id})`;
  await refused("JQ005", cancel(id));
  const cancelled = await queue.enqueue();
  await cancel(cancelled);
  await refused("JQ005", cancel(cancelled));
});

Deno.test("a job that does not exist is refused as such", async () => {
  await refused("JQ003", cancel(crypto.randomUUID()));
});
