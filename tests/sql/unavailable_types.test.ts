// Types that workers know but cannot run now, as without a key: operators are told at once, and the jobs wait.

import assert from "node:assert/strict";
import { testDatabase } from "../support/database.ts";
import { lease, queueOn } from "../support/queue.ts";

const db = await testDatabase();
const queue = queueOn(db.service);
const sql = db.service;

const REASON = "the key was refused";

Deno.test.beforeEach(async () => {
  await db.admin`truncate jobs, job_types, job_queue.workers cascade`;
});

/** A worker claims; its reasons are told whatever it claims. */
const claim = (worker: string, types: string[], unavailable: Record<string, string> = {}) =>
  sql`select finish_and_claim_jobs(
    max_jobs => 1, job_types => ${types}, worker_id => ${worker}, unavailable => ${
    sql.json(unavailable)
  })`;

async function told(): Promise<Record<string, string>> {
  return (await sql`select job_queue_health() -> 'unavailable' as types`)[0].types;
}

async function checked(part: string) {
  const findings = await sql`select * from check_job_queue()`;
  return findings.find((finding) => finding.part === part)!;
}

Deno.test("a type that cannot be run now is told at once, with the reason, and not as one that nobody knows", async () => {
  await queue.enqueue({ job_type: "report" });
  await claim("one", ["mail"]);
  assert.equal((await checked("availability")).is_healthy, true);
  await claim("one", ["mail"], { report: REASON });
  assert.deepEqual(await told(), { report: REASON });
  const { is_healthy, finding, remedy } = await checked("availability");
  assert.deepEqual([is_healthy, finding], [false, `cannot run now: report (${REASON})`]);
  assert.match(remedy, /supabase secrets set/);
  assert.equal((await checked("job types")).is_healthy, true);
  assert.deepEqual((await sql`select job_queue_health() -> 'not_run' as types`)[0].types, []);
});

Deno.test("it is over as soon as a worker can run the type again, whichever it is", async () => {
  await claim("one", ["mail"], { report: REASON });
  await claim("two", ["mail", "report"]);
  assert.deepEqual(await told(), {});
  await claim("one", ["mail"], { report: "still" });
  assert.deepEqual(await told(), { report: "still" });
  await claim("one", ["mail", "report"]);
  assert.deepEqual(await told(), {});
});

Deno.test("while one job is tried the type stays unavailable", async () => {
  await claim("one", ["mail", "report"], { report: REASON });
  assert.deepEqual(await told(), { report: REASON });
});

Deno.test("what a worker said that was not heard of for ten minutes is forgotten", async () => {
  await claim("one", [], { report: REASON });
  await db.admin`update job_queue.workers set seen_at = seen_at - interval '11 minutes'`;
  assert.deepEqual(await told(), {});
});

Deno.test("reasons that are no object are refused by name", async () => {
  await assert.rejects(
    sql`select finish_and_claim_jobs(max_jobs => 1, worker_id => 'one', unavailable => '[]')`,
    /unavailable: expected an object/,
  );
});

Deno.test("a job that goes back says what it waits for, uses no attempt, and forgets it when it is done", async () => {
  const job = await queue.running({ max_retries: 0 });
  const waiting = "waiting: a service is not available";
  const back = { ...lease(job), outcome: "released", error_message: waiting };
  for (let said = 0; said < 2; said++) {
    assert.deepEqual((await queue.finishAndClaim([back])).finished, ["queued"]);
  }
  const row = await queue.row(job.id);
  assert.deepEqual([row.status, row.error, row.retry_count], ["queued", waiting, 0]);
  assert.deepEqual([...await sql`select from job_failures where job_id = ${job.id}`], []);
  const [again] = await queue.claim();
  await queue.finishAndClaim([{ ...lease(again), outcome: "completed", output_data: 1 }]);
  assert.equal((await queue.row(job.id)).error, null);
});

Deno.test("a job may wait so for weeks: three hundred rests and more do it no harm", async () => {
  const id = await queue.enqueue({ max_retries: 0 });
  for (let rest = 0; rest < 320; rest++) {
    const [job] = await queue.claim();
    await queue.finishAndClaim([{
      ...lease(job),
      outcome: "released",
      error_message: "waiting",
      is_counted: false,
    }]);
  }
  const row = await queue.row(id);
  assert.deepEqual([row.status, row.retry_count], ["queued", 0]);
});

Deno.test("a release that says nothing leaves the last error of the job as it is", async () => {
  const job = await queue.running({ max_retries: 1 });
  await queue.finishAndClaim([{
    ...lease(job),
    outcome: "failed",
    error_message: "first",
    retry_after_seconds: 0,
  }]);
  await sql`select rescue_expired_jobs()`;
  await queue.makeDue(job.id);
  const [again] = await queue.claim();
  await queue.finishAndClaim([{ ...lease(again), outcome: "released" }]);
  assert.equal((await queue.row(job.id)).error, "first");
});
