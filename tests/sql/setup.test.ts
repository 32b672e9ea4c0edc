// The migrations: where they can be applied, and what all of what they create has in common.

import assert from "node:assert/strict";
import { emptyDatabase, migrations, supabaseSql, testDatabase } from "../support/database.ts";

const db = await testDatabase();

Deno.test("all migrations apply as one text, as pasted into the SQL editor", async () => {
  await emptyDatabase(async (sql) => {
    await sql.unsafe(await supabaseSql());
    await sql.unsafe((await migrations()).map((file) => file.sql).join("\n"));
    const [{ id }] = await sql`select enqueue_job('test') as id`;
    assert.equal((await sql`select id from get_next_job()`)[0].id, id);
  });
});

Deno.test("an application's own tables stay as they are, and its reports get what the worker needs", async () => {
  await emptyDatabase(async (sql) => {
    await sql.unsafe(await supabaseSql());
    await sql.unsafe(`
      create table public.projects (id uuid primary key);
      create table public.reports (
        id uuid primary key default gen_random_uuid(),
        project_id uuid references public.projects (id),
        generated_content text not null default 'nothing yet',
        current_edit_number int
      );
      insert into public.reports (current_edit_number) values (7)`);
    for (const file of await migrations()) await sql.unsafe(file.sql);

    const columns = await sql`
      select attname from pg_attribute
      where attrelid = 'public.reports'::regclass and attnum > 0 order by attnum`;
    assert.deepEqual(columns.map((column) => column.attname), [
      "id",
      "project_id",
      "generated_content",
      "current_edit_number",
      "sections_json",
    ]);
    await sql`
      select enqueue_job('generate_report', jsonb_build_object('reportId', r.id)) from reports r`;
    await sql`set role service_role`;
    const [job] = await sql`select id, lease_token from get_next_job()`;
    const [{ saved }] = await sql`
      select save_report(${job.id}, ${job.lease_token}, r.id, 'the text', '{"sections": []}') as saved
      from reports r`;
    assert.equal(saved, "saved");
    const [report] = await sql`select * from reports`;
    assert.deepEqual(
      [report.generated_content, report.sections_json, report.current_edit_number],
      ["the text", { sections: [] }, 7],
    );
  });
});

Deno.test("each migration is one transaction's worth: none commits or leaves a setting behind", async () => {
  for (const { name, sql } of await migrations()) {
    const text = sql.replaceAll(/--.*$/gm, "");
    assert.doesNotMatch(text, /^\s*(begin|commit|rollback)\s*;/im, name);
    assert.doesNotMatch(text, /concurrently/i, name);
    assert.doesNotMatch(text, /^set\s.*;/im, name);
  }
});

Deno.test("the API learns of the new functions", async () => {
  const last = (await migrations()).at(-1)!;
  assert.match(last.sql, /notify pgrst, 'reload schema';\s*$/);
});

Deno.test("no function has an overload, which PostgREST could not tell apart", async () => {
  const overloaded = await db.admin`
    select proname from pg_proc where pronamespace = 'public'::regnamespace
    group by proname having count(*) > 1`;
  assert.deepEqual([...overloaded], []);
});

Deno.test("every function and table has a comment", async () => {
  const silent = await db.admin`
    select p.oid::regprocedure::text as name from pg_proc p
    where p.pronamespace in ('public'::regnamespace, 'job_queue'::regnamespace)
      and obj_description(p.oid, 'pg_proc') is null
    union all
    select c.oid::regclass::text from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
      and obj_description(c.oid, 'pg_class') is null`;
  assert.deepEqual([...silent], []);
});

Deno.test("every table of the queue has row-level security", async () => {
  const open = await db.admin`
    select relname from pg_class
    where relnamespace = 'public'::regnamespace and relkind = 'r' and not relrowsecurity`;
  assert.deepEqual([...open], []);
});
