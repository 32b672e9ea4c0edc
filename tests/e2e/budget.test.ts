// An isolate that has used up what the platform gives it begins nothing new.

import assert from "node:assert/strict";
import { enqueue, waitForStatus } from "../support/job.ts";
import { wakeAndWait, withWorker } from "../support/worker.ts";

const USED_UP: [string, Record<string, string>][] = [
  ["wall_clock", { QUEUE_WALL_CLOCK_SECONDS: "1", QUEUE_CLAIM_PERCENT: "1" }],
  ["cpu", { QUEUE_CPU_MILLISECONDS: "10" }],
  ["memory", { QUEUE_MEMORY_MEGABYTES: "16", QUEUE_CLAIM_PERCENT: "1" }],
];

for (const [resource, change] of USED_UP) {
  Deno.test(`a worker without enough ${resource} left leaves jobs to another`, async () => {
    const id = await enqueue("noop", { resource });
    await withWorker(change, async (worker) => {
      // A hundredth of a second is what the first of the three has.
      await new Promise((resolve) => setTimeout(resolve, 20));
      const report = await wakeAndWait(worker.url);
      assert.deepEqual([report.claimed, report.stopped], [0, resource]);
    });
    await wakeAndWait();
    assert.equal((await waitForStatus(id, "completed")).retry_count, 0);
  });
}
