// The code of reports is loaded with the first report of an isolate, whatever happens to that report meanwhile.

import assert from "node:assert/strict";
import { coldIsolate } from "../support/cold_isolate.ts";

/** Fails, and only the code of reports can say why. */
const REPORT = { job_type: "generate_report", input_data: [] };
const NOOP = { job_type: "noop", input_data: {} };
const READ = /^input_data/;
const NOT_LOADED = /^a part of the function could not be loaded/;

Deno.test("two reports that begin at once in a cold isolate load their code once", async () => {
  await using isolate = await coldIsolate();
  await isolate.run(REPORT, REPORT);
  await isolate.run(REPORT);
  assert.equal(isolate.results.length, 3);
  for (const { error_message } of isolate.results) assert.match(error_message!, READ);
  assert.equal(isolate.loads.count, 1);
});

Deno.test("a report that is cancelled while its code is loaded leaves the code to the next", async () => {
  await using isolate = await coldIsolate();
  const load = Promise.withResolvers<void>();
  isolate.loads.gate = () => load.promise;
  isolate.cancel(0);
  const run = isolate.run(REPORT, REPORT);
  await isolate.untilReported("cancelled");
  load.resolve();
  await run;
  const outcomes = isolate.results.map(({ outcome }) => outcome);
  assert.deepEqual([outcomes, isolate.loads.count], [["cancelled", "failed"], 1]);
});

Deno.test("a report whose isolate is shut down while its code is loaded goes on elsewhere", async () => {
  await using isolate = await coldIsolate();
  const load = Promise.withResolvers<void>();
  isolate.loads.gate = () => load.promise;
  const run = isolate.run(REPORT);
  await isolate.loads.begun;
  isolate.worker.shutdown("early_drop");
  await run;
  const [{ outcome, was_given_time }] = isolate.results;
  assert.deepEqual([outcome, was_given_time], ["handed_over", false]);
  // It comes when nobody waits for it any more.
  load.resolve();
});

Deno.test("code that could not be loaded costs no attempt, and is loaded again after a minute", async () => {
  await using isolate = await coldIsolate();
  isolate.loads.gate = () => Promise.reject(new RangeError("out of memory"));
  const { unavailable } = await isolate.run(REPORT, REPORT);
  assert.match(unavailable.generate_report, NOT_LOADED);
  isolate.loads.gate = () => Promise.resolve();
  isolate.passMinutes(1);
  await isolate.run(REPORT);
  const outcomes = isolate.results.map(({ outcome }) => outcome);
  assert.deepEqual(outcomes, ["released", "released", "failed"]);
  assert.match(isolate.results[2].error_message!, READ);
});

Deno.test("the code of another build, which took this one's place meanwhile, is not loaded", async () => {
  await using isolate = await coldIsolate({ anotherBuild: true });
  const { unavailable } = await isolate.run(REPORT);
  assert.match(unavailable.generate_report, NOT_LOADED);
  assert.deepEqual([isolate.results[0].outcome, isolate.loads.count], ["released", 0]);
});

Deno.test("a job type in TypeScript that takes the place of reports does without their code", async () => {
  const generate_report = () => Promise.resolve(JSON.stringify({ Ok: "mine" }));
  await using isolate = await coldIsolate({ scripts: { generate_report } });
  await isolate.run(REPORT);
  assert.deepEqual([isolate.results[0].output_data, isolate.loads.count], ["mine", 0]);
});

Deno.test("the CPU time of the load is the isolate's, and is counted once", async () => {
  const isUsedUp = async (cpuMs: number, ...jobs: typeof NOOP[]) => {
    const settings = { QUEUE_CPU_MILLISECONDS: `${cpuMs}`, QUEUE_CLAIM_PERCENT: "50" };
    await using isolate = await coldIsolate({ settings, frozen: true });
    await isolate.run(...jobs);
    return isolate.worker.usedUp() !== null;
  };
  assert.equal(await isUsedUp(16, NOOP, NOOP), false);
  assert.equal(await isUsedUp(16, REPORT), true);
  assert.equal(await isUsedUp(36, REPORT, REPORT), false);
});
