// abandon_jobs: the last words of a worker that has crashed.

import assert from "node:assert/strict";
import { refused, testDatabase } from "../support/database.ts";
import { queueOn } from "../support/queue.ts";

const db = await testDatabase();
const queue = queueOn(db.service);

Deno.test.beforeEach(async () => {
  await db.admin`truncate jobs, job_queue.settled_claims cascade`;
});

async function abandon(results: unknown, leaseTokens: string[] = []): Promise<string[]> {
  const sql = db.service;
  const [{ answer }] = await sql`
    select abandon_jobs(${sql.json(results as never)}, ${leaseTokens}) as answer`;
  return answer;
}

const claimOf = (leaseToken: string, repetition = 0) =>
  queue.finishAndClaim([], { maxJobs: 2, leaseToken, repetition });

Deno.test("a crashed worker's results are stored like any others", async () => {
  const job = await queue.running();
  const result = { job_id: job.id, lease_token: job.lease_token, outcome: "completed" };
  assert.deepEqual(await abandon([result]), ["completed"]);
  assert.deepEqual(await abandon([result]), ["completed"], "said twice");
  assert.equal((await queue.row(job.id)).status, "completed");
});

Deno.test("what a crashed worker has just claimed is released, and loses no attempt", async () => {
  const id = await queue.enqueue();
  const leaseToken = crypto.randomUUID();
  await claimOf(leaseToken);
  await abandon([], [leaseToken]);
  const row = await queue.row(id);
  assert.deepEqual([row.status, row.retry_count, row.waiting_for], ["queued", 0, null]);
  assert.deepEqual([...await db.admin`select * from job_failures`], []);
});

Deno.test("a claim that arrives after the last words claims nothing", async () => {
  const id = await queue.enqueue();
  const leaseToken = crypto.randomUUID();
  await abandon([], [leaseToken]);
  assert.deepEqual((await claimOf(leaseToken)).jobs, []);
  assert.deepEqual((await claimOf(leaseToken, 1)).jobs, []);
  assert.equal((await queue.row(id)).status, "queued");
});

Deno.test("last words leave the jobs of other claims alone", async () => {
  const job = await queue.running();
  await abandon([], [crypto.randomUUID()]);
  assert.equal((await queue.row(job.id)).lease_token, job.lease_token);
});

Deno.test("last words that make no sense are refused by name", async () => {
  const message = await refused("JQ004", abandon([{ outcome: "completed" }]));
  assert.match(message, /^results\[0\]\.job_id: /);
});
