// A worker that is not configured runs nothing, for nobody, and says which variable is missing.

import assert from "node:assert/strict";
import { enqueue, getJob } from "../support/job.ts";
import { stack } from "../support/stack.ts";
import { wake, wakeAndWait, withWorker } from "../support/worker.ts";

const BROKEN: [string, Record<string, string | undefined>, RegExp][] = [
  ["no worker token", { QUEUE_WORKER_TOKEN: undefined }, /QUEUE_WORKER_TOKEN/],
  ["an empty worker token", { QUEUE_WORKER_TOKEN: "" }, /QUEUE_WORKER_TOKEN/],
  [
    "secret keys that are not JSON",
    { SUPABASE_SECRET_KEYS: "sb_secret_x" },
    /SUPABASE_SECRET_KEYS/,
  ],
  [
    "no key of the project",
    { SUPABASE_SECRET_KEYS: undefined, SUPABASE_SERVICE_ROLE_KEY: undefined },
    /SUPABASE_SECRET_KEYS/,
  ],
  ["no address of the project", { SUPABASE_URL: undefined }, /SUPABASE_URL/],
  ["a concurrency of zero", { QUEUE_CONCURRENCY: "0" }, /QUEUE_CONCURRENCY/],
];

for (const [what, change, variable] of BROKEN) {
  Deno.test(`a worker with ${what} runs nothing and names the variable`, async () => {
    const id = await enqueue("noop", { n: 1 });
    await withWorker(change, async (worker) => {
      for (const token of [stack.workerToken, "", "undefined"]) {
        const response = await wake({ url: worker.url, token, body: { wait: true } });
        assert.equal(response.status, 500);
        const { success, error } = await response.json();
        assert.equal(success, false);
        assert.match(error, variable);
        assert.doesNotMatch(error, /sb_secret_x/);
      }
      const health = await fetch(worker.url);
      assert.match(await health.text(), variable);
    });
    assert.equal((await getJob(id)).status, "queued");
    await wakeAndWait();
  });
}

Deno.test("a worker without a Grok key leaves reports queued and says why", async () => {
  const id = await enqueue("generate_report", { unused: true });
  await withWorker({ GROK_API_KEY: undefined }, async (worker) => {
    const run = await wakeAndWait(worker.url);
    assert.match(run.unavailable.generate_report, /GROK_API_KEY/);
  });
  assert.equal((await getJob(id)).status, "queued");
  await wakeAndWait();
});

Deno.test("the legacy service-role key is enough to work", async () => {
  const id = await enqueue("noop", { n: 1 });
  const change = {
    SUPABASE_SECRET_KEYS: undefined,
    SUPABASE_SERVICE_ROLE_KEY: stack.serviceRoleKey,
  };
  await withWorker(change, async (worker) => {
    await wakeAndWait(worker.url);
  });
  assert.equal((await getJob(id)).status, "completed");
});
