// Types that nobody knows or runs: told at once, by whoever is asked.

import assert from "node:assert/strict";
import { testDatabase } from "../support/database.ts";
import { queueOn } from "../support/queue.ts";

const db = await testDatabase();
const queue = queueOn(db.service);
const sql = db.service;

Deno.test.beforeEach(async () => {
  await db.admin`truncate jobs, job_types, job_queue.wake_ups, job_queue.workers cascade`;
  await db.admin`select remove_job_queue_setup()`;
});

const pause = async (type: string): Promise<string> =>
  (await sql`select pause_job_type(${type}) as answer`)[0].answer;

const ask = (worker: string, types: string[] | null) =>
  sql`select finish_and_claim_jobs(max_jobs => 1, job_types => ${types}, worker_id => ${worker})`;

async function checked(part: string) {
  const findings = await sql`select * from check_job_queue()`;
  return findings.find((finding) => finding.part === part)!;
}

const notRun = async (): Promise<string[]> =>
  (await sql`select job_queue_health() -> 'not_run' as types`)[0].types;

Deno.test("pausing a type by a name with a slip says so and names those that there are", async () => {
  await sql`insert into job_types (job_type) values ('configured')`;
  await queue.enqueue({ job_type: "waiting", delay_seconds: 60 });
  await queue.running({ job_type: "running" });
  await ask("one", ["asked for"]);
  const answer = await pause("runnning");
  assert.match(answer, /^paused, but nothing else knows the type runnning/);
  assert.match(answer, /Known types: asked for, configured, running, waiting$/);
  for (const type of ["configured", "waiting", "running", "asked for"]) {
    assert.equal(await pause(type), "paused");
  }
});

Deno.test("in an empty queue a pause says that nothing is known", async () => {
  assert.match(await pause("typo"), /Known types: none$/);
});

Deno.test("a type whose jobs have all ended is known", async () => {
  const job = await queue.running({ job_type: "done" });
  await sql`select mark_job_completed(${job.id})`;
  assert.equal(await pause("done"), "paused");
});

Deno.test("resuming a type that is not paused says so and names those that are", async () => {
  await pause("report");
  const resume = async (type: string) =>
    (await sql`select resume_job_type(${type}) as answer`)[0].answer;
  assert.equal(await resume("reprot"), "the type reprot was not paused. Paused types: report");
  assert.equal(await resume("report"), "resumed");
  assert.equal(await resume("report"), "the type report was not paused. Paused types: none");
});

Deno.test("a type that no worker asks for is told at once", async () => {
  await ask("one", ["mail"]);
  await ask("two", ["mail", "report"]);
  await queue.enqueueMany([{ job_type: "mail" }, { job_type: "reprot" }]);
  await queue.enqueue({ job_type: "later", delay_seconds: 60 });
  assert.deepEqual(await notRun(), ["later", "reprot"]);
  const { is_healthy, finding } = await checked("job types");
  assert.deepEqual([is_healthy, finding], [
    false,
    "no worker runs jobs of these types: reprot",
  ]);
  await pause("reprot");
  assert.equal((await checked("job types")).is_healthy, true, "it is paused on purpose");
});

for (
  const [what, prepare] of [
    ["no worker was heard of", () => Promise.resolve()],
    ["a worker runs every type", () => ask("one", null)],
    [
      "workers were heard of long ago",
      () =>
        ask("one", ["mail"]).then(() =>
          db.admin`update job_queue.workers set seen_at = now() - interval '11 minutes' where true`
        ),
    ],
  ] as [string, () => PromiseLike<unknown>][]
) {
  Deno.test(`when ${what}, no type is said to be run by nobody`, async () => {
    await prepare();
    await queue.enqueue({ job_type: "report" });
    assert.deepEqual(await notRun(), []);
    assert.equal((await checked("job types")).is_healthy, true);
  });
}

Deno.test("a worker is noted once a minute, not with every claim", async () => {
  await ask("one", ["mail"]);
  const seen = async () => (await db.admin`select seen_at, xmin from job_queue.workers`)[0];
  const first = await seen();
  for (let claim = 0; claim < 5; claim++) await ask("one", ["mail"]);
  assert.deepEqual(await seen(), first);
  await db.admin`update job_queue.workers set seen_at = now() - interval '2 minutes' where true`;
  await ask("one", ["mail"]);
  assert.ok((await seen()).seen_at >= first.seen_at);
});

Deno.test("two claims of one worker at once do not wait for each other", async () => {
  const other = db.connect();
  await other`set lock_timeout = '1ms'`;
  await sql.begin(async (transaction) => {
    const claim =
      "select finish_and_claim_jobs(max_jobs => 1, job_types => '{a}', worker_id => 'one')";
    await transaction.unsafe(claim);
    await other.unsafe(claim);
  });
});

for (
  const [what, statement] of [
    ["was deleted", "select cron.unschedule('tend-job-queue')"],
    ["was switched off", "update cron.job set active = false where true"],
  ]
) {
  Deno.test(`a cron job that ${what} is found at once`, async () => {
    await db.admin`
      select * from setup_job_queue('https://abc.supabase.co/functions/v1/process-queued-jobs', 'a-long-random-worker-token')`;
    await sql`select tend_job_queue()`;
    assert.equal((await checked("clock")).is_healthy, true);
    await db.admin.unsafe(statement);
    const { is_healthy, finding, remedy } = await checked("clock");
    assert.equal(is_healthy, false);
    assert.match(finding, /no active job tend-job-queue/);
    assert.match(remedy, /call setup_job_queue again/);
  });
}

for (const progress of [{ done: 0, total: 0 }, { done: 0, total: 0, phase: "x", message: "y" }]) {
  Deno.test(`a completed job's progress is not left at ${JSON.stringify(progress)}`, async () => {
    const job = await queue.running();
    await queue.heartbeat([{ job_id: job.id, lease_token: job.lease_token, progress }]);
    await sql`select mark_job_completed(${job.id}, '{}', ${job.lease_token})`;
    assert.deepEqual((await queue.row(job.id)).progress, { ...progress, done: 1, total: 1 });
  });
}

Deno.test("the progress of a job that failed, and any other, stays as it was told", async () => {
  for (
    const [outcome, progress] of [["failed", { done: 0, total: 0 }], ["completed", {
      done: 3,
      total: 7,
    }], ["completed", null]]
  ) {
    const job = await queue.running();
    const lease = { job_id: job.id, lease_token: job.lease_token };
    await queue.heartbeat([{ ...lease, progress }]);
    await queue.finishAndClaim([{ ...lease, outcome, retryable: false }]);
    assert.deepEqual((await queue.row(job.id)).progress, progress);
  }
});
