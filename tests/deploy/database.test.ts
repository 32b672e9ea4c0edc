// What the Supabase CLI makes of the migrations: on an empty project, and on one with tables of its own.

import assert from "node:assert/strict";
import { emptyDatabase, supabaseSql } from "../support/database.ts";
import { projectCopy, remote, supabaseCli } from "../support/supabase_cli.ts";

const UNRELATED = `
  create table public.projects (id uuid primary key, name text not null);
  comment on table public.projects is 'of the application';
  alter table public.projects enable row level security;
  insert into public.projects select gen_random_uuid(), 'project ' || i from generate_series(1, 100) i;
  create view public.names with (security_invoker = true) as select name from public.projects;`;

/**
 * Small expressions that are part of every claim and finish. A search path of their own would keep Postgres from
 * inlining them; they name no table, so there is nothing to be found along a path.
 */
const INLINED = [
  "age",
  "bytes_in_words",
  "bytes_of",
  "carrier",
  "deadline",
  "error_of_loss",
  "error_of_result",
  "is_before",
  "is_blamed",
  "is_held",
  "is_project_member",
  "is_recent",
  "is_under",
  "is_value",
  "lease_end",
  "may_end",
  "problem_of_depth",
  "problem_of_job",
  "problem_of_result",
  "progress_at_end",
  "run_seconds",
  "settled_outcome",
  "status_after_attempt",
  "status_after_failure",
  "without",
];

for (
  const [what, before] of [["an empty project", ""], [
    "a project with tables of its own",
    UNRELATED,
  ]]
) {
  Deno.test(`db push, db advisors and gen types are clean on ${what}`, async () => {
    await emptyDatabase(async (sql) => {
      await sql.unsafe(await supabaseSql());
      await sql.unsafe(before);
      const [{ name }] = await sql`select current_database() as name`;
      await using copy = await projectCopy();
      const cli = async (...args: string[]) => {
        const result = await supabaseCli(copy.folder, [...args, remote(name)]);
        assert.ok(result.success, `${args.join(" ")}: ${result.stderr}`);
        return result;
      };
      await cli("db", "push");
      const [{ id }] = await sql`select enqueue_job('test') as id`;
      assert.equal((await sql`select id from get_next_job()`)[0].id, id);
      assert.match(
        (await cli("db", "push")).stdout + (await cli("db", "push")).stderr,
        /up to date/i,
      );

      const advice = JSON.parse((await cli("db", "advisors", "--level", "warn")).stdout);
      const unexpected = advice.filter((
        one: { name: string; metadata: { schema: string; name: string } },
      ) => one.name !== "function_search_path_mutable" || !INLINED.includes(one.metadata.name));
      assert.deepEqual(unexpected, []);

      const types = (await cli("gen", "types")).stdout;
      for (const word of ['"get_next_job"', '"jobs"', '"failed_jobs"']) {
        assert.ok(types.includes(word), word);
      }
      if (before) {
        assert.ok(types.includes('"projects"'));
        assert.equal((await sql`select from names`).length, 100);
      }
    });
  });
}
