// Job types in TypeScript have what those in Rust have.

import assert from "node:assert/strict";
import { secretKeyClient } from "../support/clients.ts";
import { cancel, enqueue, getJob, type JobRow, waitForStatus } from "../support/job.ts";
import { makeDue, savedSteps } from "../support/superuser.ts";
import { listen, startTypeScriptWorker } from "../support/typescript_jobs.ts";
import { waitFor } from "../support/wait.ts";
import { wake, wakeAndWait } from "../support/worker.ts";

const SHORT_LEASE = { QUEUE_LEASE_SECONDS: "3" };
const worker = await startTypeScriptWorker(SHORT_LEASE);
Deno.test.afterAll(() => worker.kill());

const begin = async (url = worker.url) => await (await wake({ url })).body?.cancel();

/** The job after one attempt. */
async function attempted(jobType: string, input: unknown = {}): Promise<JobRow> {
  const id = await enqueue(jobType, input);
  await wakeAndWait(worker.url);
  return await getJob(id);
}

Deno.test("a handler in TypeScript gets its input and its job, and what it returns is the result", async () => {
  const job = await attempted("ts/describe", { roof: "B" });
  assert.equal(job.status, "completed");
  const { time_left_ms, ...rest } = job.output_data;
  assert.deepEqual(rest, {
    input: { roof: "B" },
    job: { id: job.id, job_type: "ts/describe", retry_count: 0, max_retries: 3 },
    is_aborted: false,
  });
  assert.ok(time_left_ms > 0);
  assert.equal((await attempted("ts/nothing")).output_data, null);
});

Deno.test("a step in TypeScript runs once, whatever comes after it", async () => {
  await using listener = listen();
  const failed = await attempted("ts/steps", { url: listener.url });
  assert.deepEqual([failed.status, failed.error], ["queued", "Error: between the steps"]);
  await makeDue(failed.id);
  await wakeAndWait(worker.url);
  const job = await getJob(failed.id);
  assert.deepEqual(job.output_data, { first: { at: 0 }, second: null });
  assert.deepEqual(listener.told, ["first", "second"]);
});

Deno.test("a step in TypeScript learns that a killed worker had begun it", async () => {
  await using listener = listen();
  const first = await startTypeScriptWorker(SHORT_LEASE);
  const id = await enqueue("ts/begun", { url: listener.url });
  await begin(first.url);
  await waitFor("the step to be begun", () => listener.told.includes("wait"));
  await first.kill();
  const job = await waitFor("another worker to finish it", async () => {
    await wakeAndWait(worker.url);
    const now = await getJob(id);
    return now.status === "completed" && now;
  });
  assert.deepEqual([job.output_data, job.retry_count], [true, 0]);
});

Deno.test("an error of a handler in TypeScript says what to do", async () => {
  const permanent = await attempted("ts/permanent");
  assert.deepEqual([permanent.status, permanent.error], [
    "failed",
    "input_data.name: expected a text",
  ]);
  const later = await attempted("ts/later");
  assert.deepEqual([later.status, later.waiting_for, later.retry_count], ["queued", "retry", 1]);
  assert.ok(Date.parse(later.run_at) > Date.now() + 2_000_000, "after the time it asked for");
  const snoozed = await attempted("ts/snooze");
  assert.deepEqual([snoozed.waiting_for, snoozed.retry_count], ["time", 0]);
  assert.ok(Date.parse(snoozed.run_at) > Date.now() + 2_000_000, "for as long as it asked");
  const thrown = await attempted("ts/throws");
  assert.deepEqual([thrown.status, thrown.error, thrown.retry_count], [
    "queued",
    "TypeError: of the handler's own",
    1,
  ]);
  for (const job of [later, snoozed, thrown]) await cancel(job.id);
});

Deno.test("a type in TypeScript whose service is not available rests, and only operators hear why", async () => {
  const job = await attempted("ts/unavailable");
  assert.deepEqual([job.status, job.retry_count, job.waiting_for], ["queued", 0, null]);
  assert.equal(
    job.error,
    "waiting: a service that this job needs is not available at the moment",
  );
  const reason = "the key <secret> was refused; set MAIL_KEY";
  const report = await wakeAndWait(worker.url);
  assert.equal(report.unavailable["ts/unavailable"], reason);
  const { data: health } = await secretKeyClient().rpc("job_queue_health");
  assert.equal(health.unavailable["ts/unavailable"], reason);
  await cancel(job.id);
});

Deno.test("a handler in TypeScript can catch what its step throws", async () => {
  assert.deepEqual((await attempted("ts/catches")).output_data, { is_the_same: true });
});

Deno.test("a step in TypeScript with a used name or too large a result fails its job for good", async () => {
  const twice = await attempted("ts/twice");
  assert.deepEqual([twice.status, twice.error], [
    "failed",
    "step one: expected a name that no other step has",
  ]);
  const large = await attempted("ts/large");
  assert.equal(large.status, "failed");
  assert.match(large.error ?? "", /step large: .*1 MiB.*Storage/);
});

Deno.test("progress of a job in TypeScript is seen while it runs, and half a step of it harms nothing", async () => {
  await using listener = listen();
  const id = await enqueue("ts/progress", { url: listener.url });
  await begin();
  const progress = await waitFor("progress", async () => (await getJob(id)).progress);
  assert.deepEqual(progress, { phase: "walking", done: 1, total: 3, message: "on the way" });
  await cancel(id);
  await waitForStatus(id, "cancelled");
  const half = await attempted("ts/half_a_step");
  assert.deepEqual([half.status, half.retry_count], ["completed", 0]);
});

Deno.test("a handler in TypeScript can call functions of the database", async () => {
  const { id, refused } = (await attempted("ts/call")).output_data;
  assert.equal(await cancel(id), "cancelled");
  assert.match(refused, /^JobError: enqueue_job: job_type: expected 1 to 200 bytes/);
});

Deno.test("cancelling a job in TypeScript aborts its signal and what it was waiting for", async () => {
  await using listener = listen();
  const id = await enqueue("ts/listens", { url: listener.url });
  await begin();
  await waitFor("the handler to wait", () => listener.told.includes("wait"));
  assert.equal(await cancel(id), "processing");
  await waitForStatus(id, "cancelled");
  await waitFor("the handler to say why", () => listener.told.includes("stopped/cancelled"));
  await waitFor("the request to be aborted", listener.hasHungUp);
});

Deno.test("a handler that neither listens nor returns fails at its timeout, and does no more steps", async () => {
  await using listener = listen();
  const id = await enqueue("ts/deaf", { url: listener.url }, {
    timeout_seconds: 1,
    max_retries: 0,
  });
  await begin();
  const job = await waitForStatus(id, "failed");
  assert.equal(job.error, "timed out after 1 seconds");
  const ran = Date.parse(job.completed_at ?? "") - Date.parse(job.started_at ?? "");
  assert.ok(ran >= 1_000 && ran < 2_000 + 1_000, `one heartbeat late at most, took ${ran} ms`);
  await waitFor("its next step to be refused", () => listener.told.at(-1)?.startsWith("refused/"));
  // By whoever notices first: its worker, or the database when the step is to be saved.
  assert.match(listener.told.at(-1)!, /^refused\/(timed_out|lease_lost)$/);
  const steps = listener.told.filter((what) => what.startsWith("step/"));
  assert.ok((await savedSteps(id)).length >= steps.length - 1, "one may have been under way");
});

Deno.test("a job that needs twenty isolates gets them and loses no attempt", async () => {
  const id = await enqueue("ts/walk", { steps: 40, ms: 200 });
  let isolates = 0;
  const job = await waitFor("the job to be completed", async () => {
    isolates += 1;
    const worker = await startTypeScriptWorker({
      QUEUE_WALL_CLOCK_SECONDS: "1",
      QUEUE_HAND_OVER_PERCENT: "60",
    });
    // One that took long to start is used up by now.
    const response = await wake({ url: worker.url, body: { wait: true } });
    await response.body?.cancel();
    await worker.kill();
    const now = await getJob(id);
    return now.status !== "queued" && now;
  }, 60_000);
  assert.deepEqual([job.status, job.output_data, job.retry_count, job.error], [
    "completed",
    { sum: 820 },
    0,
    null,
  ]);
  assert.ok(isolates >= 20, `it took ${isolates}`);
});

Deno.test("an error that a handler leaves behind harms nobody", async () => {
  const careless = await attempted("ts/careless");
  assert.deepEqual([careless.status, careless.output_data], ["completed", "done"]);
  assert.equal((await attempted("ts/describe")).status, "completed");
  assert.match(worker.output(), /a job type left an error uncaught: Error: nobody catches this/);
});

Deno.test("a handler that does not keep to the types is told which argument is wrong", async () => {
  const job = await attempted("ts/mistyped");
  const expected = [
    "TypeError: step: expected a name of 1 to 200 characters",
    "TypeError: call: expected a name of 1 to 200 characters",
    "JobError: arguments of enqueue_job: expected JSON, got a bigint: ",
    "TypeError: progress.phase: expected a text",
    "TypeError: log: expected a name of 1 to 200 characters",
    "JobError: fields: expected JSON: ",
  ];
  expected.forEach((text, index) => {
    assert.ok(job.output_data[index].startsWith(text), job.output_data[index]);
  });
});

Deno.test("whatever a fetch that a handler replaced throws, the worker goes on", async () => {
  const job = await attempted("ts/replaces_fetch");
  assert.deepEqual([job.status, job.output_data], ["completed", [true, true, true, true, true]]);
});

Deno.test("a job type in TypeScript takes the place of one in Rust by the same name", async () => {
  assert.equal((await attempted("noop")).output_data, "not the one in Rust");
});
