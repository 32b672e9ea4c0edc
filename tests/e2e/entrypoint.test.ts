// The function's front door: who may wake it, how it answers, what it tells a stranger.

import assert from "node:assert/strict";
import { enqueue, getJob, waitForStatus } from "../support/job.ts";
import { stack } from "../support/stack.ts";
import { startWorker, wake, WORKER_URL } from "../support/worker.ts";

const STRANGERS: [string, Record<string, string>][] = [
  ["no credential at all", {}],
  ["a wrong worker token", { "x-queue-token": `${stack.workerToken}x` }],
  ["an empty worker token", { "x-queue-token": "" }],
  ["the publishable key", { apikey: stack.publishableKey }],
  ["the legacy anon key", { apikey: stack.anonKey, authorization: `Bearer ${stack.anonKey}` }],
  ["the worker token as a bearer token", { authorization: `Bearer ${stack.workerToken}` }],
];

for (const url of [WORKER_URL, stack.functionUrl]) {
  const way = url === WORKER_URL ? "through the gateway" : "directly";
  for (const [who, headers] of STRANGERS) {
    Deno.test(`a call with ${who} ${way} is a 401 and claims nothing`, async () => {
      const id = await enqueue("noop", { n: 1 });
      const response = await fetch(url, { method: "POST", headers, body: '{"wait":true}' });
      assert.equal(response.status, 401);
      assert.doesNotMatch(await response.text(), /claimed|completed/);
      const job = await getJob(id);
      assert.deepEqual([job.status, job.started_at, job.lease_token], ["queued", null, null]);
      await (await wake({ body: { wait: true } })).body?.cancel();
    });
  }
}

const CALLERS: [string, Record<string, string>][] = [
  ["the worker token", { "x-queue-token": stack.workerToken }],
  ["a secret key on apikey", { apikey: stack.secretKey }],
  [
    "the legacy service-role key",
    { apikey: stack.serviceRoleKey, authorization: `Bearer ${stack.serviceRoleKey}` },
  ],
];

for (const [who, headers] of CALLERS) {
  Deno.test(`a call with ${who} runs the jobs`, async () => {
    const id = await enqueue("noop", { n: 1 });
    const response = await fetch(WORKER_URL, { method: "POST", headers, body: '{"wait":true}' });
    assert.equal(response.status, 200);
    assert.ok((await response.json()).completed >= 1);
    assert.deepEqual((await getJob(id)).output_data, { n: 1 });
  });
}

Deno.test("a wake without a body answers 202 and runs the jobs after it", async () => {
  const id = await enqueue("noop", {});
  const response = await wake();
  assert.equal(response.status, 202);
  await response.body?.cancel();
  await waitForStatus(id, "completed");
});

Deno.test("wait answers a report of the run", async () => {
  await Promise.all([enqueue("noop", { n: 1 }), enqueue("noop", { n: 2 })]);
  const response = await wake({ body: { wait: true } });
  assert.equal(response.status, 200);
  const report = await response.json();
  for (const count of ["claimed", "completed", "retried", "failed", "released"]) {
    assert.equal(typeof report[count], "number", count);
  }
  assert.ok(report.completed >= 2);
  assert.equal(typeof report.stopped, "string");
});

Deno.test("where nothing holds the isolate, a wake answers when the run is over", async () => {
  const worker = await startWorker({}, ["--no-edge-runtime"]);
  const id = await enqueue("noop", { n: 1 });
  const response = await wake({ url: worker.url });
  assert.equal(response.status, 200);
  assert.ok((await response.json()).completed >= 1);
  assert.equal((await getJob(id)).status, "completed");
  await worker.kill();
});

Deno.test("GET is a health check that needs no key and reveals no job", async () => {
  const id = await enqueue("noop", { secret: "in the wall" });
  const response = await fetch(WORKER_URL);
  const text = await response.text();
  assert.equal(response.status, 200);
  assert.doesNotMatch(text, new RegExp(`${id}|in the wall|noop`));
  await (await wake({ body: { wait: true } })).body?.cancel();
});

for (const method of ["PUT", "PATCH", "DELETE"]) {
  Deno.test(`${method} is a 405`, async () => {
    const headers = { "x-queue-token": stack.workerToken };
    const response = await fetch(WORKER_URL, { method, headers });
    await response.body?.cancel();
    assert.equal(response.status, 405);
  });
}

for (const body of ["{", "[1]", '"wait"', '{"wait":"yes"}']) {
  Deno.test(`the body ${body} is a 400 that says what was expected`, async () => {
    const headers = { "x-queue-token": stack.workerToken };
    const response = await fetch(WORKER_URL, { method: "POST", headers, body });
    assert.equal(response.status, 400);
    assert.match((await response.json()).error, /wait|JSON|object/i);
  });
}
