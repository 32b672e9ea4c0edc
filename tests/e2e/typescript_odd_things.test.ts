// Handlers in TypeScript that return, throw or ask for what cannot be: their work is not done twice because of it, and
// people are told what was wrong, without addresses, keys and payloads.

import assert from "node:assert/strict";
import { secretKeyClient } from "../support/clients.ts";
import { cancel, enqueue, getJob, type JobRow } from "../support/job.ts";
import { startTypeScriptWorker } from "../support/typescript_jobs.ts";
import { wakeAndWait } from "../support/worker.ts";
import { encodeWhole } from "../../supabase/functions/process-queued-jobs/json.ts";
import { CARRIED, LOST } from "../fixtures/payloads.ts";
import textCases from "../fixtures/text.json" with { type: "json" };

const worker = await startTypeScriptWorker();
Deno.test.afterAll(() => worker.kill());

/** The job after one attempt. A job that is to be tried again is not left behind. */
async function attempted(jobType: string, input: unknown): Promise<JobRow> {
  const id = await enqueue(jobType, input);
  await wakeAndWait(worker.url);
  const job = await getJob(id);
  if (job.status === "queued") await cancel(id);
  return job;
}

for (const { name, sent, kept } of textCases) {
  Deno.test(`a handler returns and keeps ${name}, as Postgres can hold it`, async () => {
    const job = await attempted("ts/says", { sent });
    assert.deepEqual([job.status, job.retry_count], ["completed", 0]);
    assert.deepEqual(job.output_data, { returned: JSON.parse(kept), kept: JSON.parse(kept) });
  });
}

const UNFIT = ["circular", "deep", "too deep for a stack", "toJSON", "getter"];
for (const what of UNFIT) {
  Deno.test(`a result that is no JSON (${what}) fails its job for good, whether returned or kept`, async () => {
    const returned = await attempted("ts/returns", { what });
    assert.deepEqual([returned.status, returned.retry_count], ["failed", 0]);
    assert.match(returned.error!, /^output_data: expected JSON/);
    const kept = await attempted("ts/keeps", { what });
    assert.deepEqual([kept.status, kept.retry_count], ["failed", 0]);
    assert.match(kept.error!, /^step paid: its result: expected JSON/);
  });
}

for (const what of ["a File with a path", "a class of Map", "a function", "a BigInt"]) {
  Deno.test(`a result with ${what} fails its job for good and says what to do instead`, async () => {
    const said = LOST.find(([name]) => name === what)![2];
    const returned = await attempted("ts/returns", { what });
    assert.deepEqual([returned.status, returned.retry_count], ["failed", 0]);
    assert.equal(returned.error, `output_data: expected JSON, got ${said}`);
    const kept = await attempted("ts/keeps", { what });
    assert.equal(kept.error, `step paid: its result: expected JSON, got ${said}`);
  });
}

Deno.test("the worker's function and the package have one rule of what JSON loses", async () => {
  const [ours, theirs] = await Promise.all(
    ["supabase/functions/process-queued-jobs", "pkg-template/src"].map((folder) =>
      Deno.readTextFile(new URL(`../../${folder}/loss.ts`, import.meta.url))
    ),
  );
  assert.equal(ours, theirs);
});

for (const [name, make, said] of LOST) {
  Deno.test(`${name} in a result is refused by its place`, () => {
    // What comes before it and beside it does not lead the path astray.
    const result = { done: [{ a: [1] }, 2], photos: [{}, { image: make() }] };
    const error = `output_data.photos[1].image: expected JSON, got ${said}`;
    assert.throws(() => encodeWhole(result, "output_data"), { message: error });
  });
}

for (const [name, make] of CARRIED) {
  Deno.test(`${name} in a result is what JSON makes of it`, () => {
    assert.equal(encodeWhole({ value: make() }, "output_data"), JSON.stringify({ value: make() }));
  });
}

Deno.test("numbers and dates that are none become null in a result, as JSON has it", async () => {
  const job = await attempted("ts/returns", { what: "NaN" });
  assert.deepEqual([job.status, job.output_data], ["completed", { mean: null, at: null }]);
});

const THROWN: [what: string, error: string | RegExp][] = [
  [
    "an error of supabase-js",
    "duplicate key value violates unique constraint (code 23505, hint: use another one)",
  ],
  ["half an emoji", "Error: cut \ufffd"],
  ["NUL", "Error: cut here"],
  ["a text", "just words"],
  ["undefined", "undefined was thrown"],
  ["null", "null was thrown"],
  ["a number", "7 was thrown"],
  ["a symbol", "Symbol(odd) was thrown"],
  ["a BigInt", "7 was thrown"],
  ["a DOMException", "TimeoutError: the wait is over"],
  ["causes", "Error: not sent, because: TypeError: refused (code ECONNREFUSED)"],
  ["itself as its cause", "something without a message was thrown: Object"],
  ["an object without words", "something without a message was thrown: Object"],
  ["a response", "something without a message was thrown: Response with status 418"],
  ["a getter that throws", "something without a message was thrown: Object"],
  ["a proxy that lets nobody look", "something without a message was thrown: object"],
  ["an address and a key", "Error: GET <address> with Bearer <secret> and <secret> failed"],
  ["two megabytes", /^Error: word word .{1900,1990}…$/],
];

for (const [what, error] of THROWN) {
  Deno.test(`a job that throws ${what} says so and is tried again`, async () => {
    const job = await attempted("ts/throws_odd", { what });
    if (typeof error === "string") assert.equal(job.error, error);
    else assert.match(job.error!, error);
    assert.deepEqual([job.status, job.retry_count], ["queued", 1]);
  });
}

Deno.test("an address in a permanent error stays here as well", async () => {
  const job = await attempted("ts/throws_odd", { what: "a permanent error with an address" });
  assert.deepEqual([job.status, job.error], ["failed", "cannot read <address>"]);
});

Deno.test("the stack of an error is in the log, by the names of its scripts, and not in the job", async () => {
  const job = await attempted("ts/throws_odd", { what: "causes" });
  const lines = worker.output().split("\n").filter((line) => line.includes(job.id));
  const [logged] = lines.map((line) => JSON.parse(line)).filter((line) =>
    line.event === "handler_error"
  );
  assert.match(logged.stack, /^Error: not sent\n +at .*\(odd_things\.ts:\d+:\d+\)/);
  assert.doesNotMatch(logged.stack, /:\/\//);
  assert.doesNotMatch(job.error!, / at /);
  const { data: failures } = await secretKeyClient().from("job_failures").select("stack")
    .eq("job_id", job.id);
  assert.deepEqual(failures!.map(({ stack }) => stack), [logged.stack]);
});

const ASKED: [what: string, error: string | RegExp][] = [
  ["a step by a number", "TypeError: step: expected a name of 1 to 200 characters"],
  ["a step without a name", "TypeError: step: expected a name of 1 to 200 characters"],
  ["a step without a function", "TypeError: step walk: expected a function"],
  ["a call by a number", "TypeError: call: expected a name of 1 to 200 characters"],
  [
    "a call with a BigInt",
    "arguments of enqueue_job.n: expected JSON, got a bigint: make a text of it with String",
  ],
  ["a log by a number", "TypeError: log: expected a name of 1 to 200 characters"],
  ["progress of NaN", "TypeError: progress.done: expected a number from 0 to 4294967295"],
  ["progress below none", "TypeError: progress.done: expected a number from 0 to 4294967295"],
  ["progress without words", "TypeError: progress.phase: expected a text"],
  ["to be snoozed for NaN", "RangeError: snoozed: expected seconds, up to 31622400"],
  ["to be snoozed for ever", "RangeError: snoozed: expected seconds, up to 31622400"],
  [
    "to be tried after NaN",
    "RangeError: retry_after_seconds: expected seconds, up to 31622400",
  ],
];

for (const [what, error] of ASKED) {
  Deno.test(`a handler that asks for ${what} is told what was expected`, async () => {
    const job = await attempted("ts/asks_odd", { what });
    if (typeof error === "string") assert.equal(job.error, error);
    else assert.match(job.error!, error);
  });
}
