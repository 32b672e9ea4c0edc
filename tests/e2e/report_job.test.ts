// A report job's way from a web server's call to the finished report.

import assert from "node:assert/strict";
import { secretKeyClient } from "../support/clients.ts";
import { grokCalls } from "../support/grok.ts";
import { enqueue, getJob, waitForStatus } from "../support/job.ts";
import { insertReport, reportInput, servePhotos } from "../support/report_job.ts";
import { wake, wakeAndWait } from "../support/worker.ts";

Deno.test("a report job ends as a complete report in output_data and in its reports row", async () => {
  const photos = servePhotos();
  const input = reportInput(photos.url, 7);
  await insertReport(input);
  const id = await enqueue("generate_report", input);
  assert.equal((await getJob(id)).status, "queued");

  const run = await wakeAndWait();
  assert.ok(run.completed >= 1);

  const job = await getJob(id);
  assert.equal(job.status, "completed", job.error ?? "");
  const report = job.output_data;
  assert.equal(report.schema, "report/1");
  assert.equal(report.success, true);
  assert.equal(report.status, "complete");
  assert.equal(report.reportId, input.reportId);
  const seen = report.sections.flatMap((section: Section) => section.observations).flatMap((
    observation: Observation,
  ) => observation.images.map((image) => image.imageId));
  assert.deepEqual([...new Set(seen)].sort(), input.images.map((image) => image.id).sort());
  assert.equal(report.sections[0].number, "1.");
  assert.equal(report.sections[0].observations[0].number, "1.1");

  const { data: row } = await secretKeyClient().from("reports").select("*").eq("id", input.reportId)
    .single();
  assert.equal(row.generated_content, report.text);
  assert.equal(row.sections_json.sections.length, report.sections.length);
  await photos.shutdown();
});

Deno.test("photos go to Grok in batches of five, as base64, under the job's id", async () => {
  const photos = servePhotos();
  const id = await enqueue("generate_report", reportInput(photos.url, 7));
  await wakeAndWait();
  await waitForStatus(id, "completed");
  const calls = await grokCalls(id);
  const withImages = calls.filter((call) => call.images.length > 0);
  assert.deepEqual(withImages.map((call) => call.images.length).sort(), [2, 5]);
  assert.ok(withImages.every((call) => call.images.every((image) => image.source === "data")));
  assert.ok(calls.every((call) => call.schema !== null && call.status === 200));
  await photos.shutdown();
});

Deno.test("a report job without a reports row keeps its report in output_data", async () => {
  const photos = servePhotos();
  const id = await enqueue("generate_report", reportInput(photos.url, 1));
  await wakeAndWait();
  const job = await waitForStatus(id, "completed");
  assert.match(job.output_data.text, /lap number 1/i);
  const codes = job.output_data.warnings.map((warning: { code: string }) => warning.code);
  assert.deepEqual(codes, ["report_not_saved"]);
  await photos.shutdown();
});

Deno.test("a report job without photos is written from its bullet points", async () => {
  const id = await enqueue("generate_report", reportInput("http://unused", 0));
  await wakeAndWait();
  const job = await waitForStatus(id, "completed");
  assert.equal(job.output_data.success, true);
});

Deno.test("a wake without wait answers 202 at once, and the job is done in the background", async () => {
  const photos = servePhotos();
  const id = await enqueue("generate_report", reportInput(photos.url, 1));
  const response = await wake();
  assert.equal(response.status, 202);
  await response.body?.cancel();
  await waitForStatus(id, "completed");
  await photos.shutdown();
});

interface Section {
  observations: Observation[];
}

interface Observation {
  images: { imageId: string }[];
}
