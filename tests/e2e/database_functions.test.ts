// Every database function people call, by supabase-js and by the argument names they rely on.

import assert from "node:assert/strict";
import { secretKeyClient, serviceRoleClient } from "../support/clients.ts";
import { getJob } from "../support/job.ts";
import { waitFor } from "../support/wait.ts";

const client = secretKeyClient();

/** A job type of one test's own, so that no worker and no other test takes its jobs. */
const ownType = () => `function-test-${crypto.randomUUID()}`;

async function call<T>(name: string, args: Record<string, unknown> = {}): Promise<T> {
  const { data, error } = await client.rpc(name, args);
  if (error) throw new Error(`${name}: ${error.code} ${error.message}`);
  return data as T;
}

async function refusal(name: string, args: Record<string, unknown>): Promise<string> {
  const { error } = await client.rpc(name, args);
  assert.ok(error, `${name} should have been refused`);
  return error.code;
}

interface Claimed {
  id: string;
  job_type: string;
  input_data: unknown;
  retry_count: number;
  max_retries: number;
  lease_token: string;
}

const claim = (job_type: string) =>
  call<Claimed[]>("get_next_job", {
    max_jobs: 1,
    job_types: [job_type],
    worker_id: "test",
    lease_seconds: 30,
  });

Deno.test("enqueue_job, get_next_job, mark_job_processing and mark_job_completed take a job to its end", async () => {
  const job_type = ownType();
  const id = await call<string>("enqueue_job", { job_type, input_data: { a: 1 } });
  const [job] = await claim(job_type);
  assert.equal(job.id, id);
  assert.equal(job.job_type, job_type);
  assert.deepEqual(job.input_data, { a: 1 });
  assert.deepEqual([job.retry_count, job.max_retries], [0, 3]);
  const lease = { job_id: id, lease_token: job.lease_token };
  assert.equal(await call("mark_job_processing", lease), true);
  assert.equal(await call("mark_job_completed", { ...lease, output_data: { done: true } }), true);
  const done = await getJob(id);
  assert.equal(done.status, "completed");
  assert.deepEqual(done.output_data, { done: true });
});

Deno.test("get_next_job answers an empty list when no job is due", async () => {
  const job_type = ownType();
  await call("enqueue_job", { job_type, delay_seconds: 3_600 });
  assert.deepEqual(await claim(job_type), []);
});

Deno.test("get_next_job and mark_job_processing also work without optional arguments", async () => {
  const job_type = ownType();
  const id = await call<string>("enqueue_job", { job_type });
  assert.equal(await call("mark_job_processing", { job_id: id }), true);
  assert.equal((await getJob(id)).status, "processing");
  assert.equal(
    await call("mark_job_completed", { job_id: id, output_data: { result: "success" } }),
    true,
  );
  assert.equal((await getJob(id)).status, "completed");
});

Deno.test("mark_job_failed puts a job back with the delay it was given, or fails it for good", async () => {
  const job_type = ownType();
  const id = await call<string>("enqueue_job", { job_type });
  const [first] = await claim(job_type);
  const failed = { job_id: id, lease_token: first.lease_token, error_message: "the roof leaks" };
  assert.equal(await call("mark_job_failed", { ...failed, retry_after_seconds: 60 }), true);
  const waiting = await getJob(id);
  assert.deepEqual([waiting.status, waiting.retry_count], ["queued", 1]);
  assert.ok(Date.parse(waiting.run_at) > Date.now() + 50_000);

  const other = await call<string>("enqueue_job", { job_type });
  const [second] = await claim(job_type);
  assert.equal(second.id, other);
  const lease = { job_id: other, lease_token: second.lease_token };
  assert.equal(
    await call("mark_job_failed", { ...lease, error_message: "no", retryable: false }),
    true,
  );
  assert.deepEqual([(await getJob(other)).status, (await getJob(other)).error], ["failed", "no"]);
});

Deno.test("release_job hands a job back without costing it an attempt", async () => {
  const job_type = ownType();
  const id = await call<string>("enqueue_job", { job_type });
  const [job] = await claim(job_type);
  assert.equal(await call("release_job", { job_id: id, lease_token: job.lease_token }), true);
  const [again] = await claim(job_type);
  assert.deepEqual([again.id, again.retry_count], [id, 0]);
  await call("mark_job_completed", { job_id: id, lease_token: again.lease_token });
});

Deno.test("retry_failed_jobs gives the named failed jobs a fresh allowance", async () => {
  const job_type = ownType();
  const id = await call<string>("enqueue_job", { job_type, max_retries: 0 });
  const [job] = await claim(job_type);
  await call("mark_job_failed", { job_id: id, lease_token: job.lease_token, error_message: "no" });
  assert.equal((await getJob(id)).status, "failed");
  assert.equal(await call("retry_failed_jobs", { job_ids: [id] }), 1);
  const [again] = await claim(job_type);
  assert.deepEqual([again.id, again.retry_count], [id, 0]);
  await call("mark_job_completed", { job_id: id, lease_token: again.lease_token });
  assert.equal(typeof await call("retry_failed_jobs", { job_types: [job_type] }), "number");
});

Deno.test("cleanup_old_jobs counts what it deleted and spares young jobs", async () => {
  const job_type = ownType();
  const id = await call<string>("enqueue_job", { job_type });
  const [job] = await claim(job_type);
  await call("mark_job_completed", { job_id: id, lease_token: job.lease_token });
  assert.equal(await call("cleanup_old_jobs", { days_to_keep: 30 }), 0);
  assert.equal((await getJob(id)).status, "completed");
});

Deno.test("enqueue_jobs answers the ids in the order given", async () => {
  const job_type = ownType();
  const jobs = [1, 2, 3].map((n) => ({ job_type, input_data: { n }, delay_seconds: 3_600 }));
  const ids = await call<string[]>("enqueue_jobs", { jobs });
  const inputs = await Promise.all(ids.map(async (id) => {
    const { data } = await client.from("jobs").select("input_data").eq("id", id).single();
    return data?.input_data.n;
  }));
  assert.deepEqual(inputs, [1, 2, 3]);
});

Deno.test("an idempotency key gives the job that already has it", async () => {
  const job_type = ownType();
  const key = { job_type, idempotency_key: crypto.randomUUID(), delay_seconds: 3_600 };
  assert.equal(await call("enqueue_job", key), await call("enqueue_job", key));
});

Deno.test("cancel_job ends a queued job, tells a running one, and refuses a finished one", async () => {
  const job_type = ownType();
  const queued = await call<string>("enqueue_job", { job_type, delay_seconds: 3_600 });
  assert.equal(await call("cancel_job", { job_id: queued }), "cancelled");
  assert.equal(await refusal("cancel_job", { job_id: queued }), "JQ005");

  const running = await call<string>("enqueue_job", { job_type });
  const [job] = await claim(job_type);
  assert.equal(await call("cancel_job", { job_id: running }), "processing");
  const jobs = [{ job_id: running, lease_token: job.lease_token }];
  assert.deepEqual(await call("heartbeat_jobs", { jobs, lease_seconds: 30 }), ["cancelled"]);
  await call("finish_and_claim_jobs", { results: [{ ...jobs[0], outcome: "cancelled" }] });
  assert.equal((await getJob(running)).status, "cancelled");
});

Deno.test("save_job_step keeps the first result of a step, and the next claim gets it", async () => {
  const job_type = ownType();
  const id = await call<string>("enqueue_job", { job_type });
  const [job] = await claim(job_type);
  const step = { job_id: id, lease_token: job.lease_token, name: "batch/1" };
  assert.equal(await call("start_job_step", step), "held");
  assert.equal(await call("save_job_step", { ...step, result: { n: 1 } }), "held");
  assert.equal(await call("save_job_step", { ...step, result: { n: 2 } }), "held");
  await call("release_job", { job_id: id, lease_token: job.lease_token });
  const [again] = await call<(Claimed & { steps: unknown })[]>("get_next_job", {
    job_types: [job_type],
  });
  assert.deepEqual(again.steps, { "batch/1": { n: 1 } });
  await call("mark_job_completed", { job_id: id, lease_token: again.lease_token });
});

Deno.test("finish_and_claim_jobs finishes a batch and claims the next in one call", async () => {
  const job_type = ownType();
  const ids = await call<string[]>("enqueue_jobs", {
    jobs: [{ job_type }, { job_type }],
  });
  const first = await call<FinishAndClaim>("finish_and_claim_jobs", {
    max_jobs: 1,
    job_types: [job_type],
  });
  assert.deepEqual(first.jobs.map((job) => job.id), [ids[0]]);
  const [job] = first.jobs;
  const results = [
    { job_id: job.id, lease_token: job.lease_token, outcome: "completed", output_data: { n: 1 } },
    { job_id: ids[1], lease_token: crypto.randomUUID(), outcome: "completed" },
  ];
  const second = await call<FinishAndClaim>("finish_and_claim_jobs", {
    results,
    max_jobs: 5,
    job_types: [job_type],
  });
  assert.deepEqual(second.finished, ["completed", "lost"]);
  assert.deepEqual(second.jobs.map((each) => each.id), [ids[1]]);
  const rest = second.jobs.map((each) => ({
    job_id: each.id,
    lease_token: each.lease_token,
    outcome: "completed",
  }));
  await call("finish_and_claim_jobs", { results: rest });
});

Deno.test("rescue_expired_jobs counts what it took from dead workers and spares the living", async () => {
  const job_type = ownType();
  const id = await call<string>("enqueue_job", { job_type });
  await call("get_next_job", { job_types: [job_type], lease_seconds: 1 });
  assert.equal(await call("rescue_expired_jobs"), 0);
  await waitFor("the lease to end", async () => await call("rescue_expired_jobs") === 1);
  const { status, retry_count, error } = await getJob(id);
  assert.deepEqual([status, retry_count], ["queued", 0]);
  assert.match(error ?? "", /^lease expired/);
  await call("cancel_job", { job_id: id });
});

Deno.test("a plain insert by a server makes a proper job", async () => {
  const job_type = ownType();
  const { data, error } = await client.from("jobs").insert({ job_type, input_data: { n: 9 } })
    .select("id").single();
  assert.equal(error, null);
  const [job] = await claim(job_type);
  assert.equal(job.id, data?.id);
  await call("mark_job_completed", { job_id: job.id, lease_token: job.lease_token });
});

Deno.test("the legacy service-role key opens the same functions", async () => {
  const job_type = ownType();
  const { data, error } = await serviceRoleClient().rpc("get_next_job", { job_types: [job_type] });
  assert.equal(error, null);
  assert.deepEqual(data, []);
});

Deno.test("refusals carry their codes through PostgREST", async () => {
  const nobody = crypto.randomUUID();
  assert.equal(await refusal("cancel_job", { job_id: nobody }), "JQ003");
  assert.equal(await refusal("enqueue_job", { job_type: "" }), "JQ004");
  const step = { job_id: nobody, lease_token: nobody, name: "x", result: {} };
  assert.match(await refusal("save_job_step", step), /^JQ00[23]$/);
});

interface FinishAndClaim {
  finished: string[];
  jobs: { id: string; lease_token: string }[];
}
