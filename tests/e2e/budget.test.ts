// An isolate that has used up what the platform gives it begins nothing new and makes room for another.

import assert from "node:assert/strict";
import { enqueue, waitForStatus } from "../support/job.ts";
import { startWorker, wake, wakeAndWait } from "../support/worker.ts";

const USED_UP: [string, Record<string, string>][] = [
  ["wall_clock", { QUEUE_WALL_CLOCK_SECONDS: "1", QUEUE_CLAIM_PERCENT: "1" }],
  ["cpu", { QUEUE_CPU_MILLISECONDS: "10" }],
  ["memory", { QUEUE_MEMORY_MEGABYTES: "16", QUEUE_CLAIM_PERCENT: "1" }],
];

for (const [resource, change] of USED_UP) {
  Deno.test(`a worker without enough ${resource} left refuses, ends itself, and leaves jobs to another`, async () => {
    const id = await enqueue("noop", { resource });
    const worker = await startWorker(change);
    // A hundredth of a second is what the first of the three has.
    await new Promise((resolve) => setTimeout(resolve, 20));
    for (const request of [wake({ url: worker.url }), fetch(worker.url)]) {
      const response = await request;
      await response.body?.cancel();
      assert.deepEqual([response.status, response.headers.get("retry-after")], [503, "0"]);
    }
    assert.notEqual((await worker.ended).code, 0, "it ended itself");
    await wakeAndWait();
    assert.equal((await waitForStatus(id, "completed")).retry_count, 0);
  });
}

Deno.test("where nothing limits an isolate it serves for ever", async () => {
  const none = { QUEUE_WALL_CLOCK_SECONDS: "none", QUEUE_CPU_MILLISECONDS: "none" };
  const worker = await startWorker({ ...none, QUEUE_MEMORY_MEGABYTES: "none" });
  const id = await enqueue("noop", {});
  await wakeAndWait(worker.url);
  await waitForStatus(id, "completed");
  assert.equal((await wakeAndWait(worker.url)).stopped, "empty");
  await worker.kill();
});
