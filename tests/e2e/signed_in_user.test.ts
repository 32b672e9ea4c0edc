// What a signed-in user and a visitor may do with the queue, through supabase-js and a token of their own.

import assert from "node:assert/strict";
import { anonymousClient, secretKeyClient, userClient } from "../support/clients.ts";
import { asSuperuser } from "../support/superuser.ts";

/** A type opened to users, and one that is not; no worker knows either. */
const OPEN = `open-${crypto.randomUUID()}`;
const CLOSED = `closed-${crypto.randomUUID()}`;

const server = secretKeyClient();

async function users() {
  await asSuperuser((sql) =>
    sql`insert into public.job_types (job_type, open_to_users) values (${OPEN}, true)
        on conflict (job_type) do nothing`
  );
  const [alice, bob] = [crypto.randomUUID(), crypto.randomUUID()];
  return { alice, bob, asAlice: await userClient(alice), asBob: await userClient(bob) };
}

Deno.test("a user enqueues a type that is open to users, and owns the job", async () => {
  const { alice, asAlice } = await users();
  const { data: id, error } = await asAlice.rpc("enqueue_job", {
    job_type: OPEN,
    input_data: { n: 1 },
  });
  assert.equal(error, null);
  const { data: job } = await server.from("jobs").select("owner_id").eq("id", id).single();
  assert.equal(job?.owner_id, alice);
});

Deno.test("a user cannot enqueue a type that is not open, nor for somebody else", async () => {
  const { bob, asAlice } = await users();
  const closed = await asAlice.rpc("enqueue_job", { job_type: CLOSED });
  assert.ok(closed.error);
  const inserted = await asAlice.from("jobs").insert({ job_type: OPEN });
  assert.ok(inserted.error);
  const forBob = await asAlice.rpc("enqueue_job", { job_type: OPEN, owner_id: bob });
  if (!forBob.error) {
    const { data: job } = await server.from("jobs").select("owner_id").eq("id", forBob.data)
      .single();
    assert.notEqual(job?.owner_id, bob);
  }
});

Deno.test("a user sees their own jobs and nobody else's", async () => {
  const { alice, bob, asAlice, asBob } = await users();
  const { data: mine } = await server.rpc("enqueue_job", { job_type: CLOSED, owner_id: alice });
  await server.rpc("enqueue_job", { job_type: CLOSED, owner_id: bob });
  await server.rpc("enqueue_job", { job_type: CLOSED });
  const seen = await asAlice.from("jobs").select("id, status, progress");
  assert.equal(seen.error, null);
  assert.deepEqual(seen.data?.map((job) => job.id), [mine]);
  const hers = await asBob.from("jobs").select("id").eq("id", mine);
  assert.deepEqual(hers.data, []);
});

Deno.test("a user cannot read lease tokens, saved steps or other people's results", async () => {
  const { alice, asAlice } = await users();
  await server.rpc("enqueue_job", { job_type: CLOSED, owner_id: alice });
  assert.ok((await asAlice.from("jobs").select("lease_token")).error);
  assert.ok((await asAlice.from("jobs").select("*")).error);
  const steps = await asAlice.from("job_steps").select("*");
  assert.ok(steps.error || steps.data.length === 0);
});

const WORKER_CALLS: [string, Record<string, unknown>][] = [
  ["get_next_job", {}],
  ["mark_job_processing", { job_id: crypto.randomUUID() }],
  ["mark_job_completed", { job_id: crypto.randomUUID() }],
  ["mark_job_failed", { job_id: crypto.randomUUID(), error_message: "no" }],
  ["release_job", { job_id: crypto.randomUUID() }],
  ["retry_failed_jobs", {}],
  ["cleanup_old_jobs", {}],
  ["heartbeat_jobs", { jobs: [] }],
  ["rescue_expired_jobs", {}],
  ["finish_and_claim_jobs", {}],
  [
    "start_job_step",
    { job_id: crypto.randomUUID(), lease_token: crypto.randomUUID(), name: "x" },
  ],
  [
    "save_job_step",
    { job_id: crypto.randomUUID(), lease_token: crypto.randomUUID(), name: "x", result: {} },
  ],
  [
    "save_report",
    {
      job_id: crypto.randomUUID(),
      lease_token: crypto.randomUUID(),
      report_id: crypto.randomUUID(),
      generated_content: "",
      sections_json: {},
    },
  ],
  ["find_report", { report_id: crypto.randomUUID(), report_job_id: null }],
  ["find_report_reply", { job_id: crypto.randomUUID(), fingerprint: "" }],
];

for (const [name, args] of WORKER_CALLS) {
  Deno.test(`neither a user nor a visitor may call ${name}`, async () => {
    const { asAlice } = await users();
    for (const client of [asAlice, anonymousClient()]) {
      const { error } = await client.rpc(name, args);
      // 42501: no right to; PGRST202: PostgREST does not even show it to this role.
      assert.match(error?.code ?? "no error", /^(42501|PGRST202)$/);
    }
  });
}

Deno.test("a user cancels their own job and nobody else's", async () => {
  const { asAlice, asBob } = await users();
  const { data: id } = await asAlice.rpc("enqueue_job", { job_type: OPEN });
  const others = await asBob.rpc("cancel_job", { job_id: id });
  assert.equal(others.error?.code, "JQ003");
  const own = await asAlice.rpc("cancel_job", { job_id: id });
  assert.equal(own.data, "cancelled");
});

Deno.test("a user changes and deletes no row by hand", async () => {
  const { asAlice } = await users();
  const { data: id } = await asAlice.rpc("enqueue_job", { job_type: OPEN });
  await asAlice.from("jobs").update({ priority: 9 }).eq("id", id);
  await asAlice.from("jobs").delete().eq("id", id);
  const { data: job } = await server.from("jobs").select("status, priority").eq("id", id).single();
  assert.deepEqual(job, { status: "queued", priority: 0 });
});

Deno.test("a visitor sees no job and enqueues none", async () => {
  await users();
  const visitor = anonymousClient();
  const seen = await visitor.from("jobs").select("id");
  assert.ok(seen.error || seen.data.length === 0);
  assert.ok((await visitor.rpc("enqueue_job", { job_type: OPEN })).error);
  assert.ok((await visitor.rpc("cancel_job", { job_id: crypto.randomUUID() })).error);
});
