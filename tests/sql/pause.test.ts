// Types that are paused: their jobs stay where they are, and nobody pays for them.

import assert from "node:assert/strict";
import { buffers } from "../support/buffers.ts";
import { refused, testDatabase } from "../support/database.ts";
import { queueOn } from "../support/queue.ts";

const db = await testDatabase();
const queue = queueOn(db.service);
const sql = db.service;

Deno.test.beforeEach(async () => {
  await db.admin`truncate jobs, job_types cascade`;
});

Deno.test("jobs of a paused type stay queued until it is resumed", async () => {
  const id = await queue.enqueue({ job_type: "report" });
  await sql`select pause_job_type('report')`;
  assert.deepEqual(await queue.claim(1), []);
  assert.deepEqual(await queue.claim(1, ["report", "other"]), []);
  await sql`select resume_job_type('report')`;
  assert.equal((await queue.claim(1, ["report"]))[0].id, id);
});

Deno.test("while a type is paused the others are claimed in their order, by workers of any kind", async () => {
  await queue.enqueue({ job_type: "report", priority: 9 });
  const urgent = await queue.enqueue({ job_type: "mail", priority: 2 });
  const second = await queue.enqueue({ job_type: "images", priority: 1 });
  await sql`select pause_job_type('report')`;
  assert.equal((await queue.claim(1))[0].id, urgent);
  assert.equal((await queue.claim(1, ["report", "images"]))[0].id, second);
});

Deno.test("a job that runs when its type is paused may end", async () => {
  const job = await queue.running({ job_type: "report" });
  await sql`select pause_job_type('report')`;
  await sql`select mark_job_completed(${job.id}, '{}', ${job.lease_token})`;
  assert.equal((await queue.row(job.id)).status, "completed");
});

Deno.test("pausing and resuming twice is harmless, and what is set about the type stays", async () => {
  await sql`insert into job_types (job_type, timeout_seconds) values ('report', 60)`;
  for (const _ of [1, 2]) await sql`select pause_job_type('report')`;
  for (const _ of [1, 2]) await sql`select resume_job_type('report')`;
  const [type] = await sql`select timeout_seconds, paused_at from job_types`;
  assert.deepEqual([type.timeout_seconds, type.paused_at], [60, null]);
});

Deno.test("a type that no job can have is not paused", async () => {
  assert.match(await refused("JQ004", sql`select pause_job_type('')`), /^job_type: /);
});

for (const types of ["null", "'{report,mail}'"]) {
  Deno.test(`a claim of ${types} costs no more for 10,000 jobs of a paused type`, async () => {
    await db.admin`
      insert into jobs (job_type, priority) select 'report', 9 from generate_series(1, 10000)`;
    await db.admin.unsafe("vacuum analyze jobs");
    await queue.enqueueMany(Array.from({ length: 40 }, () => ({ job_type: "mail" })));
    await sql`select pause_job_type('report')`;
    const connection = db.connect();
    const claim = `select * from get_next_job(10, ${types})`;
    for (let warmUp = 0; warmUp < 3; warmUp++) await connection.unsafe(claim);
    const needed = await buffers(connection, claim);
    assert.ok(needed <= 250, `${needed} buffers`);
  });
}
