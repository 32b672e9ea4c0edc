// start_job_step and save_job_step: what was paid for is kept, and what was begun is known.

import assert from "node:assert/strict";
import { refused, testDatabase } from "../support/database.ts";
import { type ClaimedJob, queueOn } from "../support/queue.ts";

const db = await testDatabase();
const queue = queueOn(db.service);

Deno.test.beforeEach(async () => {
  await db.admin`truncate jobs cascade`;
});

async function save(job: ClaimedJob, name: string, result: unknown, progress: unknown = null) {
  const sql = db.service;
  const [{ answer }] = await sql`
    select save_job_step(
      ${job.id}, ${job.lease_token}, ${name}, ${sql.json(result as never)},
      ${progress === null ? null : sql.json(progress as never)}, 90
    ) as answer`;
  return answer;
}

async function start(job: ClaimedJob, name: string): Promise<string> {
  const [{ answer }] = await db.service`
    select start_job_step(${job.id}, ${job.lease_token}, ${name}, 90) as answer`;
  return answer;
}

async function steps(job: ClaimedJob) {
  return [
    ...await db.admin`
    select name, runs, result, finished_at is not null as is_finished
    from job_steps where job_id = ${job.id} order by name`,
  ];
}

/** The same job on another worker, after its first has fallen silent. */
async function goneOn(job: ClaimedJob): Promise<ClaimedJob> {
  await queue.expireLease(job.id);
  const [again] = await queue.claim();
  assert.equal(again.id, job.id);
  return again;
}

Deno.test("a step that was begun and never finished is visible as such, and is not given back", async () => {
  const job = await queue.running();
  assert.equal(await start(job, "one"), "held");
  assert.deepEqual(await steps(job), [{ name: "one", runs: 1, result: null, is_finished: false }]);
  assert.deepEqual((await goneOn(job)).steps, {});
});

Deno.test("a step that an earlier run began says so, however often it is asked", async () => {
  const job = await queue.running();
  await start(job, "one");
  assert.equal(await start(job, "one"), "held");
  const again = await goneOn(job);
  assert.equal(await start(again, "one"), "again");
  assert.equal(await start(again, "one"), "again");
  assert.equal(await start(again, "two"), "held");
  assert.deepEqual((await steps(job)).map((step) => [step.name, step.runs]), [["one", 2], [
    "two",
    1,
  ]]);
});

Deno.test("a step that is finished is not begun again", async () => {
  const job = await queue.running();
  await start(job, "one");
  await save(job, "one", 1);
  const before = await db.admin`select * from job_steps`;
  assert.equal(await start(await goneOn(job), "one"), "held");
  assert.deepEqual([...await db.admin`select * from job_steps`], [...before]);
});

Deno.test("the beginning of a step renews the lease", async () => {
  const job = await queue.running();
  await start(job, "one");
  const row = await queue.row(job.id);
  assert.equal(row.lease_expires_at!.getTime() - row.updated_at.getTime(), 90_000);
});

Deno.test("no step of a job begins that is to be cancelled", async () => {
  const job = await queue.running();
  await db.service`select cancel_job(${job.id})`;
  assert.equal(await start(job, "one"), "cancelled");
  assert.deepEqual(await steps(job), []);
});

Deno.test("no step begins on a lease that is lost", async () => {
  const job = await queue.running();
  await goneOn(job);
  await refused("JQ002", start(job, "one"));
  assert.deepEqual(await steps(job), []);
});

Deno.test("a step that is finished without having been begun has one run", async () => {
  const job = await queue.running();
  await save(job, "one", 1);
  assert.deepEqual(await steps(job), [{ name: "one", runs: 1, result: 1, is_finished: true }]);
});

Deno.test("the last result of a step stays when it is to replace the one before, and counts once", async () => {
  const job = await queue.running();
  await save(job, "one", 1);
  const replace = (result: number) =>
    db.service`
      select save_job_step(${job.id}, ${job.lease_token}, 'one', ${result}::text::jsonb, replace => true)`;
  await replace(2);
  await replace(3);
  assert.equal((await queue.row(job.id)).step_count, 1);
  assert.deepEqual((await goneOn(job)).steps, { one: 3 });
});

Deno.test("a result that a worker lets pass is kept; one of twice the size is refused by name, without being repeated", async () => {
  const job = await queue.running();
  // As JSON text of the worker's a little less than 1 MiB, in the database three times that.
  await save(job, "large", Array.from({ length: 524_000 }, () => 1));
  const message = await refused("JQ004", save(job, "too large", "x".repeat(2_097_152)));
  assert.match(message, /^result: expected at most 2097152 bytes of text, got \d+ bytes$/);
  assert.deepEqual((await steps(job)).map((step) => step.name), ["large"]);
});

Deno.test("steps that someone has deleted by hand are run again", async () => {
  const job = await queue.running();
  await save(job, "one", 1);
  await db.service`delete from job_steps where job_id = ${job.id}`;
  const again = await goneOn(job);
  assert.deepEqual(again.steps, {});
  await save(again, "one", 2);
  assert.deepEqual((await goneOn(again)).steps, { one: 2 });
});

Deno.test("saved steps come back with the next claim, whatever became of the worker", async () => {
  const job = await queue.running();
  assert.equal(await save(job, "batch/1", { n: 1 }), "held");
  assert.equal(await save(job, "batch/2", [2]), "held");
  await queue.expireLease(job.id);
  const [again] = await queue.claim();
  assert.deepEqual(again.steps, { "batch/1": { n: 1 }, "batch/2": [2] });
});

Deno.test("the first result of a step stays, and a repeat is harmless", async () => {
  const job = await queue.running();
  await save(job, "one", { n: 1 });
  assert.equal(await save(job, "one", { n: 2 }), "held");
  assert.equal((await queue.row(job.id)).step_count, 1);
  await queue.expireLease(job.id);
  assert.deepEqual((await queue.claim())[0].steps, { one: { n: 1 } });
});

Deno.test("a step without a result is still a finished step", async () => {
  const job = await queue.running();
  await db.service`select save_job_step(${job.id}, ${job.lease_token}, 'mail', null)`;
  await queue.expireLease(job.id);
  assert.deepEqual((await queue.claim())[0].steps, { mail: null });
});

Deno.test("saving a step renews the lease and shows progress", async () => {
  const job = await queue.running();
  await save(job, "one", {}, { done: 1, total: 2 });
  const row = await queue.row(job.id);
  assert.ok(row.lease_expires_at! > job.lease_expires_at);
  assert.deepEqual(row.progress, { done: 1, total: 2 });
});

Deno.test("a job that is to be cancelled is told so, and its step is kept all the same", async () => {
  const job = await queue.running();
  await db.service`select cancel_job(${job.id})`;
  assert.equal(await save(job, "one", { n: 1 }), "cancelled");
  assert.equal((await queue.row(job.id)).step_count, 1);
});

Deno.test("a step of a worker that lost its lease is not kept", async () => {
  const job = await queue.running();
  await queue.expireLease(job.id);
  await queue.claim();
  await refused("JQ002", save(job, "late", {}));
  assert.equal((await queue.row(job.id)).step_count, 0);
  assert.deepEqual([...await db.admin`select from job_steps`], []);
});

Deno.test("a step needs a name of reasonable length", async () => {
  const job = await queue.running();
  for (const name of ["", "x".repeat(201)]) {
    assert.match(await refused("JQ004", save(job, name, {})), /^name: /);
    assert.match(await refused("JQ004", start(job, name)), /^name: /);
  }
});

Deno.test("steps survive a manual retry and go with the job", async () => {
  const job = await queue.running({ max_retries: 0 });
  await save(job, "one", { n: 1 });
  await db.service`select mark_job_failed(${job.id}, 'x', ${job.lease_token})`;
  await db.service`select retry_failed_jobs()`;
  assert.deepEqual((await queue.claim())[0].steps, { one: { n: 1 } });
  await db.service`delete from jobs where id = ${job.id}`;
  assert.deepEqual([...await db.admin`select from job_steps`], []);
});
