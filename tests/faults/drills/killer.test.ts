// Jobs that share a worker with one that kills it.

import assert from "node:assert/strict";
import { drill, type DrillJob, type DrillResult, INNOCENT } from "./drill.ts";

const ALONE = /^the worker died while it ran alone/;

const nine = Array.from({ length: 9 }, () => INNOCENT);
const killer = (job_type: string): DrillJob => ({ job_type, input_data: {} });

/** Every innocent is completed without having lost an attempt, every killer has failed by its own doing. */
function assertFair(results: DrillResult[]) {
  for (const { job_type, status, retry_count, error } of results) {
    if (job_type === "walk") {
      assert.deepEqual([status, retry_count, error], ["completed", 0, null]);
    } else {
      assert.equal(status, "failed", `${job_type} is ${status}`);
      assert.match(error ?? "", ALONE);
    }
  }
}

Deno.test("nine jobs beside one that has its process killed are completed, and it alone fails, within six deaths", async () => {
  const { deaths, results } = await drill([...nine.slice(0, 4), killer("kill"), ...nine.slice(4)]);
  assertFair(results);
  assert.ok(deaths <= 6, `${deaths} deaths`);
});

Deno.test("so they are with two workers", async () => {
  const jobs = [...nine, killer("kill"), ...nine];
  assertFair((await drill(jobs, { places: 2 })).results);
});

Deno.test("so they are beside one that takes all memory and one that takes all CPU", async () => {
  assertFair((await drill([...nine, killer("hog"), killer("spin")])).results);
});
