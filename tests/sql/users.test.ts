// What signed-in users have of the queue beyond enqueuing: their view, retries, limits, what their jobs may touch,
// and the topic that tells them how a job is getting on.

import assert from "node:assert/strict";
import type postgres from "postgres";
import { refused, testDatabase } from "../support/database.ts";
import { queueOn } from "../support/queue.ts";

const db = await testDatabase();
const queue = queueOn(db.service);

const ann = { role: "authenticated", sub: "00000000-0000-4000-8000-00000000000a" };
const bob = { role: "authenticated", sub: "00000000-0000-4000-8000-00000000000b" };

// Supabase Storage's table of objects, with the policy an application would give it.
await db.admin.unsafe(`
  create schema storage;
  grant usage on schema storage to authenticated;
  create table storage.objects (bucket_id text, name text, owner_id text);
  alter table storage.objects enable row level security;
  grant select on storage.objects to authenticated;
  create policy "own photos" on storage.objects for select to authenticated
    using (owner_id = (select auth.uid())::text);
  insert into storage.objects values ('photos', 'ann.jpg', '${ann.sub}')`);

Deno.test.beforeEach(async () => {
  await db.admin`truncate jobs, job_types, reports, realtime.messages cascade`;
  await db.admin`
    insert into job_types (job_type, open_to_users, max_waiting_per_user)
    values ('open', true, 2), ('generate_report', true, 9)`;
});

const as = <T>(user: typeof ann, use: (sql: postgres.TransactionSql) => Promise<T>) =>
  db.as("authenticated", user, use);

async function enqueue(user: typeof ann, options = ""): Promise<string> {
  return await as(user, async (sql) => {
    const [{ id }] = await sql.unsafe(`select enqueue_job('open'${options}) as id`);
    return id;
  });
}

async function reportOf(user: typeof ann, project: string | null = null): Promise<string> {
  return await as(user, async (sql) => {
    const [{ id }] = await sql`
      insert into reports (user_id, project_id) values (${user.sub}, ${project}) returning id`;
    return id;
  });
}

const enqueueReport = (user: typeof ann, input: Record<string, unknown>) =>
  as(user, (sql) => sql`select enqueue_job('generate_report', ${sql.json(input as never)}) as id`);

const retry = (user: typeof ann, id: string) =>
  as(user, async (sql) => (await sql`select retry_job(${id}) as status`)[0].status);

async function fail(id: string) {
  const [job] = await queue.claim();
  assert.equal(job.id, id);
  await db.service`select mark_job_failed(${id}, 'no', ${job.lease_token}, false)`;
}

Deno.test("a user selects everything of their own jobs from the view, and no column of the workers'", async () => {
  const id = await enqueue(ann);
  await enqueue(bob);
  const rows = await as(ann, (sql) => sql`select * from visible_jobs`);
  assert.deepEqual(rows.map((row) => row.id), [id]);
  const shown = Object.keys(rows[0]);
  for (const hidden of ["lease_token", "lease_expires_at", "worker_id", "idempotency_key"]) {
    assert.ok(!shown.includes(hidden), hidden);
  }
});

Deno.test("the view shows every column of a job that a user may read", async () => {
  const readable = await db.admin`
    select attname from pg_attribute
    where attrelid = 'jobs'::regclass and attnum > 0 and not attisdropped
      and has_column_privilege('authenticated', attrelid, attnum, 'select')
    order by attnum`;
  const shown = await db.admin`
    select attname from pg_attribute where attrelid = 'visible_jobs'::regclass and attnum > 0 order by attname`;
  assert.deepEqual(shown.map((row) => row.attname), readable.map((row) => row.attname).sort());
});

Deno.test("a user retries their own failed job; another's looks like none", async () => {
  const id = await enqueue(ann);
  await fail(id);
  await refused("JQ003", retry(bob, id));
  assert.equal((await queue.row(id)).status, "failed");
  assert.equal(await retry(ann, id), "queued");
  assert.deepEqual((await queue.row(id)).retry_count, 0);
});

Deno.test("a user retries a job they have cancelled, and it runs", async () => {
  const id = await enqueue(ann);
  await as(ann, (sql) => sql`select cancel_job(${id})`);
  await refused("JQ003", retry(bob, id));
  assert.equal(await retry(ann, id), "queued");
  const [job] = await queue.claim();
  assert.equal(job.id, id);
  await as(ann, (sql) => sql`select cancel_job(${id})`);
  await queue.finishAndClaim([{ job_id: id, lease_token: job.lease_token, outcome: "cancelled" }]);
  assert.equal(await retry(ann, id), "queued", "and one that was running");
  assert.equal((await queue.row(id)).cancel_requested_at, null);
});

Deno.test("a completed job is not retried, and saying it twice is harmless", async () => {
  const id = await enqueue(ann);
  await fail(id);
  assert.equal(await retry(ann, id), "queued");
  assert.equal(await retry(ann, id), "queued");
  const [job] = await queue.claim();
  assert.equal(await retry(ann, id), "processing");
  await db.service`select mark_job_completed(${id}, '{}', ${job.lease_token})`;
  await refused("JQ005", retry(ann, id));
});

Deno.test("a user does not retry what they could not enqueue, nor a visitor anything", async () => {
  const id = await queue.enqueue({ job_type: "closed", owner_id: ann.sub });
  await fail(id);
  await refused("JQ005", retry(ann, id));
  await refused(
    "42501",
    db.as("authenticated", { role: "authenticated" }, (sql) => sql`select retry_job(${id})`),
  );
  const [{ status }] = await db.service`select retry_job(${id}) as status`;
  assert.equal(status, "queued");
});

Deno.test("only so many of a user's jobs wait; others and other types are not affected", async () => {
  await enqueue(ann);
  const id = await enqueue(ann, ", idempotency_key => 'k'");
  await refused("JQ006", enqueue(ann));
  await enqueue(bob);
  assert.equal(await enqueue(ann, ", idempotency_key => 'k'"), id, "a repeated key adds nothing");
  await queue.claim();
  await enqueue(ann);
});

Deno.test("a retry counts as a waiting job", async () => {
  const id = await enqueue(ann);
  await fail(id);
  await enqueue(ann);
  await enqueue(ann);
  await refused("JQ006", retry(ann, id));
  assert.equal((await queue.row(id)).status, "failed");
});

Deno.test("of many calls at once, only so many get a job in", async () => {
  const calls = await Promise.allSettled(Array.from({ length: 4 }, () => {
    const sql = db.connect();
    return sql.begin(async (transaction) => {
      await transaction`select set_config('request.jwt.claims', ${JSON.stringify(ann)}, true)`;
      await transaction.unsafe("set local role authenticated");
      await transaction`select enqueue_job('open')`;
    });
  }));
  assert.equal(calls.filter((call) => call.status === "fulfilled").length, 2);
});

Deno.test("a user's job goes before nobody else's and has no more retries than usual", async () => {
  assert.match(await refused("JQ004", enqueue(ann, ", priority => 1")), /^priority: /);
  assert.match(await refused("JQ004", enqueue(ann, ", max_retries => 4")), /^max_retries: /);
  await enqueue(ann, ", priority => -1, max_retries => 0");
});

Deno.test("a user's report job writes only to a report that the user may change", async () => {
  const own = await reportOf(ann);
  await enqueueReport(ann, { reportId: own });
  for (const reportId of [await reportOf(bob), crypto.randomUUID(), "x", null]) {
    const message = await refused("JQ004", enqueueReport(ann, { reportId }));
    assert.match(message, /^input_data\.reportId: /);
  }
  await enqueueReport(ann, { reportId: crypto.randomUUID(), options: { writeReport: false } });
});

Deno.test("a user's report job reads only photos in Storage that the user may read", async () => {
  const withPhoto = async (user: typeof ann, image: Record<string, unknown>, field = "images") =>
    enqueueReport(user, {
      reportId: await reportOf(user),
      [field]: [{ url: "https://a.test" }, image],
    });
  await withPhoto(ann, { bucket: "photos", path: "ann.jpg" });
  for (const field of ["images", "imagesWithNumbering"]) {
    const message = await refused(
      "JQ004",
      withPhoto(bob, { bucket: "photos", path: "ann.jpg" }, field),
    );
    assert.equal(
      message,
      `input_data.${field}[1].path: expected a photo in Storage that you may read`,
    );
  }
  await refused("JQ004", withPhoto(bob, { path: "ann.jpg" }));
});

Deno.test("an object of the user's own whose path leads elsewhere once it is trimmed or decoded is refused", async () => {
  for (const path of [" ann.jpg", "bob/../ann.jpg", "bob%2f..%2fann.jpg"]) {
    await db.admin`insert into storage.objects values ('photos', ${path}, ${bob.sub})`;
    const report = { reportId: await reportOf(bob), images: [{ bucket: "photos", path }] };
    const message = await refused("JQ004", enqueueReport(bob, report));
    assert.equal(
      message,
      "input_data.images[0].path: expected a photo in Storage that you may read",
    );
  }
});

Deno.test("once the application says who belongs to a project, its members have its reports together", async () => {
  const project = crypto.randomUUID();
  const id = await reportOf(ann, project);
  const seenBy = (user: typeof ann) => as(user, (sql) => sql`select id from reports`);
  assert.equal((await seenBy(bob)).length, 0);
  const [{ source }] = await db.admin`
    select pg_get_functiondef('job_queue.is_project_member(uuid)'::regprocedure) as source`;
  try {
    await db.admin.unsafe(`
      create or replace function job_queue.is_project_member(project_id uuid) returns boolean
      language sql stable as $$ select project_id = '${project}' $$`);
    assert.deepEqual((await seenBy(bob)).map((row) => row.id), [id]);
    await enqueueReport(bob, { reportId: id });
    await refused("42501", reportOf(bob, crypto.randomUUID()));
  } finally {
    await db.admin.unsafe(source);
  }
});

Deno.test("the owner's topic hears status and progress, and neither input, output nor error", async () => {
  const id = await enqueue(ann, `, input_data => '{"secret": 1}'`);
  const [job] = await queue.claim();
  const progress = { phase: "x", done: 1, total: 2, message: "half" };
  await db.service`
    select heartbeat_jobs(${
    db.service.json([{ job_id: id, lease_token: job.lease_token, progress }])
  })`;
  await db.service`select mark_job_failed(${id}, 'no', ${job.lease_token}, false)`;
  const sent = await db.admin`select topic, event, private, payload from realtime.messages`;
  assert.deepEqual(sent.map((message) => message.payload), [
    { id, status: "processing", progress: null },
    { id, status: "processing", progress },
    { id, status: "failed", progress },
  ]);
  for (const message of sent) {
    assert.deepEqual([message.topic, message.event, message.private], [`job:${id}`, "job", true]);
  }
});

Deno.test("a job without an owner is spoken of nowhere", async () => {
  await queue.enqueue({ job_type: "open" });
  await queue.claim();
  assert.equal((await db.admin`select from realtime.messages`).length, 0);
});

Deno.test("only the owner may listen to a job's topic, and nobody may speak there", async () => {
  const id = await enqueue(ann);
  await queue.claim();
  // As Realtime asks when somebody joins: what may this role read while the topic is this one?
  const heard = (user: typeof ann, topic: string) =>
    as(user, async (sql) => {
      await sql`select set_config('realtime.topic', ${topic}, true)`;
      return (await sql`select from realtime.messages`).length;
    });
  assert.equal(await heard(ann, `job:${id}`), 1);
  assert.equal(await heard(bob, `job:${id}`), 0);
  for (
    const topic of ["", "job:", "job:x", `job:${id}x`, `room:${id}`, `job:${crypto.randomUUID()}`]
  ) {
    assert.equal(await heard(ann, topic), 0, topic);
  }
  await refused(
    "42501",
    as(ann, async (sql) => {
      await sql`select set_config('realtime.topic', ${`job:${id}`}, true)`;
      await sql`insert into realtime.messages (topic, extension) values (${`job:${id}`}, 'broadcast')`;
    }),
  );
});

Deno.test("where there is no Realtime the queue works all the same", async () => {
  await db.admin.unsafe("alter function realtime.send rename to send_elsewhere");
  try {
    const id = await enqueue(ann);
    const [job] = await queue.claim();
    assert.equal(job.id, id);
    assert.equal((await db.admin`select from realtime.messages`).length, 0);
  } finally {
    await db.admin.unsafe("alter function realtime.send_elsewhere rename to send");
  }
});
