// Jobs that may run for less time than a claim takes: their worker gives them back unbegun, again and again.

import assert from "node:assert/strict";
import { testDatabase } from "../support/database.ts";
import { lease, queueOn } from "../support/queue.ts";

const db = await testDatabase();
const queue = queueOn(db.service);
const sql = db.service;

Deno.test.beforeEach(async () => {
  await db.admin`truncate jobs, job_queue.failed_parts cascade`;
});

const reason = "the time allowed is shorter than a claim takes: 1 s, and the last took 1200 ms";

/** Claims the one job, whose time is up when that is answered. */
async function claimLate(id: string, isIdle = false): Promise<string> {
  await queue.makeDue(id);
  const { jobs: [job] } = await queue.finishAndClaim([], { maxJobs: 1, isIdle });
  await queue.pass(1.2);
  const result = {
    ...lease(job),
    outcome: "released",
    error_message: reason,
    retry_after_seconds: 5,
    is_late: true,
    was_in_time: true,
  };
  return (await queue.finishAndClaim([result])).finished[0];
}

const finding = async () =>
  (await sql`select finding, is_healthy, remedy from check_job_queue() where part = 'tick'`)[0];

Deno.test("a job that is claimed too late rests and says why, and the operator is told, for as long as it goes on", async () => {
  const id = await queue.enqueue({ timeout_seconds: 1 });
  assert.equal(await claimLate(id), "queued");
  const { waiting_for, error, retry_count, run_at, updated_at } = await queue.row(id);
  assert.deepEqual([waiting_for, error, retry_count], ["time", reason, 0]);
  assert.equal(run_at.getTime() - updated_at.getTime(), 5_000);
  const { is_healthy, finding: found, remedy } = await finding();
  assert.equal(is_healthy, false);
  assert.match(
    found,
    /^begin in time has failed 1 times .*the time allowed is shorter than a claim/,
  );
  assert.match(remedy, /^raise timeout_seconds/);
  const [{ health }] = await sql`select job_queue_health() as health`;
  assert.equal(health.failed_parts[0].part, "begin in time");
  await db.admin`
    update job_queue.failed_parts set failed_at = now() - interval '2 minutes' where part = 'begin in time'`;
  await sql`select tend_job_queue()`;
  assert.equal((await finding()).is_healthy, true);
});

Deno.test("that happens to a job 300 times in a row and no more: then it uses an attempt, and in the end it fails and says why", async () => {
  const id = await queue.enqueue({ timeout_seconds: 1, max_retries: 1 });
  let claims = 0;
  for (; (await queue.row(id)).status !== "failed"; claims++) {
    await claimLate(id);
    // What is in between does not count here.
    await sql`update jobs set free_releases = 300 where id = ${id} and free_releases = 3`;
  }
  assert.equal(claims, 8);
  const { error, retry_count } = await queue.row(id);
  assert.deepEqual(
    [error, retry_count],
    [`released 300 times in a row without a new step: ${reason}`, 1],
  );
});

Deno.test("a job that may have killed its worker is no less suspect for being claimed too late", async () => {
  const id = await queue.enqueue({ timeout_seconds: 1 });
  await db.admin`update jobs set suspicion = 2, waiting_for = 'isolation' where id = ${id}`;
  assert.equal(await claimLate(id, true), "queued");
  const { suspicion, waiting_for } = await queue.row(id);
  assert.deepEqual([suspicion, waiting_for], [2, "time"]);
  await queue.makeDue(id);
  const innocent = await queue.enqueue();
  const { jobs } = await queue.finishAndClaim([], { maxJobs: 2 });
  assert.deepEqual(jobs.map((job) => job.id), [innocent]);
});

for (
  const [outcome, status] of Object.entries({
    released: "queued",
    completed: "completed",
    cancelled: "cancelled",
  })
) {
  Deno.test(`a job that a worker calls late without a reason is ${outcome} like any other`, async () => {
    const job = await queue.running({ timeout_seconds: 100 });
    const { finished } = await queue.finishAndClaim([{ ...lease(job), outcome, is_late: true }]);
    assert.deepEqual(finished, [status]);
    assert.equal((await finding()).is_healthy, outcome !== "released");
  });
}

Deno.test("others are claimed while a job that was claimed too late rests", async () => {
  const late = await queue.enqueue({ timeout_seconds: 1, priority: 9 });
  assert.equal(await claimLate(late), "queued");
  const other = await queue.enqueue();
  assert.deepEqual((await queue.claim(2)).map(({ id }) => id), [other]);
});
