// finish_and_claim_jobs: the worker's one trip between two batches.

import assert from "node:assert/strict";
import { refused, testDatabase } from "../support/database.ts";
import { type ClaimedJob, lease, queueOn } from "../support/queue.ts";

const db = await testDatabase();
const queue = queueOn(db.service);

Deno.test.beforeEach(async () => {
  await db.admin`truncate jobs, job_queue.settled_claims cascade`;
});

async function running(jobs: number, options = {}): Promise<ClaimedJob[]> {
  await queue.enqueueMany(Array.from({ length: jobs }, () => ({ job_type: "test", ...options })));
  const claimed = await queue.claim(jobs);
  assert.equal(claimed.length, jobs);
  return claimed;
}

const completed = (job: ClaimedJob) => ({ ...lease(job), outcome: "completed" });

async function statuses(jobs: ClaimedJob[]): Promise<string[]> {
  return await Promise.all(jobs.map(async (job) => (await queue.row(job.id)).status));
}

Deno.test("each outcome leads to its status, answered in the order of the results", async () => {
  const jobs = await running(5);
  const outcomes = [
    { outcome: "released" },
    { outcome: "failed", error_message: "never", retryable: false },
    { outcome: "completed", output_data: { ok: true } },
    { outcome: "cancelled" },
    { outcome: "failed", error_message: "later" },
  ];
  // Against the order of the ids, in which the rows are locked.
  const results = jobs.map((job, i) => ({ ...lease(job), ...outcomes[i] }))
    .sort((a, b) => (a.job_id < b.job_id ? 1 : -1));
  const expected = { released: "queued", completed: "completed", cancelled: "cancelled" };
  const answer = await queue.finishAndClaim(results);
  assert.deepEqual(
    answer.finished,
    results.map((result) =>
      result.outcome === "failed"
        ? (result.retryable === false ? "failed" : "queued")
        : expected[result.outcome as keyof typeof expected]
    ),
  );
  assert.deepEqual(answer.jobs, []);
  assert.deepEqual(await statuses(jobs), ["queued", "failed", "completed", "cancelled", "queued"]);
  assert.deepEqual((await queue.row(jobs[2].id)).output_data, { ok: true });
  assert.equal((await queue.row(jobs[1].id)).error, "never");
  assert.equal((await queue.row(jobs[4].id)).waiting_for, "retry");
});

Deno.test("it claims the next jobs in order, under the token the worker chose", async () => {
  const [low, high] = await queue.enqueueMany([
    { job_type: "test" },
    { job_type: "test", priority: 1, input_data: { a: 1 } },
  ]);
  const leaseToken = crypto.randomUUID();
  const { finished, jobs } = await queue.finishAndClaim([], { maxJobs: 2, leaseToken });
  assert.deepEqual(finished, []);
  assert.deepEqual(jobs.map((job) => job.id), [high, low]);
  assert.deepEqual(jobs.map((job) => job.lease_token), [leaseToken, leaseToken]);
  assert.deepEqual([jobs[0].input_data, jobs[0].steps, jobs[0].retry_count], [{ a: 1 }, {}, 0]);
});

Deno.test("a released job can be claimed again by the same call", async () => {
  const [job] = await running(1);
  const released = { ...lease(job), outcome: "released" };
  const { jobs } = await queue.finishAndClaim([released], { maxJobs: 1 });
  assert.deepEqual(jobs.map((each) => each.id), [job.id]);
});

Deno.test("without max_jobs nothing is claimed", async () => {
  await queue.enqueue();
  assert.deepEqual((await queue.finishAndClaim([])).jobs, []);
});

Deno.test("a result with an old token is lost and changes nothing; the others count", async () => {
  const [stolen, kept] = await running(2);
  await queue.expireLease(stolen.id);
  const [current] = await queue.claim();
  assert.equal(current.id, stolen.id);
  const before = await queue.row(stolen.id);
  const { finished } = await queue.finishAndClaim([stolen, kept].map(completed));
  assert.deepEqual(finished, ["lost", "completed"]);
  assert.deepEqual(await queue.row(stolen.id), before);
});

Deno.test("results for jobs that do not exist are lost", async () => {
  const nobody = { job_id: crypto.randomUUID(), lease_token: crypto.randomUUID() };
  const { finished } = await queue.finishAndClaim([{ ...nobody, outcome: "completed" }]);
  assert.deepEqual(finished, ["lost"]);
});

Deno.test("the same results sent twice report the same and change nothing the second time", async () => {
  const jobs = await running(4);
  const results = [
    completed(jobs[0]),
    { ...lease(jobs[1]), outcome: "failed", error_message: "x" },
    { ...lease(jobs[2]), outcome: "failed", error_message: "x", retryable: false },
    { ...lease(jobs[3]), outcome: "released" },
  ];
  const first = await queue.finishAndClaim(results);
  const before = await Promise.all(jobs.map((job) => queue.row(job.id)));
  const second = await queue.finishAndClaim(results, { repetition: 1 });
  assert.deepEqual(first.finished, ["completed", "queued", "failed", "queued"]);
  assert.deepEqual(second.finished, first.finished);
  assert.deepEqual(await Promise.all(jobs.map((job) => queue.row(job.id))), before);
});

Deno.test("another outcome for a job that its claim has ended changes nothing", async () => {
  const [job] = await running(1);
  await queue.finishAndClaim([completed(job)]);
  const failed = { ...lease(job), outcome: "failed", error_message: "after all" };
  assert.deepEqual((await queue.finishAndClaim([failed])).finished, ["completed"]);
  assert.equal((await queue.row(job.id)).error, null);
});

Deno.test("a job reported twice in one call is finished once", async () => {
  const [job] = await running(1);
  const { finished } = await queue.finishAndClaim([completed(job), completed(job)]);
  assert.deepEqual(finished, ["completed", "completed"]);
});

Deno.test("a repeated claim returns the jobs of the first and claims no others", async () => {
  await queue.enqueueMany(Array.from({ length: 5 }, (_, i) => ({ job_type: "test", priority: i })));
  const options = { maxJobs: 2, leaseToken: crypto.randomUUID() };
  const first = await queue.finishAndClaim([], options);
  const repeat = await queue.finishAndClaim([], { ...options, repetition: 1 });
  assert.deepEqual(repeat.jobs, first.jobs);
  const [{ taken }] = await db.admin`
    select count(*)::int as taken from jobs where status = 'processing'`;
  assert.equal(taken, 2);
});

Deno.test("a claim that arrives twice without saying so returns the same jobs and claims no others", async () => {
  await queue.enqueueMany(Array.from({ length: 5 }, (_, i) => ({ job_type: "test", priority: i })));
  const options = { maxJobs: 2, leaseToken: crypto.randomUUID() };
  const [one, other] = await Promise.all([
    queueOn(db.connect()).finishAndClaim([], options),
    queueOn(db.connect()).finishAndClaim([], options),
  ]);
  assert.deepEqual(one.jobs, other.jobs);
  assert.equal(one.jobs.length, 2);
  await queue.finishAndClaim(one.jobs.map(completed));
  assert.deepEqual((await queue.finishAndClaim([], options)).jobs, []);
});

Deno.test("a repeated claim whose first never arrived claims", async () => {
  const id = await queue.enqueue();
  const { jobs } = await queue.finishAndClaim([], {
    maxJobs: 1,
    leaseToken: crypto.randomUUID(),
    repetition: 1,
  });
  assert.deepEqual(jobs.map((job) => job.id), [id]);
});

Deno.test("the jobs of a repeated claim have a whole lease and all their time before them", async () => {
  const seconds = [null, 40, 20];
  const ids = await queue.enqueueMany(
    seconds.map((timeout_seconds) => ({ job_type: "test", timeout_seconds })),
  );
  const options = { maxJobs: 3, leaseToken: crypto.randomUUID() };
  await queue.finishAndClaim([], options);
  await queue.pass(25);
  const { jobs } = await queue.finishAndClaim([], { ...options, repetition: 1 });
  assert.deepEqual(jobs.map((job) => job.id), ids);
  const left = await db.service`
    select extract(epoch from lease_expires_at - updated_at)::int as lease,
           extract(epoch from deadline_at - updated_at)::int as time
    from jobs order by created_at`;
  assert.deepEqual([...left], seconds.map((time) => ({ lease: 30, time })));
  assert.deepEqual((await queue.finishAndClaim(jobs.map(completed))).finished, [
    "completed",
    "completed",
    "completed",
  ]);
});

Deno.test("a repeated claim returns no job that was rescued, timed out or finished meanwhile", async () => {
  const ids = await queue.enqueueMany(Array.from({ length: 4 }, (_, i) => ({
    job_type: "test",
    timeout_seconds: 20,
    priority: -i,
  })));
  const options = { maxJobs: 4, leaseToken: crypto.randomUUID() };
  const { jobs } = await queue.finishAndClaim([], options);
  await queue.expireLease(ids[0]);
  await db.service`select rescue_expired_jobs()`;
  await queue.finishAndClaim([{ ...lease(jobs[1]), outcome: "timed_out" }, completed(jobs[2])]);
  const repeat = await queue.finishAndClaim([], { ...options, repetition: 1 });
  assert.deepEqual(repeat.jobs.map((job) => job.id), [ids[3]]);
});

Deno.test("a call that arrives after its repetition claims nothing more", async () => {
  await queue.enqueueMany([{ job_type: "test" }, { job_type: "test" }]);
  const options = { maxJobs: 1, leaseToken: crypto.randomUUID() };
  const repeat = await queue.finishAndClaim([], { ...options, repetition: 1 });
  const late = await queue.finishAndClaim([], options);
  assert.deepEqual(late.jobs, repeat.jobs);
  await queue.finishAndClaim(repeat.jobs.map(completed));
  assert.deepEqual((await queue.finishAndClaim([], options)).jobs, []);
});

Deno.test("a repetition that found nothing stays empty, whatever has become ready meanwhile", async () => {
  const options = { maxJobs: 1, leaseToken: crypto.randomUUID(), repetition: 1 };
  assert.deepEqual((await queue.finishAndClaim([], options)).jobs, []);
  await queue.enqueue();
  assert.deepEqual((await queue.finishAndClaim([], options)).jobs, []);
});

Deno.test("repeated claims are remembered for an hour", async () => {
  const repeat = () =>
    queue.finishAndClaim([], { maxJobs: 1, leaseToken: crypto.randomUUID(), repetition: 1 });
  await repeat();
  await db
    .admin`update job_queue.settled_claims set settled_at = now() - interval '59 minutes' where true`;
  await repeat();
  const remembered = async () => (await db.admin`select from job_queue.settled_claims`).length;
  assert.equal(await remembered(), 2);
  await db
    .admin`update job_queue.settled_claims set settled_at = now() - interval '61 minutes' where true`;
  await repeat();
  assert.equal(await remembered(), 1);
});

Deno.test("a repetition without the token of its claim is refused", async () => {
  const message = await refused("JQ004", queue.finishAndClaim([], { maxJobs: 1, repetition: 1 }));
  assert.match(message, /^lease_token: /);
});

Deno.test("saved steps come with the claim", async () => {
  const [job] = await running(1);
  await db.service`select save_job_step(${job.id}, ${job.lease_token}, 'one', '{"n": 1}')`;
  const released = { ...lease(job), outcome: "released" };
  const { jobs } = await queue.finishAndClaim([released], { maxJobs: 1 });
  assert.deepEqual(jobs[0].steps, { one: { n: 1 } });
});

Deno.test("an error message is cut to 8,000 characters", async () => {
  const [job] = await running(1);
  await queue.finishAndClaim([
    { ...lease(job), outcome: "failed", error_message: "x".repeat(9_000) },
  ]);
  assert.equal((await queue.row(job.id)).error!.length, 8_000);
});

const badResults: [string, Record<string, unknown>][] = [
  ["job_id", { job_id: null }],
  ["lease_token", { lease_token: null }],
  ["outcome", { outcome: "done" }],
  ["outcome", { outcome: null }],
  ["retry_after_seconds", { outcome: "failed", retry_after_seconds: -1 }],
];
for (const [argument, change] of badResults) {
  Deno.test(`a result with ${JSON.stringify(change)} is refused, and with it the whole call`, async () => {
    const [good, bad] = await running(2);
    const results = [completed(good), { ...completed(bad), ...change }];
    const message = await refused("JQ004", queue.finishAndClaim(results));
    assert.ok(message.startsWith(`results[1].${argument}: `), message);
    assert.deepEqual(await statuses([good, bad]), ["processing", "processing"]);
  });
}

Deno.test("results that are no array and impossible numbers are refused", async () => {
  assert.match(await refused("JQ004", queue.finishAndClaim({})), /^results: /);
  assert.match(await refused("JQ004", queue.finishAndClaim([], { maxJobs: 1001 })), /^max_jobs: /);
  assert.match(await refused("JQ004", queue.finishAndClaim([], { maxJobs: -1 })), /^max_jobs: /);
});

Deno.test("a job is completed in the same way whether or not others of its report failed", async () => {
  const ids = await queue.enqueueMany(Array.from({ length: 4 }, () => ({ job_type: "test" })));
  const claimed = await queue.claim(4);
  await db.admin`
    update jobs set error = 'earlier', suspicion = 1, free_losses = 2, free_hand_overs = 1, free_releases = 3,
      progress = '{"done": 0, "total": 0}', cancel_requested_at = now(), updated_at = clock_timestamp()
    where id = any (${ids})`;
  const results = claimed.map((job) => ({
    ...lease(job),
    outcome: "completed",
    output_data: { n: 1 },
  }));
  assert.deepEqual((await queue.finishAndClaim(results.slice(0, 2))).finished, [
    "completed",
    "completed",
  ]);
  const [third, fourth] = results.slice(2);
  const mixed = [third, { ...fourth, outcome: "failed", error_message: "no" }];
  assert.deepEqual((await queue.finishAndClaim(mixed)).finished, ["completed", "cancelled"]);
  const rows = await db.service`
    select status, waiting_for, output_data, error, retry_count, run_at = created_at as is_in_place, progress,
      suspicion, free_losses, free_hand_overs, free_releases, lease_expires_at,
      completed_at = updated_at as is_dated, cancel_requested_at is null as is_uncancelled
    from jobs where status = 'completed'`;
  assert.equal(rows.length, 3);
  for (const row of rows) assert.deepEqual(row, rows[0]);
  assert.deepEqual(
    [rows[0].progress, rows[0].suspicion, rows[0].error, rows[0].is_dated],
    [{ done: 1, total: 1 }, 0, null, true],
  );
});

for (const outcome of [undefined, null, 1, ["completed"], "Completed", { completed: 1 }]) {
  Deno.test(`${JSON.stringify(outcome)} is no outcome`, async () => {
    const job = await queue.running();
    const message = await refused("JQ004", queue.finishAndClaim([{ ...lease(job), outcome }]));
    assert.match(message, /^results\[0\]\.outcome: expected completed/);
    assert.equal((await queue.row(job.id)).status, "processing");
  });
}
