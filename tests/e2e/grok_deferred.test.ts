// Answers that are fetched later: a job waits for them in the queue, whatever becomes of the workers in between.

import assert from "node:assert/strict";
import type { Fault } from "../grok/fault.ts";
import { grokCalls, scriptGrok } from "../support/grok.ts";
import { enqueue, getJob, type JobRow } from "../support/job.ts";
import { reportInput } from "../support/report_job.ts";
import { makeDue, savedSteps } from "../support/superuser.ts";
import { waitFor } from "../support/wait.ts";
import { startWorker, wake, wakeAndWait } from "../support/worker.ts";

/** Enqueues a report about `photos` photos whose answers take as `faults` say. */
async function enqueueReport(photos: number, faults: Fault[]): Promise<string> {
  const id = await enqueue("generate_report", reportInput(photos), { delay_seconds: 3_600 });
  await scriptGrok(id, faults);
  await makeDue(id);
  return id;
}

/** Wakes the worker until the job is done, moving its time forward whenever it waits. */
function runToEnd(id: string): Promise<JobRow> {
  return waitFor(`job ${id} to end`, async () => {
    await makeDue(id);
    await wakeAndWait();
    const job = await getJob(id);
    return job.status !== "queued" && job;
  });
}

/** What the calls of a job asked about photos, and how often each answer was fetched. */
async function photoCalls(id: string) {
  return (await grokCalls(id)).filter((call) => call.schema === "report_batch");
}

Deno.test("a job whose answers take long waits in the queue and loses no attempt", async () => {
  const id = await enqueueReport(7, [{
    fault: "slow",
    schema: "report_batch",
    delay_ms: 9_000,
    times: 2,
  }]);
  await wakeAndWait();
  const waiting = await getJob(id);
  assert.deepEqual(
    [waiting.status, waiting.waiting_for, waiting.retry_count],
    ["queued", "time", 0],
  );
  const calls = await photoCalls(id);
  assert.deepEqual(calls.map((call) => [call.fetched, call.status]), [[0, 200], [0, 200]]);

  const job = await runToEnd(id);
  assert.deepEqual([job.status, job.retry_count], ["completed", 0], job.error ?? "");
  assert.deepEqual((await photoCalls(id)).map((call) => call.fetched), [1, 1]);
  assert.equal(job.output_data.stats.duplicateRisk, 0);
});

Deno.test("a worker that is killed while answers are written costs nothing", async () => {
  const id = await enqueueReport(7, [{ fault: "slow", delay_ms: 6_000, times: 3 }]);
  const worker = await startWorker({ QUEUE_LEASE_SECONDS: "3" });
  await (await wake({ url: worker.url })).body?.cancel();
  await waitFor("all questions to be kept", async () => (await savedSteps(id)).length === 3);
  await worker.kill();
  await waitFor("the killed worker's job to be taken back", async () => {
    await wakeAndWait();
    return (await getJob(id)).status !== "processing";
  });
  const job = await runToEnd(id);
  assert.deepEqual([job.status, job.retry_count], ["completed", 0], job.error ?? "");
  assert.deepEqual((await photoCalls(id)).map((call) => call.fetched), [1, 1]);
  assert.equal(job.output_data.stats.duplicateRisk, 0);
});

Deno.test("an answer that is lost is asked for once more, and the report says that it may be paid twice", async () => {
  const id = await enqueueReport(2, [{ fault: "deferred_lost", schema: "report_batch" }]);
  await wakeAndWait();
  const job = await getJob(id);
  assert.equal(job.status, "completed", job.error ?? "");
  assert.deepEqual((await photoCalls(id)).map((call) => call.fetched), [0, 1]);
  assert.equal(job.output_data.stats.duplicateRisk, 1);
});

Deno.test("an error in place of a deferred answer is asked for again", async () => {
  const id = await enqueueReport(2, [{ fault: "deferred_error", schema: "report_batch" }]);
  await wakeAndWait();
  const job = await getJob(id);
  assert.equal(job.status, "completed", job.error ?? "");
  assert.deepEqual((await photoCalls(id)).map((call) => call.fetched), [1, 1]);
  assert.equal(job.output_data.stats.duplicateRisk, 0);
});
