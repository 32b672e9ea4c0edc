// A report job's way from a web server's call to the finished report.

import assert from "node:assert/strict";
import { secretKeyClient } from "../support/clients.ts";
import { grokCalls, scriptGrok } from "../support/grok.ts";
import { enqueue, getJob, waitForStatus } from "../support/job.ts";
import { insertReport, PHOTOS_URL, reportInput } from "../support/report_job.ts";
import { makeDue } from "../support/superuser.ts";
import { waitFor } from "../support/wait.ts";
import { wake, wakeAndWait } from "../support/worker.ts";

const VISIT = new URL("../site_visit/visit.json", import.meta.url);

Deno.test("a report job ends as a complete report in output_data and in its reports row", async () => {
  const input = reportInput(7);
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
});

Deno.test("photos go to Grok in batches of five, as base64, under the job's id", async () => {
  const id = await enqueue("generate_report", reportInput(7));
  await wakeAndWait();
  await waitForStatus(id, "completed");
  const calls = await grokCalls(id);
  const withImages = calls.filter((call) => call.images.length > 0);
  assert.deepEqual(withImages.map((call) => call.images.length).sort(), [2, 5]);
  assert.ok(withImages.every((call) => call.images.every((image) => image.source === "data")));
  assert.ok(calls.every((call) => call.schema !== null && call.status === 200));
});

Deno.test("progress can be read while the report is written", async () => {
  const id = await enqueue("generate_report", reportInput(7), { delay_seconds: 3_600 });
  await scriptGrok(id, [{ fault: "slow", containing: "Open lap number 6", delay_ms: 3_000 }]);
  await makeDue(id);
  await (await wake()).body?.cancel();
  const progress = await waitFor("the first batch to show", async () => {
    const { progress } = await getJob(id);
    return progress !== null && progress.done === 5 && progress;
  });
  assert.equal(progress.phase, "photos");
  assert.equal(progress.total, 7);
  assert.ok(progress.message);
  await waitForStatus(id, "completed");
});

Deno.test("the demo's site visit becomes a report with its groups, clauses and actions", async () => {
  const visit = JSON.parse(await Deno.readTextFile(VISIT));
  const images = visit.images.map((image: { path: string }) => ({
    ...image,
    path: undefined,
    url: `${PHOTOS_URL}/${image.path}`,
  }));
  const id = await enqueue("generate_report", { ...visit, images, reportId: crypto.randomUUID() });
  await wakeAndWait();
  const { output_data: report, error } = await getJob(id);
  assert.equal(report?.status, "complete", error ?? "");
  const titles = report.sections.map((section: Section) => section.title);
  assert.deepEqual(titles.slice(0, 3), visit.groupOrder);
  const lap = report.sections[0].observations.find((each: Observation) =>
    each.images.some((image) => image.imageId === "roof-2")
  );
  assert.equal(lap.spec.section, "07 52 00");
  assert.equal(lap.kind, "deficiency");
  assert.ok(
    report.actions.some((action: { observation: string }) => action.observation === lap.number),
  );
  assert.equal(report.header.reportNo, visit.header.reportNo);
  assert.equal(report.stats.images, visit.images.length);
  assert.ok(report.stats.costUsd > 0);
});

Deno.test("a report job without a reports row keeps its report in output_data", async () => {
  const id = await enqueue("generate_report", reportInput(1));
  await wakeAndWait();
  const job = await waitForStatus(id, "completed");
  assert.match(job.output_data.text, /lap number 1/i);
  const codes = job.output_data.warnings.map((warning: { code: string }) => warning.code);
  assert.deepEqual(codes, ["report_not_saved"]);
});

Deno.test("a report job without photos is written from its bullet points", async () => {
  const id = await enqueue("generate_report", reportInput(0));
  await wakeAndWait();
  const job = await waitForStatus(id, "completed");
  assert.equal(job.output_data.success, true);
});

Deno.test("a wake without wait answers 202 at once, and the job is done in the background", async () => {
  const id = await enqueue("generate_report", reportInput(1));
  const response = await wake();
  assert.equal(response.status, 202);
  await response.body?.cancel();
  await waitForStatus(id, "completed");
});

interface Section {
  title: string;
  observations: Observation[];
}

interface Observation {
  images: { imageId: string }[];
}
