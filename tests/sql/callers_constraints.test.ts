// Calls inside a bigger transaction of the application: what it checks at the end of that transaction only, it goes on
// to check there, whatever the queue has to check at once to pass over one job.

import assert from "node:assert/strict";
import type postgres from "postgres";
import { testDatabase } from "../support/database.ts";
import { lease, queueOn } from "../support/queue.ts";

const db = await testDatabase();
const queue = queueOn(db.service);
const caller = db.connect();

/** Each of these is right at the end of a transaction that has done both halves, in whatever order. */
await db.admin.unsafe(`
  create table orders (id integer primary key);
  create table lines (order_id integer constraint lines_have_an_order references orders deferrable initially deferred);
  create table visits (job_id uuid constraint visits_have_a_job references jobs deferrable initially deferred);
  create table notes (order_id integer constraint notes_have_an_order references orders deferrable);
  create schema hidden;
  create table hidden.lines (
    order_id integer constraint hidden_lines_have_an_order references orders deferrable initially deferred);
  create function write_line() returns trigger language plpgsql security definer as $$ begin
    insert into hidden.lines values (new.priority);
    return new;
  end $$;
  grant all on orders, lines, visits, notes to service_role;
`);

Deno.test.beforeEach(async () => {
  await db
    .admin`truncate jobs, orders, lines, visits, notes, hidden.lines, job_queue.failed_parts cascade`;
});

type Transaction = postgres.TransactionSql;

/** What an application calls; each of them writes to jobs. */
const calls: Record<string, (sql: Transaction) => Promise<unknown>> = {
  get_next_job: (sql) => sql`select * from get_next_job()`,
  "finish_and_claim_jobs that claims": (sql) => sql`select finish_and_claim_jobs(max_jobs => 1)`,
  "finish_and_claim_jobs that finishes": async (sql) => {
    const [job] = await running();
    const result = { ...lease(job), outcome: "completed" };
    await sql`select finish_and_claim_jobs(${sql.json([result])}, max_jobs => 1)`;
  },
  heartbeat_jobs: async (sql) => {
    const [dead] = await running();
    await queue.expireLease(dead.id);
    const [job] = await running();
    await sql`select heartbeat_jobs(${sql.json([lease(job)])})`;
  },
  abandon_jobs: async (sql) => {
    const [job] = await running();
    await sql`select abandon_jobs(lease_tokens => ${[job.lease_token]}::uuid[])`;
  },
  mark_job_processing: async (sql) => {
    const [job] = await running();
    await sql`select mark_job_processing(${job.id}, ${job.lease_token})`;
  },
  mark_job_completed: async (sql) => {
    const [job] = await running();
    await sql`select mark_job_completed(${job.id}, '1', ${job.lease_token})`;
  },
  save_job_step: async (sql) => {
    const [job] = await running();
    await sql`select save_job_step(${job.id}, ${job.lease_token}, 'a', '1')`;
  },
  rescue_expired_jobs: async (sql) => {
    const [job] = await running();
    await queue.expireLease(job.id);
    await sql`select rescue_expired_jobs()`;
  },
  dispatch_workers: (sql) => sql`select dispatch_workers()`,
  tend_job_queue: (sql) => sql`select tend_job_queue()`,
  cleanup_old_jobs: (sql) => sql`select cleanup_old_jobs(0)`,
};

async function running() {
  await queue.enqueueMany(Array(2).fill({ job_type: "test" }));
  return await queue.claim(2);
}

const job = "7a6e0000-0000-4000-8000-000000000000";

/** Two halves, of which the first alone is wrong at the end of a transaction. */
const halves: Record<string, [string, string]> = {
  "of tables of its own": ["insert into lines values (1)", "insert into orders values (1)"],
  "of a table that refers to jobs": [
    `insert into visits values ('${job}')`,
    `insert into jobs (id, job_type) values ('${job}', 'test')`,
  ],
  "that it has put off itself": [
    "set constraints notes_have_an_order deferred; insert into notes values (2)",
    "insert into orders values (2)",
  ],
};

/** What else there is on jobs. */
const applications: Record<string, [string, string]> = {
  "and nothing else": ["", ""],
  "and a trigger on jobs": [
    `create function nothing() returns trigger language plpgsql as $$ begin return new; end $$;
     create trigger nothing before update on jobs for each row execute function nothing()`,
    "drop trigger nothing on jobs; drop function nothing()",
  ],
};

for (const [name, call] of Object.entries(calls)) {
  for (const [what, [wrong, right]] of Object.entries(halves)) {
    for (const [application, [statements, undo]] of Object.entries(applications)) {
      Deno.test(`${name} leaves constraints ${what} to the end of its caller's transaction, ${application}`, async () => {
        await queue.enqueueMany(Array(3).fill({ job_type: "test" }));
        await db.admin.unsafe(statements);
        try {
          await caller.begin(async (sql) => {
            await sql.unsafe(wrong);
            await call(sql);
            await sql.unsafe(right);
          });
          await db.admin.unsafe("truncate orders, lines, visits, notes cascade");
          await db.admin.unsafe(`delete from jobs where id = '${job}'`);
          await queue.enqueueMany(Array(3).fill({ job_type: "test" }));
          await caller.begin(async (sql) => {
            await call(sql);
            await sql.unsafe(wrong);
            await sql.unsafe(right);
          });
        } finally {
          await db.admin.unsafe(undo);
        }
      });
    }
  }
}

Deno.test("what is wrong at the end of its transaction is refused there, as without a call", async () => {
  await queue.enqueue();
  const transaction = caller.begin(async (sql) => {
    await sql`insert into lines values (1)`;
    await sql`select * from get_next_job()`;
  });
  await assert.rejects(transaction, { constraint_name: "lines_have_an_order" });
});

Deno.test("a job whose trigger writes what is refused elsewhere at the end of the transaction is passed over, whatever the schema", async () => {
  const [refused, other] = await queue.enqueueMany([
    { job_type: "test", priority: 7 },
    { job_type: "test", priority: 1 },
  ]);
  await db.admin`insert into orders values (1)`;
  await db.admin.unsafe(
    "create trigger write_line before update on jobs for each row execute function write_line()",
  );
  try {
    assert.deepEqual((await queue.claim(2)).map(({ id }) => id), [other]);
    assert.equal((await queue.row(refused)).status, "queued");
  } finally {
    await db.admin.unsafe("drop trigger write_line on jobs");
  }
});

Deno.test("a deferred constraint that somebody drops during a call is in nobody's way", async () => {
  await db.admin.unsafe(`
    create table passing (order_id integer constraint passing_have_an_order references orders deferrable initially deferred);
    create function drop_passing() returns trigger language plpgsql security definer as $$ begin
      drop table public.passing;
      return new;
    end $$;
    create trigger drop_passing before update on jobs for each row execute function drop_passing()`);
  await queue.enqueue();
  try {
    await caller.begin(async (sql) => {
      await sql`insert into lines values (1)`;
      await sql`insert into orders values (1)`;
      assert.equal((await sql`select id from get_next_job()`).length, 1);
      await sql`insert into lines values (2)`;
      await sql`insert into orders values (2)`;
    });
  } finally {
    await db.admin.unsafe("drop trigger drop_passing on jobs; drop function drop_passing()");
  }
});

Deno.test("deferred constraints of another session's temporary tables are in nobody's way", async () => {
  await db.connect().unsafe(`
    create temporary table parts (id integer primary key);
    create temporary table pieces (part_id integer references parts deferrable initially deferred)`);
  await queue.enqueue();
  await db.admin`grant usage on schema hidden to service_role`;
  try {
    await caller.begin(async (sql) => {
      await sql`set constraints notes_have_an_order deferred`;
      await sql`select id from get_next_job()`;
      await sql`insert into notes values (1)`;
      await sql`insert into orders values (1)`;
    });
  } finally {
    await db.admin`revoke usage on schema hidden from service_role`;
  }
});

Deno.test("what has the name of a deferred constraint and is none is in nobody's way", async () => {
  await queue.enqueueMany(Array(3).fill({ job_type: "test" }));
  await db.admin`alter table orders add constraint visits_have_a_job check (id < 9)`;
  try {
    await caller.begin(async (sql) => {
      await sql`insert into lines values (1)`;
      for (const call of Object.values(calls)) await call(sql);
      await sql`insert into orders values (1)`;
    });
  } finally {
    await db.admin`alter table orders drop constraint visits_have_a_job`;
  }
});
