// A worker that dies in the middle of a report costs its lease and the work in flight, nothing else.

import assert from "node:assert/strict";
import type { RecordedCall } from "../grok/conversation.ts";
import { grokCalls, scriptGrok } from "../support/grok.ts";
import { cancel, enqueue, getJob, waitForStatus } from "../support/job.ts";
import { reportInput } from "../support/report_job.ts";
import { makeDue, savedSteps } from "../support/superuser.ts";
import { waitFor } from "../support/wait.ts";
import { startWorker, wake, wakeAndWait } from "../support/worker.ts";

/** What is asked is in flight until it is answered. */
const WAITING = { GROK_TRANSPORT: "sync" };
const SHORT_LEASE = { ...WAITING, QUEUE_LEASE_SECONDS: "3" };

/** A report of two batches, the second of which never gets an answer from Grok on its first call. */
async function enqueueStuckReport(): Promise<string> {
  const id = await enqueue("generate_report", reportInput(7), { delay_seconds: 3_600 });
  const stuck = { fault: "slow", containing: "Open lap number 6", delay_ms: 600_000 } as const;
  await scriptGrok(id, [stuck]);
  await makeDue(id);
  return id;
}

/** Until its first batch is saved and its second asked for. */
const untilStuck = (id: string) =>
  waitFor(
    "the first batch to be saved and the second to be asked for",
    async () =>
      (await grokCalls(id)).some(isAbout(6)) &&
      (await savedSteps(id)).some((name) => /batch/.test(name)),
  );

const isAbout = (photo: number) => (call: RecordedCall) =>
  call.images.length > 0 && call.text.some((text) => text.includes(`Open lap number ${photo}`));

Deno.test("a report whose worker is killed is finished by the next one, its paid batches kept", async () => {
  const id = await enqueueStuckReport();
  const [first, next] = [await startWorker(SHORT_LEASE), await startWorker(SHORT_LEASE)];
  await (await wake({ url: first.url })).body?.cancel();
  await untilStuck(id);
  await first.kill();
  assert.equal((await getJob(id)).status, "processing");

  const early = await wakeAndWait(next.url);
  assert.equal(early.claimed, 0, "the dead worker's lease still holds");
  const job = await waitFor("the next worker to finish the report", async () => {
    await wakeAndWait(next.url);
    const now = await getJob(id);
    return now.status === "completed" && now;
  });
  await next.kill();

  assert.equal(job.retry_count, 0, "a worker that is lost once is not held against its job");
  assert.equal(job.output_data.status, "complete");
  const calls = await grokCalls(id);
  assert.equal(calls.filter(isAbout(1)).length, 1, "the saved batch is not paid again");
  assert.deepEqual(calls.filter(isAbout(6)).map((call) => call.status), [null, 200]);
});

Deno.test("a report whose worker is told to stop goes on elsewhere at once, and no attempt is lost", async () => {
  const id = await enqueueStuckReport();
  const worker = await startWorker({ ...WAITING, QUEUE_CONCURRENCY: "1" });
  await (await wake({ url: worker.url })).body?.cancel();
  await untilStuck(id);
  const other = await enqueue("generate_report", reportInput(1));
  await worker.stop();

  const left = await getJob(id);
  assert.deepEqual([left.status, left.retry_count, left.waiting_for], ["queued", 0, null]);
  assert.equal((await getJob(other)).status, "queued", "nothing else was begun");
  await wakeAndWait();
  const job = await waitForStatus(id, "completed");
  assert.deepEqual([job.retry_count, job.error], [0, null]);
  const calls = await grokCalls(id);
  assert.equal(calls.filter(isAbout(1)).length, 1, "the saved batch is not paid again");
  await waitForStatus(other, "completed");
});

Deno.test("a report whose worker is told to stop before its first step is done had too little time, not a failure", async () => {
  const id = await enqueue("generate_report", reportInput(1), { delay_seconds: 3_600 });
  await scriptGrok(id, [{ fault: "slow", delay_ms: 600_000, times: 2 }]);
  await makeDue(id);
  const worker = await startWorker(WAITING);
  await (await wake({ url: worker.url })).body?.cancel();
  await waitFor("the report to be begun", async () => (await grokCalls(id)).length > 0);
  await worker.stop();

  const left = await getJob(id);
  assert.deepEqual([left.status, left.retry_count, left.waiting_for], ["queued", 0, null]);
  await cancel(id);
});

Deno.test("a running report that is cancelled stops, and what it was doing is dropped", async () => {
  const id = await enqueueStuckReport();
  const worker = await startWorker(SHORT_LEASE);
  await (await wake({ url: worker.url })).body?.cancel();
  await untilStuck(id);
  assert.equal(await cancel(id), "processing");
  const job = await waitForStatus(id, "cancelled");
  assert.equal(job.output_data, null);
  const calls = (await grokCalls(id)).length;
  await wakeAndWait(worker.url);
  assert.equal((await grokCalls(id)).length, calls, "nothing is asked for a cancelled report");
  await worker.kill();
});
