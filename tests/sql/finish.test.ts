// mark_job_processing, mark_job_completed, mark_job_failed and release_job: one job at a time.

import assert from "node:assert/strict";
import { refused, testDatabase } from "../support/database.ts";
import { type ClaimedJob, queueOn } from "../support/queue.ts";

const db = await testDatabase();
const queue = queueOn(db.service);
const sql = db.service;

Deno.test.beforeEach(async () => {
  await db.admin`truncate jobs, job_types cascade`;
});

/** The same job, taken by another worker after the lease of the first had ended. */
async function takenOver(): Promise<{ old: ClaimedJob; current: ClaimedJob }> {
  const old = await queue.running();
  await queue.expireLease(old.id);
  const [current] = await queue.claim();
  assert.equal(current.id, old.id);
  return { old, current };
}

Deno.test("a completed job keeps its result and is final", async () => {
  const job = await queue.running();
  const [{ done }] = await sql`
    select mark_job_completed(${job.id}, '{"result": "success"}', ${job.lease_token}) as done`;
  const row = await queue.row(job.id);
  assert.equal(done, true);
  assert.equal(row.status, "completed");
  assert.deepEqual(row.output_data, { result: "success" });
  assert.ok(row.completed_at);
  assert.equal(row.lease_expires_at, null);
});

Deno.test("completing a job twice under its token is one completion", async () => {
  const job = await queue.running();
  await sql`select mark_job_completed(${job.id}, '{"n": 1}', ${job.lease_token})`;
  const before = await queue.row(job.id);
  await sql`select mark_job_completed(${job.id}, '{"n": 2}', ${job.lease_token})`;
  assert.deepEqual(await queue.row(job.id), before);
});

Deno.test("completing clears the error of an earlier attempt", async () => {
  const job = await queue.running();
  await sql`select mark_job_failed(${job.id}, 'once', ${job.lease_token}, retry_after_seconds => 0)`;
  const [again] = await queue.claim();
  await sql`select mark_job_completed(${job.id}, null, ${again.lease_token})`;
  assert.equal((await queue.row(job.id)).error, null);
});

Deno.test("a failed attempt waits for a backoff of up to 10 seconds and counts", async () => {
  const job = await queue.running();
  await sql`select mark_job_failed(${job.id}, 'the roof leaks', ${job.lease_token})`;
  const row = await queue.row(job.id);
  assert.deepEqual([row.status, row.waiting_for, row.retry_count], ["queued", "retry", 1]);
  assert.equal(row.error, "the roof leaks");
  const backoff = row.run_at.getTime() - row.updated_at.getTime();
  assert.ok(backoff >= 0 && backoff <= 10_000, `${backoff} ms`);
});

Deno.test("the backoff is any time up to a bound that doubles from 10 seconds to 15 minutes", async () => {
  const rows = await backoffs("test");
  assert.equal(rows.length, 21);
  for (const { n, least, most } of rows) {
    assertAnyTimeUpTo(Math.min(900, 10 * 2 ** n), { least, most }, `retry ${n}`);
  }
});

Deno.test("a type may have a base, a factor and a cap of its own for the backoff", async () => {
  await db.admin`
    insert into job_types (job_type, retry_base_seconds, retry_factor, retry_cap_seconds)
    values ('slow', 60, 3, 4000), ('at once', 0, 2, 900)`;
  for (const { n, least, most } of await backoffs("slow")) {
    assertAnyTimeUpTo(Math.min(4_000, 60 * 3 ** n), { least, most }, `retry ${n}`);
  }
  for (const { most } of await backoffs("at once")) assert.equal(most, 0);
});

/** The shortest and the longest of two hundred backoffs, before the first retry and every second after it. */
async function backoffs(jobType: string) {
  return await sql<{ n: number; least: number; most: number }[]>`
    select n, extract(epoch from min(d))::float as least, extract(epoch from max(d))::float as most
    from generate_series(0, 40, 2) n, lateral (
      select job_queue.retry_delay(${jobType}, n) as d from generate_series(1, 200)
    ) delays
    group by n`;
}

function assertAnyTimeUpTo(bound: number, seen: { least: number; most: number }, what: string) {
  const shown = `${what}: ${seen.least} to ${seen.most} of ${bound} s`;
  assert.ok(seen.least >= 0 && seen.most <= bound, shown);
  assert.ok(seen.least < bound / 2 && seen.most > bound / 2, `${shown} is not the whole range`);
}

Deno.test("a retry may name its own delay", async () => {
  const job = await queue.running();
  await sql`
    select mark_job_failed(${job.id}, 'busy', ${job.lease_token}, retry_after_seconds => 120)`;
  const row = await queue.row(job.id);
  assert.equal(row.run_at.getTime() - row.updated_at.getTime(), 120_000);
  assert.deepEqual(await queue.claim(), []);
});

Deno.test("the last retry's failure is final", async () => {
  const job = await queue.running({ max_retries: 1 });
  await sql`select mark_job_failed(${job.id}, 'first', ${job.lease_token}, retry_after_seconds => 0)`;
  const [again] = await queue.claim();
  assert.equal(again.retry_count, 1);
  await sql`select mark_job_failed(${job.id}, 'second', ${again.lease_token})`;
  const row = await queue.row(job.id);
  assert.deepEqual([row.status, row.error, row.retry_count], ["failed", "second", 1]);
});

Deno.test("a failure that cannot be retried is final at once", async () => {
  const job = await queue.running();
  await sql`select mark_job_failed(${job.id}, 'no such photo', ${job.lease_token}, false)`;
  assert.equal((await queue.row(job.id)).status, "failed");
});

Deno.test("reporting a failure twice counts once", async () => {
  const job = await queue.running();
  await sql`select mark_job_failed(${job.id}, 'x', ${job.lease_token})`;
  const before = await queue.row(job.id);
  await sql`select mark_job_failed(${job.id}, 'x', ${job.lease_token})`;
  assert.deepEqual(await queue.row(job.id), before);
});

Deno.test("a released job is ready at once, in its old place, with all its attempts", async () => {
  const [first, second] = await queue.enqueueMany([{ job_type: "test" }, { job_type: "test" }]);
  const [job] = await queue.claim();
  assert.equal(job.id, first);
  await sql`select release_job(${job.id}, ${job.lease_token})`;
  const claimed = await queue.claim(2);
  assert.deepEqual(claimed.map((each) => each.id), [first, second]);
  assert.equal(claimed[0].retry_count, 0);
});

Deno.test("confirming the start renews the lease, however often", async () => {
  const job = await queue.running();
  for (const seconds of [60, 90]) {
    await sql`select mark_job_processing(${job.id}, ${job.lease_token}, ${seconds})`;
    const row = await queue.row(job.id);
    assert.equal(row.lease_expires_at!.getTime() - row.updated_at.getTime(), seconds * 1000);
  }
});

Deno.test("without a token a queued job is started by hand", async () => {
  const id = await queue.enqueue({ delay_seconds: 60 });
  await sql`update jobs set worker_id = 'an earlier run' where id = ${id}`;
  const [{ started }] = await sql`select mark_job_processing(${id}) as started`;
  const row = await queue.row(id);
  assert.equal(started, true);
  assert.deepEqual([row.status, row.waiting_for, row.worker_id], ["processing", null, null]);
  assert.deepEqual(row.run_at, row.started_at);
  await sql`select mark_job_completed(${id}, '{}')`;
  assert.equal((await queue.row(id)).status, "completed");
});

Deno.test("whatever a worker writes after it lost its lease changes nothing, and it learns so", async () => {
  const { old, current } = await takenOver();
  const before = await queue.row(old.id);
  assert.equal(before.lease_token, current.lease_token);
  const writes = [
    sql`select mark_job_processing(${old.id}, ${old.lease_token})`,
    sql`select mark_job_completed(${old.id}, '{"late": true}', ${old.lease_token})`,
    sql`select mark_job_failed(${old.id}, 'late', ${old.lease_token})`,
    sql`select release_job(${old.id}, ${old.lease_token})`,
    sql`select save_job_step(${old.id}, ${old.lease_token}, 'late', '{}')`,
  ];
  for (const write of writes) await refused("JQ002", write);
  assert.deepEqual(await queue.row(old.id), before);
});

Deno.test("a rescued job that nobody has taken yet is lost to its old worker too", async () => {
  const job = await queue.running();
  await queue.expireLease(job.id);
  await queue.claim(1, ["another type"]);
  assert.equal((await queue.row(job.id)).status, "queued");
  await refused("JQ002", sql`select mark_job_completed(${job.id}, '{}', ${job.lease_token})`);
});

Deno.test("a worker whose lease has ended may still finish while nobody has rescued the job", async () => {
  const job = await queue.running();
  await queue.expireLease(job.id);
  await sql`select mark_job_completed(${job.id}, '{}', ${job.lease_token})`;
  assert.equal((await queue.row(job.id)).status, "completed");
});

Deno.test("a completed job cannot be failed, released or started, with its token or without", async () => {
  const job = await queue.running();
  await sql`select mark_job_completed(${job.id}, '{}', ${job.lease_token})`;
  const before = await queue.row(job.id);
  for (const token of [null, job.lease_token]) {
    await refused("JQ005", sql`select mark_job_failed(${job.id}, 'x', ${token})`);
    await refused("JQ005", sql`select release_job(${job.id}, ${token})`);
  }
  await refused("JQ005", sql`select mark_job_processing(${job.id})`);
  await refused("JQ002", sql`select mark_job_processing(${job.id}, ${job.lease_token})`);
  assert.deepEqual(await queue.row(job.id), before);
});

Deno.test("a run that is out of time cannot be finished or prolonged by hand, and the refusal says what ends it", async () => {
  const { id } = await queue.running({ timeout_seconds: 20 });
  await queue.overrun(id);
  const before = await queue.row(id);
  const attempts = [
    sql`select mark_job_processing(${id})`,
    sql`select mark_job_completed(${id})`,
    sql`select mark_job_failed(${id}, 'x')`,
    sql`select release_job(${id})`,
  ];
  for (const attempt of attempts) {
    assert.match(
      await refused("JQ005", attempt),
      /out of time: rescue_expired_jobs\(\) ends it when/,
    );
  }
  assert.deepEqual(await queue.row(id), before);
});

Deno.test("a delay of less than no time is refused by the name of its argument", async () => {
  const { id } = await queue.running();
  assert.match(
    await refused("JQ004", sql`select mark_job_failed(${id}, 'x', retry_after_seconds => -1)`),
    /^retry_after_seconds: /,
  );
  assert.match(
    await refused("JQ004", sql`select release_job(${id}, delay_seconds => -1)`),
    /^delay_seconds: /,
  );
});

Deno.test("a queued job cannot be finished", async () => {
  const id = await queue.enqueue();
  await refused("JQ005", sql`select mark_job_completed(${id}, '{}')`);
  await refused("JQ005", sql`select mark_job_failed(${id}, 'x')`);
  await refused("JQ002", sql`select mark_job_completed(${id}, '{}', gen_random_uuid())`);
});

Deno.test("a job that does not exist is refused as such", async () => {
  const id = crypto.randomUUID();
  await refused("JQ003", sql`select mark_job_processing(${id})`);
  await refused("JQ003", sql`select mark_job_completed(${id})`);
  await refused("JQ003", sql`select mark_job_failed(${id}, 'x')`);
  await refused("JQ003", sql`select release_job(${id})`);
  await refused("JQ003", sql`select save_job_step(${id}, ${id}, 'a', '{}')`);
});
