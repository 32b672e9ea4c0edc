// job_failures: one row for every run that failed, and none for any other.

import assert from "node:assert/strict";
import { testDatabase } from "../support/database.ts";
import { type ClaimedJob, lease, queueOn } from "../support/queue.ts";

const db = await testDatabase();
const queue = queueOn(db.service);
const sql = db.service;

Deno.test.beforeEach(async () => {
  await db.admin`truncate jobs cascade`;
});

async function failures(id: string) {
  return [
    ...await sql`
    select worker_id, started_at, failed_at, error, extract(epoch from duration)::float as seconds
    from job_failures where job_id = ${id} order by id`,
  ];
}

async function claimedBy(worker: string): Promise<ClaimedJob> {
  const [job] = await sql<ClaimedJob[]>`select * from get_next_job(worker_id => ${worker})`;
  return job;
}

Deno.test("every failed run is kept: when, on which worker, for how long, and why", async () => {
  const id = await queue.enqueue({ max_retries: 1 });
  for (const worker of ["first", "second"]) {
    const job = await claimedBy(worker);
    await sql`
      update jobs set started_at = started_at - interval '90 seconds' where id = ${id}`;
    await sql`
      select mark_job_failed(${id}, ${`${worker} failed`}, ${job.lease_token}, retry_after_seconds => 0)`;
  }
  const [first, second] = await failures(id);
  assert.deepEqual([first.worker_id, first.error], ["first", "first failed"]);
  assert.deepEqual([second.worker_id, second.error], ["second", "second failed"]);
  for (const { started_at, failed_at, seconds } of [first, second]) {
    assert.ok(seconds >= 90);
    // Dates have milliseconds, the database has microseconds.
    assert.ok(Math.abs((failed_at.getTime() - started_at.getTime()) / 1_000 - seconds) < 0.002);
  }
  assert.deepEqual(second.failed_at, (await queue.row(id)).completed_at);
});

/** Ways for a run to end that are failures. */
const failed: [string, string, (job: ClaimedJob) => Promise<unknown>][] = [
  ["reported in a batch", "x", (job) => report(job, "failed", { error_message: "x" })],
  ["permanent", "x", (job) => report(job, "failed", { error_message: "x", retryable: false })],
  ["without a reason", "the worker gave no reason", (job) => report(job, "failed")],
  ["handed over in vain", "handed over without a new step", (job) => report(job, "handed_over")],
  ["on a dead worker", "lease expired: the worker stopped without a word", rescue],
  ["out of time", "timed out after 20 seconds", (job) => report(job, "timed_out")],
  ["out of time, and reported as if it were not", "timed out after 20 seconds", async (job) => {
    await queue.overrun(job.id);
    await report(job, "completed");
  }],
];
for (const [what, error, end] of failed) {
  Deno.test(`a run that failed (${what}) is recorded once, however often it is reported`, async () => {
    await queue.enqueue({ timeout_seconds: 20 });
    const job = await claimedBy("the worker");
    if (what === "on a dead worker") await queue.expireLease(job.id);
    await end(job);
    await end(job);
    const rows = await failures(job.id);
    assert.deepEqual(rows.map((row) => [row.worker_id, row.error]), [["the worker", error]]);
    assert.equal((await queue.row(job.id)).error, error);
  });
}

/** Ways for a run to end that are none. */
const unharmed: [string, (job: ClaimedJob) => Promise<unknown>][] = [
  ["completed", (job) => report(job, "completed")],
  ["released", (job) => report(job, "released")],
  ["released to rest", (job) => report(job, "released", { retry_after_seconds: 60 })],
  ["handed over with a new step", async (job) => {
    await sql`select save_job_step(${job.id}, ${job.lease_token}, 'one', '1')`;
    await report(job, "handed_over");
  }],
  ["cancelled", (job) => report(job, "cancelled")],
  ["failed, but it was to be cancelled", async (job) => {
    await sql`select cancel_job(${job.id})`;
    await report(job, "failed");
  }],
  ["on a dead worker, but it was to be cancelled", async (job) => {
    await sql`select cancel_job(${job.id})`;
    await queue.expireLease(job.id);
    await rescue();
  }],
  [
    "under a token that is not the job's",
    (job) => report({ ...job, lease_token: crypto.randomUUID() }, "failed"),
  ],
];
for (const [what, end] of unharmed) {
  Deno.test(`a run that did not fail (${what}) is not recorded`, async () => {
    const job = await queue.running();
    await end(job);
    assert.deepEqual(await failures(job.id), []);
  });
}

Deno.test("a batch records the failures in it and no others", async () => {
  await queue.enqueueMany(Array.from({ length: 6 }, () => ({ job_type: "test" })));
  const jobs = await queue.claim(6);
  await queue.finishAndClaim(jobs.map((job, i) => ({
    ...lease(job),
    outcome: i % 2 ? "failed" : "completed",
    error_message: `number ${i}`,
  })));
  const errors = await Promise.all(
    jobs.map(async (job) => (await failures(job.id)).map((row) => row.error)),
  );
  assert.deepEqual(errors, [[], ["number 1"], [], ["number 3"], [], ["number 5"]]);
});

Deno.test("where each of a batch threw is kept for operators, cut to 2,000 characters, and in no job", async () => {
  const jobs = await queue.enqueueMany(Array.from({ length: 3 }, () => ({ job_type: "test" })))
    .then(() => queue.claim(3));
  const stacks = ["at one.ts:1:2", "x".repeat(3_000), undefined];
  await queue.finishAndClaim(jobs.map((job, i) => ({
    ...lease(job),
    outcome: "failed",
    error_message: `number ${i}`,
    error_stack: stacks[i],
  })));
  const kept = await Promise.all(jobs.map(async (job) => {
    const [failure] = await sql`select error, stack from job_failures where job_id = ${job.id}`;
    assert.ok(!JSON.stringify(await queue.row(job.id)).includes("one.ts"));
    return [failure.error, failure.stack];
  }));
  assert.deepEqual(kept, [
    ["number 0", "at one.ts:1:2"],
    ["number 1", "x".repeat(2_000)],
    ["number 2", null],
  ]);
});

Deno.test("failures survive a manual retry and go with the job", async () => {
  const job = await queue.running({ max_retries: 0 });
  await report(job, "failed");
  await sql`select retry_failed_jobs()`;
  assert.equal((await failures(job.id)).length, 1);
  await sql`delete from jobs where id = ${job.id}`;
  assert.equal((await failures(job.id)).length, 0);
});

async function rescue(): Promise<void> {
  await sql`select rescue_expired_jobs()`;
}

function report(job: ClaimedJob, outcome: string, options = {}): Promise<unknown> {
  return queue.finishAndClaim([{ ...lease(job), outcome, ...options }]);
}
