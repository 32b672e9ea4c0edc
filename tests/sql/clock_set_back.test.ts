// The clock of the database was set back: every stored time may lie ahead of it. No age is negative, and what is
// ahead counts as old.

import assert from "node:assert/strict";
import { testDatabase } from "../support/database.ts";
import { queueOn } from "../support/queue.ts";

const db = await testDatabase();
const queue = queueOn(db.service);
const sql = db.service;

Deno.test.beforeEach(async () => {
  await db
    .admin`truncate jobs, job_types, job_queue.wake_ups, job_queue.workers, net._http_response cascade`;
  await db.admin`select remove_job_queue_setup()`;
  await db.admin`
    select * from setup_job_queue('https://abc.supabase.co/functions/v1/process-queued-jobs', 'a-long-random-worker-token')`;
});

async function wakeUps(): Promise<number> {
  return (await db.admin`select from job_queue.wake_ups`).length;
}

const wokenAhead = (interval: string) =>
  db.admin`insert into job_queue.wake_ups (posted_at, request_id) values (now() + ${interval}::text::interval, 7)`;

async function checked(part: string) {
  const findings = await sql`select * from check_job_queue()`;
  return findings.find((finding) => finding.part === part)!;
}

for (const ahead of ["20 seconds", "1 hour", "3 days"]) {
  Deno.test(`a wake-up ${ahead} ahead keeps nobody from waking a worker`, async () => {
    await wokenAhead(ahead);
    await queue.enqueue();
    assert.equal(await wakeUps(), 2);
  });

  Deno.test(`a wake-up ${ahead} ahead tells no worker to look again`, async () => {
    await wokenAhead(ahead);
    const [{ answer }] = await sql`select finish_and_claim_jobs(max_jobs => 5) as answer`;
    assert.equal(answer.look_again_ms, null);
  });

  Deno.test(`a wake-up ${ahead} ahead does not make a tick take the queue for neglected`, async () => {
    await queue.enqueue();
    await db.admin`delete from job_queue.wake_ups where true`;
    await db.admin`update jobs set updated_at = now() - interval '10 minutes' where true`;
    await wokenAhead(ahead);
    assert.equal((await sql`select tend_job_queue() as done`)[0].done.woken, 1);
    assert.equal(await wakeUps(), 1, "and it is forgotten");
  });
}

Deno.test("jobs that ended ahead of the clock are no sign that workers are there", async () => {
  await queue.enqueue({ job_type: "unknown" });
  await db.admin`
    insert into jobs (job_type, status, completed_at) values ('test', 'completed', now() + interval '1 hour')`;
  await db.admin`update jobs set updated_at = now() - interval '1 hour' where status = 'queued'`;
  await db.admin`update job_queue.wake_ups set posted_at = now() - interval '1 minute' where true`;
  assert.equal((await sql`select tend_job_queue() as done`)[0].done.woken, 0);
});

Deno.test("a tick ahead of the clock is no tick", async () => {
  await sql`select tend_job_queue()`;
  assert.equal((await checked("clock")).is_healthy, true);
  await db.admin`update job_queue.settings set tended_at = now() + interval '1 hour' where true`;
  const { is_healthy, finding } = await checked("clock");
  assert.deepEqual([is_healthy, finding], [
    false,
    "tend_job_queue was not called since the clock was set back",
  ]);
});

Deno.test("an answer from before the clock was set back is found", async () => {
  await queue.enqueue();
  await db.admin`
    insert into net._http_response (id, status_code, created)
    select request_id, 401, now() from job_queue.wake_ups`;
  await db
    .admin`update job_queue.wake_ups set posted_at = posted_at + interval '1 hour' where true`;
  assert.match((await checked("worker")).finding, /^answered 401/);
});

Deno.test("a job that has been next in line since ahead of the clock counts as waiting for long", async () => {
  await queue.enqueue();
  await db.admin`update jobs set updated_at = now() + interval '1 hour' where true`;
  assert.equal((await checked("queue")).is_healthy, false);
});

Deno.test("lighter jobs wait with a heavy one that has been next in line since ahead of the clock", async () => {
  await db.admin`insert into job_types (job_type, weight) values ('heavy', 4)`;
  await queue.enqueueMany([{ job_type: "heavy", priority: 1 }, { job_type: "light" }]);
  await db.admin`update jobs set updated_at = now() + interval '1 hour' where true`;
  assert.deepEqual((await queue.finishAndClaim([], { maxJobs: 1, capacity: 1 })).jobs, []);
});

Deno.test("a busy worker runs empty for a suspect that waits since ahead of the clock", async () => {
  await queue.enqueue();
  await db.admin`
    update jobs set suspicion = 1, waiting_for = 'isolation', updated_at = now() + interval '1 hour' where true`;
  assert.equal((await queue.finishAndClaim([], { maxJobs: 1 })).suspects_wait, true);
});

Deno.test("a dead worker's job is not held for as long as the clock was set back", async () => {
  const { id, lease_token } = await queue.running({ timeout_seconds: 600 });
  await db.admin`
    update jobs set started_at = started_at + interval '1 hour', updated_at = updated_at + interval '1 hour',
           lease_expires_at = lease_expires_at + interval '1 hour', deadline_at = deadline_at + interval '1 hour'
    where true`;
  await sql`select tend_job_queue()`;
  const [held] = await sql`
    select lease_expires_at - now() < '31 s' as is_short, deadline_at - started_at = '600 s' as is_whole,
           deadline_at < now() + interval '601 s' as is_near
    from jobs`;
  assert.deepEqual({ ...held }, { is_short: true, is_whole: true, is_near: true });
  assert.deepEqual(await queue.heartbeat([{ job_id: id, lease_token }]), ["held"]);
});

Deno.test("no age that health and metrics tell is negative", async () => {
  await queue.enqueue();
  await queue.running({ priority: 1 });
  const failing = await queue.running({ priority: 1, max_retries: 0 });
  await db.admin`update jobs set started_at = now() + interval '1 hour' where id = ${failing.id}`;
  await sql`select mark_job_failed(${failing.id}, 'x')`;
  await sql`select tend_job_queue()`;
  await db.admin`
    update jobs set created_at = now() + interval '1 hour', started_at = now() + interval '1 hour' where true`;
  await db.admin`update job_queue.settings set tended_at = now() + interval '1 hour' where true`;
  const [{ health }] = await sql`select job_queue_health() as health`;
  for (const type of health.types) assert.ok((type.oldest_ready_seconds ?? 0) >= 0);
  const [{ metrics }] = await sql`select job_queue_metrics() as metrics`;
  assert.match(metrics, /^job_queue_last_tick_seconds 0$/m);
  assert.doesNotMatch(metrics, / -\d/);
  const rows = await sql`select running_for < '0' as is_negative from running_jobs`;
  assert.deepEqual(rows.map((row) => row.is_negative), [false]);
  const [{ duration }] = await sql`select duration::text from job_failures`;
  assert.equal(duration, "00:00:00");
});

Deno.test("ten thousand jobs that ended ahead of the clock are no rate", async () => {
  await db.admin`
    insert into jobs (job_type, status, completed_at)
    select 'test', 'completed', now() + interval '1 hour' from generate_series(1, 10000)`;
  const [{ health }] = await sql`select job_queue_health() as health`;
  assert.equal(health.completed_per_minute, 0);
});

Deno.test("a worker that was seen ahead of the clock is noted again, and forgotten", async () => {
  await sql`select finish_and_claim_jobs(max_jobs => 1, job_types => '{a}', worker_id => 'one')`;
  await db.admin`update job_queue.workers set seen_at = now() + interval '1 hour' where true`;
  await sql`select finish_and_claim_jobs(max_jobs => 1, job_types => '{a,b}', worker_id => 'one')`;
  const [{ job_types }] = await db.admin`select job_types from job_queue.workers`;
  assert.deepEqual(job_types, ["a", "b"]);
  await db.admin`update job_queue.workers set seen_at = now() + interval '1 hour' where true`;
  await sql`select tend_job_queue()`;
  assert.equal((await db.admin`select from job_queue.workers`).length, 0);
});
