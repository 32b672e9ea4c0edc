// Jobs that their worker gives back: handed over in the middle, released unharmed, or to rest for a while.

import assert from "node:assert/strict";
import { testDatabase } from "../support/database.ts";
import { type ClaimedJob, lease, queueOn } from "../support/queue.ts";

const db = await testDatabase();
const queue = queueOn(db.service);
const sql = db.service;

Deno.test.beforeEach(async () => {
  await db.admin`truncate jobs cascade`;
});

const save = (job: ClaimedJob, name: string) =>
  sql`select save_job_step(${job.id}, ${job.lease_token}, ${name}, '1', replace => true)`;

const handOver = (job: ClaimedJob, options = {}) =>
  queue.finishAndClaim([{ ...lease(job), outcome: "handed_over", ...options }]);

async function failures(job: ClaimedJob): Promise<string[]> {
  const rows = await db.admin`
    select error from job_failures where job_id = ${job.id} order by failed_at`;
  return rows.map((row) => row.error);
}

Deno.test("a job that is handed over with a new step is ready at once, with its steps and all its attempts", async () => {
  const { id } = await queue.running();
  let [job] = [await claimedAgain(id)];
  for (let isolate = 1; isolate <= 20; isolate++) {
    assert.equal(Object.keys(job.steps).length, isolate - 1);
    await save(job, `step ${isolate}`);
    assert.deepEqual((await handOver(job)).finished, ["queued"]);
    [job] = await queue.claim();
  }
  assert.equal(job.retry_count, 0);
  assert.deepEqual(await failures(job), []);
});

/** Released and claimed, so that the caller holds a fresh claim of the job. */
async function claimedAgain(id: string): Promise<ClaimedJob> {
  await sql`select release_job(${id})`;
  const [job] = await queue.claim();
  assert.equal(job.id, id);
  return job;
}

Deno.test("a job that is handed over without a new step has failed, and waits for its backoff", async () => {
  const job = await queue.running();
  assert.deepEqual((await handOver(job)).finished, ["queued"]);
  const row = await queue.row(job.id);
  assert.deepEqual([row.retry_count, row.waiting_for], [1, "retry"]);
  assert.equal(row.error, "handed over without a new step");
  assert.deepEqual(await failures(job), ["handed over without a new step"]);
});

Deno.test("a job that is handed over for ever without a new step fails in the end", async () => {
  const { id } = await queue.running({ max_retries: 2 });
  let job = await claimedAgain(id);
  for (const status of ["queued", "queued", "failed"]) {
    assert.deepEqual((await handOver(job)).finished, [status]);
    await queue.makeDue(id);
    [job] = status === "failed" ? [job] : await queue.claim();
  }
  assert.equal((await failures(job)).length, 3);
});

Deno.test("steps of earlier runs and results replaced are no new steps", async () => {
  const first = await queue.running();
  await save(first, "one");
  await handOver(first);
  const [second] = await queue.claim();
  await save(second, "one");
  await handOver(second);
  assert.equal((await queue.row(second.id)).retry_count, 1);
});

Deno.test("a hand-over sent again after it was stored changes nothing, whatever the job has gained or lost", async () => {
  for (const steps of [0, 1]) {
    const job = await queue.running();
    if (steps) await save(job, "one");
    await handOver(job);
    const before = await queue.row(job.id);
    assert.deepEqual((await handOver(job)).finished, ["queued"]);
    assert.deepEqual(await queue.row(job.id), before);
    await sql`select cancel_job(${job.id})`;
  }
});

Deno.test("a job to be cancelled is cancelled when it is handed over, with a new step or without", async () => {
  for (const steps of [0, 1]) {
    const job = await queue.running();
    if (steps) await save(job, "one");
    await sql`select cancel_job(${job.id})`;
    assert.deepEqual((await handOver(job)).finished, ["cancelled"]);
    assert.deepEqual(await failures(job), []);
  }
});

Deno.test("a job that is released with a delay rests that long and uses no attempt", async () => {
  const job = await queue.running();
  await sql`select release_job(${job.id}, ${job.lease_token}, 600)`;
  const row = await queue.row(job.id);
  assert.deepEqual([row.status, row.waiting_for, row.retry_count], ["queued", "time", 0]);
  assert.equal(row.run_at.getTime() - row.updated_at.getTime(), 600_000);
  assert.deepEqual(await queue.claim(), []);
  assert.deepEqual(await failures(job), []);
  await queue.makeDue(job.id);
  assert.equal((await queue.claim())[0].id, job.id);
});

Deno.test("a worker may let many jobs rest in one trip, each as long as it needs", async () => {
  await queue.enqueueMany([{ job_type: "test" }, { job_type: "test" }, { job_type: "test" }]);
  const jobs = await queue.claim(3);
  const delays = [60, 0, null];
  await queue.finishAndClaim(jobs.map((job, i) => ({
    ...lease(job),
    outcome: "released",
    retry_after_seconds: delays[i],
  })));
  const rows = await Promise.all(jobs.map((job) => queue.row(job.id)));
  assert.deepEqual(rows.map((row) => row.waiting_for), ["time", "time", null]);
  const rests = rows.map((row) => row.run_at.getTime() - row.updated_at.getTime());
  assert.deepEqual(rests.slice(0, 2), [60_000, 1_000], "a rest of nothing takes a second");
});

Deno.test("a job that rests is cancelled like any other that waits", async () => {
  const job = await queue.running();
  await sql`select release_job(${job.id}, ${job.lease_token}, 600)`;
  await sql`select cancel_job(${job.id})`;
  assert.equal((await queue.row(job.id)).status, "cancelled");
});

Deno.test("a hand-over without a new step uses no attempt for want of time, but the third in a row does", async () => {
  const { id } = await queue.running({ max_retries: 1 });
  let [job] = [await claimedAgain(id)];
  for (const expected of [0, 0, 1]) {
    await handOver(job, { was_given_time: false });
    assert.equal((await queue.row(id)).retry_count, expected);
    await queue.makeDue(id);
    [job] = await queue.claim();
  }
  assert.deepEqual(await failures(job), ["handed over without a new step"]);
  await handOver(job, { was_given_time: false });
  assert.equal((await queue.row(id)).status, "queued", "an attempt that was used begins a new row");
});

Deno.test("a new step and nothing less ends a row of hand-overs without one", async () => {
  const { id } = await queue.running();
  let [job] = [await claimedAgain(id)];
  for (const what of ["nothing", "nothing", "step", "nothing", "release", "nothing"]) {
    if (what === "step") await save(job, "one");
    if (what === "release") await queue.finishAndClaim([{ ...lease(job), outcome: "released" }]);
    else await handOver(job, { was_given_time: false });
    assert.equal((await queue.row(id)).retry_count, 0);
    [job] = await queue.claim();
  }
  await handOver(job, { was_given_time: false });
  assert.equal((await queue.row(id)).retry_count, 1);
});

Deno.test("a hand-over that had its time uses an attempt, as does one that says nothing of it", async () => {
  for (const options of [{ was_given_time: true }, { was_given_time: null }, {}]) {
    const job = await queue.running();
    await handOver(job, options);
    assert.equal((await queue.row(job.id)).retry_count, 1);
  }
});

const rest = (job: ClaimedJob) =>
  queue.finishAndClaim([{ ...lease(job), outcome: "released", retry_after_seconds: 0 }]);

Deno.test("the pauses of an hour of deferred answers, three times over, are no failure; a rest more than 300 is", async () => {
  const { id } = await queue.running({ max_retries: 0 });
  let [job] = [await claimedAgain(id)];
  let pauses = 0;
  for (let age = 0; age < 3_600; pauses++) age += Math.min(60, Math.max(5, Math.floor(age / 3)));
  assert.ok(3 * pauses <= 300, `${pauses} pauses`);
  await sql`update jobs set free_releases = 298, updated_at = now() where id = ${id}`;
  for (const status of ["queued", "queued", "failed"]) {
    assert.deepEqual((await rest(job)).finished, [status]);
    await queue.makeDue(id);
    [job] = status === "failed" ? [job] : await queue.claim();
  }
  assert.deepEqual(await failures(job), ["released 300 times in a row without a new step"]);
});

Deno.test("a new step begins a new row of rests", async () => {
  const { id } = await queue.running({ max_retries: 0 });
  const [job] = [await claimedAgain(id)];
  await sql`update jobs set free_releases = 300, updated_at = now() where id = ${id}`;
  await save(job, "one");
  assert.deepEqual((await rest(job)).finished, ["queued"]);
  await queue.makeDue(id);
  assert.deepEqual((await rest((await queue.claim())[0])).finished, ["queued"]);
});

/** A job that was released 300 times in a row without a new step, and once more, and its status then. */
async function released301Times(
  release: (job: ClaimedJob) => Promise<unknown>,
): Promise<[ClaimedJob, string]> {
  const { id } = await queue.running({ max_retries: 0 });
  let [job] = [await claimedAgain(id)];
  await sql`update jobs set free_releases = 298, updated_at = now() where id = ${id}`;
  for (const _ of [299, 300]) {
    await release(job);
    assert.equal((await queue.row(id)).status, "queued");
    [job] = await queue.claim();
  }
  await release(job);
  return [job, (await queue.row(id)).status];
}

for (
  const [name, release] of Object.entries({
    "a worker": (job: ClaimedJob) => queue.finishAndClaim([{ ...lease(job), outcome: "released" }]),
    "a crashed worker": (job: ClaimedJob) => {
      const results = [{ ...lease(job), outcome: "released" }];
      return sql`select abandon_jobs(${sql.json(results)})`;
    },
    "release_job": (job: ClaimedJob) => sql`select release_job(${job.id}, ${job.lease_token})`,
  })
) {
  Deno.test(`the 301st time in a row that ${name} releases a run without a new step uses an attempt`, async () => {
    const [job, status] = await released301Times(release);
    assert.equal(status, "failed");
    assert.deepEqual(await failures(job), ["released 300 times in a row without a new step"]);
  });
}

for (
  const [name, release] of Object.entries({
    "that was not begun": (job: ClaimedJob) =>
      queue.finishAndClaim([{ ...lease(job), outcome: "released", is_counted: false }]),
    "of a claim whose answer nobody read": ({ lease_token }: ClaimedJob) =>
      sql`select abandon_jobs(lease_tokens => ${[lease_token]}::uuid[])`,
  })
) {
  Deno.test(`a run ${name} is released without end`, async () => {
    const { id } = await queue.running({ max_retries: 0 });
    const job = await claimedAgain(id);
    await sql`update jobs set free_releases = 300, updated_at = now() where id = ${id}`;
    await release(job);
    const after = await queue.row(id);
    assert.deepEqual([after.status, after.free_releases], ["queued", 300]);
  });
}

Deno.test("a new step begins a new row of releases", async () => {
  const { id } = await queue.running({ max_retries: 0 });
  const job = await claimedAgain(id);
  await sql`update jobs set free_releases = 300, updated_at = now() where id = ${id}`;
  await save(job, "one");
  await sql`select release_job(${id}, ${job.lease_token})`;
  const after = await queue.row(id);
  assert.deepEqual([after.status, after.free_releases], ["queued", 0]);
});

Deno.test("release_job says so when the rest was one too many", async () => {
  const { id } = await queue.running({ max_retries: 0 });
  await sql`update jobs set free_releases = 300, updated_at = now() where id = ${id}`;
  await sql`select release_job(${id}, delay_seconds => 60)`;
  assert.equal((await queue.row(id)).status, "failed");
});
