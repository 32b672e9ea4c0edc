// Two calls about the same job at the same time: the one that comes second sees what the first has done.

import assert from "node:assert/strict";
import { refused, type Sql, testDatabase } from "../support/database.ts";
import { type ClaimedJob, lease, queueOn } from "../support/queue.ts";
import { duringTransaction, untilWaiting } from "../support/races.ts";

const db = await testDatabase();
const queue = queueOn(db.service);

Deno.test.beforeEach(async () => {
  await db.admin`truncate jobs cascade`;
});

const finished = async (job: ClaimedJob, outcome: string): Promise<string> =>
  (await queue.finishAndClaim([{ ...lease(job), outcome }])).finished[0];

async function runs(job: ClaimedJob) {
  return [
    ...await db.admin`
    select name, runs, result from job_steps where job_id = ${job.id} order by name`,
  ];
}

Deno.test("a job that fails while it is being cancelled is cancelled", async () => {
  const job = await queue.running();
  const status = await duringTransaction(
    db,
    (sql) => sql`select cancel_job(${job.id})`,
    () => finished(job, "failed"),
  );
  assert.equal(status, "cancelled");
  assert.equal((await queue.row(job.id)).retry_count, 0);
});

Deno.test("a job cannot be cancelled that is just being completed", async () => {
  const job = await queue.running();
  const completing = (sql: Sql) =>
    sql`select mark_job_completed(${job.id}, '{}', ${job.lease_token})`;
  await refused(
    "JQ005",
    duringTransaction(db, completing, async () => await db.service`select cancel_job(${job.id})`),
  );
});

Deno.test("a job that is handed over while its step is being saved has a new step", async () => {
  const job = await queue.running();
  const saving = (sql: Sql) => sql`select save_job_step(${job.id}, ${job.lease_token}, 'one', '1')`;
  assert.equal(await duringTransaction(db, saving, () => finished(job, "handed_over")), "queued");
  assert.equal((await queue.row(job.id)).retry_count, 0);
});

Deno.test("a step that is saved while its job is being finished is refused", async () => {
  const job = await queue.running();
  const completing = (sql: Sql) =>
    sql`select mark_job_completed(${job.id}, '{}', ${job.lease_token})`;
  const saving = async () =>
    await db.service`select save_job_step(${job.id}, ${job.lease_token}, 'late', '1')`;
  await refused("JQ002", duringTransaction(db, completing, saving));
  assert.deepEqual(await runs(job), []);
});

Deno.test("a step is begun once by a call and its repetition", async () => {
  const job = await queue.running();
  const starting = async (sql: Sql) => {
    const [{ answer }] = await sql`
      select start_job_step(${job.id}, ${job.lease_token}, 'one') as answer`;
    return answer;
  };
  assert.equal(await duringTransaction(db, starting, () => starting(db.service)), "held");
  assert.deepEqual(await runs(job), [{ name: "one", runs: 1, result: null }]);
});

Deno.test("of two results of a step that are saved at once the first stays, and counts once", async () => {
  const job = await queue.running();
  const saving = async (sql: Sql, result: number) =>
    await sql`select save_job_step(${job.id}, ${job.lease_token}, 'one', ${result}::text::jsonb)`;
  await duringTransaction(db, (sql) => saving(sql, 1), () => saving(db.service, 2));
  assert.deepEqual(await runs(job), [{ name: "one", runs: 1, result: 1 }]);
  assert.equal((await queue.row(job.id)).step_count, 1);
});

Deno.test("a claim under way brings a step that is saved just before the job is handed over", async () => {
  const job = await queue.running();
  const leaseToken = crypto.randomUUID();
  // Holds the claim where it takes turns with its repetition, after it has begun.
  const { claim } = await db.admin.begin(async (sql) => {
    await sql`select pg_advisory_xact_lock(hashtextextended(${leaseToken}, 0))`;
    const claim = queueOn(db.connect()).finishAndClaim([], { maxJobs: 1, leaseToken });
    await untilWaiting(db, [claim]);
    await db.service`select save_job_step(${job.id}, ${job.lease_token}, 'one', '1')`;
    await finished(job, "handed_over");
    return { claim };
  });
  assert.deepEqual((await claim).jobs[0].steps, { one: 1 });
});

type Write = (sql: Sql, job: ClaimedJob) => Promise<unknown>;
const writes: Record<string, Write> = {
  "completing": async (sql, job) =>
    await sql`select mark_job_completed(${job.id}, '{}', ${job.lease_token})`,
  "confirming the start": async (sql, job) =>
    await sql`select mark_job_processing(${job.id}, ${job.lease_token})`,
  "starting a step": async (sql, job) =>
    await sql`select start_job_step(${job.id}, ${job.lease_token}, 'one')`,
  "saving a step": async (sql, job) =>
    await sql`select save_job_step(${job.id}, ${job.lease_token}, 'one', '{}')`,
};
for (const [what, write] of Object.entries(writes)) {
  Deno.test(`${what} while the job is being rescued is refused`, async () => {
    const job = await queue.running();
    await queue.expireLease(job.id);
    const rescue = (sql: Sql) => sql`select rescue_expired_jobs()`;
    await refused("JQ002", duringTransaction(db, rescue, () => write(db.service, job)));
    assert.deepEqual(await runs(job), []);
  });

  Deno.test(`a rescue passes over a job while ${what} is under way`, async () => {
    const job = await queue.running();
    await queue.expireLease(job.id);
    const rescued = await duringTransaction(
      db,
      (sql) => write(sql, job),
      async () => (await db.service`select rescue_expired_jobs() as n`)[0].n,
    );
    assert.equal(rescued, 0);
    assert.notEqual((await queue.row(job.id)).status, "queued");
  });
}

Deno.test("two rescues at once share the jobs of dead workers", async () => {
  await queue.enqueueMany(Array.from({ length: 60 }, () => ({ job_type: "test" })));
  await queue.claim(60);
  await db.admin`update jobs set lease_expires_at = now() - interval '1 second' where true`;
  const rescue = async (sql: Sql) => (await sql`select rescue_expired_jobs(40) as n`)[0].n;
  let first: unknown;
  const second = await duringTransaction(
    db,
    async (sql) => first = await rescue(sql),
    () => rescue(db.service),
  );
  assert.deepEqual([first, second], [40, 20]);
  const [{ failures }] = await db.admin`select count(*)::int as failures from job_failures`;
  assert.equal(failures, 60);
});

Deno.test("a finish while a heartbeat is under way is not lost", async () => {
  await queue.enqueueMany(Array.from({ length: 3 }, () => ({ job_type: "test" })));
  const jobs = await queue.claim(3);
  const { finished } = await duringTransaction(
    db,
    (sql) => queueOn(sql).heartbeat(jobs.map(lease), 60),
    () => queue.finishAndClaim(jobs.map((job) => ({ ...lease(job), outcome: "completed" }))),
  );
  assert.deepEqual(finished, ["completed", "completed", "completed"]);
});

Deno.test("a job that someone keeps locked does not cost the other jobs of its worker their leases", async () => {
  await queue.enqueueMany([{ job_type: "test" }, { job_type: "test" }]);
  const [locked, free] = await queue.claim(2);
  const beat = () => queue.heartbeat([lease(locked), lease(free)], 90);
  const answers = await duringTransaction(
    db,
    (sql) => sql`select from jobs where id = ${locked.id} for update`,
    async () => {
      const answers = await beat();
      assert.deepEqual((await queue.row(locked.id)).lease_expires_at, locked.lease_expires_at);
      assert.ok((await queue.row(free.id)).lease_expires_at! > free.lease_expires_at);
      return answers;
    },
  );
  assert.deepEqual(answers, ["held", "held"]);
  await beat();
  assert.ok((await queue.row(locked.id)).lease_expires_at! > locked.lease_expires_at);
});

Deno.test("a claim and its repetition at once hand out the same jobs, whichever comes first", async () => {
  await queue.enqueueMany(Array.from({ length: 8 }, () => ({ job_type: "test" })));
  for (const first of [0, 1]) {
    const leaseToken = crypto.randomUUID();
    const call = (sql: Sql, repetition: number) =>
      queueOn(sql).finishAndClaim([], { maxJobs: 3, leaseToken, repetition });
    let answer: unknown;
    const second = await duringTransaction(
      db,
      async (sql) => answer = await call(sql, first),
      () => call(db.service, 1 - first),
    );
    assert.deepEqual(second, answer);
    assert.equal(second.jobs.length, 3);
  }
  const [{ taken }] = await db.admin`
    select count(*)::int as taken from jobs where status = 'processing'`;
  assert.equal(taken, 6);
});
