// Where the worker goes for a user's photographs, under a real fetch.

import assert from "node:assert/strict";
import { enqueue, getJob } from "../support/job.ts";
import { PHOTOS_URL, reportInput } from "../support/report_job.ts";
import { wakeAndWait, withWorker } from "../support/worker.ts";

/** A job about two photographs, the second at `url`. */
async function enqueueWithPhotoAt(url: string): Promise<string> {
  const input = reportInput(2);
  input.images[1].url = url;
  return await enqueue("generate_report", { ...input, options: { writeReport: false } });
}

async function warningsOf(id: string): Promise<string[]> {
  const { output_data: report, error } = await getJob(id);
  assert.equal(report?.status, "complete", error ?? "");
  return report.warnings.map((warning: { code: string; imageId: string }) =>
    `${warning.code} ${warning.imageId}`
  );
}

Deno.test("a photograph is fetched where its server redirects to, but not for ever", async () => {
  const moved = await enqueueWithPhotoAt(`${PHOTOS_URL}/moved.jpg`);
  const loop = await enqueueWithPhotoAt(`${PHOTOS_URL}/loop.jpg`);
  await wakeAndWait();
  assert.deepEqual(await warningsOf(moved), []);
  assert.deepEqual(await warningsOf(loop), ["image_address photo-2"]);
});

Deno.test("unless it is allowed, no photograph is fetched from this machine", async () => {
  await withWorker({ QUEUE_ALLOW_PRIVATE_ADDRESSES: undefined }, async ({ url }) => {
    const id = await enqueueWithPhotoAt("https://localhost/2.jpg");
    await wakeAndWait(url);
    const refused = ["image_address photo-1", "image_address photo-2"];
    assert.deepEqual(await warningsOf(id), refused);
  });
});
