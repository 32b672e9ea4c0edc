// save_report: the report goes to the application's table only while its job is held, and never over what a person
// has written since the job was enqueued.

import assert from "node:assert/strict";
import {
  emptyDatabase,
  migrations,
  refused,
  supabaseSql,
  testDatabase,
} from "../support/database.ts";
import { type ClaimedJob, queueOn } from "../support/queue.ts";

const db = await testDatabase();
const queue = queueOn(db.service);
const sql = db.service;

Deno.test.beforeEach(async () => {
  await db.admin`truncate jobs, reports cascade`;
});

async function save(job: { id: string; lease_token: string }, report: string, text = "the text") {
  const [{ saved }] = await sql`
    select save_report(${job.id}, ${job.lease_token}, ${report}, ${text}, '{"sections": []}') as saved`;
  return saved;
}

/** A report that says this. */
async function report(text: string | null = null): Promise<string> {
  const [{ id }] = await sql`
    insert into reports (title, generated_content) values ('Roof', ${text}) returning id`;
  return id;
}

/** What a report says. */
async function textOf(id: string): Promise<string> {
  return (await sql`select generated_content from reports where id = ${id}`)[0].generated_content;
}

/** A person writes a report. */
const edit = (id: string, text: string) =>
  sql`update reports set generated_content = ${text} where id = ${id}`;

/** A job that is to write this report, enqueued and not claimed yet. */
const enqueueFor = (reportId: unknown) =>
  queue.enqueue({ job_type: "generate_report", input_data: { reportId } });

/** A job that is to write this report, enqueued and claimed. */
async function running(reportId: unknown): Promise<ClaimedJob> {
  const id = await enqueueFor(reportId);
  const [job] = await queue.claim();
  assert.equal(job.id, id);
  return job;
}

Deno.test("the report of a held job is stored, also a second time", async () => {
  const id = await report("what an earlier version said");
  const job = await running(id);
  assert.equal(await save(job, id), "saved");
  assert.equal(await save(job, id, "better"), "saved");
  const [row] = await sql`select * from reports`;
  assert.deepEqual([row.generated_content, row.sections_json], ["better", { sections: [] }]);
  assert.ok(row.updated_at > row.created_at);
});

Deno.test("a report that does not exist is no error", async () => {
  const job = await running(crypto.randomUUID());
  assert.equal(await save(job, crypto.randomUUID()), "missing");
});

Deno.test("a report that is deleted meanwhile is no error", async () => {
  const id = await report();
  const job = await running(id);
  await sql`delete from reports where id = ${id}`;
  assert.equal(await save(job, id), "missing");
});

Deno.test("what a person has written since the job was enqueued is not overwritten", async () => {
  for (const before of [null, "", "what was there"]) {
    const id = await report(before);
    await enqueueFor(id);
    await edit(id, "mine");
    const [job] = await queue.claim();
    assert.equal(await save(job, id), "edited");
    assert.equal(await textOf(id), "mine");
  }
});

Deno.test("sections edited by a person are not overwritten either", async () => {
  const id = await report();
  const job = await running(id);
  await sql`update reports set sections_json = '{"sections": [{"id": "mine"}]}' where id = ${id}`;
  assert.equal(await save(job, id), "edited");
});

Deno.test("what a person has written since the job saved it is not overwritten", async () => {
  const id = await report();
  const job = await running(id);
  await save(job, id);
  await edit(id, "the text, corrected");
  assert.equal(await save(job, id), "edited");
  assert.equal(await textOf(id), "the text, corrected");
});

Deno.test("a person who asks for a new report after editing the old one gets it", async () => {
  const id = await report();
  await save(await running(id), id);
  await edit(id, "the text, corrected");
  assert.equal(await save(await running(id), id, "the new text"), "saved");
  assert.equal(await textOf(id), "the new text");
});

Deno.test("a change of anything but what the report says is no edit", async () => {
  const id = await report("what was there");
  const job = await running(id);
  await sql`update reports set title = 'Roof, visit 7', bullet_points = 'x' where id = ${id}`;
  assert.equal(await save(job, id), "saved");
});

Deno.test("a report that a person has emptied is filled", async () => {
  const id = await report("what was there");
  const job = await running(id);
  await sql`update reports set generated_content = ' ', sections_json = '{}' where id = ${id}`;
  assert.equal(await save(job, id), "saved");
});

Deno.test("of two jobs for a report the one enqueued later writes it, whichever ends last", async () => {
  for (const earlierEndsLast of [true, false]) {
    const id = await report("what was there");
    const [earlier, later] = [await running(id), await running(id)];
    const answers = { earlier: "", later: "" };
    if (!earlierEndsLast) answers.earlier = await save(earlier, id, "the earlier text");
    answers.later = await save(later, id, "the later text");
    if (earlierEndsLast) answers.earlier = await save(earlier, id, "the earlier text");
    assert.equal(await textOf(id), "the later text");
    const expected = earlierEndsLast ? "superseded" : "saved";
    assert.deepEqual(answers, { earlier: expected, later: "saved" });
  }
});

Deno.test("a text that a trigger of the application changes is still known as the job's own", async () => {
  const id = await report();
  await db.admin`
    create function public.shorten() returns trigger language plpgsql set search_path = '' as
    $$ begin new.generated_content := left(new.generated_content, 5); return new; end $$`;
  await db.admin`
    create trigger shorten before update on reports for each row execute function public.shorten()`;
  try {
    const job = await running(id);
    await save(job, id);
    assert.equal(await save(job, id, "other text"), "saved");
    assert.equal(await textOf(id), "other");
  } finally {
    await db.admin`drop function public.shorten cascade`;
  }
});

Deno.test("a worker that lost its lease does not overwrite the report", async () => {
  const id = await report();
  const old = await running(id);
  await queue.expireLease(old.id);
  const [current] = await queue.claim();
  await save(current, id, "newer");
  await refused("JQ002", save(old, id, "late"));
  await sql`select mark_job_completed(${current.id}, '{}', ${current.lease_token})`;
  await refused("JQ002", save(current, id, "after the end"));
  assert.equal(await textOf(id), "newer");
});

Deno.test("a worker whose job is out of time does not overwrite the report", async () => {
  const id = await report();
  const job = await queue.running({ timeout_seconds: 20 });
  await queue.overrun(job.id);
  await refused("JQ002", save(job, id, "late"));
  assert.equal((await sql`select generated_content from reports`)[0].generated_content, null);
});

Deno.test("a job that does not exist saves no report", async () => {
  await refused(
    "JQ003",
    save({ id: crypto.randomUUID(), lease_token: crypto.randomUUID() }, await report()),
  );
});

Deno.test("a job is enqueued whatever its report's id is and whatever the table of reports looks like", async () => {
  for (const id of [undefined, null, 7, "no uuid", {}]) await enqueueFor(id);
  await emptyDatabase(async (sql) => {
    await sql.unsafe(await supabaseSql());
    await sql`create table public.reports (id bigint primary key, body text)`;
    for (const file of await migrations()) await sql.unsafe(file.sql);
    const input = { reportId: crypto.randomUUID() };
    await sql`select enqueue_job('generate_report', ${sql.json(input)})`;
    await sql`set role service_role`;
    const [job] = await sql`select id, lease_token from get_next_job()`;
    const saving = sql`
      select save_report(${job.id}, ${job.lease_token}, ${input.reportId}, 'the text', '{}')`;
    await refused("42703", saving);
  });
});

Deno.test("a table of reports without updated_at keeps what a person has written, too", async () => {
  await emptyDatabase(async (sql) => {
    await sql.unsafe(await supabaseSql());
    await sql`create table public.reports (id uuid primary key, generated_content text)`;
    for (const file of await migrations()) await sql.unsafe(file.sql);
    const reportId = crypto.randomUUID();
    await sql`insert into reports values (${reportId}, 'what was there')`;
    const queue = queueOn(sql);
    const job = await queue.running({ job_type: "generate_report", input_data: { reportId } });
    await sql`set role service_role`;
    await sql`update reports set generated_content = 'mine'`;
    const [{ saved }] = await sql`
      select save_report(${job.id}, ${job.lease_token}, ${reportId}, 'the text', '{}') as saved`;
    assert.equal(saved, "edited");
  });
});

/** What find_report_reply gives a job. */
async function found(job: { id: string }, fingerprint: string) {
  return (await sql`select find_report_reply(${job.id}, ${fingerprint}) as reply`)[0].reply;
}

/** Saves a step of a job with a reply to a question. */
const keep = (job: ClaimedJob, name: string, fingerprint: string, body: string) =>
  sql`
    select save_job_step(${job.id}, ${job.lease_token}, ${name},
      ${sql.json({ fingerprint, sent: { reply: { status: 200, body } } })})`;

Deno.test("a reply is found by the other jobs about the same report, the latest first", async () => {
  const [reportId, otherId] = [crypto.randomUUID(), crypto.randomUUID()];
  const [first, second] = [await running(reportId), await running(reportId)];
  await keep(first, "batch/0", "aa", "first");
  await keep(first, "retry/0", "aa", "again");
  await keep(second, "batch/0", "bb", "second");
  assert.equal(await found(first, "aa"), null, "its own it has anyway");
  assert.equal((await found(first, "bb")).body, "second");
  const third = await running(reportId);
  assert.equal((await found(third, "aa")).body, "again");
  assert.equal(await found(third, "cc"), null);
  assert.equal(await found(await running(otherId), "aa"), null);
});

Deno.test("a reply that was fetched later is found by the question it answers", async () => {
  const reportId = crypto.randomUUID();
  const job = await running(reportId);
  const save = (name: string, result: unknown) =>
    sql`
      select save_job_step(${job.id}, ${job.lease_token}, ${name}, ${sql.json(result as never)})`;
  await save("batch/0", { fingerprint: "aa", sent: { ticket: { request_id: "t-1" } } });
  const other = await running(reportId);
  assert.equal(await found(other, "aa"), null, "it has not come yet");
  await save("batch/0/answer", { sent: { reply: { status: 200, body: "late" } } });
  assert.equal((await found(other, "aa")).body, "late");
});

Deno.test("steps without a reply are no reply to anything", async () => {
  const reportId = crypto.randomUUID();
  const job = await running(reportId);
  await sql`select save_job_step(${job.id}, ${job.lease_token}, 'save', null)`;
  await sql`select start_job_step(${job.id}, ${job.lease_token}, 'final')`;
  assert.equal(await found(await running(reportId), ""), null);
});

/** What find_report gives. */
async function reportOf(by: { report?: string; job?: string }) {
  const { report = null, job = null } = by;
  return (await sql`select find_report(${report}, ${job}) as found`)[0].found;
}

/** A job ends with this result. */
const complete = (job: ClaimedJob, output: Record<string, unknown>) =>
  sql`select mark_job_completed(${job.id}, ${sql.json(output as never)}, ${job.lease_token})`;

Deno.test("a report is found by its job or by its row, the latest that is finished first", async () => {
  const id = await report();
  assert.equal(await reportOf({ report: id }), null);
  const first = await running(id);
  assert.deepEqual(await reportOf({ job: first.id }), {
    status: "processing",
    report: null,
    is_edited: false,
  });
  await save(first, id, "the first");
  await complete(first, { schema: "report/1" });
  const second = await running(id);
  const expected = { status: "completed", report: { schema: "report/1" }, is_edited: false };
  assert.deepEqual(await reportOf({ report: id }), expected);
  assert.equal((await reportOf({ job: second.id })).status, "processing");
  await complete(second, { schema: "report/1", second: true });
  assert.equal((await reportOf({ report: id })).report.second, true);
  assert.equal((await reportOf({ job: first.id })).report.second, undefined);
});

Deno.test("a report that a person has edited since is found with that said", async () => {
  const id = await report();
  const job = await running(id);
  await save(job, id);
  await complete(job, {});
  assert.equal((await reportOf({ report: id })).is_edited, false);
  await edit(id, "mine");
  assert.equal((await reportOf({ report: id })).is_edited, true);
});

Deno.test("what is no report job has no report", async () => {
  const job = await queue.running({ job_type: "noop", input_data: {} });
  assert.equal(await reportOf({ job: job.id }), null);
});
