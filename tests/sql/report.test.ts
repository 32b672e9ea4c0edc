// save_report: the report goes to the application's table only while its job is held.

import assert from "node:assert/strict";
import { refused, testDatabase } from "../support/database.ts";
import { queueOn } from "../support/queue.ts";

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

async function report(): Promise<string> {
  const [{ id }] = await sql`insert into reports (title) values ('Roof') returning id`;
  return id;
}

Deno.test("the report of a held job is stored, also a second time", async () => {
  const id = await report();
  await queue.enqueue();
  const [job] = await queue.claim();
  assert.equal(await save(job, id), true);
  assert.equal(await save(job, id, "better"), true);
  const [row] = await sql`select * from reports`;
  assert.deepEqual([row.generated_content, row.sections_json], ["better", { sections: [] }]);
  assert.ok(row.updated_at > row.created_at);
});

Deno.test("a report that does not exist is no error", async () => {
  await queue.enqueue();
  const [job] = await queue.claim();
  assert.equal(await save(job, crypto.randomUUID()), false);
});

Deno.test("a worker that lost its lease does not overwrite the report", async () => {
  const id = await report();
  await queue.enqueue();
  const [old] = await queue.claim();
  await queue.expireLease(old.id);
  const [current] = await queue.claim();
  await save(current, id, "newer");
  await refused("JQ002", save(old, id, "late"));
  await sql`select mark_job_completed(${current.id}, '{}', ${current.lease_token})`;
  await refused("JQ002", save(current, id, "after the end"));
  assert.equal((await sql`select generated_content from reports`)[0].generated_content, "newer");
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
