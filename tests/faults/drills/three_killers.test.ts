// More killers than one: each is in a different claim of ten, so that every innocent shares a worker with one.

import assert from "node:assert/strict";
import { drill, INNOCENT } from "./drill.ts";
import { assertFair, DEATHS_OF_A_KILLER, killer } from "./fairness.ts";

const KILLERS = 3;

Deno.test("27 jobs among three that have their process killed are completed, and those alone fail, within 18 deaths", async () => {
  const jobs = Array.from(
    { length: 10 * KILLERS },
    (_, n) => n % 10 === 4 ? killer("kill") : INNOCENT,
  );
  const { deaths, results } = await drill(jobs, { limitSeconds: 400 });
  assertFair(results);
  assert.ok(deaths <= KILLERS * DEATHS_OF_A_KILLER, `${deaths} deaths`);
});
