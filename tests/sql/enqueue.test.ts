// enqueue_job and enqueue_jobs: what becomes a job, and what is refused.

import assert from "node:assert/strict";
import { refused, testDatabase } from "../support/database.ts";
import { queueOn } from "../support/queue.ts";

const db = await testDatabase();
const queue = queueOn(db.service);

Deno.test.beforeEach(async () => {
  await db.admin`truncate jobs cascade`;
});

async function count(): Promise<number> {
  const [{ jobs }] = await db.admin`select count(*)::int as jobs from jobs`;
  return jobs;
}

Deno.test("a job has the documented defaults", async () => {
  const [{ id }] = await db.service`select enqueue_job('test') as id`;
  const row = await queue.row(id);
  assert.equal(row.status, "queued");
  assert.deepEqual(row.input_data, {});
  assert.deepEqual([row.priority, row.retry_count, row.max_retries], [0, 0, 3]);
  assert.deepEqual([row.waiting_for, row.owner_id, row.completed_at], [null, null, null]);
});

Deno.test("every option of enqueue_job reaches its column", async () => {
  const owner = crypto.randomUUID();
  const [{ id }] = await db.service`
    select enqueue_job(
      job_type => 'test', input_data => '{"a": 1}', priority => 7, max_retries => 0,
      run_at => '2100-01-01', idempotency_key => 'k', timeout_seconds => 9, owner_id => ${owner}
    ) as id`;
  const [row] = await db.admin`select * from jobs where id = ${id}`;
  assert.deepEqual(row.input_data, { a: 1 });
  assert.deepEqual([row.priority, row.max_retries, row.timeout_seconds], [7, 0, 9]);
  assert.deepEqual([row.idempotency_key, row.owner_id, row.waiting_for], ["k", owner, "time"]);
  assert.equal(row.run_at.toISOString(), "2100-01-01T00:00:00.000Z");
});

Deno.test("a delay counts from now", async () => {
  const row = await queue.row(await queue.enqueue({ delay_seconds: 60 }));
  const ahead = row.run_at.getTime() - row.updated_at.getTime();
  assert.equal(ahead, 60_000);
  assert.equal(row.waiting_for, "time");
});

Deno.test("null options mean the defaults", async () => {
  const row = await queue.row(
    await queue.enqueue({ priority: null, max_retries: null, input_data: null, run_at: null }),
  );
  assert.deepEqual([row.priority, row.max_retries, row.input_data], [0, 3, {}]);
});

Deno.test("jobs enqueued together get their ids in the order given and run in that order", async () => {
  const ids = await queue.enqueueMany(
    Array.from({ length: 50 }, (_, i) => ({ job_type: "test", input_data: { i } })),
  );
  const claimed = await queue.claim(50);
  assert.deepEqual(claimed.map((job) => job.id), ids);
  assert.deepEqual(claimed.map((job) => job.input_data.i), Array.from({ length: 50 }, (_, i) => i));
});

Deno.test("no jobs are enqueued as no jobs", async () => {
  assert.deepEqual(await queue.enqueueMany([]), []);
});

Deno.test("the same idempotency key gives the same job, whatever has become of it", async () => {
  const id = await queue.enqueue({ idempotency_key: "k" });
  assert.equal(await queue.enqueue({ idempotency_key: "k" }), id);
  await queue.claim();
  await db.service`select mark_job_completed(${id})`;
  assert.equal(await queue.enqueue({ idempotency_key: "k" }), id);
  assert.equal(await count(), 1);
});

Deno.test("an idempotency key belongs to its type and owner", async () => {
  const owner = crypto.randomUUID();
  const ids = await queue.enqueueMany([
    { job_type: "a", idempotency_key: "k" },
    { job_type: "b", idempotency_key: "k" },
    { job_type: "a", idempotency_key: "k", owner_id: owner },
  ]);
  assert.equal(new Set(ids).size, 3);
});

Deno.test("repeated keys among many jobs give the jobs that have them, in order", async () => {
  const before = await queue.enqueue({ idempotency_key: "old" });
  const [fresh, old, twin] = await queue.enqueueMany([
    { job_type: "test", idempotency_key: "new" },
    { job_type: "test", idempotency_key: "old" },
    { job_type: "test", idempotency_key: "new" },
  ]);
  assert.equal(old, before);
  assert.equal(twin, fresh);
  assert.equal(await count(), 2);
});

Deno.test("two callers with the same keys in opposite order neither deadlock nor make twins", async () => {
  const jobs = Array.from(
    { length: 100 },
    (_, i) => ({ job_type: "test", idempotency_key: `${i}` }),
  );
  const [one, other] = await Promise.all([
    queueOn(db.connect()).enqueueMany(jobs),
    queueOn(db.connect()).enqueueMany([...jobs].reverse()),
  ]);
  assert.deepEqual(one, other.reverse());
  assert.equal(await count(), 100);
});

Deno.test("an enqueue belongs to its transaction", async () => {
  await assert.rejects(db.service.begin(async (sql) => {
    await sql`select enqueue_job('test')`;
    throw new Error("the report could not be saved");
  }));
  assert.equal(await count(), 0);
});

const badOptions: [string, Record<string, unknown>][] = [
  ["job_type", { job_type: "" }],
  ["job_type", { job_type: null }],
  ["job_type", { job_type: "x".repeat(201) }],
  ["max_retries", { max_retries: -1 }],
  ["delay_seconds", { delay_seconds: -1 }],
  ["delay_seconds", { delay_seconds: 1, run_at: "2100-01-01T00:00:00Z" }],
  ["idempotency_key", { idempotency_key: "" }],
  ["timeout_seconds", { timeout_seconds: 0 }],
  ["priority", { priority: "high" }],
  ["max_retry", { max_retry: 3 }],
  ["input_data", { input_data: [1] }],
];
for (const [argument, options] of badOptions) {
  const shown = JSON.stringify(options).slice(0, 40);
  Deno.test(`${shown} is refused by the name of ${argument}, and nothing is enqueued`, async () => {
    const jobs = [{ job_type: "fine" }, { job_type: "test", ...options }];
    const message = await refused("JQ004", queue.enqueueMany(jobs));
    assert.ok(message.startsWith(`jobs[1].${argument}: `), message);
    assert.equal(await count(), 0);
  });
}

Deno.test("enqueue_job names a bad argument as its caller does", async () => {
  const message = await refused("JQ004", db.service`select enqueue_job('test', max_retries => -1)`);
  assert.equal(message, "max_retries: expected 0 to 1000");
});

Deno.test("what is not an array of objects is refused", async () => {
  for (const jobs of [{}, "x", null, [1], [[]]]) {
    await refused("JQ004", queue.enqueueMany(jobs));
  }
});

Deno.test("more than 10,000 jobs in one call are refused", async () => {
  const jobs = Array.from({ length: 10_001 }, () => ({ job_type: "test" }));
  assert.match(await refused("JQ004", queue.enqueueMany(jobs)), /^jobs: expected at most 10000/);
});

Deno.test("input_data has to be an object", async () => {
  for (const input of ["[]", "3", '"text"']) {
    const message = await refused(
      "JQ004",
      db.service`select enqueue_job('test', ${input}::text::jsonb)`,
    );
    assert.match(message, /^input_data: expected a JSON object/);
  }
});

Deno.test("input_data may be up to 1 MiB and no larger, and the refusal does not repeat it", async () => {
  const input = (bytes: number) => ({ text: "x".repeat(bytes) });
  await queue.enqueue({ input_data: input(1_048_000) });
  const message = await refused("JQ004", queue.enqueue({ input_data: input(1_048_576) }));
  assert.match(message, /input_data: expected a JSON object of at most 1048576 bytes/);
  assert.ok(message.length < 200);
});
