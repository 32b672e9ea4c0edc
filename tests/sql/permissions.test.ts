// Who may do what: anonymous nothing, a signed-in user only what is theirs, the service role everything.

import assert from "node:assert/strict";
import type postgres from "postgres";
import {
  emptyDatabase,
  migrations,
  refused,
  supabaseSql,
  testDatabase,
} from "../support/database.ts";
import { queueOn } from "../support/queue.ts";

const db = await testDatabase();
const queue = queueOn(db.service);

const ann = { role: "authenticated", sub: "00000000-0000-4000-8000-00000000000a" };
const bob = { role: "authenticated", sub: "00000000-0000-4000-8000-00000000000b" };

Deno.test.beforeEach(async () => {
  await db.admin`truncate jobs, job_types cascade`;
  await db.admin`insert into job_types values ('open', true), ('closed', false)`;
});

const asUser = <T>(user: typeof ann, use: (sql: postgres.TransactionSql) => Promise<T>) =>
  db.as("authenticated", user, use);
const asAnonymous = <T>(use: (sql: postgres.TransactionSql) => Promise<T>) =>
  db.as("anon", { role: "anon" }, use);

async function enqueuedBy(user: typeof ann, options = ""): Promise<string> {
  return await asUser(user, async (sql) => {
    const [{ id }] = await sql.unsafe(`select enqueue_job('open'${options}) as id`);
    return id;
  });
}

/** The functions of the queue that a role may execute. */
async function executableBy(role: string): Promise<string[]> {
  const rows = await db.admin`
    select p.pronamespace::regnamespace || '.' || p.proname as name
    from pg_proc p
    where p.pronamespace in ('public'::regnamespace, 'job_queue'::regnamespace)
      and has_function_privilege(${role}, p.oid, 'execute')
    order by 1`;
  return rows.map((row) => row.name);
}

Deno.test("anonymous callers may execute no function", async () => {
  assert.deepEqual(await executableBy("anon"), []);
});

Deno.test("whoever is granted all functions of all schemas by mistake still reads no secret of the Vault", async () => {
  await db.admin`select vault.create_secret('not-for-users', 'queue_worker_token')`;
  await db.admin.begin(async (sql) => {
    await sql`grant usage on schema job_queue to anon, authenticated`;
    await sql`grant all on all functions in schema job_queue to anon, authenticated`;
    for (const role of ["anon", "authenticated"]) {
      await sql.unsafe(`set local role ${role}`);
      const read = sql.savepoint((inner) => inner`select job_queue.secret('queue_worker_token')`);
      await refused("42501", read);
      await sql`reset role`;
    }
    throw new Error("taken back");
  }).catch((error) => assert.equal(error.message, "taken back"));
  await db.admin`delete from vault.secrets where name = 'queue_worker_token'`;
});

Deno.test("signed-in users may execute what enqueues, cancels and retries, and nothing else", async () => {
  assert.deepEqual(await executableBy("authenticated"), [
    "job_queue.cancel_for_user",
    "job_queue.check_count",
    "job_queue.check_count_of_user",
    "job_queue.check_elements",
    "job_queue.check_user_input",
    "job_queue.check_user_jobs",
    "job_queue.enqueue",
    "job_queue.enqueue_for_user",
    "job_queue.has_own_columns_only",
    "job_queue.ids_of_user",
    "job_queue.is_project_member",
    "job_queue.is_storage_path",
    "job_queue.is_time",
    "job_queue.is_trusted",
    "job_queue.is_value",
    "job_queue.may_change_report",
    "job_queue.problem_of_report_input",
    "job_queue.problem_of_user_input",
    "job_queue.refuse_waiting",
    "job_queue.retry_for_user",
    "job_queue.signed_in_user",
    "job_queue.unreadable_image",
    "public.cancel_job",
    "public.enqueue_job",
    "public.enqueue_jobs",
    "public.retry_job",
  ]);
});

/** What sets the queue up, or handles its secrets inside functions that run with the owner's rights. */
const OWNERS = [
  "job_queue.check_answer",
  "job_queue.check_clock",
  "job_queue.check_grants",
  "job_queue.check_jobs",
  "job_queue.check_parts",
  "job_queue.check_settings",
  "job_queue.check_tick",
  "job_queue.clean_up",
  "job_queue.cron_schedule",
  "job_queue.enable_extension",
  "job_queue.has_pg_cron",
  "job_queue.has_pg_net",
  "job_queue.health_by_type",
  "job_queue.is_neglected",
  "job_queue.keep_secret",
  "job_queue.last_answer",
  "job_queue.post_wake_up",
  "job_queue.prune",
  "job_queue.prune_cron_runs",
  "job_queue.public_functions",
  "job_queue.ready_slots",
  "job_queue.remedy_of_part",
  "job_queue.repeat_for_a_second",
  "job_queue.reset_privileges",
  "job_queue.running_jobs",
  "job_queue.secret",
  "job_queue.set_leases_back",
  "job_queue.slots",
  "job_queue.tend_part",
  "job_queue.told_failure",
  "job_queue.workers_to_wake",
  "public.remove_job_queue_setup",
  "public.setup_job_queue",
];

Deno.test("the service role may execute every function except the owner's and those of triggers", async () => {
  const all = await db.admin`
    select p.pronamespace::regnamespace || '.' || p.proname as name
    from pg_proc p
    where p.pronamespace in ('public'::regnamespace, 'job_queue'::regnamespace)
      and p.prorettype <> 'trigger'::regtype
    order by 1`;
  const expected = all.map((row) => row.name).filter((name) => !OWNERS.includes(name));
  assert.deepEqual(await executableBy("service_role"), expected);
});

for (const view of ["failed_jobs", "running_jobs"]) {
  Deno.test(`nobody but the service role reads ${view}`, async () => {
    await refused("42501", asAnonymous((sql) => sql.unsafe(`select from ${view}`)));
    await refused("42501", asUser(ann, (sql) => sql.unsafe(`select from ${view}`)));
    await db.service.unsafe(`select from ${view}`);
  });
}

const queueTables = [
  "jobs",
  "job_steps",
  "job_failures",
  "job_types",
  "job_queue.cleanups",
  "job_queue.failed_parts",
  "job_queue.report_jobs",
  "job_queue.settled_claims",
  "job_queue.settings",
  "job_queue.wake_ups",
  "job_queue.workers",
];

Deno.test("every table is among those tried here", async () => {
  const rows = await db.admin`
    select oid::regclass::text as name from pg_class
    where relnamespace in ('public'::regnamespace, 'job_queue'::regnamespace) and relkind = 'r'`;
  assert.deepEqual(
    rows.map((row) => row.name).sort(),
    [...queueTables, "reports", "report_images"].sort(),
  );
});

for (const table of [...queueTables, "reports", "report_images"]) {
  Deno.test(`anonymous callers read and write nothing of ${table}`, async () => {
    const statements = [
      `select from ${table}`,
      `insert into ${table} default values`,
      `delete from ${table} where true`,
    ];
    for (const statement of statements) {
      await refused("42501", asAnonymous((sql) => sql.unsafe(statement)));
    }
  });
}

for (const table of queueTables) {
  Deno.test(`signed-in users write nothing to ${table}`, async () => {
    const [{ column }] = await db.admin`
      select attname as column from pg_attribute
      where attrelid = ${table}::regclass and attnum > 0 and attidentity = '' order by attnum limit 1`;
    const statements = [
      `insert into ${table} default values`,
      `delete from ${table} where true`,
      `update ${table} set ${column} = ${column} where true`,
      `truncate ${table} cascade`,
    ];
    for (const statement of statements) {
      await refused("42501", asUser(ann, (sql) => sql.unsafe(statement)));
    }
  });
}

Deno.test("the default grants of older Supabase projects open nothing to users and visitors", async () => {
  await emptyDatabase(async (sql) => {
    await sql.unsafe(await supabaseSql());
    for (const kind of ["tables", "functions", "sequences"]) {
      await sql.unsafe(`
        alter default privileges in schema public grant all on ${kind} to anon, authenticated, service_role`);
    }
    for (const file of await migrations()) await sql.unsafe(file.sql);
    assert.deepEqual([...await sql.unsafe(GRANTS)], [...await db.admin.unsafe(GRANTS)]);
  });
});

/** What is granted to users and visitors, by table, column, sequence and function. */
const GRANTS = `
  select c.oid::regclass::text as name, a.grantee::regrole::text, a.privilege_type
  from pg_class c, aclexplode(c.relacl) a
  where c.relnamespace in ('public'::regnamespace, 'job_queue'::regnamespace)
    and a.grantee in (0, 'anon'::regrole, 'authenticated'::regrole)
  union all
  select c.attrelid::regclass || '.' || c.attname, a.grantee::regrole::text, a.privilege_type
  from pg_attribute c, aclexplode(c.attacl) a
  where a.grantee in (0, 'anon'::regrole, 'authenticated'::regrole)
  union all
  select p.oid::regprocedure::text, a.grantee::regrole::text, a.privilege_type
  from pg_proc p, aclexplode(p.proacl) a
  where p.pronamespace in ('public'::regnamespace, 'job_queue'::regnamespace)
    and a.grantee in (0, 'anon'::regrole, 'authenticated'::regrole)
  order by 1, 2, 3`;

Deno.test("a user enqueues opened types, as their owner", async () => {
  const id = await enqueuedBy(ann);
  assert.equal((await queue.row(id)).owner_id, ann.sub);
  const many = await asUser(ann, async (sql) => {
    const [{ ids }] = await sql`select enqueue_jobs('[{"job_type": "open"}]') as ids`;
    return ids;
  });
  assert.equal((await queue.row(many[0])).owner_id, ann.sub);
});

Deno.test("a user cannot enqueue types that are closed or unheard of", async () => {
  for (const type of ["closed", "unheard of"]) {
    const message = await refused("JQ004", asUser(ann, (sql) => sql`select enqueue_job(${type})`));
    assert.match(message, /^job_type: /);
  }
  const many = await refused(
    "JQ004",
    asUser(
      ann,
      (sql) => sql`select enqueue_jobs('[{"job_type": "open"}, {"job_type": "closed"}]')`,
    ),
  );
  assert.match(many, /^jobs\[1\]\.job_type: /);
});

Deno.test("a user cannot enqueue for someone else, but may name themselves", async () => {
  await enqueuedBy(ann, `, owner_id => '${ann.sub}'`);
  await refused("JQ004", enqueuedBy(ann, `, owner_id => '${bob.sub}'`));
});

Deno.test("a key of one user's is not another's", async () => {
  const key = `, idempotency_key => 'k'`;
  assert.equal(await enqueuedBy(ann, key), await enqueuedBy(ann, key));
  assert.notEqual(await enqueuedBy(ann, key), await enqueuedBy(bob, key));
});

Deno.test("a token without a user may not enqueue or cancel", async () => {
  const nobody = { role: "authenticated" };
  await refused("42501", db.as("authenticated", nobody, (sql) => sql`select enqueue_job('open')`));
  await refused(
    "42501",
    db.as("authenticated", nobody, (sql) => sql`select cancel_job(gen_random_uuid())`),
  );
});

Deno.test("a user cancels their own job; another's looks like none", async () => {
  const id = await enqueuedBy(ann);
  await refused("JQ003", asUser(bob, (sql) => sql`select cancel_job(${id})`));
  assert.equal((await queue.row(id)).status, "queued");
  await asUser(ann, (sql) => sql`select cancel_job(${id})`);
  assert.equal((await queue.row(id)).status, "cancelled");
});

Deno.test("a job without an owner is nobody's to cancel", async () => {
  const id = await queue.enqueue({ job_type: "open" });
  await refused("JQ003", asUser(ann, (sql) => sql`select cancel_job(${id})`));
});

Deno.test("a user reads their own jobs and no others", async () => {
  const id = await enqueuedBy(ann);
  await enqueuedBy(bob);
  await queue.enqueue({ job_type: "open" });
  const seen = await asUser(ann, (sql) => sql`select id, status, output_data from jobs`);
  assert.deepEqual(seen.map((row) => row.id), [id]);
});

for (const column of ["lease_token", "lease_expires_at", "worker_id", "idempotency_key", "*"]) {
  Deno.test(`a user does not read ${column} of a job, not even of their own`, async () => {
    await refused("42501", asUser(ann, (sql) => sql.unsafe(`select ${column} from jobs`)));
  });
}

Deno.test("a user sees which steps of their job are done, not what they gave", async () => {
  const id = await enqueuedBy(ann);
  const [job] = await queue.claim();
  await db.service`select save_job_step(${id}, ${job.lease_token}, 'one', '{"secret": 1}')`;
  const steps = (user: typeof ann) => asUser(user, (sql) => sql`select name from job_steps`);
  assert.deepEqual((await steps(ann)).map((row) => row.name), ["one"]);
  assert.equal((await steps(bob)).length, 0);
  await refused("42501", asUser(ann, (sql) => sql`select result from job_steps`));
});

Deno.test("a user sees why their job failed, when and after how long; another user does not", async () => {
  const id = await enqueuedBy(ann);
  await queue.claim();
  await db.service`select mark_job_failed(${id}, 'the roof leaks')`;
  const failures = (user: typeof ann) =>
    asUser(user, (sql) =>
      sql`
      select started_at, failed_at, duration, error from job_failures where job_id = ${id}`);
  const [failure] = await failures(ann);
  assert.equal(failure.error, "the roof leaks");
  assert.ok(failure.failed_at >= failure.started_at);
  assert.equal((await failures(bob)).length, 0);
  await refused("42501", asUser(ann, (sql) => sql`select worker_id from job_failures`));
  await refused("42501", asUser(ann, (sql) => sql`select stack from job_failures`));
});

Deno.test("a user sees which types are open to them", async () => {
  const types = await asUser(ann, (sql) => sql`select job_type from job_types`);
  assert.deepEqual(types.map((row) => row.job_type), ["open"]);
});

Deno.test("a user has their own reports and no others", async () => {
  const [{ id }] = await asUser(
    ann,
    (sql) => sql`insert into reports (user_id, title) values (${ann.sub}, 'Roof') returning id`,
  );
  assert.equal((await asUser(ann, (sql) => sql`select from reports`)).length, 1);
  assert.equal((await asUser(bob, (sql) => sql`select from reports`)).length, 0);
  await asUser(ann, (sql) => sql`insert into report_images (report_id) values (${id})`);
  await refused(
    "42501",
    asUser(bob, (sql) => sql`insert into report_images (report_id) values (${id})`),
  );
  await refused(
    "42501",
    asUser(ann, (sql) => sql`insert into reports (user_id) values (${bob.sub})`),
  );
});

Deno.test("a security definer trigger of the application enqueues whatever the user's rights are", async () => {
  await db.admin.unsafe(`
    create table visits (id uuid);
    grant insert on visits to authenticated;
    create function enqueue_visit() returns trigger language plpgsql security definer as $$
    begin
      perform public.enqueue_job('closed', jsonb_build_object('visit', new.id), owner_id => auth.uid());
      return new;
    end $$;
    create trigger visits_enqueue after insert on visits for each row execute function enqueue_visit()`);
  try {
    await asUser(ann, (sql) => sql`insert into visits values (gen_random_uuid())`);
    const [job] = await queue.claim();
    assert.equal(job.job_type, "closed");
    assert.equal((await queue.row(job.id)).owner_id, ann.sub);
  } finally {
    await db.admin.unsafe("drop table visits; drop function enqueue_visit()");
  }
});

Deno.test("the service role reads and writes the tables past row-level security", async () => {
  const id = await enqueuedBy(ann);
  assert.equal((await db.service`select lease_token from jobs`).length, 1);
  await db.service`update jobs set priority = 1 where id = ${id}`;
  await db.service`insert into job_types values ('report', true)`;
  await db.service`delete from jobs where id = ${id}`;
});
