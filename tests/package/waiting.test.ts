// What a page or a server sees while it waits for a job, and what its own code and its session may do meanwhile.

import assert from "node:assert/strict";
import { createQueueClient, type Job, type QueueClient } from "pretium-queue";
import { mintUserToken, secretKeyClient, userClient } from "../support/clients.ts";
import { mintExpiredToken } from "../support/clients.ts";
import { stack } from "../support/stack.ts";
import { asSuperuser } from "../support/superuser.ts";
import { waitFor } from "../support/wait.ts";

await asSuperuser((sql) =>
  sql`insert into public.job_types (job_type, open_to_users) values ('waited_for', true)
      on conflict (job_type) do update set open_to_users = true`
);

const server = createQueueClient({ url: stack.url, key: stack.secretKey });

async function enqueued(owner_id?: string): Promise<string> {
  const { data } = await secretKeyClient().rpc("enqueue_job", { job_type: "waited_for", owner_id });
  return data;
}

/** A job that came to this end. */
async function ended(status: string, error: string | null = null): Promise<string> {
  const id = await enqueued();
  await end(id, status, error);
  return id;
}

const end = (id: string, status: string, error: string | null = null) =>
  asSuperuser((sql) =>
    sql`update public.jobs set status = ${status}, error = ${error}, completed_at = now(),
        output_data = ${status === "completed" ? sql.json({ done: true }) : null} where id = ${id}`
  );

/** The third example of the description, which nobody has to change. */
async function snippet(waitForJobCompletion: QueueClient["waitForJobCompletion"], jobId: string) {
  const said: unknown[][] = [];
  const console = { log: (...words: unknown[]) => said.push(words) };
  const result = await waitForJobCompletion(jobId, 100, 400);

  if (result.job) {
    console.log("Job completed:", result.job.output_data);
  } else if (result.error) {
    console.log("Job failed or timed out:", result.error);
  }

  return said;
}

const missing = crypto.randomUUID();
const ENDS: [name: string, jobId: () => Promise<string>, said: (id: string) => unknown[]][] = [
  ["completed", () => ended("completed"), () => ["Job completed:", { done: true }]],
  ["failed", () => ended("failed", "broken"), () => ["Job failed or timed out:", "broken"]],
  ["failed without a word", () => ended("failed", ""), () => [
    "Job failed or timed out:",
    "the job failed",
  ]],
  ["was cancelled", () => ended("cancelled"), () => [
    "Job failed or timed out:",
    "the job was cancelled",
  ]],
  ["is not done in time", () => enqueued(), (id) => [
    "Job failed or timed out:",
    `job ${id} was not done after 400 ms: it is queued`,
  ]],
  ["does not exist", () => Promise.resolve(missing), (id) => [
    "Job failed or timed out:",
    `there is no job ${id}`,
  ]],
  ["has no id", () => Promise.resolve(undefined as never), () => [
    "Job failed or timed out:",
    "jobId: expected a uuid",
  ]],
];

for (const [name, jobId, said] of ENDS) {
  Deno.test(`the description's example tells the truth about a job that ${name}`, async () => {
    for (const queue of [server, createQueueClient(secretKeyClient())]) {
      const id = await jobId();
      assert.deepEqual(await snippet(queue.waitForJobCompletion, id), [said(id)]);
    }
  });
}

Deno.test("the description's examples tell what is missing where nothing is configured", async () => {
  const queue = createQueueClient({ url: undefined, key: undefined } as never);
  assert.deepEqual(await snippet(queue.waitForJobCompletion, crypto.randomUUID()), [[
    "Job failed or timed out:",
    "url: expected an address such as https://<ref>.supabase.co",
  ]]);
  assert.equal((await queue.enqueueJob("noop", {})).code, "configuration");
  assert.equal((await queue.getJobStatus(crypto.randomUUID())).code, "configuration");
});

Deno.test("a job that was waited for in vain comes along as failedJob", async () => {
  for (const status of ["failed", "cancelled"]) {
    const id = await ended(status, "broken");
    const { job, failedJob, code } = await server.waitForJobCompletion(id);
    assert.deepEqual([job, failedJob?.id, failedJob?.status, code], [null, id, status, status]);
  }
  assert.equal((await server.waitForJobCompletion(await ended("completed"))).failedJob, undefined);
});

const NO_LIMITS: [name: string, intervalMs: unknown, timeoutMs: unknown, error: string][] = [
  ["an interval of 0", 0, 900, "intervalMs: expected 1 to 9000000000000000"],
  ["an interval of NaN", NaN, 900, "intervalMs: expected a whole number, 1 to 9000000000000000"],
  ["a timeout of 0", 100, 0, "timeoutMs: expected 1 to 9000000000000000"],
  ["a negative timeout", 100, -1, "timeoutMs: expected 1 to 9000000000000000"],
  [
    "an infinite timeout",
    100,
    Infinity,
    "timeoutMs: expected a whole number, 1 to 9000000000000000",
  ],
];

for (const [name, intervalMs, timeoutMs, error] of NO_LIMITS) {
  Deno.test(`waiting with ${name} is refused by its name`, async () => {
    const result = await server.waitForJobCompletion(
      missing,
      intervalMs as number,
      timeoutMs as number,
    );
    assert.deepEqual(result, { job: null, error, code: "JQ004" });
  });
}

Deno.test("waiting for thirty days goes on until the job is done, and looks twenty times a second at most", async () => {
  const id = await enqueued();
  let looks = 0;
  const queue = createQueueClient({
    url: stack.url,
    key: stack.secretKey,
    fetch: (...args) => (looks++, fetch(...args)),
  });
  const began = Date.now();
  const waiting = queue.waitForJobCompletion(id, 1, 30 * 86_400_000);
  await waitFor("five looks", () => looks >= 5);
  assert.ok(Date.now() - began >= 4 * 50, "a pause of 50 ms between two looks");
  await end(id, "completed");
  assert.equal((await waiting).job?.id, id);
});

/** What was written to the console meanwhile. */
async function reported(use: () => Promise<void>): Promise<string[]> {
  const { error } = console;
  const said: string[] = [];
  console.error = (...words) => said.push(words.join(" "));
  try {
    await use();
  } finally {
    console.error = error;
  }
  return said;
}

const CALLBACKS: [name: string, callback: () => void | Promise<void>][] = [
  ["throws", () => {
    throw new Error("of the page's own");
  }],
  ["rejects", () => Promise.reject(new Error("of the page's own"))],
  ["is none", "no function" as never],
];

for (const [name, callback] of CALLBACKS) {
  Deno.test(`waiting goes on when onProgress ${name}`, async () => {
    const id = await ended("completed");
    const said = await reported(async () => {
      const result = await server.waitForJobCompletion(id, 100, 5_000, { onProgress: callback });
      assert.equal(result.job?.id, id);
    });
    assert.match(said.join(), /^a callback for a job failed: /);
  });

  Deno.test(`a subscription goes on when onChange ${name}`, async () => {
    const id = await enqueued();
    const seen: string[] = [];
    const onChange = (job: Job) => {
      seen.push(job.status);
      return callback();
    };
    const said = await reported(async () => {
      const stop = server.subscribeToJob(id, onChange, { intervalMs: 50 });
      await waitFor("the first look", () => seen.length === 1);
      await end(id, "completed");
      await waitFor("the end", () => seen.length === 2);
      stop();
    });
    assert.deepEqual([seen, said.length], [["queued", "completed"], 2]);
  });
}

Deno.test("a subscription whose onError throws harms nobody", async () => {
  const said = await reported(async () => {
    const called = Promise.withResolvers<void>();
    server.subscribeToJob(missing, () => {}, {
      onError: () => {
        called.resolve();
        throw new Error("of the page's own");
      },
    });
    await called.promise;
  });
  assert.match(said.join(), /of the page's own/);
});

Deno.test("a subscription tells of a failure and of the retry that follows", async () => {
  const id = await enqueued();
  const seen: string[] = [];
  const stop = server.subscribeToJob(id, (job) => seen.push(job.status), { intervalMs: 50 });
  await waitFor("the first look", () => seen.length === 1);
  await end(id, "failed", "broken");
  await waitFor("the failure", () => seen.length === 2);
  await server.retryJob(id);
  await waitFor("the retry", () => seen.length === 3);
  await end(id, "completed");
  await waitFor("the end", () => seen.length === 4);
  stop();
  assert.deepEqual(seen, ["queued", "failed", "queued", "completed"]);
});

const alice = crypto.randomUUID();
const tokens = {
  good: await mintUserToken(alice),
  expired: await mintExpiredToken(alice),
  missing: null,
};

for (const away of ["expired", "missing"] as const) {
  for (const first of [true, false]) {
    const when = first ? "when waiting begins" : "in the middle";
    Deno.test(`waiting outlives a token that is ${away} for a moment ${when}`, async () => {
      const id = await enqueued(alice);
      let looks = 0;
      const accessToken = () => {
        looks++;
        const isAway = looks === (first ? 1 : 2);
        if (looks === 4) end(id, "completed");
        return isAway ? tokens[away] : tokens.good;
      };
      const queue = createQueueClient({ url: stack.url, key: stack.publishableKey, accessToken });
      const { job, error } = await queue.waitForJobCompletion(id, 50, 20_000);
      assert.deepEqual([job?.id, error], [id, null]);
    });
  }
}

Deno.test("a token that stays away ends the waiting when the time is up, and says why", async () => {
  const id = await enqueued(alice);
  const queue = createQueueClient({ url: stack.url, key: stack.publishableKey });
  const { code, error } = await queue.waitForJobCompletion(id, 50, 300);
  assert.equal(code, "timeout");
  assert.match(error!, /permission denied/);
});

Deno.test("a browser without AbortSignal.any and AbortSignal.timeout waits all the same", async () => {
  const { any, timeout } = AbortSignal;
  Object.assign(AbortSignal, { any: undefined, timeout: undefined });
  try {
    const id = await ended("completed");
    const { signal } = new AbortController();
    for (const queue of [server, createQueueClient(await userClient(alice))]) {
      await queue.enqueueJob("waited_for" as never, {} as never, { signal });
    }
    const { job } = await server.waitForJobCompletion(id, 100, 5_000, { signal });
    assert.equal(job?.id, id);
    const seen = Promise.withResolvers<Job>();
    server.subscribeToJob(id, seen.resolve, { signal });
    assert.equal((await seen.promise).id, id);
  } finally {
    Object.assign(AbortSignal, { any, timeout });
  }
});

/** A supabase-js client as far as waiting uses it; the job is completed with the second look. */
function clientWith(realtime: object) {
  let looks = 0;
  const job = () => ({
    id: missing,
    status: looks++ > 0 ? "completed" : "queued",
    updated_at: looks,
  });
  const query = {
    select: () => query,
    filter: () => query,
    order: () => query,
    limit: () => query,
    abortSignal: () => Promise.resolve({ data: [job()], error: null, status: 200 }),
  };
  const channel = { on: () => channel, subscribe: () => channel };
  return { rpc: () => query, from: () => query, channel: () => channel, ...realtime };
}

const fails = () => {
  throw new Error("of Realtime's own");
};
const REALTIMES: [what: string, realtime: object][] = [
  ["has no channel for us", { channel: fails }],
  ["does not take the token", { realtime: { setAuth: fails } }],
  ["refuses the token", {
    realtime: { setAuth: () => Promise.reject(new Error("of Realtime's own")) },
  }],
  ["lets nobody subscribe", { channel: () => ({ on: () => ({ subscribe: fails }) }) }],
  ["lets nobody leave", { removeChannel: fails }],
  ["is gone when we leave", {
    removeChannel: () => Promise.reject(new Error("of Realtime's own")),
  }],
];

for (const [what, realtime] of REALTIMES) {
  Deno.test(`waiting goes on when Realtime ${what}`, async () => {
    const { job, error } = await createQueueClient(clientWith(realtime)).waitForJobCompletion(
      missing,
      50,
      5_000,
    );
    assert.deepEqual([job?.status, error], ["completed", null]);
  });
}
