// Two users on one database, always: whatever function, view or table there is in public, a visitor and another user
// read, change and delay nothing of Ann's, and that holds when somebody has granted them everything in the schema.
//
// Functions, views and tables are found in the catalogue; one that is not described here fails the first test.

import assert from "node:assert/strict";
import type postgres from "postgres";
import { buffers } from "../support/buffers.ts";
import { createDatabase, type Database, refused } from "../support/database.ts";
import { queueOn } from "../support/queue.ts";

const ann = { role: "authenticated", sub: "00000000-0000-4000-8000-00000000000a" };
const bob = { role: "authenticated", sub: "00000000-0000-4000-8000-00000000000b" };
const visitor = { role: "anon" };
type Caller = typeof ann | typeof visitor;

/** Stands in every text of Ann's. */
const SECRET = "anns-roof-leaks";

/** What another user would name of Ann's: her jobs by their state, the token of the running one, her report. */
interface Anns {
  queued: string;
  waiting: string;
  running: string;
  failed: string;
  completed: string;
  cancelled: string;
  token: string;
  report: string;
}

/** How a stranger would call each function to harm Ann or to learn of hers. */
const CALLS: Record<string, (of: Anns) => string[]> = {
  abandon_jobs: (of) => [`'[]', '{${of.token}}'`, `${results(of, "released")}, '{}'`],
  cancel_job: (of) => [of.queued, of.waiting, of.running].map((id) => `'${id}'`),
  check_job_queue: () => [""],
  cleanup_old_jobs: () => ["0", "0, 1"],
  dispatch_workers: () => [""],
  enqueue_job: (of) => [
    `'open', owner_id => '${ann.sub}'`,
    `'open', idempotency_key => 'key ${SECRET}'`,
    `'open', priority => 5`,
    `'open', run_at => '-infinity'`,
    `'generate_report', '{"reportId": "${of.report}"}'`,
  ],
  enqueue_jobs: (of) => [
    `'[{"job_type": "open", "owner_id": "${ann.sub}"}]'`,
    `'[{"job_type": "open", "idempotency_key": "key ${SECRET}"}]'`,
    `'[{"job_type": "generate_report", "input_data": {"reportId": "${of.report}"}}]'`,
  ],
  find_report: (of) => [`'${of.report}', null`, `null, '${of.running}'`],
  find_report_reply: (of) => [`'${of.running}', 'fingerprint'`],
  finish_and_claim_jobs: (of) => [
    `max_jobs => 10`,
    `max_jobs => 10, lease_token => '${of.token}', repetition => 1`,
    ...["completed", "failed", "released", "cancelled"].map((outcome) => results(of, outcome)),
  ],
  get_next_job: () => ["10"],
  heartbeat_jobs: (of) => [
    `'[{"job_id": "${of.running}", "lease_token": "${of.token}", "progress": {"done": 9}}]'`,
  ],
  job_queue_health: () => [""],
  job_queue_metrics: () => [""],
  mark_job_completed: (of) => [`'${of.running}', '{}', '${of.token}'`, `'${of.running}'`],
  mark_job_failed: (of) => [`'${of.running}', 'x', '${of.token}'`, `'${of.running}', 'x'`],
  mark_job_processing: (of) => [`'${of.running}', '${of.token}'`, `'${of.queued}'`],
  pause_job_type: () => ["'open'", "'new'"],
  release_job: (of) => [`'${of.running}', '${of.token}'`, `'${of.running}'`],
  remove_job_queue_setup: () => [""],
  rescue_expired_jobs: () => [""],
  resume_job_type: () => ["'open'", "'paused'"],
  retry_failed_jobs: (of) => ["", `'{${of.failed}}'`],
  retry_job: (of) => [of.failed, of.cancelled].map((id) => `'${id}'`),
  save_job_step: (of) => [`'${of.running}', '${of.token}', 'one', '2', replace => true`],
  save_report: (of) => [`'${of.running}', '${of.token}', '${of.report}', 'mine', '{}'`],
  setup_job_queue: () => ["'https://evil.test/worker', 'a-long-random-worker-token'"],
  start_job_step: (of) => [`'${of.running}', '${of.token}', 'two'`],
  tend_job_queue: () => [""],
};

const RELATIONS = [
  "failed_jobs",
  "job_failures",
  "job_steps",
  "job_types",
  "jobs",
  "report_images",
  "reports",
  "running_jobs",
  "visible_jobs",
];

function results({ running, token }: Anns, outcome: string): string {
  return `'[{"job_id": "${running}", "lease_token": "${token}", "outcome": "${outcome}"}]'`;
}

const GRANTS = ["tables", "functions", "sequences"]
  .map((kind) => `grant all on all ${kind} in schema public to anon, authenticated`).join(";");

const plain = await inhabited("");
const granted = await inhabited(GRANTS);
Deno.test.afterAll(async () => {
  for (const { db } of [plain, granted]) await db[Symbol.asyncDispose]();
});

/** A database where Ann has something of everything and Bob a little, with these statements run at the end. */
async function inhabited(statements: string) {
  const db = await createDatabase();
  await db.admin`
    insert into job_types (job_type, open_to_users, paused_at)
    values ('open', true, null), ('generate_report', true, null), ('paused', false, now())`;
  const of = await everythingOfAnn(db);
  await as(db, bob, (sql) => sql`select enqueue_job('open')`);
  await db.admin.unsafe(statements);
  return { db, of };
}

async function everythingOfAnn(db: Database): Promise<Anns> {
  const queue = queueOn(db.service);
  const data = { input_data: { text: SECRET }, owner_id: ann.sub, job_type: "open" };
  const running = await queue.running({ ...data, idempotency_key: `key ${SECRET}` });
  const lease = { job_id: running.id, lease_token: running.lease_token };
  await queue.heartbeat([{ ...lease, progress: { done: 1, message: SECRET } }], 3600);
  await db.service`
    select save_job_step(${running.id}, ${running.lease_token}, ${"one"}, ${`"${SECRET}"`}::text::jsonb, lease_seconds => 3600)`;
  const ended = async (outcome: string) => {
    const job = await queue.running({ ...data, max_retries: 0 });
    await queue.finishAndClaim([{
      job_id: job.id,
      lease_token: job.lease_token,
      outcome,
      output_data: { text: SECRET },
      error_message: SECRET,
      error_stack: SECRET,
    }]);
    return job.id;
  };
  const [failed, completed, cancelled] = [
    await ended("failed"),
    await ended("completed"),
    await ended("cancelled"),
  ];
  const [{ id: report }] = await db.admin`
    insert into reports (user_id, title, generated_content) values (${ann.sub}, ${SECRET}, ${SECRET}) returning id`;
  await db.admin`insert into report_images (report_id, url) values (${report}, ${SECRET})`;
  return {
    queued: await queue.enqueue(data),
    waiting: await queue.enqueue({ ...data, delay_seconds: 3600 }),
    running: running.id,
    failed,
    completed,
    cancelled,
    token: running.lease_token,
    report,
  };
}

function as<T>(
  db: Database,
  caller: Caller,
  use: (sql: postgres.TransactionSql) => Promise<T>,
): Promise<T> {
  return db.as(caller.role, caller, use);
}

/** All of Ann's, and what holds for everybody. */
async function everything(db: Database): Promise<unknown> {
  const [{ state }] = await db.admin`
    select jsonb_build_object(
      'jobs', (select jsonb_agg(to_jsonb(j) order by id) from jobs j where owner_id = ${ann.sub}),
      'steps', (select jsonb_agg(to_jsonb(s) order by job_id, name) from job_steps s),
      'failures', (select jsonb_agg(to_jsonb(f) order by id) from job_failures f),
      'types', (select jsonb_agg(to_jsonb(t) order by job_type) from job_types t),
      'reports', (select jsonb_agg(to_jsonb(r) order by id) from reports r where user_id = ${ann.sub}),
      'images', (select jsonb_agg(to_jsonb(i) order by id) from report_images i),
      'settings', (select jsonb_agg(to_jsonb(s)) from job_queue.settings s),
      'failure_ids', (select last_value from job_queue.job_failure_ids)
    ) as state`;
  return state;
}

/** The rows that a statement gives a caller, or the code of its refusal. */
async function told(db: Database, caller: Caller, statement: string): Promise<unknown> {
  try {
    return await as(db, caller, async (sql) => [...await sql.unsafe(statement)]);
  } catch (error) {
    const { code, message } = error as postgres.PostgresError;
    return { code, message };
  }
}

/** Runs a statement as a stranger; nothing of Ann's may be told or changed. */
async function tryOn(
  { db, of }: typeof plain,
  caller: Caller,
  statement: string,
): Promise<unknown> {
  const before = await everything(db);
  const answer = await told(db, caller, statement);
  const shown = JSON.stringify(
    answer,
    (_, value) => typeof value === "bigint" ? `${value}` : value,
  );
  assert.ok(!shown.includes(SECRET), `${statement} tells ${shown}`);
  assert.ok(!shown.includes(of.token), `${statement} tells a token: ${shown}`);
  assert.deepEqual(await everything(db), before, `${statement} changed something`);
  return answer;
}

Deno.test("every function, view and table in public is tried here", async () => {
  const functions = await plain.db.admin`
    select proname as name from pg_proc where pronamespace = 'public'::regnamespace order by 1`;
  assert.deepEqual(
    functions.map(({ name }) => name),
    Object.keys(CALLS).sort(),
    "say in CALLS how a stranger would call a new function",
  );
  const relations = await plain.db.admin`
    select relname as name from pg_class
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'v', 'm', 'p', 'f') order by 1`;
  assert.deepEqual(
    relations.map(({ name }) => name),
    RELATIONS,
    "add a new table or view to RELATIONS",
  );
  const sequences = await plain.db.admin`
    select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'S'`;
  assert.deepEqual(
    [...sequences],
    [],
    "a sequence belongs into job_queue: who is granted it can use it up",
  );
});

Deno.test("no function in public runs with its owner's rights", async () => {
  const definers = await plain.db.admin`
    select proname from pg_proc where pronamespace = 'public'::regnamespace and prosecdef`;
  assert.deepEqual([...definers], []);
});

Deno.test("what the operator is told about is every function of the queue in public", async () => {
  const [{ functions }] = await plain.db.admin`
    select array(select p.proname::text from pg_proc p where p.oid = any (job_queue.public_functions()) order by 1) as functions`;
  assert.deepEqual(functions, Object.keys(CALLS).sort());
});

for (
  const [situation, world] of [["", plain], [
    ", granted everything in the schema,",
    granted,
  ]] as const
) {
  for (const [who, caller] of [["a visitor", visitor], ["another user", bob]] as const) {
    for (const name of Object.keys(CALLS)) {
      Deno.test(`${who}${situation} learns and changes nothing of Ann's by ${name}`, async () => {
        for (const args of CALLS[name](world.of)) {
          const answer = await tryOn(world, caller, `select * from ${name}(${args})`);
          const { code } = answer as { code?: string };
          const isOpen = caller === bob && /^(enqueue_jobs?|cancel_job|retry_job)$/.test(name);
          if (isOpen) assert.ok(code === undefined || /^(JQ00[3456])$/.test(code), code);
          else assert.equal(code, "42501", `${name}(${args}): ${JSON.stringify(answer)}`);
        }
      });
    }

    for (const relation of RELATIONS) {
      Deno.test(`${who}${situation} learns and changes nothing of Ann's in ${relation}`, async () => {
        const columns = await world.db.admin`
          select quote_ident(attname) as name from pg_attribute
          where attrelid = ${`public.${relation}`}::regclass and attnum > 0 and not attisdropped`;
        const statements = [
          `select * from ${relation}`,
          ...columns.map(({ name }) => `select ${name} from ${relation}`),
          ...columns.map(({ name }) => `update ${relation} set ${name} = default where true`),
          `select count(*) filter (where true), ${columns[0].name} from ${relation} group by 2`,
          `insert into ${relation} select * from ${relation}`,
          `delete from ${relation} where true`,
          `truncate ${relation} cascade`,
        ];
        for (const statement of statements) {
          // A truncate of the application's own tables is the application's affair.
          if (statement.startsWith("truncate report") && world === granted) continue;
          await tryOn(world, caller, statement);
        }
      });
    }
  }

  Deno.test(`while another user${situation} is at it, nothing of Ann's waits`, async () => {
    const { db, of } = world;
    const worker = db.connect();
    await worker`set lock_timeout = '100ms'`;
    for (const name of Object.keys(CALLS)) {
      for (const args of CALLS[name](of)) {
        await as(db, bob, async (sql) => {
          await sql.savepoint((inner) => inner.unsafe(`select * from ${name}(${args})`)).catch(
            () => {},
          );
          const lease = { job_id: of.running, lease_token: of.token };
          assert.deepEqual(await queueOn(worker).heartbeat([lease], 3600), ["held"]);
          await worker.begin(async (anns) => {
            await anns`select set_config('request.jwt.claims', ${JSON.stringify(ann)}, true)`;
            await anns`select enqueue_job('open', owner_id => ${ann.sub})`;
            await anns`select cancel_job(${of.queued})`;
            await anns`select retry_job(${of.failed})`;
            throw new Error("never mind");
          }).catch((error) => assert.equal(error.message, "never mind"));
        });
      }
    }
  });

  Deno.test(`a user${situation} enqueues, sees, cancels and retries their own`, async () => {
    const { db } = world;
    await as(db, bob, async (sql) => {
      const [{ id }] = await sql`select enqueue_job('open') as id`;
      const [{ ids }] = await sql`select enqueue_jobs('[{"job_type": "open"}]') as ids`;
      const seen = await sql`select id from visible_jobs`;
      for (const each of [id, ids[0]]) assert.ok(seen.some((row) => row.id === each));
      assert.equal(new Set(seen.map((row) => row.id)).size, seen.length);
      assert.equal((await sql`select cancel_job(${id}) as status`)[0].status, "cancelled");
      assert.equal((await sql`select retry_job(${id}) as status`)[0].status, "queued");
    });
  });

  Deno.test(`another user${situation} reads no column of a job that is the workers', not even of their own`, async () => {
    for (const column of ["lease_token", "idempotency_key", "worker_id"]) {
      const answer = await told(world.db, bob, `select ${column} from jobs`) as unknown[];
      assert.ok((answer as unknown as { code?: string }).code === "42501" || answer.length === 0);
    }
  });
}

Deno.test("what a user does costs a bound, however much others have", async () => {
  const { db, of } = granted;
  await db.admin`
    insert into jobs (job_type, owner_id, run_at) select 'open', ${ann.sub}, now() from generate_series(1, 5000)`;
  await db.admin`analyze jobs`;
  const statements = [
    "select enqueue_job('open')",
    `select enqueue_job('open', idempotency_key => 'k')`,
    "select * from visible_jobs",
    `select cancel_job(id) from visible_jobs where status = 'queued' limit 1`,
  ];
  await as(db, bob, async (sql) => {
    for (const statement of statements) {
      await sql.unsafe(statement);
      const needed = await buffers(sql as unknown as postgres.Sql, statement);
      assert.ok(needed < 1_000, `${statement}: ${needed} buffers`);
    }
  });
  for (const caller of [visitor, bob]) {
    for (const relation of RELATIONS) {
      const needed = await as(
        db,
        caller,
        (sql) => buffers(sql as unknown as postgres.Sql, `select * from ${relation}`),
      ).catch(
        (error) => (assert.equal(error.code, "42501"), 0),
      );
      assert.ok(needed < 1_000, `${caller.role} reads ${relation}: ${needed} buffers`);
    }
  }
  await refused("JQ003", as(db, bob, (sql) => sql`select cancel_job(${of.queued})`));
});

Deno.test("the operator is told of such grants, and one call takes them back", async () => {
  const finding = async () => {
    const findings = await granted.db
      .service`select * from check_job_queue() where part = 'grants'`;
    return findings[0];
  };
  assert.equal(
    (await plain.db.service`select * from check_job_queue() where part = 'grants'`)[0].is_healthy,
    true,
  );
  const { is_healthy, finding: text, remedy } = await finding();
  assert.equal(is_healthy, false);
  assert.match(text, /jobs/);
  assert.match(remedy, /^select job_queue\.reset_privileges\(\)/);
  await granted.db.admin`select job_queue.reset_privileges()`;
  assert.equal((await finding()).is_healthy, true);
  const privileges = `
    select c.oid::regclass::text as name, c.relacl::text, (
      select array_agg(attname || attacl::text order by attname) from pg_attribute where attrelid = c.oid and attacl is not null
    ) as columns
    from pg_class c where c.relname like '%job%' and c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'v') order by 1`;
  const of = async (db: Database) =>
    (await db.admin.unsafe(privileges)).map((
      row,
    ) => [row.name, [...row.relacl.slice(1, -1).split(",")].sort(), row.columns]);
  assert.deepEqual(await of(granted.db), await of(plain.db));
});
