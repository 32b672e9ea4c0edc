// Numbers on their way through everything: what a caller in whatever language writes into an input comes out to the
// digit. Only JavaScript makes a double of a number, where it reads one.

import assert from "node:assert/strict";
import { createQueueClient } from "pretium-queue";
import { createRoutes } from "pretium-queue/routes";
import { enqueue } from "../support/job.ts";
import { reportInput } from "../support/report_job.ts";
import { stack } from "../support/stack.ts";
import { startTypeScriptWorker } from "../support/typescript_jobs.ts";
import { wakeAndWait } from "../support/worker.ts";

const worker = await startTypeScriptWorker();
Deno.test.afterAll(() => worker.kill());

const queue = createQueueClient({ url: stack.url, key: stack.secretKey });
const headers = { apikey: stack.secretKey, "content-type": "application/json" };

const ZEROS = "0".repeat(400);

/** Numbers as they are sent, and as Postgres writes the same ones. */
const NUMBERS: [sent: string, kept?: string][] = [
  ["12345678901234567890"],
  ["-98765432109876543210.5"],
  ["[1, [123456789012345678901234567890]]"],
  ["0.1000000000000000000001"],
  ["98.88339545701953"],
  ["9007199254740993"],
  ["1.0"],
  ["7.50"],
  ["1e400", `1${ZEROS}`],
  ["-1E-3", "-0.001"],
  ["1e-400", `0.${ZEROS.slice(1)}1`],
  // Postgres has one zero.
  ["-0", "0"],
];
const SENT = NUMBERS.map(([sent]) => sent).join(", ");
const KEPT = NUMBERS.map(([sent, kept = sent]) => kept).join(", ");
const DOUBLES = JSON.parse(`[${SENT}]`.replace("-0]", "0]"));

/** Enqueues a job whose input is this text, as a program without JavaScript would. */
async function enqueueText(jobType: string, input: string): Promise<string> {
  const response = await fetch(`${stack.url}/rest/v1/rpc/enqueue_job`, {
    method: "POST",
    headers,
    body: `{"job_type":"${jobType}","input_data":${input}}`,
  });
  return await response.json();
}

/** The text of a column of a job. */
async function textOf(id: string, column: string): Promise<string> {
  const search = `id=eq.${id}&select=${column}`;
  return await (await fetch(`${stack.url}/rest/v1/visible_jobs?${search}`, { headers })).text();
}

Deno.test("numbers of any length go into a job in Rust and come out of it to the digit", async () => {
  const id = await enqueueText("noop", `{"numbers": [${SENT}]}`);
  await wakeAndWait();
  assert.equal(await textOf(id, "input_data"), `[{"input_data":{"numbers": [${KEPT}]}}]`);
  assert.equal(await textOf(id, "output_data"), `[{"output_data":{"numbers": [${KEPT}]}}]`);
});

Deno.test("the client shows a long number as the double that is nearest to it", async () => {
  const id = await enqueueText("noop", `{"numbers": [${SENT}]}`);
  await wakeAndWait();
  const { job } = await queue.waitForJobCompletion<"noop">(id);
  assert.deepEqual(job?.output_data?.numbers, DOUBLES);
});

Deno.test("a handler in TypeScript sees the nearest double, and a text to the digit", async () => {
  const input = `{"numbers": [${SENT}], "text": "12345678901234567890.10"}`;
  const id = await enqueueText("ts/describe", input);
  await wakeAndWait(worker.url);
  const { job } = await queue.waitForJobCompletion(id);
  // JSON has no infinity.
  const returned = DOUBLES.map((number: unknown) => number === Infinity ? null : number);
  assert.deepEqual((job?.output_data as unknown as Described).input, {
    numbers: returned,
    text: "12345678901234567890.10",
  });
});

interface Described {
  input: unknown;
}

Deno.test("doubles come back to the digit from a handler in TypeScript and its steps", async () => {
  const bits = crypto.getRandomValues(new BigUint64Array(2_000));
  const numbers = [...new Float64Array(bits.buffer)].filter(Number.isFinite).map((n) => n || 0);
  const id = await enqueue("ts/says", { sent: JSON.stringify(numbers) });
  await wakeAndWait(worker.url);
  const { job } = await queue.waitForJobCompletion(id);
  assert.deepEqual(job?.output_data, { returned: numbers, kept: numbers });
});

/** In the header of a report, and as a limit, which is read as a number. */
const REPORT_NO = "20261126000000000417.50";
const LIMIT = "2.5000000000000000000001";

for (
  const [how, send] of [
    ["a call of the database", (input: string) => enqueueText("generate_report", input)],
    ["the route", throughTheRoute],
  ] as const
) {
  Deno.test(`long numbers of a report, sent by ${how}, are shown to the digit and read as numbers`, async () => {
    const change = { header: { reportNo: "REPORT_NO" }, options: { maxCostUsd: "LIMIT" } };
    const input = JSON.stringify(reportInput(0, change));
    const id = await send(input.replace('"REPORT_NO"', REPORT_NO).replace('"LIMIT"', LIMIT));
    await wakeAndWait();
    const { job, error } = await queue.waitForJobCompletion<"generate_report">(id);
    assert.equal(error, null);
    assert.ok(job?.output_data?.text.includes(REPORT_NO), job?.output_data?.text);
  });
}

const { handle } = createRoutes({
  url: stack.url,
  publishableKey: stack.publishableKey,
  secretKey: stack.secretKey,
  authorize: () => ({ service: true }),
});

async function throughTheRoute(body: string): Promise<string> {
  const url = "http://app.test/api/models/archive/generate-report-oldGrok";
  const response = await handle(new Request(url, { method: "POST", body }));
  const { jobId, error } = await response.json();
  assert.ok(jobId, error);
  return jobId;
}
