// A report that is made again asks Grok about what has changed, if its caller wants that.

import assert from "node:assert/strict";
import { grokCalls } from "../support/grok.ts";
import { enqueue, getJob } from "../support/job.ts";
import { insertReport, PHOTOS_URL, reportInput } from "../support/report_job.ts";
import { wakeAndWait } from "../support/worker.ts";

type Input = ReturnType<typeof reportInput>;

async function finished(input: Input) {
  const id = await enqueue("generate_report", input);
  await wakeAndWait();
  const job = await getJob(id);
  assert.equal(job.status, "completed", job.error ?? "");
  assert.deepEqual(job.output_data.warnings, []);
  return { report: job.output_data, calls: await grokCalls(id) };
}

Deno.test("a report made again with one photo changed asks about the batch of that photo", async () => {
  const input = reportInput(7);
  await insertReport(input);
  const first = await finished(input);
  assert.equal(first.calls.length, 4);

  const reuse = { ...input, options: { reuse: true } };
  const same = await finished(reuse);
  assert.equal(same.calls.length, 0);
  assert.equal(same.report.text, first.report.text);
  assert.deepEqual([same.report.stats.reusedAnswers, same.report.stats.costUsd], [4, 0]);

  const images = input.images.map((image) => ({
    ...image,
    url: `${PHOTOS_URL}/moved/${image.id}`,
  }));
  images[5].description = "Open lap number 6, now with a patch over it";
  const changed = await finished({ ...reuse, images });
  const schemas = changed.calls.map((call) => call.schema).sort();
  assert.deepEqual(schemas, ["report_batch", "report_plan"]);
  assert.match(changed.report.text, /patch over it/);
});

Deno.test("a report made again is made anew unless told otherwise", async () => {
  const input = reportInput(1);
  await insertReport(input);
  await finished(input);
  assert.equal((await finished(input)).calls.length, 3);
});
