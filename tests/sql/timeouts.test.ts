// Jobs that may only run for so long: a run that its worker says is over its deadline uses an attempt, and the death of
// a worker is told from that, however short the timeout is beside the lease.

import assert from "node:assert/strict";
import { refused, testDatabase } from "../support/database.ts";
import { type ClaimedJob, type JobOptions, lease, queueOn } from "../support/queue.ts";

const db = await testDatabase();
const queue = queueOn(db.service);
const sql = db.service;

Deno.test.beforeEach(async () => {
  await db.admin`truncate jobs, job_types cascade`;
});

let workers = 0;
const claimAll = async () => {
  const options = { maxJobs: 10, isIdle: true, worker: `worker ${++workers}` };
  return (await queue.finishAndClaim([], options)).jobs;
};

const say = (jobs: ClaimedJob[], outcome: string) =>
  queue.finishAndClaim(jobs.map((job) => ({ ...lease(job), outcome })));

const failures = async (id: string) => [
  ...await db.admin`
    select error, is_attempt, company from job_failures where job_id = ${id} order by id`,
];

/** A lease is thirty seconds. */
const timeouts: [string, (number: number) => JobOptions, number | null][] = [
  ["shorter than the lease", () => ({ timeout_seconds: 20 }), null],
  ["as long as the lease", () => ({ timeout_seconds: 30 }), null],
  ["of their type", () => ({}), 20],
  ["of different lengths", (number) => ({ timeout_seconds: [5, 20, 30, 600][number % 4] }), null],
];
for (const [what, options, ofType] of timeouts) {
  Deno.test(`nine jobs with timeouts ${what} lose no attempt to one that kills its worker`, async () => {
    await sql`insert into job_types (job_type, timeout_seconds) values ('test', ${ofType})`;
    const ids = await queue.enqueueMany(
      Array.from({ length: 10 }, (_, number) => ({ job_type: "test", ...options(number) })),
    );
    const killer = ids[4];
    let deaths = 0;
    for (let claim = 0; claim < 30; claim++) {
      const jobs = await claimAll();
      if (jobs.every(({ id }) => id !== killer)) {
        await say(jobs, "completed");
        continue;
      }
      deaths++;
      await queue.pass(40);
      await sql`select rescue_expired_jobs()`;
      await queue.makeDue(killer);
    }
    for (const { id, status, retry_count, error } of await Promise.all(ids.map(queue.row))) {
      const isKiller = id === killer;
      assert.deepEqual([status, retry_count], isKiller ? ["failed", 3] : ["completed", 0]);
      if (isKiller) assert.match(error!, /^the worker died while it ran alone/);
    }
    assert.equal(deaths, 6);
  });
}

Deno.test("so it is when their deadline is near, however long they have run", async () => {
  const ids = await queue.enqueueMany([
    { job_type: "test", timeout_seconds: 600 },
    { job_type: "test", timeout_seconds: 600 },
  ]);
  const jobs = await claimAll();
  await queue.pass(25);
  assert.deepEqual(await queue.heartbeat(jobs.map(lease)), ["held", "held"]);
  await queue.pass(560);
  assert.deepEqual(await queue.heartbeat(jobs.map(lease)), ["held", "held"]);
  await queue.pass(40);
  await sql`select rescue_expired_jobs()`;
  for (const { retry_count, waiting_for, error } of await Promise.all(ids.map(queue.row))) {
    assert.deepEqual([retry_count, waiting_for], [0, "isolation"]);
    assert.match(error!, /lease expired/);
  }
});

Deno.test("no heartbeat carries a job beyond its timeout, and no lease for long", async () => {
  const job = await queue.running({ timeout_seconds: 20 });
  assert.deepEqual(await queue.heartbeat([lease(job)], 3_600), ["held"]);
  const row = await queue.row(job.id);
  assert.equal(row.lease_expires_at!.getTime() - row.started_at!.getTime(), 50_000);
  await queue.overrun(job.id);
  assert.deepEqual(await queue.heartbeat([lease(job)], 3_600), ["lost"]);
});

Deno.test("a job that overran its timeout is lost to its worker, even if that still breathes", async () => {
  const job = await queue.running({ timeout_seconds: 20 });
  await queue.overrun(job.id);
  await refused("JQ002", sql`select mark_job_completed(${job.id}, '{}', ${job.lease_token})`);
  await refused("JQ002", sql`select save_job_step(${job.id}, ${job.lease_token}, 'a', '{}')`);
  assert.deepEqual((await say([job], "completed")).finished, ["lost"]);
});

/** What asks for something to be stored, or to go on, and is refused after the deadline. */
const refusedCalls: Record<string, (job: ClaimedJob) => PromiseLike<unknown>> = {
  mark_job_processing: ({ id, lease_token }) =>
    sql`select mark_job_processing(${id}, ${lease_token})`,
  mark_job_completed: ({ id, lease_token }) =>
    sql`select mark_job_completed(${id}, '{}', ${lease_token})`,
  start_job_step: ({ id, lease_token }) => sql`select start_job_step(${id}, ${lease_token}, 'a')`,
  save_job_step: ({ id, lease_token }) =>
    sql`select save_job_step(${id}, ${lease_token}, 'a', '{}')`,
  check_lease: ({ id, lease_token }) => sql`select job_queue.check_lease(${id}, ${lease_token})`,
};
async function refusalOf(call: () => PromiseLike<unknown>) {
  try {
    await call();
  } catch (error) {
    return error as { code: string; message: string; hint: string };
  }
  throw new Error("it was not refused");
}

for (const [name, call] of Object.entries(refusedCalls)) {
  Deno.test(`${name} says that the time is up, and how to end the run; without that its lease ends it thirty seconds after`, async () => {
    const job = await queue.running({ timeout_seconds: 20 });
    await queue.overrun(job.id);
    const error = await refusalOf(() => call(job));
    assert.deepEqual([error.code, error.message], [
      "JQ002",
      `this run of job ${job.id} is out of time: stop working on it`,
    ]);
    assert.match(error.hint, /^mark_job_failed ends it as timed out; else its lease does, at 2/);
    const { lease_expires_at, deadline_at } = await queue.row(job.id);
    assert.ok(lease_expires_at!.getTime() - deadline_at!.getTime() <= 30_000);
    await queue.pass(30);
    await sql`select tend_job_queue()`;
    assert.equal((await queue.row(job.id)).status, "queued");
  });
}

Deno.test("a worker that reports a refusal as a failure, as anyone would, ends the run as timed out", async () => {
  for (const call of Object.values(refusedCalls)) {
    const job = await queue.running({ timeout_seconds: 20 });
    await queue.overrun(job.id);
    const { message } = await refusalOf(() => call(job));
    await sql`select mark_job_failed(${job.id}, ${message}, ${job.lease_token})`;
    const { status, waiting_for, error, retry_count } = await queue.row(job.id);
    assert.deepEqual(
      [status, waiting_for, error, retry_count],
      ["queued", "retry", "timed out after 20 seconds", 1],
    );
    // Its backoff may be over before the next is claimed.
    await sql`select cancel_job(${job.id})`;
  }
});

Deno.test("by hand, a run that is out of time is refused, and left to whoever has the token", async () => {
  const job = await queue.running({ timeout_seconds: 20 });
  await queue.overrun(job.id);
  await refused("JQ005", sql`select mark_job_failed(${job.id}, 'x')`);
  await refused("JQ005", sql`select release_job(${job.id})`);
  assert.equal((await queue.row(job.id)).status, "processing");
});

/** Whatever the answer is. */
const said = (call: PromiseLike<unknown>) => Promise.resolve(call).catch(() => {});

/** What a worker that lives may say after the deadline. */
const signsOfLife: Record<string, (job: ClaimedJob) => Promise<unknown>> = {
  "that it timed out": (job) => say([job], "timed_out"),
  "its result": (job) => say([job], "completed"),
  "that it failed for good": (job) =>
    queue.finishAndClaim([{ ...lease(job), outcome: "failed", retryable: false }]),
  "with a heartbeat that it still runs": (job) => queue.heartbeat([lease(job)]),
  "with a call about it alone that it failed for good": (job) =>
    said(sql`select mark_job_failed(${job.id}, 'x', ${job.lease_token}, false)`),
  "with a call about it alone that it is released": (job) =>
    said(sql`select release_job(${job.id}, ${job.lease_token})`),
  "as its last words that it timed out": (job) =>
    sql`select abandon_jobs(${sql.json([{ ...lease(job), outcome: "timed_out" }])})`,
};
for (const [what, say] of Object.entries(signsOfLife)) {
  Deno.test(`a job whose worker says ${what} is tried again after its backoff, and fails when no retries are left`, async () => {
    const job = await queue.running({ timeout_seconds: 20, max_retries: 1 });
    await queue.overrun(job.id);
    await say(job);
    const retried = await queue.row(job.id);
    assert.deepEqual(
      [retried.status, retried.waiting_for, retried.retry_count, retried.error],
      ["queued", "retry", 1, "timed out after 20 seconds"],
    );
    const backoff = retried.run_at.getTime() - retried.updated_at.getTime();
    assert.ok(backoff >= 0 && backoff <= 10_000, `${backoff} ms`);
    await say(job);
    assert.deepEqual(await queue.row(job.id), retried, "said again it changes nothing");
    await queue.makeDue(job.id);
    const [again] = await queue.claim();
    await say(job);
    assert.deepEqual(await queue.heartbeat([lease(again)]), ["held"], "the timeout counts anew");
    await queue.overrun(job.id);
    await say(again);
    const failed = await queue.row(job.id);
    assert.deepEqual(
      [failed.status, failed.retry_count, failed.error],
      ["failed", 1, "timed out after 20 seconds"],
    );
    assert.deepEqual(
      await failures(job.id),
      Array(2).fill({ error: "timed out after 20 seconds", is_attempt: true, company: null }),
    );
  });
}

Deno.test("of a batch that comes when some jobs are over their deadlines the others are stored", async () => {
  const ids = await queue.enqueueMany(
    [null, 20, 600].map((timeout_seconds) => ({ job_type: "test", timeout_seconds })),
  );
  const jobs = await claimAll();
  await queue.overrun(ids[1]);
  assert.deepEqual((await say(jobs, "completed")).finished, ["completed", "lost", "completed"]);
  const rows = await Promise.all(ids.map(queue.row));
  assert.deepEqual(rows.map((row) => row.status), ["completed", "queued", "completed"]);
});

Deno.test("a job that was to be cancelled is cancelled when it times out", async () => {
  const job = await queue.running({ timeout_seconds: 20 });
  await sql`select cancel_job(${job.id})`;
  await say([job], "timed_out");
  assert.equal((await queue.row(job.id)).status, "cancelled");
  assert.deepEqual(await failures(job.id), []);
});

Deno.test("a worker may say that a job timed out which has no timeout, and before the deadline by this clock", async () => {
  const jobs = [await queue.running(), await queue.running({ timeout_seconds: 20 })];
  assert.deepEqual((await say(jobs, "timed_out")).finished, ["queued", "queued"]);
  const errors = await Promise.all(jobs.map(async ({ id }) => (await queue.row(id)).error));
  assert.deepEqual(errors, ["timed out", "timed out after 20 seconds"]);
});

Deno.test("what is said under another token ends no run that is over its deadline", async () => {
  const job = await queue.running({ timeout_seconds: 20 });
  await queue.overrun(job.id);
  const before = await queue.row(job.id);
  for (const say of Object.values(signsOfLife)) {
    await say({ ...job, lease_token: crypto.randomUUID() });
    assert.deepEqual(await queue.row(job.id), before);
  }
});

Deno.test("a job that keeps its worker from saying anything until after its deadline fails by its own attempts", async () => {
  const id = await queue.enqueue({ timeout_seconds: 20, max_retries: 1 });
  let runs = 0;
  for (; (await queue.row(id)).status !== "failed"; runs++) {
    assert.equal((await claimAll())[0].id, id);
    await queue.pass(31);
    await sql`select rescue_expired_jobs()`;
    await queue.makeDue(id);
  }
  assert.equal(runs, 3);
  assert.equal(
    (await queue.row(id)).error,
    "the worker died while it ran alone, or it blocked the worker for longer than its 20 seconds",
  );
});

for (const outcome of ["completed", "failed", "released", "handed_over", "cancelled"]) {
  Deno.test(`that a run ${outcome} in time is stored however late it is said, as long as the lease lasts`, async () => {
    const [id, other] = await queue.enqueueMany([
      { job_type: "test", timeout_seconds: 5, max_retries: 0 },
      { job_type: "test", timeout_seconds: 5, max_retries: 0 },
    ]);
    const [job, late] = await claimAll();
    await queue.pass(7);
    const { finished } = await queue.finishAndClaim([
      { ...lease(job), outcome, was_given_time: false, was_in_time: true },
      { ...lease(late), outcome, was_given_time: false },
    ]);
    const status = { completed: "completed", failed: "failed", cancelled: "cancelled" }[outcome] ??
      "queued";
    assert.deepEqual(finished, [status, "lost"]);
    assert.equal((await queue.row(id)).retry_count, 0);
    assert.match((await queue.row(other)).error!, /^timed out after 5 seconds/);
  });
}

Deno.test("after the lease it is too late for that", async () => {
  const [id] = await queue.enqueueMany([{ job_type: "test", timeout_seconds: 5 }]);
  const [job] = await claimAll();
  await queue.pass(40);
  await sql`select rescue_expired_jobs()`;
  const { finished } = await queue.finishAndClaim([
    { ...lease(job), outcome: "completed", was_in_time: true },
  ]);
  assert.deepEqual(finished, ["lost"]);
  assert.equal((await queue.row(id)).status, "queued");
});
