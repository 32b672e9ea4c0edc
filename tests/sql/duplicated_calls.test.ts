// The same call delivered twice, the second time when the answer to the first has long been read: by a proxy, or by a
// connection that was thought to be broken.

import assert from "node:assert/strict";
import { refused, testDatabase } from "../support/database.ts";
import { lease, queueOn } from "../support/queue.ts";

const db = await testDatabase();
const queue = queueOn(db.service);

Deno.test.beforeEach(async () => {
  await db.admin`truncate jobs, job_queue.settled_claims cascade`;
});

const rows = async (ids: string[]) => await Promise.all(ids.map(queue.row));

const enqueue = (jobs: number) =>
  queue.enqueueMany(Array(jobs).fill({ job_type: "test", timeout_seconds: 40 }));

for (const maxJobs of [1, 3]) {
  for (const repetition of [0, 1, 2]) {
    Deno.test(`a claim of ${maxJobs} sent for the time ${repetition + 1} and delivered twice moves nothing about its runs`, async () => {
      const ids = await enqueue(maxJobs + 2);
      const options = { maxJobs, leaseToken: crypto.randomUUID() };
      for (let sent = 0; sent < repetition; sent++) {
        await queue.finishAndClaim([], { ...options, repetition: sent });
        await queue.pass(5);
      }
      const first = await queue.finishAndClaim([], { ...options, repetition });
      await queue.pass(25);
      const before = await rows(ids);
      const second = await queue.finishAndClaim([], { ...options, repetition });
      assert.deepEqual(second.jobs, first.jobs);
      assert.deepEqual(await rows(ids), before);
    });
  }
}

Deno.test("a call that arrives after its repetition was answered moves nothing either", async () => {
  const ids = await enqueue(2);
  const options = { maxJobs: 2, leaseToken: crypto.randomUUID() };
  const { jobs } = await queue.finishAndClaim([], { ...options, repetition: 2 });
  await queue.pass(25);
  const before = await rows(ids);
  for (const repetition of [0, 1, 2]) {
    assert.deepEqual((await queue.finishAndClaim([], { ...options, repetition })).jobs, jobs);
    assert.deepEqual(await rows(ids), before);
  }
});

Deno.test("each further repetition, whose worker has read no answer yet, gives the jobs all their time", async () => {
  const ids = await enqueue(2);
  const options = { maxJobs: 2, leaseToken: crypto.randomUUID() };
  for (const repetition of [0, 1, 2, 3]) {
    await queue.finishAndClaim([], { ...options, repetition });
    const left = await db.service`
      select round(extract(epoch from deadline_at - clock_timestamp())) as seconds from jobs`;
    assert.deepEqual(left.map(({ seconds }) => Number(seconds)), [40, 40], `${repetition}`);
    await queue.pass(25);
  }
  assert.deepEqual((await rows(ids)).map(({ status }) => status), ["processing", "processing"]);
});

Deno.test("a call with results that is delivered twice says the same of them and moves nothing", async () => {
  const ids = await enqueue(6);
  const running = await queue.claim(4);
  const results = running.map((job, n) => ({
    ...lease(job),
    outcome: ["completed", "failed", "released", "timed_out"][n],
    // So that none of them is claimed again at once.
    retry_after_seconds: 60,
  }));
  const options = { maxJobs: 2, leaseToken: crypto.randomUUID() };
  const first = await queue.finishAndClaim(results, options);
  assert.deepEqual(first.jobs.map(({ id }) => id), ids.slice(4));
  await queue.pass(25);
  const before = await rows(ids);
  const second = await queue.finishAndClaim(results, options);
  assert.deepEqual([second.finished, second.jobs], [first.finished, first.jobs]);
  assert.deepEqual(await rows(ids), before);
});

Deno.test("a duplicate brings no job that has ended, and no job back", async () => {
  const ids = await enqueue(2);
  const options = { maxJobs: 2, leaseToken: crypto.randomUUID() };
  const { jobs } = await queue.finishAndClaim([], options);
  await queue.finishAndClaim([{ ...lease(jobs[0]), outcome: "completed" }]);
  const before = await rows(ids);
  assert.deepEqual((await queue.finishAndClaim([], options)).jobs, [jobs[1]]);
  assert.deepEqual(await rows(ids), before);
});

Deno.test("a repetition of fewer than no times is refused", async () => {
  const options = { maxJobs: 1, leaseToken: crypto.randomUUID(), repetition: -1 };
  assert.match(await refused("JQ004", queue.finishAndClaim([], options)), /^repetition: /);
});
