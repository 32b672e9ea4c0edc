// What a person does with a report while its job is under way is not undone by the job.

import assert from "node:assert/strict";
import { secretKeyClient } from "../support/clients.ts";
import { enqueue, getJob } from "../support/job.ts";
import { insertReport, reportInput } from "../support/report_job.ts";
import { makeDue } from "../support/superuser.ts";
import { wakeAndWait } from "../support/worker.ts";

const reports = () => secretKeyClient().from("reports");

/** The job's outcome when a person does something to its report between enqueuing and writing. */
async function outcomeAfter(meanwhile: (reportId: string) => PromiseLike<{ error: unknown }>) {
  const input = reportInput(1);
  await insertReport(input);
  const id = await enqueue("generate_report", input, { delay_seconds: 3_600 });
  const { error } = await meanwhile(input.reportId);
  assert.equal(error, null);
  await makeDue(id);
  await wakeAndWait();
  const job = await getJob(id);
  assert.equal(job.status, "completed", job.error ?? "");
  const codes = job.output_data.warnings.map((warning: { code: string }) => warning.code);
  const { data: rows } = await reports().select("*").eq("id", input.reportId);
  return { report: job.output_data, codes, rows: rows ?? [] };
}

Deno.test("a report that a person has edited meanwhile stays theirs, and the job says so", async () => {
  const { report, codes, rows } = await outcomeAfter((id) =>
    reports().update({ generated_content: "mine" }).eq("id", id)
  );
  assert.deepEqual(codes, ["report_edited"]);
  assert.equal(rows[0].generated_content, "mine");
  assert.match(report.text, /lap number 1/i);
});

Deno.test("a report that was deleted meanwhile is in the job, and the job says so", async () => {
  const { report, codes, rows } = await outcomeAfter((id) => reports().delete().eq("id", id));
  assert.deepEqual([codes, rows], [["report_not_saved"], []]);
  assert.match(report.text, /lap number 1/i);
});

Deno.test("a report that was only given another title meanwhile is written", async () => {
  const { report, codes, rows } = await outcomeAfter((id) =>
    reports().update({ title: "Visit 7" }).eq("id", id)
  );
  assert.deepEqual(codes, []);
  assert.deepEqual([rows[0].title, rows[0].generated_content], ["Visit 7", report.text]);
});
