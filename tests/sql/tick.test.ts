// The parts of a tick: each does its work whatever becomes of the others, and what failed is told until it works again.

import assert from "node:assert/strict";
import { testDatabase } from "../support/database.ts";
import { queueOn } from "../support/queue.ts";

const db = await testDatabase();
const queue = queueOn(db.service);
const sql = db.service;

Deno.test.beforeEach(async () => {
  await db.admin`truncate jobs, job_types, job_queue.wake_ups, job_queue.failed_parts cascade`;
  await db
    .admin`update job_queue.cleanups set after_end = null, after_id = null, kept_at = null, kept_by = null where true`;
  await db.admin`
    select * from setup_job_queue('https://abc.supabase.co/functions/v1/process-queued-jobs', 'a-long-random-worker-token')`;
});

async function tick(): Promise<{ woken: number; deleted: number }> {
  return (await sql`select tend_job_queue() as done`)[0].done;
}

async function checked(part: string) {
  const findings = await sql`select * from check_job_queue()`;
  return findings.find((finding) => finding.part === part)!;
}

/** Jobs that ended so many days ago, the first of them longest ago. */
async function ended(
  count: number,
  days = 31,
  options = "'completed', 'test', null",
): Promise<string[]> {
  const rows = await db.admin.unsafe(`
    insert into jobs (status, job_type, error, completed_at)
    select ${options}, now() - make_interval(days => ${days}) + i * interval '1 second'
    from generate_series(1, ${count}) i returning id`);
  return rows.map((row) => row.id);
}

/** Runs `use` while statements of the owner are in force, and takes them back. */
async function during(statements: string, undo: string, use: () => Promise<void>) {
  await db.admin.unsafe(statements);
  try {
    await use();
  } finally {
    await db.admin.unsafe(undo);
  }
}

/** A trigger of the application that refuses what is done to jobs. */
const refusing = (event: string, when: string, use: () => Promise<void>) =>
  during(
    `create function no() returns trigger language plpgsql as $$ begin raise exception 'not on Sundays'; end $$;
     create trigger no before ${event} on jobs for each row when (${when}) execute function no()`,
    "drop trigger no on jobs; drop function no()",
    use,
  );

/** A job that is due, one whose worker is dead, and one that is to be deleted. */
async function somethingForEveryPart() {
  const held = await queue.running();
  const due = await queue.enqueue({ delay_seconds: 60 });
  const [old] = await ended(1);
  await db.admin.unsafe("alter table jobs disable trigger jobs_wake_worker_for_run_at");
  await queue.makeDue(due);
  await db.admin.unsafe("alter table jobs enable trigger jobs_wake_worker_for_run_at");
  await queue.expireLease(held.id);
  return { held: held.id, due, old };
}

Deno.test("a tick does everything, and every part is healthy", async () => {
  const { held, due, old } = await somethingForEveryPart();
  assert.deepEqual(await tick(), { woken: 1, deleted: 1 });
  assert.equal((await queue.row(held)).status, "queued");
  assert.equal((await queue.row(due)).waiting_for, null);
  assert.equal(await queue.row(old), undefined);
  assert.equal((await checked("tick")).is_healthy, true);
});

const failingParts: [string, string, string][] = [
  ["promote", "update", "old.waiting_for is not null and new.waiting_for is null"],
  ["rescue", "update", "old.status = 'processing' and new.status = 'queued'"],
];
for (const [part, event, when] of failingParts) {
  Deno.test(`when an application's trigger stops the tick's part ${part}, the others go on and it is told`, async () => {
    const { held, due, old } = await somethingForEveryPart();
    await refusing(event, when, async () => {
      const { woken } = await tick();
      assert.equal(woken, 1);
      assert.equal((await queue.row(held)).status, part === "rescue" ? "processing" : "queued");
      assert.equal((await queue.row(due)).waiting_for, part === "promote" ? "time" : null);
      assert.equal(await queue.row(old), undefined);
      await tick();
      const { is_healthy, finding, remedy } = await checked("tick");
      assert.equal(is_healthy, false);
      assert.match(finding, new RegExp(`^${part} has failed 2 times in .*: not on Sundays$`));
      assert.match(remedy, /trigger or constraint/);
      const [{ health }] = await sql`select job_queue_health() as health`;
      assert.deepEqual(health.failed_parts.map((each: { part: string }) => each.part), [part]);
    });
    await tick();
    assert.equal((await checked("tick")).is_healthy, true, "and forgotten when it works again");
  });
}

Deno.test("when nobody can be woken the rest of the tick is done", async () => {
  const { held, old } = await somethingForEveryPart();
  await db.admin`delete from vault.secrets where name = 'queue_worker_token'`;
  await tick();
  assert.equal((await queue.row(held)).status, "queued");
  assert.equal(await queue.row(old), undefined);
  assert.match((await checked("tick")).finding, /^wake has failed 1 times/);
});

Deno.test("when the runs of pg_cron cannot be pruned the rest of the tick is done", async () => {
  await during(
    "alter table cron.job_run_details rename column runid to id",
    "alter table cron.job_run_details rename column id to runid",
    async () => {
      const { old } = await somethingForEveryPart();
      await db.admin`update job_queue.settings set cron_pruned_at = null where true`;
      await tick();
      assert.equal(await queue.row(old), undefined);
    },
  );
  await tick();
});

Deno.test("a table that somebody has locked holds a tick up for a second, not for ever", async () => {
  const { due } = await somethingForEveryPart();
  const start = performance.now();
  await db.admin.begin(async (transaction) => {
    await transaction`lock table job_queue.cleanups in access exclusive mode`;
    await tick();
  });
  assert.ok(performance.now() - start < 4_000);
  assert.equal((await queue.row(due)).waiting_for, null);
  assert.match((await checked("tick")).finding, /^clean up has failed 1 times/);
});

for (
  const [reference, kept] of [
    ["job_id uuid references public.jobs (id)", true],
    ["job_id uuid not null references public.jobs (id) on delete restrict", true],
    ["job_id uuid not null references public.jobs (id) on delete set null", true],
    ["job_id uuid references public.jobs (id) on delete cascade", false],
  ] as const
) {
  Deno.test(`clean-up with an application's "${reference}" deletes what it can and says what stays`, async () => {
    await during(`create table visits (${reference})`, "drop table visits", async () => {
      const [first, second, third] = await ended(3);
      await db.admin`insert into visits values (${second})`;
      const { deleted } = await tick();
      assert.equal(deleted, kept ? 2 : 3);
      assert.equal(await queue.row(first), undefined);
      assert.equal(await queue.row(third), undefined);
      assert.equal((await queue.row(second))?.id, kept ? second : undefined);
      const { is_healthy, finding } = await checked("tick");
      assert.equal(is_healthy, true);
      assert.equal(
        /some old jobs are kept: .*visits/.test(finding) ||
          /some old jobs are kept: .*job_id/.test(finding),
        kept,
      );
      const [{ by_hand }] = await sql`select cleanup_old_jobs() as by_hand`;
      assert.equal(by_hand, 0);
    });
  });
}

for (
  const [reference, second] of [
    ["job_id uuid references public.jobs (id) deferrable initially deferred", ""],
    [
      "id int primary key default 1, job_id uuid references public.jobs (id) on delete cascade",
      "visit_id int default 1 references visits (id) deferrable initially deferred",
    ],
  ]
) {
  Deno.test(`a job kept by an application's ${second || reference} stops no tick and no clean-up by hand`, async () => {
    await during(
      `create table visits (${reference}); create table notes (${second})`,
      "drop table notes; drop table visits",
      async () => {
        const { held, old: kept } = await somethingForEveryPart();
        await db.admin`insert into visits (job_id) values (${kept})`;
        await db.admin`insert into notes default values`;
        assert.equal((await tick()).woken, 1);
        assert.equal((await queue.row(held)).status, "queued");
        const [other] = await ended(1);
        const [{ by_hand }] = await sql`select cleanup_old_jobs() as by_hand`;
        assert.equal(by_hand, 1);
        assert.equal(await queue.row(other), undefined);
        assert.equal((await queue.row(kept)).status, "completed");
        assert.match((await checked("tick")).finding, /some old jobs are kept/);
      },
    );
  });
}

Deno.test("jobs that must stay are not in the way of those that may go", async () => {
  await during(
    "create table visits (job_id uuid references public.jobs (id))",
    "drop table visits",
    async () => {
      for (const id of await ended(1_500, 60)) await db.admin`insert into visits values (${id})`;
      const [young] = await ended(1, 31);
      await tick();
      await tick();
      assert.equal(await queue.row(young), undefined);
      assert.equal((await sql`select from jobs`).length, 1_500);
    },
  );
});

Deno.test("a trigger of the application that refuses to delete one job keeps that job and no other", async () => {
  const [precious, ...others] = await ended(5);
  await refusing("delete", `old.id = '${precious}'`, async () => {
    assert.equal((await tick()).deleted, others.length);
    assert.match((await checked("tick")).finding, /some old jobs are kept: not on Sundays/);
  });
  assert.ok(await queue.row(precious));
});

Deno.test("a tick deletes for a second, and not a thousand jobs", async () => {
  await ended(2_500);
  const { deleted } = await tick();
  assert.ok(deleted > 1_000, `${deleted} jobs`);
});

Deno.test("a type keeps its jobs as long as it says, failed ones too", async () => {
  await sql`
    insert into job_types (job_type, keep_days, keep_failed_days) values ('short', 1, 2), ('long', 365, null)`;
  const gone = [
    ...await ended(1, 2, "'completed', 'short', null"),
    ...await ended(1, 2, "'cancelled', 'short', null"),
    ...await ended(1, 3, "'failed', 'short', 'x'"),
    ...await ended(1, 366, "'completed', 'long', null"),
    ...await ended(1, 31, "'completed', 'test', null"),
  ];
  const kept = [
    ...await ended(1, 1, "'failed', 'short', 'x'"),
    ...await ended(1, 360, "'completed', 'long', null"),
    ...await ended(1, 900, "'failed', 'long', 'x'"),
    ...await ended(1, 29, "'completed', 'test', null"),
    ...await ended(1, 900, "'failed', 'test', 'x'"),
  ];
  assert.equal((await tick()).deleted, gone.length);
  for (const id of gone) assert.equal(await queue.row(id), undefined);
  for (const id of kept) assert.ok(await queue.row(id));
});

Deno.test("clean-up by hand keeps to what the types say", async () => {
  await sql`insert into job_types (job_type, keep_days, keep_failed_days) values ('long', 365, 400)`;
  await ended(1, 360, "'completed', 'long', null");
  await ended(1, 360, "'failed', 'long', 'x'");
  assert.equal((await sql`select cleanup_old_jobs(0) as deleted`)[0].deleted, 0);
  await sql`update job_types set keep_days = null, keep_failed_days = 300 where true`;
  assert.equal((await sql`select cleanup_old_jobs(0) as deleted`)[0].deleted, 2);
});

Deno.test("a clean-up that passes over what has to stay reads it once in a round", async () => {
  await sql`insert into job_types (job_type, keep_days) values ('long', 365)`;
  await ended(3_000, 100, "'completed', 'long', null");
  const [old] = await ended(1, 31);
  assert.equal((await tick()).deleted, 1);
  assert.equal(await queue.row(old), undefined);
});
