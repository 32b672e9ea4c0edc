// get_next_job: what is handed out, in which order, and to whom.

import assert from "node:assert/strict";
import { refused, testDatabase } from "../support/database.ts";
import { lease, queueOn } from "../support/queue.ts";

const db = await testDatabase();
const queue = queueOn(db.service);

Deno.test.beforeEach(async () => {
  await db.admin`truncate jobs cascade`;
});

Deno.test("an empty queue hands out no row", async () => {
  assert.deepEqual(await queue.claim(), []);
});

Deno.test("a claimed job is processing, under a token and a lease of 30 seconds", async () => {
  const id = await queue.enqueue({ input_data: { a: 1 } });
  const [job] = await queue.claim();
  const row = await queue.row(id);
  assert.equal(job.id, id);
  assert.deepEqual(job.input_data, { a: 1 });
  assert.deepEqual(job.steps, {});
  assert.equal(row.status, "processing");
  assert.equal(row.lease_token, job.lease_token);
  assert.equal(row.lease_expires_at!.getTime() - row.started_at!.getTime(), 30_000);
});

Deno.test("a job is handed out once", async () => {
  await queue.enqueue();
  assert.equal((await queue.claim()).length, 1);
  assert.equal((await queue.claim()).length, 0);
});

Deno.test("jobs come by priority, then due time, then age", async () => {
  const hourAgo = new Date(Date.now() - 3_600_000).toISOString();
  const [third, fourth, second, first] = await queue.enqueueMany([
    { job_type: "test" },
    { job_type: "test" },
    { job_type: "test", run_at: hourAgo },
    { job_type: "test", priority: 1 },
  ]);
  const claimed = await queue.claim(10);
  assert.deepEqual(claimed.map((job) => job.id), [first, second, third, fourth]);
});

Deno.test("types are claimed in one order together", async () => {
  const [low, high, middle] = await queue.enqueueMany([
    { job_type: "a" },
    { job_type: "b", priority: 9 },
    { job_type: "a", priority: 5 },
  ]);
  const claimed = await queue.claim(3, ["a", "b"]);
  assert.deepEqual(claimed.map((job) => job.id), [high, middle, low]);
});

Deno.test("of two types only the jobs that are due first are taken", async () => {
  const [low, high] = await queue.enqueueMany([
    { job_type: "a" },
    { job_type: "b", priority: 9 },
  ]);
  assert.deepEqual((await queue.claim(1, ["a", "b"])).map((job) => job.id), [high]);
  assert.equal((await queue.row(low)).status, "queued");
});

Deno.test("a job of a type that the worker does not know stays queued", async () => {
  const id = await queue.enqueue({ job_type: "unknown" });
  assert.deepEqual(await queue.claim(10, ["known", "also known"]), []);
  assert.deepEqual(await queue.claim(10, []), []);
  assert.equal((await queue.row(id)).status, "queued");
});

Deno.test("a type named twice is claimed as if named once", async () => {
  await queue.enqueueMany([{ job_type: "a" }, { job_type: "a" }]);
  assert.equal((await queue.claim(1, ["a", "a"])).length, 1);
});

Deno.test("a job whose time has not come is not handed out; once it is due it is", async () => {
  const id = await queue.enqueue({ delay_seconds: 3_600 });
  assert.deepEqual(await queue.claim(), []);
  await queue.makeDue(id);
  assert.deepEqual((await queue.claim()).map((job) => job.id), [id]);
  assert.equal((await queue.row(id)).waiting_for, null);
});

Deno.test("a claim gets as many jobs as it asks for, however many of them were waiting a moment ago", async () => {
  await queue.enqueueMany(
    Array.from({ length: 600 }, () => ({ job_type: "test", delay_seconds: 60 })),
  );
  await db.admin`update jobs set run_at = now() where true`;
  assert.equal((await queue.claim(250)).length, 250);
});

Deno.test("a claim gets as many jobs as it asks for, however many of them dead workers held", async () => {
  await queue.enqueueMany(Array.from({ length: 600 }, () => ({ job_type: "test" })));
  await queue.claim(600);
  await db.admin`update jobs set lease_expires_at = now() - interval '1 second' where true`;
  assert.equal((await queue.claim(250)).length, 250);
});

Deno.test("jobs of other types that are due or held by dead workers do not stand before one's own", async () => {
  const longAgo = `now() - n * interval '1 second' from generate_series(1, 500) n`;
  const type = `case n when 1 then 'own' else 'another' end`;
  await db.admin.unsafe(`
    insert into jobs (job_type, waiting_for, run_at) select ${type}, 'time', ${longAgo};
    insert into jobs (job_type, status, started_at, lease_token, lease_expires_at)
    select ${type}, 'processing', now(), gen_random_uuid(), ${longAgo}`);
  const [first] = await queue.claim(10, ["own"]);
  await queue.finishAndClaim([{ ...lease(first), outcome: "completed" }]);
  assert.equal((await queue.claim(10, ["own"])).length, 1);
});

Deno.test("the claim says who took the job", async () => {
  const id = await queue.enqueue();
  await db.service`select from get_next_job(worker_id => 'isolate 7')`;
  assert.equal((await queue.row(id)).worker_id, "isolate 7");
});

Deno.test("impossible numbers are refused by the name of their argument", async () => {
  const sql = db.service;
  assert.match(await refused("JQ004", sql`select get_next_job(max_jobs => 0)`), /^max_jobs: /);
  assert.match(await refused("JQ004", sql`select get_next_job(max_jobs => 1001)`), /^max_jobs: /);
  assert.match(
    await refused("JQ004", sql`select get_next_job(lease_seconds => 0)`),
    /^lease_seconds: /,
  );
});

for (const jobTypes of [null, ["a", "b", "c"]]) {
  const which = jobTypes ? "of several types" : "of any type";
  Deno.test(`eight connections claiming jobs ${which} at once share none and leave none`, async () => {
    const jobs = Array.from(
      { length: 800 },
      (_, i) => ({ job_type: "abc"[i % 3], priority: i % 4 }),
    );
    const ids = await queue.enqueueMany(jobs);
    const connections = Array.from({ length: 8 }, () => queueOn(db.connect()));
    const claimed = await Promise.all(connections.map(async (connection) => {
      const mine: string[] = [];
      for (;;) {
        const jobs = await connection.claim(7, jobTypes);
        if (jobs.length === 0) return mine;
        mine.push(...jobs.map((job) => job.id));
      }
    }));
    // Some may have stopped while another's claim was not yet committed, but someone took every job.
    assert.deepEqual(claimed.flat().sort(), ids.sort());
  });
}

for (const jobTypes of [null, ["a"], ["a", "b"]]) {
  Deno.test(`a claim passes over jobs that another is just taking (${jobTypes ?? "any type"})`, async () => {
    const [first, second] = await queue.enqueueMany([
      { job_type: "a", priority: 1 },
      { job_type: "b" },
      { job_type: "a" },
    ]);
    const other = db.connect();
    await other.begin(async (transaction) => {
      const [taken] = await transaction`select id from get_next_job(job_types => '{a}')`;
      assert.equal(taken.id, first);
      const [job] = await queue.claim(1, jobTypes);
      assert.notEqual(job.id, first);
      if (jobTypes?.length !== 1) assert.equal(job.id, second);
    });
  });
}
