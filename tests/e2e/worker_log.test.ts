// The worker's log: one JSON object per line, with ids and milliseconds, and nothing anybody must not read.

import assert from "node:assert/strict";
import { scriptGrok } from "../support/grok.ts";
import { enqueue, waitForStatus } from "../support/job.ts";
import { PHOTOS_URL, reportInput } from "../support/report_job.ts";
import { stack } from "../support/stack.ts";
import { makeDue } from "../support/superuser.ts";
import { wakeAndWait, withWorker, type Worker } from "../support/worker.ts";

type Line = Record<string, unknown>;

function logLines(worker: Worker): Line[] {
  const lines = worker.output().split("\n").filter((line) => line && !/^listening on /.test(line));
  return lines.map((line) => JSON.parse(line));
}

Deno.test("a report's life is logged line by line, without its words, its keys or its tokens", async () => {
  const failing = await enqueue("generate_report", { images: "not a list: SECRET-INPUT" });
  const id = await enqueue(
    "generate_report",
    reportInput(7, { bulletPoints: "SECRET-NOTES about the roof" }),
    { delay_seconds: 3_600 },
  );
  await scriptGrok(id, [{ fault: "server_error" }]);
  await makeDue(id);
  await withWorker({}, async (worker) => {
    await wakeAndWait(worker.url);
    await makeDue(id);
    await wakeAndWait(worker.url);
    const job = await waitForStatus(id, "completed");

    const lines = logLines(worker);
    const ofJob = lines.filter((line) => line.job_id === id);
    const events = ofJob.map((line) => line.event);
    for (const event of ["claimed", "step", "completed"]) assert.ok(events.includes(event), event);
    for (const line of ofJob) {
      assert.equal(line.job_type, "generate_report");
      assert.equal(typeof line.attempt, "number");
    }
    assert.ok(ofJob.some((line) => typeof line.ms === "number"));
    assert.ok(lines.some((line) => line.job_id === failing && line.event === "failed"));

    const written = worker.output();
    const secrets = [
      stack.secretKey,
      stack.serviceRoleKey,
      stack.workerToken,
      stack.functionEnv.GROK_API_KEY,
      String(job.lease_token),
      "SECRET-NOTES",
      "SECRET-INPUT",
      "Open lap number",
      PHOTOS_URL,
    ];
    for (const secret of secrets) assert.ok(!written.includes(secret), `the log shows ${secret}`);
  });
});
