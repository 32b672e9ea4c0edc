// A write without the lease changes nothing: every function a worker calls, with every kind of token that does
// not hold the job, leaves every row of every table as it was.

import assert from "node:assert/strict";
import type { PostgresError } from "postgres";
import { testDatabase } from "../support/database.ts";
import { type ClaimedJob, lease, queueOn } from "../support/queue.ts";

const db = await testDatabase();
const queue = queueOn(db.service);
const sql = db.service;

Deno.test.beforeEach(async () => {
  await db.admin`truncate jobs, reports cascade`;
});

/** What a call that changes nothing says: the refusal's code, or its answer. */
type Call = (job: ClaimedJob) => Promise<string>;

const calls: Record<string, Call> = {
  mark_job_processing: ({ id, lease_token }) =>
    said(sql`select mark_job_processing(${id}, ${lease_token}, 90)`),
  mark_job_completed: ({ id, lease_token }) =>
    said(sql`select mark_job_completed(${id}, '{"late": true}', ${lease_token})`),
  mark_job_failed: ({ id, lease_token }) =>
    said(sql`select mark_job_failed(${id}, 'late', ${lease_token}, false)`),
  release_job: ({ id, lease_token }) => said(sql`select release_job(${id}, ${lease_token}, 60)`),
  start_job_step: ({ id, lease_token }) =>
    said(sql`select start_job_step(${id}, ${lease_token}, 'late')`),
  save_job_step: ({ id, lease_token }) =>
    said(sql`
      select save_job_step(${id}, ${lease_token}, 'begun', '"late"', '{"late": true}', replace => true)`),
  save_report: ({ id, lease_token }) =>
    said(sql`select save_report(${id}, ${lease_token}, r.id, 'late', '{}') from reports r`),
  heartbeat_jobs: async (job) =>
    (await queue.heartbeat([{ ...lease(job), progress: { late: true } }], 90))[0],
  finish_and_claim_jobs: async (job) => {
    const outcomes = ["completed", "failed", "timed_out", "released", "handed_over", "cancelled"];
    const answers = await Promise.all(outcomes.map(async (outcome) => {
      const result = { ...lease(job), outcome, output_data: { late: true }, error_message: "late" };
      return (await queue.finishAndClaim([result])).finished[0];
    }));
    return [...new Set(answers)].join();
  },
};

Deno.test("every function that takes a lease token is among those tried here", async () => {
  const rows = await db.admin`
    select proname from pg_proc
    where pronamespace = 'public'::regnamespace and 'lease_token' = any (proargnames)
      -- It gives the token.
      and proname <> 'get_next_job'`;
  const names = [...rows.map((row) => row.proname), "heartbeat_jobs"];
  assert.deepEqual(Object.keys(calls).sort(), names.sort());
});

/** How a token comes to be worth nothing. Each leaves the job in another state. */
const losses: Record<string, (job: ClaimedJob) => Promise<unknown>> = {
  "of a run whose job another worker has taken over": async ({ id }) => {
    await queue.expireLease(id);
    const [again] = await queue.claim();
    await sql`select start_job_step(${id}, ${again.lease_token}, 'begun')`;
  },
  "of a run whose job was rescued and is ready": async ({ id }) => {
    await queue.expireLease(id);
    await sql`select rescue_expired_jobs()`;
  },
  "of a run that was out of time and was rescued": async ({ id }) => {
    await queue.overrun(id);
    await queue.expireLease(id);
    await sql`select rescue_expired_jobs()`;
  },
  "of a run whose job was cancelled by its rescue": async ({ id }) => {
    await sql`select cancel_job(${id})`;
    await queue.expireLease(id);
    await sql`select rescue_expired_jobs()`;
  },
  "of a run whose job has failed for good": async ({ id }) => {
    await sql`update jobs set max_retries = retry_count where id = ${id}`;
    await queue.expireLease(id);
    await sql`select rescue_expired_jobs()`;
  },
  "of a run whose job was handed back, taken and completed by another": async (job) => {
    await sql`select release_job(${job.id}, ${job.lease_token})`;
    const [again] = await queue.claim();
    await sql`select mark_job_completed(${job.id}, '{}', ${again.lease_token})`;
  },
  "of a run before a retry of the failed job": async (job) => {
    await sql`select mark_job_failed(${job.id}, 'x', ${job.lease_token}, false)`;
    await sql`select retry_failed_jobs()`;
  },
};

for (const [what, lose] of Object.entries(losses)) {
  Deno.test(`the token ${what} writes nothing`, async () => {
    const job = await jobWithEverything();
    await lose(job);
    for (const [name, call] of Object.entries(calls)) await assertLost(name, call, job);
  });
}

Deno.test("the token of another job and a token that never was write nothing", async () => {
  const job = await jobWithEverything();
  const other = await queue.running();
  for (const lease_token of [other.lease_token, crypto.randomUUID()]) {
    for (const [name, call] of Object.entries(calls)) {
      await assertLost(name, call, { ...job, lease_token });
    }
  }
});

Deno.test("the token of a run that is out of time writes nothing, also before it has ended", async () => {
  const job = await jobWithEverything();
  await queue.overrun(job.id);
  // Those that answer also end the run.
  const ending = ["heartbeat_jobs", "finish_and_claim_jobs", "mark_job_failed", "release_job"];
  for (const [name, call] of Object.entries(calls)) {
    if (!ending.includes(name)) await assertLost(name, call, job);
  }
  assert.equal(await calls.heartbeat_jobs(job), "lost");
  assert.equal(await calls.finish_and_claim_jobs(job), "queued");
  const row = await queue.row(job.id);
  assert.deepEqual([row.error, row.retry_count], [
    "timed out after 20 seconds",
    job.retry_count + 1,
  ]);
});

for (
  const outcome of ["completed", "failed", "timed_out", "released", "handed_over", "cancelled"]
) {
  Deno.test(`the token that ended a run as ${outcome} changes nothing any more`, async () => {
    const job = await jobWithEverything();
    await queue.finishAndClaim([{ ...lease(job), outcome }]);
    for (const [name, call] of Object.entries(calls)) {
      await assertUnchanged(name, () => call(job));
    }
  });
}

/** Running, with a timeout, steps begun and finished, a failure behind it, and a report to write to. */
async function jobWithEverything(): Promise<ClaimedJob> {
  await sql`insert into reports (title) values ('Roof')`;
  const first = await queue.running({ timeout_seconds: 20 });
  await sql`
    select mark_job_failed(${first.id}, 'x', ${first.lease_token}, retry_after_seconds => 0)`;
  const [job] = await queue.claim();
  await sql`select start_job_step(${job.id}, ${job.lease_token}, 'begun')`;
  await sql`select save_job_step(${job.id}, ${job.lease_token}, 'finished', '1')`;
  return job;
}

async function assertLost(name: string, call: Call, job: ClaimedJob): Promise<void> {
  const answer = await assertUnchanged(name, () => call(job));
  assert.ok(["lost", "JQ002"].includes(answer), `${name} said ${answer}`);
}

async function assertUnchanged(name: string, call: () => Promise<string>): Promise<string> {
  const before = await allRows();
  const answer = await call();
  assert.deepEqual(await allRows(), before, name);
  return answer;
}

/** Every row of every table of the queue. */
async function allRows(): Promise<Record<string, unknown>> {
  const tables = await db.admin<{ name: string }[]>`
    select oid::regclass::text as name from pg_class
    where relnamespace in ('public'::regnamespace, 'job_queue'::regnamespace) and relkind = 'r'`;
  const rows = await Promise.all(
    tables.map(({ name }) => db.admin.unsafe(`select t::text from ${name} t order by 1`)),
  );
  return Object.fromEntries(tables.map(({ name }, i) => [name, [...rows[i]]]));
}

async function said(call: PromiseLike<unknown>): Promise<string> {
  return await Promise.resolve(call).then(
    () => "nothing",
    (error: PostgresError) => error.code,
  );
}
