// Jobs that cannot run: refused at the door, failed with the field's name, or left for a worker that knows them.

import assert from "node:assert/strict";
import { secretKeyClient } from "../support/clients.ts";
import { grokCalls } from "../support/grok.ts";
import { cancel, enqueue, getJob, waitForStatus } from "../support/job.ts";
import { reportInput } from "../support/report_job.ts";
import { wakeAndWait } from "../support/worker.ts";

const client = secretKeyClient();

Deno.test("a job of an unknown type stays queued for a worker that knows it", async () => {
  const id = await enqueue("survey_by_drone", { n: 1 });
  await wakeAndWait();
  const job = await getJob(id);
  assert.deepEqual([job.status, job.retry_count, job.started_at], ["queued", 0, null]);
  await cancel(id);
});

const images = [{ id: "photo-1", description: "an image nobody can fetch" }];
const BAD_REPORTS: [string, Record<string, unknown>, RegExp][] = [
  ["an image without URL", { images }, /images\[0\].*url/],
  ["images that are not a list", { images: "roof.jpg" }, /images/],
  ["a number for its bullet points", { bulletPoints: 7 }, /bulletPoints/],
  ["no reportId", { reportId: undefined }, /reportId/],
  ["a projectId that is not a uuid", { projectId: "library" }, /projectId/],
  [
    "more than 200 images",
    {
      images: Array.from(
        { length: 201 },
        (_, n) => ({ id: `p${n}`, url: "http://127.0.0.1:9/p.jpg" }),
      ),
    },
    /images/,
  ],
];

for (const [what, change, field] of BAD_REPORTS) {
  Deno.test(`a report job with ${what} fails for good, naming the field`, async () => {
    const id = await enqueue("generate_report", reportInput(0, change));
    await wakeAndWait();
    const job = await waitForStatus(id, "failed");
    assert.match(job.error ?? "", field);
    assert.deepEqual(await grokCalls(id), []);
  });
}

const REFUSED: [string, unknown][] = [
  ["a list", [1, 2]],
  ["a text", "roof"],
  ["a number", 7],
];

for (const [what, input] of REFUSED) {
  Deno.test(`input that is ${what} is refused at the door`, async () => {
    const { error } = await client.rpc("enqueue_job", { job_type: "noop", input_data: input });
    assert.equal(error?.code, "JQ004");
    assert.match(error?.message ?? "", /input_data/);
    const { error: inserted } = await client.from("jobs").insert({
      job_type: "noop",
      input_data: input,
    });
    assert.ok(inserted);
  });
}

Deno.test("input over the size limit is refused at the door, naming the limit", async () => {
  const input_data = { text: "x".repeat(5_000_000) };
  const { error } = await client.rpc("enqueue_job", { job_type: "noop", input_data });
  assert.equal(error?.code, "JQ004");
  assert.match(error?.message ?? "", /input_data.*\d/);
});
