// A job that crashes the worker in Wasm takes nothing from the others on board but their place.

import assert from "node:assert/strict";
import type { Call } from "../faults/calls.ts";
import { Line, type Mishap } from "../faults/line.ts";
import { grokCalls, scriptGrok } from "../support/grok.ts";
import { startFaultyWorker } from "../support/faulty_worker.ts";
import { enqueue, getJob } from "../support/job.ts";
import { reportInput } from "../support/report_job.ts";
import { stack } from "../support/stack.ts";
import { makeDue, savedSteps } from "../support/superuser.ts";
import { waitFor } from "../support/wait.ts";
import { wake, wakeAndWait } from "../support/worker.ts";

/** Reports wait for their answers, so that there is one to lose. */
const WAITING = { GROK_TRANSPORT: "sync" };
const CRASHED = "the handler crashed: the function's log says where";

/** Wakes a worker that will crash, until its isolate has ended. */
async function crash() {
  const worker = await startFaultyWorker();
  const response = await wake({ url: worker.url, body: { wait: true } });
  const { error } = await response.json();
  assert.deepEqual(
    [response.status, error],
    [503, "the worker crashed and this isolate is retired; its jobs go on elsewhere"],
  );
  const next = await wake({ url: worker.url });
  await next.body?.cancel();
  assert.equal(next.status, 503, "a crashed isolate takes nobody in");
  assert.notEqual((await worker.ended).code, 0);
}

for (const way of ["panic", "recursion", "memory"]) {
  Deno.test(`a job that crashes by ${way} fails after its attempts, each of which ends its isolate`, async () => {
    const id = await enqueue("crash", { way }, { max_retries: 1 });
    await crash();
    const once = await getJob(id);
    assert.deepEqual([once.status, once.retry_count, once.error], ["queued", 1, CRASHED]);
    await makeDue(id);
    await crash();
    const twice = await getJob(id);
    assert.deepEqual([twice.status, twice.retry_count, twice.error], ["failed", 1, CRASHED]);
  });
}

Deno.test("a report on board of a worker that crashes goes on elsewhere at once, without losing a step or an attempt", async () => {
  const id = await enqueue("generate_report", reportInput(7), { delay_seconds: 3_600 });
  await scriptGrok(id, [{ fault: "slow", containing: "Open lap number 6", delay_ms: 600_000 }]);
  await makeDue(id);
  const worker = await startFaultyWorker(WAITING);
  await (await wake({ url: worker.url })).body?.cancel();
  await waitFor(
    "the first batch to be saved",
    async () => (await savedSteps(id)).includes("batch/0"),
  );
  const culprit = await enqueue("crash", { way: "panic" }, { max_retries: 0 });
  await (await wake({ url: worker.url })).body?.cancel();
  await worker.ended;

  const left = await getJob(id);
  assert.deepEqual([left.status, left.retry_count, left.error], ["queued", 0, null]);
  assert.equal((await getJob(culprit)).status, "failed");
  const next = await startFaultyWorker(WAITING);
  await wakeAndWait(next.url);
  await next.kill();
  const job = await getJob(id);
  assert.deepEqual([job.status, job.retry_count], ["completed", 0]);
  const first = (await grokCalls(id)).filter(({ text }) =>
    text.some((part) => part.includes("Open lap number 1 "))
  );
  assert.equal(first.length, 1, "the saved batch is not paid again");
});

const UNDER_WAY: [string, Mishap][] = [
  ["has not reached the database", { mishap: "late", ms: 1_500 }],
  ["has not come back", { mishap: "answer_late", ms: 1_500 }],
];

for (const [where, mishap] of UNDER_WAY) {
  Deno.test(`a claim that ${where} when its worker crashes costs its jobs no attempt and no time`, async () => {
    const calls: Call[] = [];
    const line = new Line(0, calls);
    const worker = await startFaultyWorker({ SUPABASE_URL: line.url });
    const listener = listenForCrash();
    await enqueue("crash", { way: "panic", effectsUrl: listener.url }, { max_retries: 0 });
    await (await wake({ url: worker.url })).body?.cancel();
    await listener.called;

    const id = await enqueue("noop", { n: 1 });
    const underWay = Promise.withResolvers<void>();
    line.arrange(mishap, underWay.resolve, "finish_and_claim_jobs");
    await (await wake({ url: worker.url })).body?.cancel();
    await underWay.promise;
    listener.answer();
    await worker.ended;
    await waitFor(
      "both claims to have been carried out",
      () => calls.filter(({ workerId, status }) => workerId && status === 200).length === 2,
    );
    await listener.close();
    line.close();

    await wakeAndWait();
    const job = await getJob(id);
    assert.deepEqual([job.status, job.retry_count, job.error], ["completed", 0, null]);
  });
}

Deno.test("a scrape that is under way when its worker crashes is answered like a run", async () => {
  const line = new Line(0, []);
  const worker = await startFaultyWorker({ SUPABASE_URL: line.url });
  const underWay = Promise.withResolvers<void>();
  line.arrange({ mishap: "answer_late", ms: 5_000 }, underWay.resolve, "job_queue_metrics");
  const scrape = fetch(`${worker.url}/metrics`, {
    headers: { "x-queue-token": stack.workerToken },
  });
  await underWay.promise;
  await enqueue("crash", { way: "panic" }, { max_retries: 0 });
  const run = await wake({ url: worker.url, body: { wait: true } });
  const scraped = await scrape;
  assert.deepEqual([run.status, scraped.status], [503, 503]);
  assert.deepEqual(await scraped.json(), await run.json());
  await worker.ended;
  line.close();
});

/** Keeps a job that is about to crash waiting for an answer. */
function listenForCrash() {
  const called = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<void>();
  const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
  const server = Deno.serve(options, async (request) => {
    await request.body?.cancel();
    called.resolve();
    await answered.promise;
    return Response.json({});
  });
  const url = `http://127.0.0.1:${server.addr.port}`;
  return { url, called: called.promise, answer: answered.resolve, close: () => server.shutdown() };
}
