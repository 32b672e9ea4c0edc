// What claims and reports read, counted in buffers: it depends on the jobs they handle, not on those that
// wait, are finished, or are of types the worker does not know.

import assert from "node:assert/strict";
import { type Sql, testDatabase } from "../support/database.ts";
import { buffers } from "../support/buffers.ts";
import { type ClaimedJob, lease, queueOn } from "../support/queue.ts";

const db = await testDatabase();
const queue = queueOn(db.service);

Deno.test.beforeEach(async () => {
  await db.admin`truncate jobs cascade`;
});

/** Waiting, finished and foreign jobs, all of them ahead of the test's own in priority and age. */
async function crowd(sql: Sql, jobs: number): Promise<void> {
  await sql`
    insert into jobs (job_type, priority, run_at, status, completed_at)
    select k.job_type, 9, k.run_at, k.status, k.completed_at
    from (values
      ('unknown', '2000-01-01'::timestamptz, 'queued', null::timestamptz),
      ('test', '2100-01-01', 'queued', null),
      ('test', '2000-01-01', 'completed', now())
    ) as k (job_type, run_at, status, completed_at), generate_series(1, ${jobs})`;
}

const ownJobs = Array.from({ length: 200 }, () => ({ job_type: "test" }));

for (const types of ["{test}", "{test,another}"]) {
  Deno.test(`a claim of ${types} costs no more among 30,000 jobs it has nothing to do with`, async () => {
    await queue.enqueueMany(ownJobs);
    const alone = await claimBuffers(types);
    await db.admin`truncate jobs cascade`;
    await crowd(db.admin, 10_000);
    await db.admin.unsafe("vacuum analyze jobs");
    await queue.enqueueMany(ownJobs);
    const crowded = await claimBuffers(types);
    // Deeper indexes: a page or two more for each of the ten jobs.
    assert.ok(crowded <= alone + 60, `${alone} buffers alone, ${crowded} in the crowd`);
  });
}

for (const isIdle of [false, true]) {
  Deno.test(`a claim costs no more for 10,000 suspects behind its jobs (idle: ${isIdle})`, async () => {
    await queue.enqueueMany(ownJobs);
    await db.admin`
      insert into jobs (job_type, suspicion, waiting_for)
      select 'suspect', 1 + i % 2, 'isolation' from generate_series(1, 10000) i`;
    await db.admin.unsafe("vacuum analyze jobs");
    const connection = db.connect();
    const claim = `select finish_and_claim_jobs(max_jobs => 10, is_idle => ${isIdle})`;
    for (let warmUp = 0; warmUp < 3; warmUp++) await connection.unsafe(claim);
    const needed = await buffers(connection, claim);
    assert.ok(needed <= 250, `${needed} buffers`);
  });
}

Deno.test("a claim of suspects reads no more of them than it may take", async () => {
  await db.admin`
    insert into jobs (job_type, suspicion, waiting_for)
    select 'type ' || i % 3, 1, 'isolation' from generate_series(1, 10000) i`;
  await db.admin.unsafe("vacuum analyze jobs");
  const connection = db.connect();
  const claim = "select finish_and_claim_jobs(max_jobs => 10, is_idle => true)";
  for (let warmUp = 0; warmUp < 3; warmUp++) await connection.unsafe(claim);
  const needed = await buffers(connection, claim);
  assert.ok(needed <= 400, `${needed} buffers`);
});

Deno.test("a claim rescues no more at a time however many workers have died", async () => {
  const among = async (dead: number): Promise<number> => {
    await db.admin`truncate jobs cascade`;
    await crowd(db.admin, 2_000);
    await db.admin`
      insert into jobs (job_type, status, max_retries, started_at, lease_token, lease_expires_at)
      select 'test', 'processing', 0, now(), gen_random_uuid(), now() - n * interval '1 second'
      from generate_series(1, ${dead}) n`;
    await db.admin.unsafe("vacuum analyze jobs");
    await queue.enqueueMany(ownJobs);
    return await claimBuffers("{test}");
  };
  const few = await among(1_000);
  const many = await among(10_000);
  assert.ok(many <= few * 1.1, `${few} buffers among a thousand, ${many} among ten thousand`);
});

async function claimBuffers(types: string): Promise<number> {
  const claim = `select * from get_next_job(10, '${types}')`;
  const connection = db.connect();
  for (let warmUp = 0; warmUp < 3; warmUp++) await connection.unsafe(claim);
  return await buffers(connection, claim);
}

for (const types of ["null", "'{test,another}'"]) {
  Deno.test(`a claim of ${types} planned while nothing was queued stays cheap when much is`, async () => {
    await db.admin`
      insert into jobs (job_type, status, completed_at)
      select 'test', 'completed', now() from generate_series(1, 10000)`;
    await db.admin.unsafe("vacuum analyze jobs");
    const connection = db.connect();
    const claim = `select finish_and_claim_jobs(max_jobs => 10, job_types => ${types})`;
    for (let poll = 0; poll < 10; poll++) await connection.unsafe(claim);
    // No vacuum and no analyze: the statistics still say that nothing is ever queued.
    await db.admin`
      insert into jobs (job_type, priority) select 'unknown', 9 from generate_series(1, 10000)`;
    await queue.enqueueMany(ownJobs);
    await connection.unsafe(claim);
    const needed = await buffers(connection, claim);
    assert.ok(needed <= 250, `${needed} buffers`);
  });
}

for (const call of ["finish_and_claim_jobs", "heartbeat_jobs"]) {
  Deno.test(`${call} planned while the table was small does not read it when it is large`, async () => {
    const connection = db.connect();
    const own = queueOn(connection);
    await someJobs(own, 1);
    await db.admin.unsafe("vacuum analyze jobs");
    for (let round = 0; round < 10; round++) await report(own, await someJobs(own, 3), call);
    // No vacuum and no analyze: the plan and its statistics stay those of a small table.
    await crowd(db.admin, 10_000);
    const jobs = await someJobs(own, 10);
    const results = JSON.stringify(jobs.map((job) => ({ ...lease(job), outcome: "completed" })));
    const needed = await buffers(connection, `select ${call}('${results}')`);
    // Reading the table or one of its indexes whole would take hundreds more.
    assert.ok(needed <= 300, `${needed} buffers for ten jobs`);
  });
}

async function someJobs(own: typeof queue, jobs: number): Promise<ClaimedJob[]> {
  await own.enqueueMany(Array.from({ length: jobs }, () => ({ job_type: "test" })));
  return await own.claim(jobs, ["test"]);
}

async function report(own: typeof queue, jobs: ClaimedJob[], call: string): Promise<void> {
  if (call === "heartbeat_jobs") await own.heartbeat(jobs.map(lease));
  await own.finishAndClaim(jobs.map((job) => ({ ...lease(job), outcome: "completed" })));
}

/** Calls about one job, as `$job` and `$token`; each is made of a job of its own. */
const callsAboutOneJob: Record<string, string> = {
  mark_job_processing: "mark_job_processing('$job', '$token')",
  start_job_step: "start_job_step('$job', '$token', 'one')",
  save_job_step: "save_job_step('$job', '$token', 'one', '{}')",
  mark_job_completed: "mark_job_completed('$job', '{}', '$token')",
  mark_job_failed: "mark_job_failed('$job', 'x', '$token')",
  release_job: "release_job('$job', '$token')",
  cancel_job: "cancel_job('$job')",
  save_report: "save_report('$job', '$token', '$job', 'text', '{}')",
  "a report sent twice": `finish_and_claim_jobs('[
    {"job_id": "$job", "lease_token": "$token", "outcome": "completed"},
    {"job_id": "$job", "lease_token": "$token", "outcome": "completed"}]')`,
};
for (const [name, call] of Object.entries(callsAboutOneJob)) {
  Deno.test(`${name} planned while the tables were small does not read them when they are large`, async () => {
    const connection = db.connect();
    const own = queueOn(connection);
    const statement = async () => {
      const [job] = await someJobs(own, 1);
      return `select ${call.replaceAll("$job", job.id).replaceAll("$token", job.lease_token)}`;
    };
    await db.admin.unsafe("vacuum analyze jobs, job_steps, job_failures");
    for (let round = 0; round < 10; round++) await connection.unsafe(await statement());
    await crowd(db.admin, 5_000);
    await db.admin`
      insert into job_steps (job_id, name)
      select id, 'begun' from jobs where status = 'completed' order by id`;
    const needed = await buffers(connection, await statement());
    // Reading 15,000 jobs or 5,000 steps would take more.
    assert.ok(needed <= 100, `${needed} buffers`);
  });
}
