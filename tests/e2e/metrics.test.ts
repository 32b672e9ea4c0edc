// What Prometheus scrapes.

import assert from "node:assert/strict";
import { enqueue } from "../support/job.ts";
import { stack } from "../support/stack.ts";
import { withWorker, WORKER_URL } from "../support/worker.ts";

const scrape = (headers: Record<string, string> = {}, url = WORKER_URL) =>
  fetch(`${url}/metrics`, { headers });

Deno.test("whoever has the token reads how the queue is", async () => {
  await enqueue("noop", {}, { delay_seconds: 600 });
  const response = await scrape({ "x-queue-token": stack.workerToken });
  assert.equal(response.status, 200);
  assert.match(response.headers.get("content-type")!, /^text\/plain; version=0\.0\.4/);
  assert.match(await response.text(), /^job_queue_jobs\{job_type="noop",state="waiting"\} [1-9]/m);
});

Deno.test("nobody else does", async () => {
  for (const headers of [{}, { "x-queue-token": "guess" }, { apikey: stack.publishableKey }]) {
    const response = await scrape(headers as Record<string, string>);
    assert.equal(response.status, 401);
    assert.doesNotMatch(await response.text(), /job_queue_/);
  }
});

Deno.test("a scrape says so when the database is away", async () => {
  await withWorker({ SUPABASE_URL: "http://127.0.0.1:9" }, async ({ url }) => {
    const response = await scrape({ "x-queue-token": stack.workerToken }, url);
    assert.equal(response.status, 503);
    assert.match((await response.json()).error, /^job_queue_metrics: /);
  });
});
