// public.jobs itself: plain inserts make proper jobs, impossible rows are impossible, and updates by hand
// leave the queue in order.

import assert from "node:assert/strict";
import { refused, testDatabase } from "../support/database.ts";
import { queueOn } from "../support/queue.ts";

const db = await testDatabase();
const queue = queueOn(db.service);
const sql = db.service;

Deno.test.beforeEach(async () => {
  await db.admin`truncate jobs cascade`;
});

Deno.test("a plain insert makes a job that is claimed like any other", async () => {
  const [{ id }] = await sql`
    insert into jobs (job_type, input_data) values ('test', '{"a": 1}') returning id`;
  assert.equal((await queue.claim())[0].id, id);
});

Deno.test("a plain insert with a time in the future waits for it", async () => {
  const [{ id, waiting_for }] = await sql`
    insert into jobs (job_type, run_at) values ('test', now() + interval '1 hour')
    returning id, waiting_for`;
  assert.equal(waiting_for, "time");
  assert.deepEqual(await queue.claim(), []);
  await queue.makeDue(id);
  assert.equal((await queue.claim())[0].id, id);
});

Deno.test("rows inserted by one statement keep their order", async () => {
  const rows = await sql`
    insert into jobs (job_type, input_data)
    select 'test', jsonb_build_object('i', i) from generate_series(1, 20) i returning id`;
  assert.deepEqual((await queue.claim(20)).map((job) => job.id), rows.map((row) => row.id));
});

Deno.test("a plain insert or update of bad input is refused", async () => {
  await refused("JQ004", sql`insert into jobs (job_type, input_data) values ('test', '[]')`);
  const id = await queue.enqueue();
  await refused("JQ004", sql`update jobs set input_data = '3' where id = ${id}`);
});

const impossible: [string, string][] = [
  ["a status that does not exist", "status = 'done'"],
  ["processing without a lease", "status = 'processing', started_at = now(), lease_token = id"],
  ["queued with a lease", "lease_expires_at = now()"],
  ["completed without an end", "status = 'completed'"],
  ["queued with an end", "completed_at = now()"],
  ["failed without saying why", "status = 'failed', completed_at = now()"],
  ["waiting for something that does not exist", "waiting_for = 'godot'"],
  ["a suspect among the ready jobs", "suspicion = 1"],
  ["in isolation without being a suspect", "waiting_for = 'isolation'"],
  ["more than a suspect", "suspicion = 3, waiting_for = 'isolation'"],
  ["final and waiting", "status = 'cancelled', completed_at = now(), waiting_for = 'time'"],
  ["queued although it is to be cancelled", "cancel_requested_at = now()"],
  ["more retries than allowed", "retry_count = 4"],
  ["less than no retries", "retry_count = -1"],
  ["no time to run in", "timeout_seconds = 0"],
  ["no type", "job_type = ''"],
];
for (const [what, change] of impossible) {
  Deno.test(`a job cannot be: ${what}`, async () => {
    const id = await queue.enqueue();
    await refused("23514", sql.unsafe(`update jobs set ${change} where id = '${id}'`));
  });
}

Deno.test("a completed job cannot be given another state", async () => {
  const id = await queue.enqueue();
  await queue.claim();
  await sql`select mark_job_completed(${id})`;
  for (
    const change of ["status = 'failed', error = 'x'", "status = 'queued', completed_at = null"]
  ) {
    await refused("JQ005", sql.unsafe(`update jobs set ${change} where id = '${id}'`));
  }
  assert.equal((await queue.row(id)).status, "completed");
});

Deno.test("a failed job can be queued again by hand, and nothing else", async () => {
  const id = await queue.enqueue({ max_retries: 0 });
  await queue.claim();
  await sql`select mark_job_failed(${id}, 'x')`;
  await refused("JQ005", sql`update jobs set status = 'completed' where id = ${id}`);
  await sql`update jobs set status = 'queued', completed_at = null where id = ${id}`;
  assert.equal((await queue.claim())[0].id, id);
});

Deno.test("a cancelled job can be queued again by hand, and nothing else", async () => {
  const id = await queue.enqueue();
  await sql`select cancel_job(${id})`;
  for (const status of ["completed", "failed"]) {
    await refused("JQ005", sql`update jobs set status = ${status}, error = 'x' where id = ${id}`);
  }
  await sql`
    update jobs set status = 'queued', completed_at = null, cancel_requested_at = null where id = ${id}`;
  assert.equal((await queue.claim())[0].id, id);
});

Deno.test("an update by hand moves updated_at", async () => {
  const id = await queue.enqueue();
  const before = await queue.row(id);
  await sql`update jobs set priority = 5 where id = ${id}`;
  const after = await queue.row(id);
  assert.ok(after.updated_at > before.updated_at);
  assert.equal(after.priority, 5);
});

Deno.test("a ready job that is moved into the future by hand waits", async () => {
  const id = await queue.enqueue();
  await sql`update jobs set run_at = now() + interval '1 hour' where id = ${id}`;
  assert.equal((await queue.row(id)).waiting_for, "time");
  assert.deepEqual(await queue.claim(), []);
});

for (
  const columns of [
    "updated_at = now()",
    "updated_at = clock_timestamp()",
    "updated_at = '2030-01-01', priority = 3",
    "input_data = '{}', updated_at = now() - interval '1 hour'",
  ]
) {
  Deno.test(`a ready job that is moved into the future with ${columns} waits`, async () => {
    const id = await queue.enqueue();
    await sql.unsafe(
      `update jobs set run_at = now() + interval '1 day', ${columns} where id = '${id}'`,
    );
    assert.deepEqual(await queue.claim(), []);
    assert.equal((await queue.row(id)).waiting_for, "time");
    await sql.unsafe(`update jobs set run_at = now(), ${columns} where id = '${id}'`);
    assert.equal((await queue.claim())[0].id, id);
  });
}

Deno.test("a failed job is queued again by hand for tomorrow, and waits", async () => {
  const id = await queue.enqueue({ max_retries: 0 });
  await queue.claim();
  await sql`select mark_job_failed(${id}, 'x')`;
  await sql`
    update jobs set status = 'queued', completed_at = null, run_at = now() + interval '1 day', updated_at = now()
    where id = ${id}`;
  assert.deepEqual(await queue.claim(), []);
  assert.equal((await queue.row(id)).waiting_for, "time");
});

Deno.test("with an application's trigger that sets updated_at the queue and updates by hand work", async () => {
  await db.admin.unsafe(`
    create function moddatetime() returns trigger language plpgsql as $$
    begin
      new.updated_at := now();
      return new;
    end $$;
    create trigger jobs_moddatetime before update on jobs for each row execute function moddatetime()`);
  try {
    const id = await queue.enqueue();
    await sql.begin(async (transaction) => {
      for (const priority of [1, 2, 3]) {
        await transaction`update jobs set priority = ${priority} where id = ${id}`;
      }
      await transaction`update jobs set run_at = now() + interval '1 day' where id = ${id}`;
    });
    assert.equal((await queue.row(id)).waiting_for, "time");
    await queue.makeDue(id);
    const [job] = await queue.claim();
    assert.equal(job.id, id);
    await sql`select release_job(${id}, ${job.lease_token})`;
    await queue.claim();
    await sql`select mark_job_completed(${id})`;
    assert.equal((await queue.row(id)).status, "completed");
  } finally {
    await db.admin.unsafe("drop trigger jobs_moddatetime on jobs; drop function moddatetime()");
  }
});
