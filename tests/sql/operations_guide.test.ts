// What the pages for operators tell them to type.

import assert from "node:assert/strict";
import { testDatabase } from "../support/database.ts";
import { queueOn } from "../support/queue.ts";

const db = await testDatabase();
const PAGES = ["README.md", "sql.md"];

const PLACEHOLDERS: [RegExp, string][] = [
  [/<the address>/g, "https://abc.supabase.co/functions/v1/process-queued-jobs"],
  [/<ref>/g, "abc"],
  [/<the token>|<new>/g, "a-long-random-worker-token"],
  [/…/g, "test"],
];

/** The SQL in running text, and in fenced blocks, with its placeholders filled in. */
function statements(page: string, id: string): string[] {
  const inline = [...page.matchAll(/`((?:select|update|insert|delete)\s[^`]*)`/g)].map((match) =>
    match[1]
  );
  const fenced = [...page.matchAll(/```sql\n(.*?)```/gs)].flatMap((match) => match[1].split(";\n"));
  const fill = (text: string) =>
    PLACEHOLDERS.reduce((filled, [what, value]) => filled.replace(what, value), text)
      .replace(/<id>/g, id);
  return [...inline, ...fenced.filter((text) => text.trim())].map(fill);
}

for (const name of PAGES) {
  Deno.test(`every statement of supabase/${name} runs as it stands`, async () => {
    const page = await Deno.readTextFile(new URL(`../../supabase/${name}`, import.meta.url));
    const id = await queueOn(db.service).enqueue();
    const all = statements(page, id);
    assert.ok(all.length >= 15, `only ${all.length} statements were found`);
    for (const statement of all) {
      await db.admin.unsafe(statement).catch((error) =>
        assert.fail(`${statement}: ${error.message}`)
      );
    }
  });
}
