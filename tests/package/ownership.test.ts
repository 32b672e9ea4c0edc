// As user A nothing of user B's can be read, changed or listened to: every function, view and table that the API shows,
// over HTTP with real tokens.

import assert from "node:assert/strict";
import { createRoutes } from "pretium-queue/routes";
import { mintUserToken, secretKeyClient, userClient } from "../support/clients.ts";
import { stack } from "../support/stack.ts";
import { asSuperuser } from "../support/superuser.ts";

/** Stands in everything of B's that must not be seen. */
const SECRET = `secret-${crypto.randomUUID()}`;

await asSuperuser((sql) =>
  sql`insert into public.job_types (job_type, open_to_users) values ('private', true), ('generate_report', true)
      on conflict (job_type) do update set open_to_users = true`
);
const server = secretKeyClient();
const [alice, bob] = [crypto.randomUUID(), crypto.randomUUID()];
const [asAlice, asBob] = [await userClient(alice), await userClient(bob)];

/** A failed job with everything a job can have, and a report with a photograph. */
async function belongingsOfBob() {
  const { data: jobId, error } = await asBob.rpc("enqueue_job", {
    job_type: "private",
    input_data: { note: SECRET },
    max_retries: 0,
    idempotency_key: SECRET,
  });
  assert.equal(error, null);
  const { data: reportId } = await asBob.from("reports")
    .insert({ user_id: bob, title: SECRET, generated_content: SECRET }).select("id").single();
  await asBob.from("report_images").insert({ report_id: reportId!.id, description: SECRET });
  const { data: claimed } = await server.rpc("get_next_job", { job_types: ["private"] });
  const { id, lease_token } = claimed[0];
  await server.rpc("save_job_step", { job_id: id, lease_token, name: SECRET, result: { SECRET } });
  await server.rpc("mark_job_failed", {
    job_id: id,
    lease_token,
    error_message: SECRET,
    retryable: false,
  });
  return {
    jobId: id as string,
    lease_token: lease_token as string,
    reportId: reportId!.id as string,
    enqueued: jobId,
  };
}

const bobs = await belongingsOfBob();

/** All of B's as the superuser sees it, to be the same before and after. */
const stateOfBobs = () =>
  asSuperuser(async (sql) =>
    [
      await sql`select to_jsonb(j) as row from public.jobs j where id = ${bobs.jobId}`,
      await sql`select to_jsonb(s) as row from public.job_steps s where job_id = ${bobs.jobId}`,
      await sql`select to_jsonb(r) as row from public.reports r where id = ${bobs.reportId}`,
    ].map((rows) => rows.map(({ row }) => row))
  );

/** What PostgREST offers: the paths of its own description, which the service role may see whole. */
async function offered(): Promise<{ tables: string[]; functions: string[] }> {
  const response = await fetch(`${stack.url}/rest/v1/`, { headers: { apikey: stack.secretKey } });
  const { paths } = await response.json();
  const names = Object.keys(paths).filter((path) => path !== "/");
  return {
    tables: names.filter((path) => !path.startsWith("/rpc/")).map((path) => path.slice(1)),
    functions: names.filter((path) => path.startsWith("/rpc/")).map((path) => path.slice(5)),
  };
}

const { tables, functions } = await offered();

Deno.test("the API offers what these tests try", () => {
  for (
    const table of [
      "jobs",
      "visible_jobs",
      "job_steps",
      "job_failures",
      "job_types",
      "reports",
      "report_images",
    ]
  ) {
    assert.ok(tables.includes(table), table);
  }
  assert.ok(functions.includes("retry_job") && functions.length > 15, functions.join());
});

for (const table of tables) {
  Deno.test(`nothing of B's is read from ${table}, whole or by column`, async () => {
    const columns = await asSuperuser((sql) =>
      sql`select attname from pg_attribute
          where attrelid = ${`public.${table}`}::regclass and attnum > 0 and not attisdropped`
    );
    for (const column of ["*", ...columns.map((row) => row.attname)]) {
      const { data } = await asAlice.from(table).select(`"${column}"`.replace('"*"', "*"));
      const text = JSON.stringify(data ?? "");
      for (const own of [SECRET, bobs.jobId, bobs.reportId, bobs.lease_token, bob]) {
        assert.ok(!text.includes(own), `${table}.${column}`);
      }
    }
  });

  Deno.test(`nothing of B's is changed or deleted through ${table}`, async () => {
    const before = await stateOfBobs();
    const id = table.startsWith("job_") ? "job_id" : table === "report_images" ? "report_id" : "id";
    const key = id === "job_id" || table.includes("jobs") ? bobs.jobId : bobs.reportId;
    const changes = [{ owner_id: alice }, { user_id: alice }, { status: "cancelled" }, {
      title: "x",
    }];
    for (const change of changes) await asAlice.from(table).update(change).eq(id, key);
    await asAlice.from(table).upsert({ [id]: key, user_id: alice });
    await asAlice.from(table).delete().eq(id, key);
    assert.deepEqual(await stateOfBobs(), before);
  });
}

/** Arguments that name B's job in every way a function might take it. */
const ARGUMENTS: Record<string, unknown>[] = [
  {},
  { job_id: bobs.jobId },
  { job_ids: [bobs.jobId] },
  { job_id: bobs.jobId, lease_token: bobs.lease_token },
  { job_id: bobs.jobId, lease_token: bobs.lease_token, name: "x" },
  { job_id: bobs.jobId, lease_token: bobs.lease_token, name: "x", result: {} },
  { job_id: bobs.jobId, lease_token: bobs.lease_token, output_data: {} },
  { job_id: bobs.jobId, error_message: "x" },
  { jobs: [{ job_id: bobs.jobId, lease_token: bobs.lease_token }] },
  { results: [{ job_id: bobs.jobId, lease_token: bobs.lease_token, outcome: "completed" }] },
  { days_to_keep: 0 },
  { job_type: "private", idempotency_key: SECRET },
  { job_type: "private", owner_id: bob },
  { jobs: [{ job_type: "private", owner_id: bob }] },
  { job_type: "generate_report", input_data: { reportId: bobs.reportId } },
  { jobs: [{ job_type: "generate_report", input_data: { reportId: bobs.reportId } }] },
  {
    job_id: bobs.jobId,
    lease_token: bobs.lease_token,
    report_id: bobs.reportId,
    generated_content: "x",
    sections_json: {},
  },
];

for (const name of functions) {
  Deno.test(`nothing of B's is reached by ${name}`, async () => {
    const before = await stateOfBobs();
    for (const args of ARGUMENTS) {
      const { data, error } = await asAlice.rpc(name, args);
      const text = JSON.stringify([data, error?.details, error?.hint]);
      assert.ok(
        !text.includes(SECRET) && !text.includes(bobs.jobId),
        `${name} ${JSON.stringify(args)}`,
      );
      if (data && JSON.stringify(args).includes(bobs.reportId)) {
        assert.fail(`${name} took B's report`);
      }
    }
    assert.deepEqual(await stateOfBobs(), before);
    const { data } = await server.from("jobs").select("id").eq("owner_id", bob);
    assert.equal(data?.length, 1, "a job was enqueued for B");
  });
}

Deno.test("nothing of B's is reached by a route", async () => {
  const before = await stateOfBobs();
  const { handle } = createRoutes({ url: stack.url, publishableKey: stack.publishableKey });
  const authorization = `Bearer ${await mintUserToken(alice)}`;
  for (
    const [method, path] of [
      ["GET", `/api/jobs/${bobs.jobId}`],
      ["POST", `/api/jobs/${bobs.jobId}/cancel`],
      ["POST", `/api/jobs/${bobs.jobId}/retry`],
    ]
  ) {
    const response = await handle(
      new Request(`http://app.test${path}`, { method, headers: { authorization } }),
    );
    assert.equal(response.status, 404, path);
  }
  const list = await handle(
    new Request("http://app.test/api/jobs", { headers: { authorization } }),
  );
  assert.ok(!(await list.text()).includes(bobs.jobId));
  assert.deepEqual(await stateOfBobs(), before);
});

Deno.test("B's topic is heard by B alone", async () => {
  // Realtime itself asks the database as the user, with the topic set; PostgREST does not expose its schema.
  const heard = (user: string) =>
    asSuperuser((sql) =>
      sql.begin(async (transaction) => {
        const claims = JSON.stringify({ role: "authenticated", sub: user });
        await transaction`select set_config('request.jwt.claims', ${claims}, true)`;
        await transaction`select set_config('realtime.topic', ${`job:${bobs.jobId}`}, true)`;
        await transaction.unsafe("set local role authenticated");
        return (await transaction`select topic from realtime.messages where topic = realtime.topic()`)
          .length;
      })
    );
  assert.ok((await heard(bob) as number) > 0);
  assert.equal(await heard(alice), 0);
  const { error } = await asAlice.schema("realtime").from("messages").select();
  assert.equal(error?.code, "PGRST106");
});
