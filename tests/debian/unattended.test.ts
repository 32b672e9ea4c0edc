// Nobody calls the function or the clock by hand here: pg_cron really runs. Debian's knows only minutes, so these tests
// wait for one. tests/sql/setup_call.test.ts checks what Supabase's version is told.

import assert from "node:assert/strict";
import { secretKeyClient } from "../support/clients.ts";
import { grokCalls, scriptGrok } from "../support/grok.ts";
import { reportInput } from "../support/report_job.ts";
import { stack } from "../support/stack.ts";
import { asSuperuser } from "../support/superuser.ts";
import { waitFor } from "../support/wait.ts";
import { startWorker, wake, WORKER_URL } from "../support/worker.ts";

const supabase = secretKeyClient();
/** Pg_cron starts a run on the minute; it and what it sets off take seconds. */
const TICK_MS = 90_000;

await asSuperuser((sql) => sql`select * from setup_job_queue(${WORKER_URL}, ${stack.workerToken})`);
Deno.test.afterAll(async () => {
  await asSuperuser((sql) => sql`select remove_job_queue_setup()`);
});

async function call<T>(name: string, options: Record<string, unknown> = {}): Promise<T> {
  const { data, error } = await supabase.rpc(name, options);
  if (error) throw error;
  return data;
}

const enqueue = (options: Record<string, unknown> = {}) =>
  call<string>("enqueue_job", { job_type: "noop", ...options });

/** How often pg_cron has called `tend_job_queue` with success. */
const ticks = () =>
  asSuperuser(async (sql) => {
    const runs =
      await sql`select status from cron.job_run_details where command like '%tend_job_queue%'`;
    assert.ok(runs.every((run) => run.status !== "failed"));
    return runs.filter((run) => run.status === "succeeded").length;
  });

async function nextTick() {
  const before = await ticks();
  await waitFor("pg_cron", async () => await ticks() > before, TICK_MS);
}

/** HTTP requests so far, sent or about to be. */
const requests = () =>
  asSuperuser(async (sql) => {
    const [{ count }] = await sql`
      select (select count(*) from net._http_response) + (select count(*) from net.http_request_queue) as count`;
    return Number(count);
  });

/** Lets the time pass that a job waits for, without the triggers: they would wake the stack's own worker. */
const makeDueUnseen = (id: string) =>
  asSuperuser((sql) =>
    sql.begin(async (sql) => {
      await sql`set local session_replication_role = replica`;
      await sql`update public.jobs set run_at = clock_timestamp() where id = ${id}`;
    })
  );

/** A report whose worker is killed in the middle of it, before anything else is there to be done. */
async function reportOfKilledWorker(): Promise<string> {
  const id = await enqueue({
    job_type: "generate_report",
    input_data: reportInput(2),
    delay_seconds: 3_600,
  });
  await scriptGrok(id, [{ fault: "slow", delay_ms: 600_000 }]);
  await makeDueUnseen(id);
  const worker = await startWorker({ GROK_TRANSPORT: "sync", QUEUE_LEASE_SECONDS: "5" });
  await (await wake({ url: worker.url })).body?.cancel();
  await waitFor("Grok to be asked", async () => (await grokCalls(id)).length > 0);
  await worker.kill();
  return id;
}

Deno.test("a mixed load drains: at once, later, after failures, after a worker's death, or never when cancelled", async () => {
  const abandoned = await reportOfKilledWorker();
  const cancelled = await enqueue({ delay_seconds: 1 });
  await call("cancel_job", { job_id: cancelled });
  const unreadable = await enqueue({ job_type: "generate_report", input_data: {} });
  const later = await enqueue({ delay_seconds: 2 });
  const atOnce = await Promise.all(Array.from({ length: 50 }, () => enqueue()));
  await waitFor("the clock to do the rest", async () => {
    const { data } = await supabase.from("jobs").select("id").in("status", [
      "queued",
      "processing",
    ]);
    return data?.length === 0;
  }, TICK_MS);
  const { data: jobs } = await supabase.from("jobs").select("id, status, retry_count");
  const job = (id: string) => jobs!.find((found) => found.id === id)!;
  for (const id of [later, abandoned, ...atOnce]) assert.equal(job(id).status, "completed");
  assert.deepEqual([job(cancelled).status, job(unreadable).status], ["cancelled", "failed"]);
  assert.equal(job(abandoned).retry_count, 0);

  assert.equal(await call("retry_failed_jobs"), 1);
  await waitFor("the retried job to fail again", async () => {
    const { data } = await supabase.from("jobs").select("status").eq("id", unreadable).single();
    return data?.status === "failed";
  });
});

Deno.test("an idle queue makes no HTTP call, however often the clock ticks, and the clock's records are pruned", async () => {
  await asSuperuser((sql) =>
    sql`
      insert into cron.job_run_details (jobid, runid, status, start_time)
      select jobid, -1, 'succeeded', now() - interval '2 days' from cron.job`
  );
  await asSuperuser((sql) => sql`update job_queue.settings set cron_pruned_at = null where true`);
  const before = await requests();
  for (let tick = 0; tick < 2; tick++) await nextTick();
  assert.equal(await requests(), before);
  const old = await asSuperuser((sql) => sql`select from cron.job_run_details where runid = -1`);
  assert.equal(old.length, 0);
});

Deno.test("with pg_cron really ticking every part is healthy", async () => {
  const findings = await call<{ part: string; is_healthy: boolean; finding: string }[]>(
    "check_job_queue",
  );
  assert.deepEqual(findings.filter((finding) => !finding.is_healthy), []);
  await asSuperuser(async (sql) => {
    const [job] = await sql`select schedule, active from cron.job`;
    // Version 1.4: the ten seconds that were asked for are not to be had.
    assert.deepEqual(job, { schedule: "* * * * *", active: true });
  });
});
