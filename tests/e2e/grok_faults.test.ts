// What a report job makes of Grok's bad days: nothing is lost, nothing is paid twice, nothing is retried in vain.

import assert from "node:assert/strict";
import type { RecordedCall } from "../grok/conversation.ts";
import type { Fault } from "../grok/fault.ts";
import { secretKeyClient } from "../support/clients.ts";
import { grokCalls, scriptGrok } from "../support/grok.ts";
import { cancel, enqueue, getJob, type JobRow } from "../support/job.ts";
import { PHOTOS_URL, reportInput } from "../support/report_job.ts";
import { makeDue } from "../support/superuser.ts";
import { wakeAndWait, withWorker } from "../support/worker.ts";

/** Runs one attempt of a report job with `photos` photos while Grok misbehaves as scripted. */
async function attemptReport(
  photos: number,
  faults: Fault[],
  workerUrl?: string,
): Promise<{ id: string; job: JobRow }> {
  const input = reportInput(photos);
  // The script must be in place before any worker can take the job.
  const id = await enqueue("generate_report", input, { delay_seconds: 3_600 });
  await scriptGrok(id, faults);
  await makeDue(id);
  await wakeAndWait(workerUrl);
  return { id, job: await getJob(id) };
}

/** The same in an isolate of its own: one that was told to slow down asks nothing for a while, for no job. */
const attemptReportApart = (photos: number, faults: Fault[]) =>
  withWorker({}, (worker) => attemptReport(photos, faults, worker.url));

/** How often the batch with this photo's description was asked for. */
function callsAbout(calls: RecordedCall[], photo: number): number {
  const words = new RegExp(`Open lap number ${photo}\\b`);
  return calls.filter((call) => call.images.length > 0 && words.test(call.text.join("\n"))).length;
}

Deno.test("a photo that is missing becomes text with a warning, and the report goes on", async () => {
  const input = reportInput(3);
  input.images[1].url = `${PHOTOS_URL}/missing.jpg`;
  const id = await enqueue("generate_report", input);
  await wakeAndWait();
  const job = await getJob(id);
  assert.equal(job.status, "completed", job.error ?? "");
  const report = job.output_data;
  const warning = report.warnings.find((each: { imageId?: string }) => each.imageId === "photo-2");
  assert.ok(warning, JSON.stringify(report.warnings));
  assert.match(report.text, /lap number 2/i);
  const calls = await grokCalls(id);
  assert.equal(Math.max(...calls.map((call) => call.images.length)), 2);
});

Deno.test("a 500 is survived, and a batch that was paid for is not asked for again", async () => {
  const faults: Fault[] = [{ fault: "server_error", containing: "Open lap number 6", times: 2 }];
  const { id } = await attemptReport(7, faults);
  for (let attempt = 0; attempt < 4 && (await getJob(id)).status === "queued"; attempt++) {
    await makeDue(id);
    await wakeAndWait();
  }
  const job = await getJob(id);
  assert.equal(job.status, "completed", job.error ?? "");
  const calls = await grokCalls(id);
  assert.equal(callsAbout(calls, 1), 1);
  assert.equal(callsAbout(calls, 6), 3);
});

Deno.test("a 429 with Retry-After puts the job back for that long", async () => {
  const faults: Fault[] = [{ fault: "rate_limited", retry_after_seconds: 600, times: 50 }];
  const before = Date.now();
  const { id, job } = await attemptReportApart(1, faults);
  assert.equal(job.status, "queued", job.error ?? "");
  const waits = Date.parse(job.run_at) - before;
  assert.ok(waits >= 600_000 && waits < 660_000, `${waits} ms`);
  await cancel(id);
});

Deno.test("a 429 without Retry-After is retried by the queue's own backoff", async () => {
  const { id, job } = await attemptReportApart(1, [{ fault: "rate_limited", times: 50 }]);
  assert.deepEqual([job.status, job.waiting_for, job.retry_count], ["queued", "retry", 1]);
  await cancel(id);
});

const REFUSED: [Fault["fault"], RegExp][] = [
  ["out_of_credits", /used all available credits.*; add credit to the xAI account/],
  ["key_refused", /Incorrect API key provided.*; check GROK_API_KEY/],
];

for (const [fault, reason] of REFUSED) {
  Deno.test(`with ${fault} reports wait unharmed, and operators are told why at once`, async () => {
    await withWorker({}, async (worker) => {
      const { id, job } = await attemptReport(1, [{ fault, times: 2 }], worker.url);
      assert.deepEqual([job.status, job.retry_count], ["queued", 0]);
      assert.equal(
        job.error,
        "waiting: a service that this job needs is not available at the moment",
      );
      const { unavailable } = await wakeAndWait(worker.url);
      assert.equal((await getJob(id)).status, "queued", "the type rests");
      assert.match(unavailable.generate_report, reason);
      const { data: findings } = await secretKeyClient().rpc("check_job_queue");
      const found = findings.find(({ part }: { part: string }) => part === "availability");
      assert.equal(found.is_healthy, false);
      assert.match(found.finding, reason);
      // Another isolate tries at once, and finds that all is well again.
      await wakeAndWait();
      const done = await getJob(id);
      assert.deepEqual([done.status, done.error], ["completed", null]);
    });
  });
}

const TOO_MUCH: Fault["fault"][] = ["too_large", "too_long", "too_many_tokens"];

for (const fault of TOO_MUCH) {
  Deno.test(`a batch that Grok calls ${fault} is halved, and no photo goes unseen`, async () => {
    const { id, job } = await attemptReport(5, [{ fault, images_over: 2, times: 50 }]);
    assert.equal(job.status, "completed", job.error ?? "");
    const shown = (await grokCalls(id)).filter((call) => call.images.length > 0);
    assert.deepEqual(shown.map((call) => call.images.length), [5, 2, 2, 1]);
    const codes = job.output_data.warnings.map((warning: { code: string }) => warning.code);
    assert.deepEqual(codes, ["report_not_saved"]);
  });
}

Deno.test("a photo that Grok does not take is found and described in the engineer's words", async () => {
  const input = reportInput(3);
  input.images[1].url = `${PHOTOS_URL}/broken.jpg`;
  const id = await enqueue("generate_report", input);
  await wakeAndWait();
  const job = await getJob(id);
  assert.equal(job.status, "completed", job.error ?? "");
  const refused = job.output_data.warnings.filter((each: { code: string }) =>
    each.code === "image_refused"
  );
  assert.deepEqual(refused.map((each: { imageId: string }) => each.imageId), ["photo-2"]);
  for (const number of [1, 2, 3]) {
    assert.match(job.output_data.text, new RegExp(`lap number ${number}`, "i"));
  }
});

Deno.test("a report that reaches its cost limit asks no further and has every photo all the same", async () => {
  const id = await enqueue(
    "generate_report",
    reportInput(7, { options: { maxCostUsd: 0.000001 } }),
  );
  await wakeAndWait();
  const job = await getJob(id);
  assert.equal(job.status, "completed", job.error ?? "");
  assert.equal(job.output_data.status, "partial");
  assert.equal((await grokCalls(id)).length, 1);
  for (const number of [1, 7]) {
    assert.match(job.output_data.text, new RegExp(`lap number ${number}`, "i"));
  }
});

const PASSING: [string, Fault["fault"]][] = [
  ["an error nested as OpenAI's", "nested_error"],
  ["an error with status 200", "error_in_200"],
  ["a proxy's HTML", "bad_gateway"],
  ["plain text", "plain_text"],
  ["a connection that breaks", "dropped"],
  ["an answer cut at the token limit", "truncated"],
  ["prose around the JSON", "invalid_json"],
  ["JSON of another shape", "wrong_shape"],
  ["no content", "empty"],
  ["an answer that forgets a photo", "missing_photo"],
  ["an answer about photos nobody sent", "unknown_items"],
];

for (const [what, fault] of PASSING) {
  Deno.test(`${what} does not lose the report`, async () => {
    const { id } = await attemptReport(2, [{ fault }]);
    if ((await getJob(id)).status === "queued") {
      await makeDue(id);
      await wakeAndWait();
    }
    const job = await getJob(id);
    assert.equal(job.status, "completed", job.error ?? "");
    assert.match(job.output_data.text, /lap number 1/i);
    assert.match(job.output_data.text, /lap number 2/i);
  });
}

const PLAN_FAULTS: Fault["fault"][] = ["server_error", "truncated", "wrong_shape", "unknown_items"];

for (const fault of PLAN_FAULTS) {
  Deno.test(`a final step that meets ${fault} leaves a complete report in the order of the input`, async () => {
    const { job } = await attemptReport(2, [{ fault, schema: "report_plan", times: 50 }]);
    assert.equal(job.status, "completed", job.error ?? "");
    const report = job.output_data;
    assert.equal(report.formatting.mode, "deterministic");
    assert.equal(report.status, "degraded");
    assert.ok(report.formatting.reason);
    assert.match(report.text, /lap number 1[\s\S]*lap number 2/i);
  });
}
