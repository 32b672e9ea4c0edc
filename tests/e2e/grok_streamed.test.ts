// Answers read as they are written, and the other endpoint.

import assert from "node:assert/strict";
import type { Fault } from "../grok/fault.ts";
import { grokCalls, scriptGrok } from "../support/grok.ts";
import { cancel, enqueue, getJob, type JobRow, waitForStatus } from "../support/job.ts";
import { reportInput } from "../support/report_job.ts";
import { makeDue } from "../support/superuser.ts";
import { waitFor } from "../support/wait.ts";
import { wake, wakeAndWait } from "../support/worker.ts";

/** Enqueues a report that wants its answers streamed, and wakes no one. */
async function enqueueStreamed(photos: number, faults: Fault[] = []): Promise<string> {
  const input = reportInput(photos, { options: { transport: "stream" } });
  const id = await enqueue("generate_report", input, { delay_seconds: 3_600 });
  await scriptGrok(id, faults);
  await makeDue(id);
  return id;
}

async function runStreamed(photos: number, faults: Fault[] = []): Promise<JobRow> {
  const id = await enqueueStreamed(photos, faults);
  await wakeAndWait();
  return await getJob(id);
}

Deno.test("a report whose answers are streamed is as complete as any", async () => {
  const job = await runStreamed(7);
  assert.equal(job.status, "completed", job.error ?? "");
  assert.equal(job.output_data.status, "complete");
  assert.ok(job.output_data.stats.costUsd > 0);
  const calls = await grokCalls(job.id);
  assert.ok(calls.every((call) => call.parameters.stream === true && !call.left));
});

Deno.test("the progress of a streamed answer can be read while it is written", async () => {
  const id = await enqueueStreamed(3, [{ fault: "slow", schema: "report_batch", delay_ms: 4_000 }]);
  await (await wake()).body?.cancel();
  const message = await waitFor("letters to be told", async () => {
    const { progress } = await getJob(id);
    return progress?.message.match(/^writing about 3 photos: (\d+) letters so far$/);
  });
  assert.ok(Number(message[1]) > 0);
  await waitForStatus(id, "completed");
});

Deno.test("a streamed answer is broken off when its job is cancelled", async () => {
  const faults: Fault[] = [{ fault: "slow", schema: "report_batch", delay_ms: 60_000 }];
  const id = await enqueueStreamed(3, faults);
  await (await wake()).body?.cancel();
  const photos = async () => (await grokCalls(id)).find((call) => call.images.length > 0);
  await waitFor("the answer to begin", async () => (await photos())?.status === 200);
  await cancel(id);
  await waitForStatus(id, "cancelled");
  await waitFor("the stream to be broken off", async () => (await photos())?.left);
});

Deno.test("a stream that turns into an error is asked for again", async () => {
  const job = await runStreamed(2, [{ fault: "stream_error", schema: "report_batch" }]);
  assert.equal(job.status, "completed", job.error ?? "");
  assert.equal((await grokCalls(job.id)).filter((call) => call.images.length > 0).length, 2);
});

Deno.test("a stream that ends in its middle is left to the queue, because it may be paid for", async () => {
  const job = await runStreamed(2, [{ fault: "stream_cut", schema: "report_batch" }]);
  assert.deepEqual([job.status, job.waiting_for], ["queued", "retry"]);
  assert.equal(job.error, "grok stopped in the middle of its answer");
  await makeDue(job.id);
  await wakeAndWait();
  const done = await waitForStatus(job.id, "completed");
  assert.equal(done.output_data.stats.duplicateRisk, 1);
});

for (const transport of ["sync", "stream"]) {
  Deno.test(`a report can be written through the other endpoint, ${transport}`, async () => {
    const options = { apiStyle: "responses", transport };
    const id = await enqueue("generate_report", reportInput(7, { options }));
    await wakeAndWait();
    const job = await getJob(id);
    assert.equal(job.status, "completed", job.error ?? "");
    assert.equal(job.output_data.status, "complete");
    assert.ok(job.output_data.stats.costUsd > 0);
    const codes = job.output_data.warnings.map((warning: { code: string }) => warning.code);
    assert.deepEqual(codes, ["report_not_saved"]);
    assert.ok((await grokCalls(id)).every((call) => call.parameters.store === false));
  });
}
