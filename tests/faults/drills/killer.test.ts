// Jobs that share a worker with one that kills it.

import assert from "node:assert/strict";
import { LEASE_SECONDS } from "../faulty_worker.ts";
import { drill, type DrillJob, INNOCENT } from "./drill.ts";
import { assertFair, DEATHS_OF_A_KILLER, killer } from "./fairness.ts";

const nine = Array.from({ length: 9 }, () => INNOCENT);

Deno.test("nine jobs beside one that has its process killed are completed, and it alone fails, within six deaths", async () => {
  const { deaths, results } = await drill([...nine.slice(0, 4), killer("kill"), ...nine.slice(4)]);
  assertFair(results);
  assert.ok(deaths <= DEATHS_OF_A_KILLER, `${deaths} deaths`);
});

Deno.test("so they are with two workers", async () => {
  const jobs = [...nine, killer("kill"), ...nine];
  assertFair((await drill(jobs, { places: 2 })).results);
});

Deno.test("so they are when none of them may run for longer than a lease", async () => {
  const hurried = (job: DrillJob) => ({ ...job, timeout_seconds: LEASE_SECONDS });
  const innocent = { ...INNOCENT, input_data: { steps: 1, stepMs: 1_000 } };
  const jobs = [...nine.map(() => innocent), killer("kill")];
  const { deaths, results } = await drill(jobs.map(hurried));
  assertFair(results);
  assert.ok(deaths <= DEATHS_OF_A_KILLER, `${deaths} deaths`);
});

Deno.test("so they are beside one that takes all memory and one that takes all CPU", async () => {
  assertFair((await drill([...nine, killer("hog"), killer("spin")])).results);
});
