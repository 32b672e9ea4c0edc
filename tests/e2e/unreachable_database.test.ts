// The database away or out of order: a run says so in words, and nothing is lost.

import assert from "node:assert/strict";
import { enqueue, getJob, waitForStatus } from "../support/job.ts";
import { stack } from "../support/stack.ts";
import { wake, wakeAndWait, withWorker } from "../support/worker.ts";

/** A server on a port of its own that answers everything with `respond`. */
function serve(respond: (request: Request) => Response | Promise<Response>) {
  const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
  const server = Deno.serve(options, respond);
  return { url: `http://127.0.0.1:${server.addr.port}`, shutdown: () => server.shutdown() };
}

const OUTAGES: [string, () => Response][] = [
  ["a gateway whose PostgREST is away", () => new Response("no upstream", { status: 502 })],
  [
    "a PostgREST whose database is away",
    () => Response.json({ code: "PGRST000", message: "could not connect" }, { status: 503 }),
  ],
];

for (const [what, respond] of OUTAGES) {
  Deno.test(`${what} ends the run with a report that says so`, async () => {
    const outage = serve(respond);
    // A wall clock this short leaves no time for patience.
    const change = { SUPABASE_URL: outage.url, QUEUE_WALL_CLOCK_SECONDS: "2" };
    await withWorker(change, async (worker) => {
      const run = await wakeAndWait(worker.url);
      assert.equal(run.stopped, "database");
      assert.match(run.error ?? "", /502|PGRST000|503/);
    });
    await outage.shutdown();
  });
}

Deno.test("a closed port ends the run with a report that says so", async () => {
  const closed = serve(() => new Response());
  await closed.shutdown();
  const change = { SUPABASE_URL: closed.url, QUEUE_WALL_CLOCK_SECONDS: "2" };
  await withWorker(change, async (worker) => {
    const run = await wakeAndWait(worker.url);
    assert.equal(run.stopped, "database");
    assert.match(run.error ?? "", /no answer/);
  });
});

Deno.test("a key the database does not accept ends the run at once, and is not shown", async () => {
  const key = "sb_secret_not_of_this_project";
  const change = { SUPABASE_SECRET_KEYS: JSON.stringify({ default: key }) };
  await withWorker(change, async (worker) => {
    const run = await wakeAndWait(worker.url);
    assert.equal(run.stopped, "database");
    assert.match(run.error ?? "", /401|key/);
    assert.doesNotMatch(JSON.stringify(run) + worker.output(), new RegExp(key));
  });
});

Deno.test("an outage in the middle of a run loses nothing", async () => {
  let outages = 0;
  const flaky = serve(async (request) => {
    const answer = await fetch(stack.url + new URL(request.url).pathname, {
      method: request.method,
      headers: { apikey: stack.secretKey, "content-type": "application/json" },
      body: await request.text(),
    });
    const text = await answer.text();
    // Every second answer is lost on its way back: the call took effect, and its caller cannot know.
    if (++outages % 2 === 0) return new Response("bad gateway", { status: 502 });
    return new Response(text, { status: answer.status });
  });
  const ids = await Promise.all(Array.from({ length: 30 }, (_, n) => enqueue("noop", { n })));
  await withWorker({ SUPABASE_URL: flaky.url }, async (worker) => {
    await (await wake({ url: worker.url, body: { wait: true } })).body?.cancel();
  });
  await flaky.shutdown();
  for (const [n, id] of ids.entries()) {
    await waitForStatus(id, "completed");
    const job = await getJob(id);
    assert.deepEqual([job.output_data, job.retry_count], [{ n }, 0]);
  }
});
