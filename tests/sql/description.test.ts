// The statements that the system's first description gives its users, as they paste them into psql.

import assert from "node:assert/strict";
import { testDatabase } from "../support/database.ts";
import { queueOn } from "../support/queue.ts";

const db = await testDatabase();
const queue = queueOn(db.service);

Deno.test.beforeEach(async () => {
  await db.admin`truncate jobs cascade`;
});

/** Runs a statement as psql does: without parameters, as the owner of the database. */
async function paste(statement: string) {
  return [...await db.admin.unsafe(statement)];
}

Deno.test("the functions for managing jobs work as described", async () => {
  const first = await queue.enqueue();
  const [job] = await paste("SELECT * FROM get_next_job();");
  assert.equal(job.id, first);
  assert.deepEqual([job.job_type, job.retry_count, job.max_retries], ["test", 0, 3]);
  assert.deepEqual(await paste(`SELECT mark_job_processing('${first}');`), [
    { mark_job_processing: true },
  ]);
  assert.deepEqual(await paste(`SELECT mark_job_completed('${first}', '{"result": "success"}');`), [
    { mark_job_completed: true },
  ]);
  assert.deepEqual((await queue.row(first)).output_data, { result: "success" });

  const second = await queue.enqueue({ max_retries: 0 });
  await paste("SELECT * FROM get_next_job();");
  assert.deepEqual(await paste(`SELECT mark_job_failed('${second}', 'Error message');`), [
    { mark_job_failed: true },
  ]);
  assert.deepEqual(
    [(await queue.row(second)).status, (await queue.row(second)).error],
    ["failed", "Error message"],
  );
  assert.deepEqual(await paste("SELECT retry_failed_jobs();"), [{ retry_failed_jobs: 1 }]);
  assert.deepEqual(await paste("SELECT cleanup_old_jobs(30); -- Keep jobs for 30 days"), [
    { cleanup_old_jobs: 0 },
  ]);
});

Deno.test("the queries for monitoring work as described", async () => {
  await queue.enqueueMany([{ job_type: "a" }, { job_type: "a" }, {
    job_type: "a",
    max_retries: 0,
  }]);
  const [completed, running] = await queue.claim(2);
  await db.service`select mark_job_completed(${completed.id})`;
  const [failing] = await queue.claim();
  await db.service`select mark_job_failed(${failing.id}, 'x')`;

  const all = await paste("SELECT * FROM jobs ORDER BY created_at DESC;");
  assert.deepEqual(all.map((job) => job.id), [failing.id, running.id, completed.id]);
  const failed = await paste("SELECT * FROM jobs WHERE status = 'failed';");
  assert.deepEqual(failed.map((job) => job.id), [failing.id]);
  const processing = await paste("SELECT * FROM jobs WHERE status = 'processing';");
  assert.deepEqual(processing.map((job) => job.id), [running.id]);
  const statistics = await paste(`
    SELECT
      status,
      COUNT(*) as count,
      AVG(EXTRACT(EPOCH FROM (updated_at - created_at))) as avg_duration_seconds
    FROM jobs
    GROUP BY status;`);
  assert.deepEqual(
    statistics.map((row) => [row.status, row.count]).sort(),
    [["completed", "1"], ["failed", "1"], ["processing", "1"]],
  );
  for (const row of statistics) assert.ok(Number(row.avg_duration_seconds) > 0);
});
