// Every function that locks several jobs, at the same time as every other and as itself, on the same jobs in
// opposite order: nobody waits in a circle, and what each was told is what happened.

import assert from "node:assert/strict";
import { type Sql, testDatabase } from "../support/database.ts";
import { type ClaimedJob, lease, queueOn } from "../support/queue.ts";
import { untilWaiting } from "../support/races.ts";

const JOBS = 24;
const ROUNDS = 2;

const db = await testDatabase();
const admin = db.admin;
const connections = [db.connect(), db.connect()];

/** Jobs in every state that some function looks for, in the order of their ids. */
interface Jobs {
  running: ClaimedJob[];
  all: string[];
  /** The running job in the middle. */
  middle: Gate;
}

/** Locks what two calls meet in the middle. */
type Gate = (sql: Sql) => PromiseLike<unknown>;

/** Calls a function about these jobs, given in the order in which the caller names them. */
type Call = (sql: Sql, jobs: Jobs) => Promise<Told>;

/** What a call was told about jobs. */
interface Told {
  statuses?: Record<string, string>;
  claimed?: ClaimedJob[];
}

const calls: Record<string, Call> = {
  "finish_and_claim_jobs": async (sql, { running }) => {
    const results = running.map((job) => ({ ...lease(job), outcome: "completed" }));
    const options = { maxJobs: 5, leaseToken: crypto.randomUUID() };
    const { finished, jobs } = await queueOn(sql).finishAndClaim(results, options);
    return { statuses: byId(running.map((job) => job.id), finished), claimed: jobs };
  },
  "get_next_job": async (sql) => ({ claimed: await queueOn(sql).claim(10) }),
  "heartbeat_jobs": async (sql, { running }) => {
    await queueOn(sql).heartbeat(running.map(lease));
    return {};
  },
  "cancel_job": async (sql, { all }) => {
    for (const id of all) await sql`select cancel_job(${id})`.catch(unlessRefused);
    return {};
  },
  "save_job_step": async (sql, { running }) => {
    for (const { id, lease_token } of running) {
      await sql`select save_job_step(${id}, ${lease_token}, 'one', '1')`.catch(unlessRefused);
    }
    return {};
  },
  "rescue_expired_jobs": async (sql) => {
    await sql`select rescue_expired_jobs()`;
    return {};
  },
  "retry_failed_jobs": async (sql, { all }) => {
    await sql`select retry_failed_jobs(${all})`;
    return {};
  },
  "cleanup_old_jobs": async (sql) => {
    await sql`select cleanup_old_jobs(0)`;
    return {};
  },
};

const names = Object.keys(calls);
for (const [index, one] of names.entries()) {
  for (const other of names.slice(index)) {
    Deno.test(`${one} and ${other} at once wait in no circle and tell the truth`, async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const jobs = await jobsInEveryState();
        const reversed = {
          ...jobs,
          running: [...jobs.running].reverse(),
          all: [...jobs.all].reverse(),
        };
        const start = () => [
          calls[one](connections[0], jobs),
          calls[other](connections[1], reversed),
        ];
        const told = await (round % 2 ? Promise.all(start()) : throughGate(jobs.middle, start));
        await assertTrue(told);
      }
    });
  }
}

Deno.test("enqueue_jobs and enqueue_jobs at once with the same key for many types and owners wait in no circle", async () => {
  const owners = [null, crypto.randomUUID(), crypto.randomUUID()];
  const jobs = ["a", "b", "c"].flatMap((job_type) =>
    owners.map((owner_id) => ({ job_type, owner_id, idempotency_key: "k" }))
  );
  for (let round = 0; round < ROUNDS; round++) {
    await admin`truncate jobs cascade`;
    const middle = (sql: Sql) => queueOn(sql).enqueueMany([jobs[4]]);
    const [one, other] = await throughGate(middle, () => [
      queueOn(connections[0]).enqueueMany(jobs),
      queueOn(connections[1]).enqueueMany([...jobs].reverse()),
    ]);
    assert.deepEqual(one, other.reverse());
  }
});

const byId = (ids: string[], values: string[]) =>
  Object.fromEntries(ids.map((id, i) => [id, values[i]]));

function unlessRefused(error: { code: string }): void {
  if (!error.code.startsWith("JQ")) throw error;
}

/** Starts calls that come from both ends and lets them go on once each waits in the middle, or needed no lock. */
async function throughGate<T>(gate: Gate, start: () => Promise<T>[]): Promise<T[]> {
  let started: Promise<T>[] = [];
  const opened = new Error("rolled back, so that the gate leaves nothing behind");
  await assert.rejects(
    admin.begin(async (sql) => {
      await gate(sql as unknown as Sql);
      started = start();
      await untilWaiting(db, started);
      throw opened;
    }),
    opened,
  );
  return await Promise.all(started);
}

async function jobsInEveryState(): Promise<Jobs> {
  await admin`truncate jobs cascade`;
  const queue = queueOn(db.service);
  await queue.enqueueMany(Array.from({ length: 3 * JOBS }, () => ({ job_type: "test" })));
  const claimed = await queue.claim(2 * JOBS);
  const [running, ended] = [claimed.slice(0, JOBS), claimed.slice(JOBS)];
  await queue.finishAndClaim(ended.map((job, i) => ({
    ...lease(job),
    outcome: i % 2 ? "completed" : "failed",
    retryable: false,
  })));
  for (const job of running.filter((_, i) => i % 3 === 0)) await queue.expireLease(job.id);
  const rows = await admin`select id from jobs order by id`;
  running.sort((a, b) => a.id < b.id ? -1 : 1);
  const middle = (sql: Sql) => sql`select from jobs where id = ${running[JOBS / 2].id} for update`;
  return { running, all: rows.map((row) => row.id), middle };
}

/** No job was handed out twice, and none is in another state than a caller was told. */
async function assertTrue(told: Told[]): Promise<void> {
  const claimed = told.flatMap(({ claimed }) => claimed ?? []);
  assert.equal(new Set(claimed.map((job) => job.id)).size, claimed.length);
  const rows = await admin`select id, status from jobs`;
  const now = byId(rows.map((row) => row.id), rows.map((row) => row.status));
  for (const [id, status] of told.flatMap(({ statuses }) => Object.entries(statuses ?? {}))) {
    if (status === "completed" && now[id]) assert.equal(now[id], "completed");
  }
  const [{ wrong }] = await admin`
    select count(*)::int as wrong from jobs j
    where j.step_count <> (select count(*) from job_steps s where s.job_id = j.id)`;
  assert.equal(wrong, 0);
}
