// What supabase/README.md tells an operator to type.

import assert from "node:assert/strict";
import { testDatabase } from "../support/database.ts";
import { queueOn } from "../support/queue.ts";

const db = await testDatabase();
const guide = await Deno.readTextFile(new URL("../../supabase/README.md", import.meta.url));

const PLACEHOLDERS: [RegExp, string][] = [
  [/<the address>/g, "https://abc.supabase.co/functions/v1/process-queued-jobs"],
  [/<ref>/g, "abc"],
  [/<the token>|<new>/g, "a-long-random-worker-token"],
  [/…/g, "test"],
];

/** The SQL in running text and tables, and in fenced blocks, with its placeholders filled in. */
function statements(id: string): string[] {
  const inline = [...guide.matchAll(/`((?:select|update|insert|delete)\s[^`]*)`/g)].map((match) =>
    match[1]
  );
  const fenced = [...guide.matchAll(/```sql\n(.*?)```/gs)].flatMap((match) =>
    match[1].split(";\n")
  );
  const fill = (text: string) =>
    PLACEHOLDERS.reduce((filled, [what, value]) => filled.replace(what, value), text)
      .replace(/<id>/g, id);
  return [...inline, ...fenced.filter((text) => text.trim())].map(fill);
}

Deno.test("every statement of the operations guide runs as it stands", async () => {
  const id = await queueOn(db.service).enqueue();
  const all = statements(id);
  assert.ok(all.length >= 20, `only ${all.length} statements were found`);
  for (const statement of all) {
    await db.admin.unsafe(statement).catch((error) =>
      assert.fail(`${statement}: ${error.message}`)
    );
  }
});
