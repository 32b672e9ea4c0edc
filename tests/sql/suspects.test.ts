// Who is blamed when a worker dies: whoever was alone with it, and nobody for having been on board.

import assert from "node:assert/strict";
import { type Sql, testDatabase } from "../support/database.ts";
import { type ClaimedJob, lease, queueOn } from "../support/queue.ts";
import { duringTransaction } from "../support/races.ts";

const db = await testDatabase();
const queue = queueOn(db.service);
const sql = db.service;

Deno.test.beforeEach(async () => {
  await db.admin`truncate jobs, job_types cascade`;
});

const many = (jobs: number, options = {}) =>
  queue.enqueueMany(Array.from({ length: jobs }, () => ({ job_type: "test", ...options })));

let workers = 0;
const idle = (options = {}) =>
  queue.finishAndClaim([], {
    maxJobs: 10,
    isIdle: true,
    worker: `worker ${++workers}`,
    ...options,
  });
const busy = (options = {}) => idle({ isIdle: false, ...options });

/** All leases end that are held, by whoever comes next; what waits for a backoff is due. */
async function everyWorkerDies(): Promise<void> {
  await sql`
    update jobs set lease_expires_at = clock_timestamp() - interval '1 second' where status = 'processing'`;
  await sql`select rescue_expired_jobs()`;
  await sql`update jobs set run_at = clock_timestamp() where waiting_for = 'retry'`;
}

const end = (jobs: ClaimedJob[], outcome = "completed", options = {}) =>
  queue.finishAndClaim(jobs.map((job) => ({ ...lease(job), outcome, ...options })));

/** A job that was lost before, as often as that: waiting in isolation. */
async function suspect(losses: number, options = {}): Promise<string> {
  const [id] = await many(1, options);
  await sql`update jobs set suspicion = ${losses}, waiting_for = 'isolation' where id = ${id}`;
  return id;
}

async function failures(id: string) {
  return [
    ...await db.admin`
      select error, is_attempt, company, on_board from job_failures where job_id = ${id} order by id`,
  ];
}

Deno.test("nine jobs beside one that kills its worker lose no attempt, and it fails after its own, within six deaths", async () => {
  const ids = await many(10);
  const killer = ids[4];
  let deaths = 0;
  for (let claim = 0; claim < 30; claim++) {
    const { jobs } = await idle();
    if (jobs.some(({ id }) => id === killer)) {
      deaths++;
      await everyWorkerDies();
    } else await end(jobs);
  }
  const rows = await Promise.all(ids.map((id) => queue.row(id)));
  for (const { id, status, retry_count, error } of rows) {
    if (id === killer) assert.equal(error, "the worker died while it ran alone");
    assert.deepEqual(
      [status, retry_count],
      id === killer ? ["failed", 3] : ["completed", 0],
    );
  }
  assert.equal(deaths, 6);
});

Deno.test("what was lost once is claimed together, what was lost again alone, and neither beside others", async () => {
  await many(3);
  await idle();
  await everyWorkerDies();
  await many(2);
  const together = await idle();
  assert.deepEqual([together.jobs.length, together.are_suspects], [3, true]);
  await everyWorkerDies();
  for (let job = 0; job < 3; job++) {
    const alone = await idle();
    assert.deepEqual([alone.jobs.length, alone.are_suspects], [1, true]);
    assert.equal(alone.jobs[0].retry_count, 0);
  }
  const others = await idle();
  assert.deepEqual([others.jobs.length, others.are_suspects], [2, false]);
});

Deno.test("a run that was lost alone is tried again after a backoff, alone", async () => {
  const id = await suspect(1);
  await idle();
  await queue.expireLease(id);
  await sql`select rescue_expired_jobs()`;
  const row = await queue.row(id);
  assert.deepEqual([row.waiting_for, row.retry_count, row.suspicion], ["retry", 1, 2]);
  const backoff = row.run_at.getTime() - row.updated_at.getTime();
  assert.ok(backoff >= 0 && backoff <= 10_000, `${backoff} ms`);
  await many(3);
  await queue.makeDue(id);
  assert.equal((await idle()).jobs.length, 3, "it has its place in the line behind them");
  assert.deepEqual((await idle()).jobs.map((job) => job.id), [id]);
});

Deno.test("a run that saved a step is no suspect and lost no attempt, but not for ever", async () => {
  const id = await suspect(2, { max_retries: 0 });
  for (let loss = 1; loss <= 20; loss++) {
    const { jobs: [job], are_suspects } = await idle();
    assert.deepEqual([job.id, are_suspects], [id, loss === 1]);
    await sql`select save_job_step(${id}, ${job.lease_token}, ${`step ${loss}`}, '1')`;
    await everyWorkerDies();
    if (loss < 20) assert.deepEqual([(await queue.row(id)).waiting_for], [null]);
  }
  const { status, error } = await queue.row(id);
  assert.deepEqual([status, error], ["failed", "lost its worker 20 times in a row"]);
});

Deno.test("losses in company use an attempt after twenty in a row", async () => {
  const ids = await many(2, { max_retries: 1 });
  for (let loss = 1; loss <= 20; loss++) {
    // Workers that keep to no rule.
    await sql`
      update jobs set suspicion = least(suspicion, 1)::smallint where waiting_for = 'isolation'`;
    assert.equal((await idle()).jobs.length, 2);
    await everyWorkerDies();
    assert.equal((await queue.row(ids[0])).retry_count, loss < 20 ? 0 : 1);
  }
});

/** Ways for a worker to end a run that clear the job. */
const clearing: [string, string, object, boolean][] = [
  ["fails", "failed", { retry_after_seconds: 0 }, false],
  ["times out", "timed_out", { retry_after_seconds: 0 }, false],
  ["rests", "released", { retry_after_seconds: 1 }, false],
  ["is handed over with a new step", "handed_over", {}, true],
  ["is released with a new step", "released", {}, true],
];
for (const [what, outcome, options, hasStep] of clearing) {
  Deno.test(`a suspect is like any other job again when it ${what}`, async () => {
    const id = await suspect(2);
    const { jobs } = await idle();
    if (hasStep) await sql`select save_job_step(${id}, ${jobs[0].lease_token}, 'one', '1')`;
    await end(jobs, outcome, options);
    await queue.makeDue(id);
    assert.deepEqual((await busy()).jobs.map((job) => job.id), [id]);
  });
}

/** Ways to end a run that say nothing about the job. */
const undecided: [string, string, object][] = [
  ["is released", "released", {}],
  ["is handed over for want of time", "handed_over", { was_given_time: false }],
];
for (const [what, outcome, options] of undecided) {
  Deno.test(`a suspect stays one when it ${what} without a new step`, async () => {
    const id = await suspect(1);
    await end((await idle()).jobs, outcome, options);
    assert.deepEqual((await busy()).jobs, []);
    const { jobs, are_suspects } = await idle();
    assert.deepEqual([jobs.map((job) => job.id), are_suspects], [[id], true]);
  });
}

Deno.test("last words leave a suspect what it was, and blame whom they name", async () => {
  const [one, other] = [await suspect(1), await suspect(1)];
  const leaseToken = crypto.randomUUID();
  const { jobs } = await idle({ leaseToken });
  const named = jobs.find(({ id }) => id === one)!;
  const crashed = { ...lease(named), outcome: "failed", error_message: "the handler crashed" };
  await sql`select abandon_jobs(${sql.json([crashed])}, ${[leaseToken]})`;
  const [blamed, spared] = [await queue.row(one), await queue.row(other)];
  assert.deepEqual([blamed.retry_count, blamed.waiting_for], [1, "retry"]);
  assert.deepEqual([spared.retry_count, spared.waiting_for, spared.suspicion], [0, "isolation", 1]);
});

Deno.test("a job that failed for good is no suspect when it is retried by hand", async () => {
  const id = await suspect(2, { max_retries: 0 });
  await idle();
  await everyWorkerDies();
  assert.equal((await queue.row(id)).status, "failed");
  await sql`select retry_failed_jobs()`;
  assert.deepEqual((await busy()).jobs.map((job) => job.id), [id]);
});

Deno.test("a repetition says that its jobs are suspects", async () => {
  await suspect(1);
  const options = { leaseToken: crypto.randomUUID() };
  await idle(options);
  const { jobs, are_suspects, is_cut } = await idle({ ...options, repetition: 1 });
  assert.deepEqual([jobs.length, are_suspects, is_cut], [1, true, false]);
});

Deno.test("a suspect keeps its place in the line, before and behind ready jobs, by priority and age", async () => {
  const old = await suspect(1);
  const [ready] = await many(1);
  const urgent = await suspect(2, { priority: 1 });
  const late = await suspect(2, { priority: -1 });
  for (const expected of [urgent, old, ready, late]) {
    assert.deepEqual((await idle()).jobs.map((job) => job.id), [expected]);
  }
});

Deno.test("suspects of paused types, of types not asked for and before their time stay where they are", async () => {
  await suspect(1, { job_type: "paused" });
  const other = await suspect(1, { job_type: "other" });
  const later = await suspect(1, { job_type: "late" });
  await sql`select pause_job_type('paused')`;
  await sql`update jobs set run_at = now() + interval '1 hour', updated_at = now() where id = ${later}`;
  assert.deepEqual((await idle({ jobTypes: ["paused", "late", "test"] })).jobs, []);
  assert.deepEqual((await idle()).jobs.map((job) => job.id), [other]);
  await sql`select resume_job_type('paused')`;
  assert.equal((await idle()).jobs.length, 1);
});

Deno.test("a suspect whose type is paused while it runs is one still when the type goes on", async () => {
  const id = await suspect(1);
  await idle();
  await sql`select pause_job_type('test')`;
  await everyWorkerDies();
  await sql`select resume_job_type('test')`;
  await queue.makeDue(id);
  const { jobs, are_suspects } = await idle();
  assert.deepEqual([jobs.map((job) => job.id), are_suspects], [[id], true]);
});

Deno.test("a suspect's result that comes after its rescue changes nothing, before and after the next claim", async () => {
  const id = await suspect(1);
  const { jobs: late } = await idle();
  await everyWorkerDies();
  assert.deepEqual((await end(late)).finished, ["lost"]);
  const { jobs } = await idle();
  assert.deepEqual((await end(late, "failed")).finished, ["lost"]);
  assert.deepEqual((await end(jobs)).finished, ["completed"]);
  assert.deepEqual((await end(late)).finished, ["lost"]);
  assert.equal((await queue.row(id)).status, "completed");
});

Deno.test("a busy worker passes suspects by, and after five seconds one is asked to run empty for them", async () => {
  await suspect(1);
  const [ready] = await many(1);
  const young = await busy({ maxJobs: 1 });
  assert.deepEqual([young.jobs.map((job) => job.id), young.suspects_wait], [[ready], false]);
  await sql`update jobs set updated_at = now() - interval '6 seconds' where waiting_for = 'isolation'`;
  await many(1);
  const asked = await busy();
  assert.deepEqual([asked.jobs, asked.suspects_wait], [[], true]);
  const next = await busy();
  assert.deepEqual([next.jobs.length, next.suspects_wait], [1, false], "one worker is enough");
});

Deno.test("nobody is asked to run empty for a suspect behind what is ready, or of a type it does not know", async () => {
  await many(1);
  await suspect(1);
  await suspect(1, { job_type: "unknown", priority: 9 });
  await sql`update jobs set updated_at = now() - interval '1 minute' where true`;
  const { jobs, suspects_wait } = await busy({ maxJobs: 1, jobTypes: ["test"] });
  assert.deepEqual([jobs.length, suspects_wait], [1, false]);
});

Deno.test("two who claim suspects at once share them, and none that runs alone is given twice", async () => {
  for (const losses of [1, 2]) {
    await db.admin`truncate jobs cascade`;
    for (let job = 0; job < 4; job++) await suspect(losses);
    let first: string[] = [];
    const claim = async (connection: Sql, maxJobs: number) => {
      const options = { maxJobs, isIdle: true, worker: "one of two" };
      const { jobs } = await queueOn(connection).finishAndClaim([], options);
      return jobs.map((job) => job.id);
    };
    const second = await duringTransaction(
      db,
      async (transaction) => first = await claim(transaction, 2),
      () => claim(sql, 4),
    );
    assert.deepEqual([first.length, second.length], losses === 1 ? [2, 2] : [1, 1]);
    assert.equal(new Set([...first, ...second]).size, first.length + second.length);
  }
});

Deno.test("two who rescue the jobs of one worker at once blame none of them, and know of each other's", async () => {
  const ids = await many(4);
  await sql`update jobs set suspicion = 1, waiting_for = 'isolation' where true`;
  await idle();
  await sql`update jobs set lease_expires_at = now() - interval '1 second' where true`;
  const rescue = (connection: Sql) => connection`select rescue_expired_jobs(2)`;
  await duringTransaction(db, rescue, async () => await rescue(sql));
  for (const id of ids) {
    assert.equal((await queue.row(id)).retry_count, 0);
    const [{ is_attempt, company, on_board }] = await failures(id);
    assert.deepEqual([is_attempt, company], [false, 3]);
    assert.deepEqual(on_board.sort(), ids.filter((other) => other !== id).sort());
  }
});

Deno.test("a suspect that ran alone is judged although others rescue more jobs than anybody looks through", async () => {
  await many(210);
  await idle({ maxJobs: 210 });
  const id = await suspect(1);
  assert.deepEqual((await idle()).jobs.map((job) => job.id), [id]);
  await sql`update jobs set lease_expires_at = now() - interval '1 minute' where id <> ${id}`;
  await queue.expireLease(id);
  const rescue = (jobs: number) => (connection: Sql) =>
    connection`select rescue_expired_jobs(${jobs})`;
  await duringTransaction(db, rescue(210), async () => await rescue(100)(sql));
  assert.deepEqual([(await queue.row(id)).retry_count, (await failures(id))[0].company], [1, 0]);
});

Deno.test("a job whose lease ends later than the others' still knows who was on board", async () => {
  const ids = await many(3);
  await idle({ worker: "it" });
  for (const id of ids) {
    await queue.expireLease(id);
    await sql`select rescue_expired_jobs()`;
  }
  assert.deepEqual((await failures(ids[0])).map((row) => row.company), [2]);
  assert.deepEqual((await failures(ids[2])).map((row) => row.company), [2]);
});

Deno.test("of a worker without a name those are on board that it claimed together", async () => {
  const ids = await many(3);
  await sql`select get_next_job(2)`;
  await sql`select get_next_job(1)`;
  await everyWorkerDies();
  const company = await Promise.all(ids.map(async (id) => (await failures(id))[0].company));
  assert.deepEqual(company, [1, 1, 0]);
});

Deno.test("a run that was not alone after all is not blamed", async () => {
  const id = await suspect(2);
  await idle({ worker: "it" });
  await many(1);
  await busy({ worker: "it" });
  await everyWorkerDies();
  assert.deepEqual([(await queue.row(id)).retry_count, (await failures(id))[0].company], [0, 1]);
});

Deno.test("a lease that a slow worker lost beside jobs it has finished is a loss in company", async () => {
  const [slow, done] = [await suspect(1), await suspect(1)];
  const { jobs } = await idle();
  await end(jobs.filter(({ id }) => id === done));
  await everyWorkerDies();
  const row = await queue.row(slow);
  assert.deepEqual([row.retry_count, row.suspicion, row.waiting_for], [0, 2, "isolation"]);
});

Deno.test("a run that someone started by hand is never blamed", async () => {
  const id = await suspect(2);
  await sql`select mark_job_processing(${id})`;
  await everyWorkerDies();
  assert.deepEqual([(await queue.row(id)).retry_count, (await queue.row(id)).suspicion], [0, 2]);
});

Deno.test("a suspect that was to be cancelled is cancelled when its worker dies, and may be cancelled as it waits", async () => {
  const running = await suspect(1);
  await idle();
  await sql`select cancel_job(${running})`;
  const waiting = await suspect(2);
  await sql`select cancel_job(${waiting})`;
  await everyWorkerDies();
  for (const id of [running, waiting]) assert.equal((await queue.row(id)).status, "cancelled");
});

Deno.test("on_board names at most twenty, company counts all", async () => {
  const [id] = await many(30);
  await idle({ maxJobs: 30 });
  await everyWorkerDies();
  const [{ company, on_board }] = await failures(id);
  assert.deepEqual([company, on_board.length], [29, 20]);
});
