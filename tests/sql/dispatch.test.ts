// Who wakes workers and when: what is posted, by which insert, how often; and what a clock does for the queue.

import assert from "node:assert/strict";
import { refused, testDatabase } from "../support/database.ts";
import { lease, queueOn } from "../support/queue.ts";
import { waitFor } from "../support/wait.ts";

const db = await testDatabase();
const queue = queueOn(db.service);
const sql = db.service;

const URL = "https://abc.supabase.co/functions/v1/process-queued-jobs";
const TOKEN = "a-long-random-worker-token";

Deno.test.beforeEach(async () => {
  await db.admin`truncate jobs, job_types, job_queue.settings, job_queue.wake_ups cascade`;
  await db.admin`truncate net.http_request_queue, net._http_response`;
  await setUp();
});

async function setUp(options = "") {
  await db.admin.unsafe(`select * from setup_job_queue('${URL}', '${TOKEN}'${options})`);
}

/** How many requests wait to be sent; they are then forgotten, as are the wake-ups that posted them. */
async function posted(): Promise<number> {
  const { count } = await db.admin`delete from net.http_request_queue where true`;
  await db.admin`truncate job_queue.wake_ups`;
  return count;
}

async function dispatch(maxPosts: number | null = null): Promise<number> {
  const [{ woken }] = await sql`select dispatch_workers(${maxPosts}) as woken`;
  assert.equal(await posted(), woken);
  return woken;
}

const many = (jobs: number, job_type = "test") =>
  queue.enqueueMany(Array.from({ length: jobs }, () => ({ job_type })));

Deno.test("an insert posts one request with the token, and nothing else that opens anything", async () => {
  await queue.enqueue();
  const [request] = await db
    .admin`select *, convert_from(body, 'UTF8') as text from net.http_request_queue`;
  assert.equal(request.url, URL);
  assert.deepEqual(request.headers, { "Content-Type": "application/json", "x-queue-token": TOKEN });
  assert.equal(request.text, "{}");
});

Deno.test("ten thousand jobs inserted by one statement are one request", async () => {
  await sql`insert into jobs (job_type) select 'test' from generate_series(1, 10000)`;
  assert.equal(await posted(), 1);
});

Deno.test("a thousand statements of one transaction are one request", async () => {
  await sql.begin(async (transaction) => {
    await transaction`
      do $$ begin
        for job in 1 .. 1000 loop
          insert into public.jobs (job_type) values ('test');
          if job % 500 = 0 then perform pg_sleep(0.25); end if;
        end loop;
      end $$`;
  });
  assert.equal(await posted(), 1);
});

Deno.test("what is enqueued right after a wake-up wakes nobody again, but the worker is told to look again", async () => {
  await queue.enqueue();
  await queue.enqueue();
  const { jobs, look_again_ms } = await claim(10);
  assert.equal(jobs.length, 2);
  assert.ok(look_again_ms! > 0 && look_again_ms! <= 250, `${look_again_ms} ms`);
  assert.equal(await posted(), 1);
});

Deno.test("a worker that got as much as it asked for, or whose wake-up is long past, is not told to look again", async () => {
  await many(2);
  assert.equal((await claim(2)).look_again_ms, null);
  await db.admin`update job_queue.wake_ups set posted_at = now() - interval '1 second' where true`;
  assert.equal((await claim(2)).look_again_ms, null);
});

async function claim(max_jobs: number): Promise<{ jobs: unknown[]; look_again_ms: number | null }> {
  const [{ answer }] = await sql`select finish_and_claim_jobs(max_jobs => ${max_jobs}) as answer`;
  return answer;
}

Deno.test("a fifth of a second after a wake-up the next insert wakes again", async () => {
  await queue.enqueue();
  await db.admin`update job_queue.wake_ups set posted_at = now() - interval '1 second' where true`;
  await queue.enqueue();
  assert.equal(await posted(), 2);
});

Deno.test("two who enqueue at the same time do not wait for each other", async () => {
  const other = db.connect();
  await sql.begin(async (transaction) => {
    await transaction`insert into jobs (job_type) values ('test')`;
    await other`set lock_timeout = '1ms'`;
    await other`insert into jobs (job_type) values ('test')`;
  });
  assert.equal(await posted(), 2);
});

Deno.test("what is rolled back posts nothing", async () => {
  const undone = sql.begin(async (transaction) => {
    await transaction`insert into jobs (job_type) values ('test')`;
    throw new Error("never mind");
  });
  await assert.rejects(undone);
  assert.equal(await posted(), 0);
});

Deno.test("a job for later and a job of a paused type wake nobody", async () => {
  await queue.enqueue({ delay_seconds: 60 });
  await sql`select pause_job_type('paused')`;
  await queue.enqueue({ job_type: "paused" });
  assert.equal(await posted(), 0);
  assert.equal(await dispatch(), 0);
  await sql`select resume_job_type('paused')`;
  assert.equal(await posted(), 1);
});

/** A job that has failed for good; nothing is posted for it yet. */
async function failedJob(): Promise<string> {
  const job = await queue.running({ max_retries: 0 });
  await sql`select mark_job_failed(${job.id}, 'no luck')`;
  await posted();
  return job.id;
}

/** A job that waits for tomorrow. */
async function waitingJob(): Promise<string> {
  return await queue.enqueue({ delay_seconds: 86_400 });
}

const waysToBecomeReady: [string, () => Promise<string>, (id: string) => PromiseLike<unknown>][] = [
  ["retry_failed_jobs", failedJob, () => sql`select retry_failed_jobs()`],
  ["retry_job", failedJob, (id) => sql`select retry_job(${id})`],
  [
    "an update of the status by hand",
    failedJob,
    (id) => sql`update jobs set status = 'queued', completed_at = null where id = ${id}`,
  ],
  ["retry_job of a cancelled job", async () => {
    const id = await waitingJob();
    await sql`select cancel_job(${id})`;
    return id;
  }, (id) => sql`select retry_job(${id})`],
  [
    "a run_at moved to now",
    waitingJob,
    (id) => sql`update jobs set run_at = now(), updated_at = now() where id = ${id}`,
  ],
  ["resume_job_type", () => pausedJob(), () => sql`select resume_job_type('paused')`],
  [
    "a type resumed by hand",
    () => pausedJob(),
    () => sql`update job_types set paused_at = null where true`,
  ],
  [
    "settings of a paused type deleted",
    () => pausedJob(),
    () => sql`delete from job_types where true`,
  ],
  ["rescue_expired_jobs", async () => {
    const job = await queue.running();
    await queue.expireLease(job.id);
    await posted();
    return job.id;
  }, () => sql`select rescue_expired_jobs()`],
  ["release_job", runningJob, (id) => sql`select release_job(${id})`],
  ["dispatch_workers", async () => {
    const id = await waitingJob();
    await queue.makeDue(id);
    await posted();
    return id;
  }, () => sql`select dispatch_workers()`],
];

async function runningJob(): Promise<string> {
  const { id } = await queue.running();
  await posted();
  return id;
}

async function pausedJob(): Promise<string> {
  await sql`select pause_job_type('paused')`;
  return await queue.enqueue({ job_type: "paused" });
}

for (const [way, prepare, makeReady] of waysToBecomeReady) {
  Deno.test(`${way} wakes a worker, once`, async () => {
    const id = await prepare();
    assert.equal(await posted(), 0, "nothing is ready yet");
    await makeReady(id);
    assert.equal(await posted(), 1);
    assert.equal((await queue.claim())[0].id, id);
  });
}

Deno.test("ten thousand jobs retried at once are one request", async () => {
  await db.admin`
    insert into jobs (job_type, status, completed_at, error)
    select 'test', 'failed', now(), 'x' from generate_series(1, 10000)`;
  assert.equal(await posted(), 0);
  await sql`select retry_failed_jobs()`;
  assert.equal(await posted(), 1);
});

Deno.test("an empty queue, and one whose jobs all run or wait, is never posted about", async () => {
  assert.equal(await dispatch(), 0);
  await queue.running();
  await queue.enqueue({ delay_seconds: 60 });
  await posted();
  assert.equal(await dispatch(), 0);
  await sql`select tend_job_queue()`;
  assert.equal(await posted(), 0);
});

Deno.test("workers are woken by depth, up to the maximum, less those that run", async () => {
  await setUp(", max_workers => 3, jobs_per_worker => 10");
  await many(11);
  await posted();
  assert.equal(await dispatch(), 2);
  await many(100);
  await posted();
  assert.equal(await dispatch(), 3);
  await sql`select get_next_job(10, worker_id => 'one')`;
  assert.equal(await dispatch(), 2);
  await sql`select get_next_job(10, worker_id => 'two')`;
  assert.equal(await dispatch(), 1);
  await sql`select get_next_job(10, worker_id => 'three')`;
  assert.equal(await dispatch(), 0);
});

Deno.test("a running worker with a free slot is told of a new job", async () => {
  await queue.running();
  await posted();
  await queue.enqueue();
  assert.equal(await posted(), 1);
  assert.equal(await dispatch(), 1);
});

Deno.test("a worker that stops wakes one successor, if there is work", async () => {
  assert.equal(await dispatch(1), 0);
  await many(100);
  await posted();
  assert.equal(await dispatch(1), 1);
});

Deno.test("what has become due and what a dead worker held is ready before workers are counted", async () => {
  const waiting = await queue.enqueue({ delay_seconds: 60 });
  const held = await queue.running();
  await queue.makeDue(waiting);
  await queue.expireLease(held.id);
  await setUp(", jobs_per_worker => 1");
  await posted();
  assert.equal(await dispatch(), 2);
  assert.equal((await queue.row(waiting)).waiting_for, null);
  assert.equal((await queue.row(held.id)).waiting_for, "isolation");
});

Deno.test("workers are woken by what jobs weigh, as if a job took a whole worker at most", async () => {
  await setUp(", max_workers => 10, jobs_per_worker => 4");
  await sql`insert into job_types (job_type, weight) values ('half', 2), ('huge', 9)`;
  await many(3, "half");
  await many(2, "huge");
  await posted();
  assert.equal(await dispatch(), 4);
  await sql`select get_next_job(2, '{half}', 'one')`;
  assert.equal(await dispatch(), 3);
});

Deno.test("each job that has to run alone is a worker's worth, and those that run beside each other are not", async () => {
  await setUp(", max_workers => 9, jobs_per_worker => 4");
  await many(4);
  await sql`update jobs set suspicion = 1, waiting_for = 'isolation' where true`;
  await posted();
  assert.equal(await dispatch(), 1);
  await sql`update jobs set suspicion = 2 where true`;
  assert.equal(await dispatch(), 4);
  await sql`select pause_job_type('test')`;
  assert.equal(await dispatch(), 0);
  await sql`select resume_job_type('test')`;
  await posted();
  await sql`select get_next_job(1, worker_id => 'one')`;
  assert.equal(await dispatch(), 3);
});

Deno.test("jobs that nobody takes are posted about less and less often", async () => {
  await queue.enqueue({ job_type: "unknown" });
  const readyFor = (interval: string) =>
    db.admin.unsafe(`
      update jobs set updated_at = clock_timestamp() - interval '${interval}', created_at = now() where true`);
  const wokenBefore = (interval: string) =>
    db.admin.unsafe(`
      update job_queue.wake_ups set posted_at = clock_timestamp() - interval '${interval}' where true`);
  const tend = async () => (await sql`select tend_job_queue() ->> 'woken' as woken`)[0].woken;
  await readyFor("10 minutes");
  await wokenBefore("50 seconds");
  assert.equal(await tend(), "0");
  await wokenBefore("70 seconds");
  assert.equal(await tend(), "1");
  // A worker is there: perhaps it was only too busy.
  await queue.running({ priority: 1 });
  assert.equal(await tend(), "1");
});

Deno.test("tending deletes old jobs, old wake-ups and what pg_cron recorded about it, and nothing else", async () => {
  await db.admin`
    insert into jobs (job_type, status, completed_at)
    values ('test', 'completed', now() - interval '31 days'), ('test', 'completed', now() - interval '29 days')`;
  await db.admin`
    insert into job_queue.wake_ups (posted_at, request_id)
    select now() - make_interval(hours => h), h from generate_series(0, 3) h order by h desc`;
  await db.admin`select cron.schedule('another', '* * * * *', 'select 1')`;
  await db.admin`
    insert into cron.job_run_details (jobid, start_time)
    select j.jobid, now() - make_interval(hours => h) from cron.job j, (values (23), (25)) as v (h)`;
  const [{ tended }] = await sql`select tend_job_queue() as tended`;
  assert.deepEqual(tended, { woken: 0, deleted: 1 });
  assert.equal((await db.admin`select from job_queue.wake_ups`).length, 1);
  const runs = await db.admin`
    select j.jobname, count(*)::int from cron.job_run_details join cron.job j using (jobid) group by 1 order by 1`;
  assert.deepEqual(runs.map((row) => [row.jobname, row.count]), [["another", 2], [
    "tend-job-queue",
    1,
  ]]);
});

Deno.test("finished jobs can be kept for a hundred years", async () => {
  await setUp(", days_to_keep => 36500");
  await db.admin`
    insert into jobs (job_type, status, completed_at) values ('test', 'completed', now() - interval '9 years')`;
  await sql`select tend_job_queue()`;
  assert.equal((await sql`select from jobs`).length, 1);
});

Deno.test("when nothing can be posted jobs are enqueued all the same", async () => {
  await db.admin`delete from vault.secrets where name = 'queue_worker_token'`;
  const id = await queue.enqueue();
  assert.equal((await queue.row(id)).status, "queued");
  await refused("55000", sql`select dispatch_workers()`);
});

Deno.test("whatever role inserts a job, a worker is woken with the owner's rights", async () => {
  await sql`insert into job_types (job_type, open_to_users) values ('open', true)`;
  const ann = { role: "authenticated", sub: "00000000-0000-4000-8000-00000000000a" };
  await db.as("authenticated", ann, (user) => user`select enqueue_job('open')`);
  assert.equal(await posted(), 1);
});

Deno.test("without the setup nothing is posted and nobody minds", async () => {
  await db.admin`select remove_job_queue_setup()`;
  await queue.enqueue();
  assert.equal(await posted(), 0);
  assert.equal((await sql`select dispatch_workers() as woken`)[0].woken, 0);
  await sql`select tend_job_queue()`;
});

Deno.test("a job is committed by two at once and dispatched by two at once without a deadlock", async () => {
  const others = [db.connect(), db.connect(), db.connect(), db.connect()];
  await Promise.all(others.map(async (other, n) => {
    for (let round = 0; round < 25; round++) {
      await (n % 2
        ? other`select tend_job_queue()`
        : other`insert into jobs (job_type) values ('test')`);
    }
  }));
  const jobs = await queue.claim(100);
  await queue.finishAndClaim(jobs.map((job) => ({ ...lease(job), outcome: "completed" })));
  await waitFor("all jobs to be done", async () => (await queue.claim()).length === 0);
});
