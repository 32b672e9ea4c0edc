// heartbeat_jobs: keeping leases, showing progress, hearing of cancellation.

import assert from "node:assert/strict";
import { refused, testDatabase } from "../support/database.ts";
import { lease, queueOn } from "../support/queue.ts";

const db = await testDatabase();
const queue = queueOn(db.service);

Deno.test.beforeEach(async () => {
  await db.admin`truncate jobs cascade`;
});

Deno.test("a heartbeat renews the leases of all jobs and stores their progress", async () => {
  await queue.enqueueMany([{ job_type: "test" }, { job_type: "test" }]);
  const [one, two] = await queue.claim(2);
  const progress = { phase: "photos", done: 3, total: 12 };
  assert.deepEqual(await queue.heartbeat([{ ...lease(one), progress }, lease(two)], 90), [
    "held",
    "held",
  ]);
  for (const job of [one, two]) {
    const row = await queue.row(job.id);
    assert.equal(row.lease_expires_at!.getTime() - row.updated_at.getTime(), 90_000);
  }
  assert.deepEqual((await queue.row(one.id)).progress, progress);
  assert.equal((await queue.row(two.id)).progress, null);
});

Deno.test("a heartbeat without progress leaves the last progress", async () => {
  await queue.enqueue();
  const [job] = await queue.claim();
  await queue.heartbeat([{ ...lease(job), progress: { done: 1 } }]);
  await queue.heartbeat([lease(job)]);
  assert.deepEqual((await queue.row(job.id)).progress, { done: 1 });
});

Deno.test("the answer is parallel to the jobs: held, cancelled and lost", async () => {
  await queue.enqueueMany(Array.from({ length: 3 }, () => ({ job_type: "test" })));
  const [held, cancelled, done] = await queue.claim(3);
  await db.service`select cancel_job(${cancelled.id})`;
  await db.service`select mark_job_completed(${done.id})`;
  const stranger = { job_id: held.id, lease_token: crypto.randomUUID() };
  assert.deepEqual(
    await queue.heartbeat([lease(done), stranger, lease(cancelled), lease(held)]),
    ["lost", "lost", "cancelled", "held"],
  );
});

Deno.test("a lost heartbeat changes nothing", async () => {
  await queue.enqueue();
  const [old] = await queue.claim();
  await queue.expireLease(old.id);
  await queue.claim();
  const before = await queue.row(old.id);
  const late = { ...lease(old), progress: { done: 99 } };
  assert.deepEqual(await queue.heartbeat([late]), ["lost"]);
  assert.deepEqual(await queue.row(old.id), before);
});

Deno.test("a job named twice is held twice, and a stale token beside the right one writes nothing", async () => {
  const job = await queue.running();
  const stale = { job_id: job.id, lease_token: crypto.randomUUID(), progress: { stale: true } };
  const answers = await queue.heartbeat([stale, lease(job), lease(job), stale]);
  assert.deepEqual(answers, ["lost", "held", "held", "lost"]);
  assert.equal((await queue.row(job.id)).progress, null);
});

Deno.test("no jobs, no answers", async () => {
  assert.deepEqual(await queue.heartbeat([]), []);
});

Deno.test("bad arguments are refused by name", async () => {
  assert.match(await refused("JQ004", queue.heartbeat({})), /^jobs: /);
  assert.match(await refused("JQ004", queue.heartbeat([], 0)), /^lease_seconds: /);
});
