// Workers that are killed for nothing their jobs did.

import assert from "node:assert/strict";
import type { Crew } from "./crew.ts";
import { drill, type DrillJob } from "./drill.ts";

const JOBS = 1_000;
const DEATHS = 100;

Deno.test("a hundred workers killed at random cost no job more than one attempt, and the median job none", async () => {
  // Enough work for all workers as long as they are killed.
  const jobs: DrillJob[] = Array.from({ length: JOBS }, (_, n) => ({
    job_type: "walk",
    input_data: { steps: 5 + n % 21, stepMs: 100 + n * 37 % 600 },
  }));
  const { deaths, results } = await drill(jobs, {
    places: 4,
    limitSeconds: 600,
    during: killAtRandom,
  });
  assert.ok(deaths >= DEATHS, `${deaths} deaths`);
  assert.deepEqual(new Set(results.map(({ status }) => status)), new Set(["completed"]));
  const losses = results.reduce((sum, result) => sum + result.losses, 0);
  assert.ok(losses >= DEATHS, `only ${losses} runs were lost with their workers`);
  const attempts = results.map(({ retry_count }) => retry_count).sort((one, other) => one - other);
  assert.equal(attempts[JOBS / 2], 0);
  assert.ok(attempts.at(-1)! <= 1, `a job lost ${attempts.at(-1)} attempts`);
});

async function killAtRandom(crew: Crew) {
  for (let killed = 0; killed < DEATHS;) {
    await new Promise((resolve) => setTimeout(resolve, 1_000 + Math.random() * 3_000));
    if (crew.killOne()) killed++;
  }
}
