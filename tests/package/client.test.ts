// The queue client of the npm package, as it is built, against the real PostgREST: as a server and as a user.

import assert from "node:assert/strict";
import { createQueueClient, type Job } from "pretium-queue";
import { mintUserToken, secretKeyClient, userClient } from "../support/clients.ts";
import { stack } from "../support/stack.ts";
import { asSuperuser } from "../support/superuser.ts";
import { wake } from "../support/worker.ts";

declare module "pretium-queue" {
  interface JobTypes {
    /** No worker knows it, so its jobs stay where a test puts them. */
    parked: { input: { n?: number; secret?: string }; output: { done: boolean } };
  }
}

await asSuperuser((sql) =>
  sql`insert into public.job_types (job_type, open_to_users) values ('parked', true), ('noop', true)
      on conflict (job_type) do update set open_to_users = true`
);

const connection = { url: stack.url, key: stack.secretKey };
const server = createQueueClient(connection);
const jobIdOf = (result: { jobId: string | null; error: string | null }): string => {
  assert.equal(result.error, null);
  return result.jobId!;
};

const clients = {
  "an address and a key": () => server,
  "a supabase-js client": () => createQueueClient(secretKeyClient()),
};

for (const [given, make] of Object.entries(clients)) {
  Deno.test(`with ${given}, a job is enqueued, seen, waited for and done`, async () => {
    const queue = make();
    const id = jobIdOf(await queue.enqueueJob("noop", { n: 1 }, { priority: 5, max_retries: 0 }));
    const before = await queue.getJobStatus<"noop">(id);
    assert.equal(before.job?.status, "queued");
    assert.deepEqual(
      [before.job?.priority, before.job?.max_retries, before.job?.retry_count],
      [5, 0, 0],
    );
    await wake();
    const seen: string[] = [];
    const { job, error } = await queue.waitForJobCompletion<"noop">(id, 200, 20_000, {
      onProgress: (job) => seen.push(job.status),
    });
    assert.equal(error, null);
    assert.deepEqual(job?.output_data, { n: 1 });
    assert.equal(seen.at(-1), "completed");
  });

  Deno.test(`with ${given}, the jobs of a user are listed by what was asked for, the latest first`, async () => {
    const queue = make();
    const owner_id = crypto.randomUUID();
    const jobs = [1, 2, 3].map((n) => ({
      job_type: "parked" as const,
      input_data: { n },
      owner_id,
    }));
    const { jobIds } = await queue.enqueueJobs(jobs);
    await queue.cancelJob(jobIds![0]);
    const list = async (filter: Parameters<typeof queue.listJobs>[0]) => {
      const { jobs, error } = await queue.listJobs({ owner_id, ...filter });
      assert.equal(error, null);
      return jobs!.map((job) => (job as Job<"parked">).input_data.n);
    };
    assert.deepEqual(await list({}), [3, 2, 1]);
    assert.deepEqual(await list({ status: ["queued", "processing"] }), [3, 2]);
    assert.deepEqual(await list({ status: "cancelled", job_type: ["parked", "noop"] }), [1]);
    assert.deepEqual(await list({ job_type: "noop" }), []);
    const { jobs: page } = await queue.listJobs({ owner_id, limit: 1 });
    assert.deepEqual(await list({ before: page![0].created_at, limit: 1 }), [2]);
  });

  Deno.test(`with ${given}, a job is cancelled, and cancelling it again says the same`, async () => {
    const queue = make();
    const id = jobIdOf(await queue.enqueueJob("parked", {}));
    const cancelled = { success: true, status: "cancelled", error: null };
    assert.deepEqual(await queue.cancelJob(id), cancelled);
    assert.deepEqual(await queue.cancelJob(id), cancelled);
    const again = { success: true, status: "queued", error: null };
    assert.deepEqual(await queue.retryJob(id), again, "who cancelled it may think again");
    assert.deepEqual(await queue.cancelJob(id), cancelled);
  });

  Deno.test(`with ${given}, what is refused is returned, with its code`, async () => {
    const queue = make();
    for (const id of [crypto.randomUUID(), "no uuid"]) {
      const error = `there is no job ${id}`;
      assert.deepEqual(await queue.getJobStatus(id), { job: null, error, code: "JQ003" });
      assert.deepEqual(await queue.waitForJobCompletion(id), { job: null, error, code: "JQ003" });
      assert.equal((await queue.cancelJob(id)).code, "JQ003");
      assert.equal((await queue.retryJob(id)).code, "JQ003");
    }
    const refused = await queue.enqueueJob("noop", {}, { max_retries: -1 });
    assert.deepEqual(refused, {
      success: false,
      jobId: null,
      error: "max_retries: expected 0 to 1000",
      code: "JQ004",
    });
  });
}

async function failed(): Promise<string> {
  const id = jobIdOf(await server.enqueueJob("parked", {}, { max_retries: 0 }));
  await asSuperuser((sql) =>
    sql`update public.jobs set status = 'failed', error = 'broken', completed_at = now() where id = ${id}`
  );
  return id;
}

Deno.test("failed jobs are retried, one or all", async () => {
  const [one, other] = [await failed(), await failed()];
  assert.equal((await server.retryJob(one)).status, "queued");
  assert.equal((await server.retryJob(one)).status, "queued");
  assert.equal((await server.retryFailedJobs({ job_ids: [one, other] })).count, 1);
  assert.equal((await server.getJobStatus(other)).job?.status, "queued");
});

Deno.test("old jobs are cleaned up", async () => {
  const id = jobIdOf(await server.enqueueJob("parked", {}));
  await server.cancelJob(id);
  await asSuperuser((sql) =>
    sql`update public.jobs set completed_at = now() - interval '40 days' where id = ${id}`
  );
  assert.ok((await server.cleanupOldJobs(30)).count! >= 1);
  assert.equal((await server.getJobStatus(id)).code, "JQ003");
  assert.equal((await server.cleanupOldJobs(-1)).code, "JQ004");
});

Deno.test("waiting ends with an error when it is aborted, before or meanwhile", async () => {
  const id = jobIdOf(await server.enqueueJob("parked", {}));
  const aborted = { job: null, error: "the waiting was aborted", code: "aborted" };
  assert.deepEqual(
    await server.waitForJobCompletion(id, 50, 9_000, { signal: AbortSignal.abort() }),
    aborted,
  );
  const abort = new AbortController();
  const waiting = server.waitForJobCompletion(id, 50, 60_000, {
    signal: abort.signal,
    onProgress: () => abort.abort(),
  });
  assert.deepEqual(await waiting, aborted);
  const call = await server.enqueueJob("parked", {}, { signal: AbortSignal.abort() });
  assert.equal(call.code, "aborted");
});

/** A `fetch` whose first answers get lost, or never come about. */
function losing(answers: number, afterSending: boolean): typeof fetch & { requests: number } {
  const lossy = async (...args: Parameters<typeof fetch>) => {
    lossy.requests++;
    const isLost = lossy.requests <= answers;
    if (isLost && !afterSending) throw new TypeError("connection refused");
    const response = await fetch(...args);
    if (!isLost) return response;
    await response.body?.cancel();
    throw new TypeError("connection reset");
  };
  lossy.requests = 0;
  return lossy;
}

for (const afterSending of [false, true]) {
  const when = afterSending ? "after the database did it" : "before it reached the database";
  Deno.test(`an enqueue that the network lost ${when} makes exactly one job`, async () => {
    const owner_id = crypto.randomUUID();
    const lossy = losing(2, afterSending);
    const queue = createQueueClient({ ...connection, fetch: lossy });
    jobIdOf(await queue.enqueueJob("parked", {}, { owner_id }));
    const many = await queue.enqueueJobs([{ job_type: "parked", input_data: {}, owner_id }]);
    assert.equal(many.error, null);
    assert.equal(lossy.requests, 4);
    const { jobs } = await server.listJobs({ owner_id });
    assert.equal(jobs?.length, 2);
  });
}

Deno.test("a network that stays away is an error, not an exception", async () => {
  const queue = createQueueClient({ ...connection, tries: 2, fetch: losing(99, false) });
  const result = await queue.enqueueJob("parked", {});
  assert.deepEqual(result, {
    success: false,
    jobId: null,
    error: "no answer from the server: connection refused",
    code: "network",
  });
  assert.equal((await queue.getJobStatus(crypto.randomUUID())).code, "network");
});

Deno.test("waiting survives a network that comes back", async () => {
  const id = jobIdOf(await server.enqueueJob("parked", {}));
  await server.cancelJob(id);
  const queue = createQueueClient({ ...connection, tries: 1, fetch: losing(3, false) });
  const { code } = await queue.waitForJobCompletion(id, 100, 20_000);
  assert.equal(code, "cancelled");
});

Deno.test("a subscription tells each change once and ends with the job", async () => {
  const id = jobIdOf(await server.enqueueJob("parked", {}));
  const seen: string[] = [];
  const done = Promise.withResolvers<void>();
  server.subscribeToJob(id, (job) => {
    seen.push(job.status);
    if (job.status === "queued") server.cancelJob(id);
    else done.resolve();
  }, { intervalMs: 50 });
  await done.promise;
  assert.deepEqual(seen, ["queued", "cancelled"]);
});

Deno.test("a subscription to what is not there says so", async () => {
  const failure = Promise.withResolvers<string>();
  server.subscribeToJob(crypto.randomUUID(), () => {}, {
    onError: ({ code }) => failure.resolve(code),
  });
  assert.equal(await failure.promise, "JQ003");
});

Deno.test("a user's jobs are theirs, by token or by session", async () => {
  const alice = crypto.randomUUID();
  const byToken = createQueueClient({
    url: stack.url,
    key: stack.publishableKey,
    accessToken: () => mintUserToken(alice),
  });
  const bySession = createQueueClient(await userClient(alice));
  const id = jobIdOf(await byToken.enqueueJob("parked", { n: 7 }));
  const { job } = await bySession.getJobStatus<"parked">(id);
  assert.deepEqual([job?.owner_id, job?.input_data.n], [alice, 7]);
  assert.equal((await bySession.retryFailedJobs()).code, "42501");
});
