// Where functions look for what they name. An empty search path still looks for types in pg_temp first, where any
// user may make some: a domain that runs the user's function with the rights of whoever casts to it.

import assert from "node:assert/strict";
import { testDatabase } from "../support/database.ts";

const db = await testDatabase();
const ann = { role: "authenticated", sub: "00000000-0000-4000-8000-00000000000a" };

Deno.test("every function looks into pg_catalog first and into pg_temp last", async () => {
  const open = await db.admin`
    select p.oid::regprocedure::text as name from pg_proc p
    where p.pronamespace in ('public'::regnamespace, 'job_queue'::regnamespace)
      and not coalesce('search_path=pg_catalog, pg_temp' = any (p.proconfig), false)
      -- Expressions that are inlined into functions which do, and what is bound to its names from the start.
      and (p.prolang <> (select oid from pg_language where lanname = 'sql') or p.prosecdef or p.prosrc ~ 'public\\.')
    order by 1`;
  assert.deepEqual([...open], []);
});

for (const type of ["uuid", "text", "jsonb", "timestamptz", "name", "regclass"]) {
  Deno.test(`a user's own type ${type} is used by no function of the queue`, async () => {
    await db.admin`truncate jobs, job_types cascade`;
    await db
      .admin`insert into job_types (job_type, open_to_users) values ('open', true), ('generate_report', true)`;
    const used = await db.as("authenticated", ann, async (sql) => {
      await sql.unsafe(`
        create temporary table used (by text);
        grant all on used to public;
        create function pg_temp.spy() returns boolean language plpgsql volatile as $$
        begin
          insert into pg_temp.used values (current_user);
          return true;
        end $$;
        create domain pg_temp.${type} as pg_catalog.${type} check (pg_temp.spy())`);
      const calls = [
        "select enqueue_job('open', run_at => now(), idempotency_key => 'k')",
        `select enqueue_jobs('[{"job_type": "open", "owner_id": "${ann.sub}", "run_at": "2026-01-01T00:00:00Z", "priority": 0}]')`,
        `select enqueue_job('generate_report', '{"reportId": "${ann.sub}", "images": [{"bucket": "b", "path": "p"}]}')`,
        "select cancel_job(id) from visible_jobs where status = 'queued'",
        "select retry_job(id) from visible_jobs where status = 'cancelled'",
        "select * from job_queue.ids_of_user()",
      ];
      for (const call of calls) {
        await sql.savepoint((inner) => inner.unsafe(call)).catch((error) =>
          assert.match(error.code, /^JQ/)
        );
      }
      const used = [...await sql.unsafe("select distinct by from pg_temp.used")];
      await sql.unsafe("drop function pg_temp.spy() cascade; drop table pg_temp.used cascade");
      return used;
    });
    assert.deepEqual(used.filter(({ by }) => by !== "authenticated"), []);
  });
}
