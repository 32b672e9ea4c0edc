// A final step that fails costs the report its summary and nothing else, and the customer reads nothing about it.

import assert from "node:assert/strict";
import type { Fault } from "../grok/fault.ts";
import { scriptGrok } from "../support/grok.ts";
import { enqueue, getJob } from "../support/job.ts";
import { reportInput } from "../support/report_job.ts";
import { makeDue } from "../support/superuser.ts";
import { wakeAndWait, withWorker } from "../support/worker.ts";

const FAILURES: [string, Fault, string][] = [
  ["gets no answer in time", { fault: "slow", delay_ms: 600_000 }, "no answer in time"],
  ["is answered with a 500", { fault: "server_error" }, "Something went wrong"],
  ["is answered in part", { fault: "truncated" }, "cut at the token limit"],
  ["is answered with another set of observations", { fault: "unknown_items" }, "does not exist"],
  ["is answered with nothing", { fault: "empty" }, "empty"],
];

for (const [what, fault, reason] of FAILURES) {
  Deno.test(`a report whose final step ${what} is complete and says why only to the engineer`, async () => {
    const input = reportInput(3);
    const id = await enqueue("generate_report", input, { delay_seconds: 3_600 });
    await scriptGrok(id, [{ ...fault, schema: "report_plan", times: 50 }]);
    await makeDue(id);
    // Longer than the stand-in takes for a proper answer, and short enough for a test.
    const settings = { GROK_TRANSPORT: "sync", GROK_TIMEOUT_SECONDS: "3" };
    await withWorker(settings, (worker) => wakeAndWait(worker.url));

    const job = await getJob(id);
    assert.deepEqual([job.status, job.retry_count], ["completed", 0], job.error ?? "");
    const report = job.output_data;
    assert.deepEqual([report.status, report.formatting.mode], ["degraded", "deterministic"]);
    assert.match(report.formatting.reason, new RegExp(reason));
    assert.doesNotMatch(report.text, new RegExp(reason));
    for (const image of input.images) {
      assert.match(report.text, new RegExp(`\\[IMAGE:${image.number}:Roof\\]`));
      assert.ok(report.text.includes(image.description), image.description);
    }
  });
}
