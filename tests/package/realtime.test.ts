// Waiting for a job with Realtime, without it, and with one that goes away.

import assert from "node:assert/strict";
import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import postgres from "postgres";
import { createQueueClient } from "pretium-queue";
import { mintUserToken } from "../support/clients.ts";
import { type Realtime, startRealtime } from "../support/realtime.ts";
import { stack } from "../support/stack.ts";
import { waitFor } from "../support/wait.ts";

/** So long that a test which waits for a look of its own accord fails. */
const NEVER = 3_600_000;
const LIMIT = 20_000;

type Use = (
  realtime: Realtime,
  sql: postgres.Sql,
  asUser: (user: string) => SupabaseClient,
) => Promise<void>;

function testWithRealtime(name: string, use: Use) {
  // A client of Realtime leaves timers and sockets that end after it.
  Deno.test({
    name,
    sanitizeOps: false,
    sanitizeResources: false,
    fn: () => withRealtime(use),
  });
}

async function withRealtime(use: Use) {
  const sql = postgres(stack.dbUrl, { max: 4, onnotice: () => {} });
  const realtime = startRealtime(sql);
  const clients: SupabaseClient[] = [];
  const asUser = (user: string) => {
    const client = createClient(realtime.url, stack.publishableKey, {
      accessToken: () => mintUserToken(user),
    });
    clients.push(client);
    return client;
  };
  try {
    await use(realtime, sql, asUser);
  } finally {
    for (const client of clients) {
      await client.removeAllChannels();
      await client.realtime.disconnect();
    }
    await realtime.stop();
    await sql.end();
  }
}

/** A job of the user's that no worker knows. */
async function jobOf(sql: postgres.Sql, user: string): Promise<string> {
  const [{ id }] = await sql`select enqueue_job('watched', owner_id => ${user}) as id`;
  return id;
}

const claim = (sql: postgres.Sql) =>
  sql`select id, lease_token from get_next_job(job_types => array['watched'])`;

testWithRealtime(
  "with Realtime, a change is heard and not waited for",
  async (realtime, sql, asUser) => {
    const user = crypto.randomUUID();
    const id = await jobOf(sql, user);
    const supabase = asUser(user);
    const queue = createQueueClient(supabase);
    const seen: string[] = [];
    const waiting = queue.waitForJobCompletion(id, NEVER, LIMIT, {
      onProgress: (job) => seen.push(job.status),
    });
    await waitFor("the channel to open", () => supabase.getChannels()[0]?.state === "joined");
    await waitFor("the look after it opened", () => realtime.reads() >= 2);
    const [{ lease_token }] = await claim(sql);
    await waitFor("the claim to be heard", () => seen.includes("processing"));
    await sql`select mark_job_completed(${id}, '{"ok": true}', ${lease_token})`;
    const { job, error } = await waiting;
    assert.deepEqual([job?.output_data, error], [{ ok: true }, null]);
    assert.deepEqual(seen, ["queued", "processing", "completed"]);
    assert.equal(supabase.getChannels().length, 0, "the channel is left");
  },
);

testWithRealtime(
  "two who wait for the same job share a channel, and each hears the end",
  async (realtime, sql, asUser) => {
    const user = crypto.randomUUID();
    const id = await jobOf(sql, user);
    const supabase = asUser(user);
    const queue = createQueueClient(supabase);
    const waiting = [1, 2].map(() => queue.waitForJobCompletion(id, NEVER, LIMIT));
    await waitFor("the channel to open", () => supabase.getChannels()[0]?.state === "joined");
    await waitFor("the looks after it opened", () => realtime.reads() >= 4);
    assert.equal(supabase.getChannels().length, 1);
    await queue.cancelJob(id);
    for (const { code } of await Promise.all(waiting)) assert.equal(code, "cancelled");
  },
);

testWithRealtime(
  "nobody else may join the topic of a job, nor follow it",
  async (_, sql, asUser) => {
    const id = await jobOf(sql, crypto.randomUUID());
    const stranger = asUser(crypto.randomUUID());
    await stranger.realtime.setAuth();
    const { promise, resolve } = Promise.withResolvers<string>();
    stranger.channel(`job:${id}`, { config: { private: true } }).subscribe((status) =>
      resolve(status)
    );
    assert.equal(await promise, "CHANNEL_ERROR");
    const result = await createQueueClient(stranger).waitForJobCompletion(id, NEVER, LIMIT);
    assert.equal(result.code, "JQ003");
  },
);

testWithRealtime(
  "when Realtime goes away in the middle, looking goes on",
  async (realtime, sql, asUser) => {
    const user = crypto.randomUUID();
    const id = await jobOf(sql, user);
    const supabase = asUser(user);
    const queue = createQueueClient(supabase);
    const waiting = queue.waitForJobCompletion(id, 300, LIMIT);
    await waitFor("the channel to open", () => supabase.getChannels()[0]?.state === "joined");
    realtime.fall();
    await sql`select cancel_job(${id})`;
    assert.equal((await waiting).code, "cancelled");
  },
);
