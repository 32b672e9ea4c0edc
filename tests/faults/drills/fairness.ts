// What is fair to jobs that share workers with killers.

import assert from "node:assert/strict";
import type { DrillJob, DrillResult } from "./drill.ts";

/** With three retries a killer dies at most twice in company, as a new job and as a suspect, and four times alone. */
export const DEATHS_OF_A_KILLER = 6;

const ALONE = /^the worker died while it ran alone/;

/** A job that kills its worker in the way its type says. */
export const killer = (job_type: string): DrillJob => ({ job_type, input_data: {} });

/** Every innocent is completed without having lost an attempt, every killer has failed by its own doing. */
export function assertFair(results: DrillResult[]) {
  for (const { job_type, status, retry_count, error } of results) {
    if (job_type === "walk") {
      assert.deepEqual([status, retry_count, error], ["completed", 0, null]);
    } else {
      assert.equal(status, "failed", `${job_type} is ${status}`);
      assert.match(error ?? "", ALONE);
    }
  }
}
