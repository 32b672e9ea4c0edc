// job_types: what holds for all jobs of a type, and when a change of it takes effect.

import assert from "node:assert/strict";
import { refused, testDatabase } from "../support/database.ts";
import { lease, queueOn } from "../support/queue.ts";

const db = await testDatabase();
const queue = queueOn(db.service);
const sql = db.service;

Deno.test.beforeEach(async () => {
  await db.admin`truncate jobs, job_types cascade`;
});

/** How long the run under way may take, in seconds. */
async function allowed(id: string): Promise<number | null> {
  const [{ seconds }] = await db.admin`
    select extract(epoch from deadline_at - started_at)::int as seconds from jobs where id = ${id}`;
  return seconds;
}

Deno.test("a job without a timeout of its own has that of its type, however it is started", async () => {
  await sql`insert into job_types (job_type, timeout_seconds) values ('test', 20)`;
  const claimed = await queue.running();
  assert.equal(await allowed(claimed.id), 20);
  const byHand = await queue.enqueue();
  await sql`select mark_job_processing(${byHand})`;
  assert.equal(await allowed(byHand), 20);
});

Deno.test("a job's own timeout goes before that of its type", async () => {
  await sql`insert into job_types (job_type, timeout_seconds) values ('test', 20)`;
  for (const timeout_seconds of [10, 40]) {
    const { id } = await queue.running({ timeout_seconds });
    assert.equal(await allowed(id), timeout_seconds);
  }
});

Deno.test("the timeout of a job with an owner only shortens that of its type, however it is started", async () => {
  await sql`insert into job_types (job_type, timeout_seconds) values ('test', 20)`;
  const owner_id = crypto.randomUUID();
  for (const [own, expected] of [[10, 10], [40, 20], [null, 20]]) {
    const { id } = await queue.running({ timeout_seconds: own, owner_id });
    assert.equal(await allowed(id), expected);
    const byHand = await queue.enqueue({ timeout_seconds: own, owner_id });
    await sql`select mark_job_processing(${byHand})`;
    assert.equal(await allowed(byHand), expected);
  }
  const { id } = await queue.running({ job_type: "unlimited", timeout_seconds: 40, owner_id });
  assert.equal(await allowed(id), 40);
});

Deno.test("jobs of several types claimed together have each their own timeout", async () => {
  await sql`insert into job_types (job_type, timeout_seconds) values ('a', 10), ('b', 20), ('c', null)`;
  const types = ["a", "b", "c", "unheard of"];
  await queue.enqueueMany(types.map((job_type) => ({ job_type })));
  const claimed = await queue.claim(4);
  assert.deepEqual(
    await Promise.all(claimed.map((job) => allowed(job.id))),
    [10, 20, null, null],
  );
});

Deno.test("a worker is told how long a run may take, in both ways of claiming", async () => {
  await sql`insert into job_types (job_type, timeout_seconds) values ('test', 20)`;
  await queue.enqueueMany([{ job_type: "test" }, { job_type: "test", timeout_seconds: 7 }]);
  const [{ timeout_seconds }] = await sql`select timeout_seconds from get_next_job()`;
  const { jobs } = await queue.finishAndClaim([], { maxJobs: 1 });
  assert.deepEqual(
    [timeout_seconds, (jobs[0] as unknown as { timeout_seconds: number }).timeout_seconds],
    [20, 7],
  );
});

Deno.test("a changed timeout holds for runs that begin after it", async () => {
  await sql`insert into job_types (job_type, timeout_seconds) values ('test', 20)`;
  const { id, lease_token } = await queue.running();
  await sql`update job_types set timeout_seconds = 5 where job_type = 'test'`;
  await sql`select mark_job_processing(${id}, ${lease_token})`;
  assert.equal(await allowed(id), 20);
  await sql`select release_job(${id}, ${lease_token})`;
  await queue.claim();
  assert.equal(await allowed(id), 5);
  await sql`select release_job(${id})`;
  await sql`delete from job_types where job_type = 'test'`;
  await queue.claim();
  assert.equal(await allowed(id), null);
});

Deno.test("the backoff of a failed run is that of its type, also after a timeout", async () => {
  await sql`
    insert into job_types (job_type, retry_base_seconds, retry_cap_seconds) values ('at once', 0, 0)`;
  const job = await queue.running({ job_type: "at once", timeout_seconds: 20 });
  const assertDueAtOnce = async (retries: number) => {
    const row = await queue.row(job.id);
    assert.deepEqual([row.retry_count, row.waiting_for], [retries, "retry"]);
    assert.deepEqual(row.run_at, row.updated_at);
  };
  await queue.finishAndClaim([{ ...lease(job), outcome: "failed" }]);
  await assertDueAtOnce(1);
  const [again] = await queue.claim();
  await queue.finishAndClaim([{ ...lease(again), outcome: "timed_out" }]);
  await assertDueAtOnce(2);
});

Deno.test("the delay that a failure asks for goes before the backoff of the type, shorter or longer", async () => {
  await sql`
    insert into job_types (job_type, retry_base_seconds, retry_cap_seconds) values ('test', 60, 60)`;
  for (const seconds of [0, 600]) {
    const { id, lease_token } = await queue.running();
    await sql`
      select mark_job_failed(${id}, 'busy', ${lease_token}, retry_after_seconds => ${seconds})`;
    const [{ delay }] = await sql`
      select extract(epoch from j.run_at - f.failed_at)::integer as delay
      from jobs j join job_failures f on f.job_id = j.id where j.id = ${id}`;
    assert.equal(delay, seconds);
    await sql`select cancel_job(${id})`;
  }
});

Deno.test("a permanent failure is final, whatever its type, its retries or the delay it asks for", async () => {
  await sql`insert into job_types (job_type, retry_base_seconds) values ('test', 0)`;
  const { id, lease_token } = await queue.running({ max_retries: 1000 });
  await sql`
    select mark_job_failed(
      ${id}, 'never', ${lease_token}, retryable => false, retry_after_seconds => 1)`;
  const row = await queue.row(id);
  assert.deepEqual([row.status, row.retry_count, row.waiting_for], ["failed", 0, null]);
  assert.deepEqual(await queue.claim(), []);
});

const impossible = [
  "timeout_seconds = 0",
  "retry_base_seconds = -1",
  "retry_base_seconds = 'NaN'",
  "retry_base_seconds = null",
  "retry_factor = 0.5",
  "retry_factor = 101",
  "retry_cap_seconds = -1",
  "retry_cap_seconds = 'infinity'",
];
for (const change of impossible) {
  Deno.test(`a type cannot have ${change}`, async () => {
    await sql`insert into job_types (job_type) values ('test')`;
    const code = change.endsWith("null") ? "23502" : "23514";
    await refused(code, sql.unsafe(`update job_types set ${change} where job_type = 'test'`));
  });
}
