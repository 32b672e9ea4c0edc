// job_types.weight: a claim takes as many jobs as there is room for, and neither heavy nor light ones wait for ever.

import assert from "node:assert/strict";
import { refused, testDatabase } from "../support/database.ts";
import { queueOn } from "../support/queue.ts";

const db = await testDatabase();
const queue = queueOn(db.service);
const sql = db.service;

Deno.test.beforeEach(async () => {
  await db.admin`truncate jobs, job_types cascade`;
  await sql`insert into job_types (job_type, weight) values ('heavy', 4), ('half', 2), ('whale', 100)`;
});

/** Enqueues jobs of these types in this order. */
const enqueue = (...types: string[]) =>
  queue.enqueueMany(types.map((job_type, n) => ({ job_type, priority: -n })));

async function claim(capacity: number, options = {}) {
  const { jobs, is_cut } = await queue.finishAndClaim([], { maxJobs: 10, capacity, ...options });
  return [jobs.map((job) => job.job_type), is_cut];
}

const longReady = () =>
  sql`update jobs set updated_at = now() - interval '11 seconds' where status = 'queued'`;

Deno.test("jobs are taken in their order while their weights fit, and the worker is told what they weigh", async () => {
  await enqueue("light", "half", "heavy", "light");
  const { jobs, is_cut, weights } = await queue.finishAndClaim([], { maxJobs: 10, capacity: 6 });
  assert.deepEqual(jobs.map((job) => job.job_type), ["light", "half"]);
  assert.deepEqual([is_cut, weights], [true, { half: 2, heavy: 4, whale: 100 }]);
  assert.deepEqual(await claim(3), [["light"], true]);
  assert.deepEqual(await claim(4), [["heavy"], false]);
});

Deno.test("jobs without a weight take one slot each, and nobody is told of weights that nobody set", async () => {
  await db.admin`truncate job_types`;
  await enqueue("light", "light", "light");
  const { jobs, is_cut, weights } = await queue.finishAndClaim([], { maxJobs: 10, capacity: 2 });
  assert.deepEqual([jobs.length, is_cut, weights], [2, false, null]);
});

Deno.test("without a capacity weights do not count", async () => {
  await enqueue("heavy", "whale", "light");
  const { jobs, weights } = await queue.finishAndClaim([], { maxJobs: 10 });
  assert.deepEqual([jobs.length, weights], [3, null]);
});

Deno.test("lighter jobs pass one that is too heavy for ten seconds, and then wait with it", async () => {
  await enqueue("heavy", "light", "light");
  assert.deepEqual(await claim(1), [["light"], true]);
  await longReady();
  assert.deepEqual(await claim(1), [[], true]);
  assert.deepEqual(await claim(4), [["heavy"], true]);
  assert.deepEqual(await claim(1), [["light"], false]);
});

Deno.test("what comes before a heavy job does not wait with it, nor do workers that do not know its type", async () => {
  await enqueue("light", "heavy", "light");
  await longReady();
  assert.deepEqual(await claim(3), [["light"], true]);
  assert.deepEqual(await claim(3, { jobTypes: ["light"] }), [["light"], false]);
});

Deno.test("nobody waits with a heavy job of a paused type", async () => {
  await enqueue("heavy", "light");
  await longReady();
  await sql`select pause_job_type('heavy')`;
  assert.deepEqual(await claim(1), [["light"], false]);
});

Deno.test("a job heavier than a whole worker is taken by one that has nothing else, alone", async () => {
  await enqueue("whale", "light");
  await longReady();
  assert.deepEqual(await claim(10), [[], true]);
  assert.deepEqual(await claim(10, { isIdle: true }), [["whale"], true]);
});

Deno.test("a full worker is given nothing and does not take the queue for empty", async () => {
  await enqueue("light");
  assert.deepEqual(await claim(0), [[], true]);
});

Deno.test("suspects fit together by their weights as well", async () => {
  await enqueue("half", "half", "half");
  await sql`update jobs set suspicion = 1, waiting_for = 'isolation' where true`;
  assert.deepEqual((await claim(5, { isIdle: true }))[0], ["half", "half"]);
});

Deno.test("suspects of several types run together as far as their weights fit", async () => {
  await enqueue("heavy", "half", "light", "half");
  await sql`update jobs set suspicion = 1, waiting_for = 'isolation' where true`;
  assert.deepEqual((await claim(7, { isIdle: true }))[0], ["heavy", "half", "light"]);
});

Deno.test("a weight that changes while jobs run holds from the next claim on", async () => {
  await enqueue("half", "half", "half");
  assert.deepEqual(await claim(2), [["half"], true]);
  await sql`update job_types set weight = 4 where job_type = 'half'`;
  assert.deepEqual(await claim(2), [[], true]);
  await sql`update job_types set weight = 1 where job_type = 'half'`;
  assert.deepEqual(await claim(2), [["half", "half"], false]);
});

Deno.test("impossible weights and bounds are refused", async () => {
  for (const weight of [0, 1001]) {
    await refused("23514", sql`insert into job_types (job_type, weight) values ('x', ${weight})`);
  }
  const claiming = (options: object) => queue.finishAndClaim([], { maxJobs: 1, ...options });
  assert.match(await refused("JQ004", claiming({ capacity: -1 })), /^capacity: expected 0 or more/);
  assert.match(await refused("JQ004", claiming({ maxBytes: 0 })), /^max_bytes: expected 1 or more/);
});
