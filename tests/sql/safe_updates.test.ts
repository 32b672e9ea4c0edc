// Supabase loads `safeupdate` into the API's sessions: an update or delete without a where clause fails
// there. The extension is not to be had here, so this reads the functions as it would.

import assert from "node:assert/strict";
import { testDatabase } from "../support/database.ts";

const db = await testDatabase();

/** The updates and deletes in a function's text that have no where clause of their own. */
function unsafeStatements(source: string): string[] {
  const text = source.replaceAll(/--.*$/gm, "").replaceAll(/'(?:[^']|'')*'/g, "''");
  return [...text.matchAll(/\b(?:update|delete\s+from)\s+(?:only\s+)?[a-z_]+\.[a-z_]+/g)]
    .map((match) => ownText(text.slice(match.index)))
    .filter((statement) => !/\bwhere\b/.test(statement));
}

/** A statement up to its end, without what stands in parentheses. */
function ownText(text: string): string {
  let depth = 0;
  let own = "";
  for (const character of text) {
    if (character === "(") depth++;
    if (character === ")") depth--;
    if (depth < 0 || (depth === 0 && character === ";")) break;
    if (depth === 0) own += character;
  }
  return own;
}

Deno.test("every update and delete of the queue's functions has a where clause", async () => {
  const functions = await db.admin`
    select oid::regprocedure::text as name, prosrc from pg_proc
    where pronamespace in ('public'::regnamespace, 'job_queue'::regnamespace)`;
  const writing = functions.filter((each) =>
    /\b(update|delete from) (public|job_queue)\./.test(each.prosrc)
  );
  assert.ok(writing.length >= 8, `only ${writing.length} functions seem to write`);
  for (const { name, prosrc } of writing) assert.deepEqual(unsafeStatements(prosrc), [], name);
});

Deno.test("a where clause of a sub-select is not one of the update", () => {
  const statement = "update public.jobs set a = (select 1 where true); delete from public.jobs;";
  assert.equal(unsafeStatements(statement).length, 2);
});
