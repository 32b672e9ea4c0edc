// The paths of objects in Storage that a user may name: the worker refuses the same ones.

import assert from "node:assert/strict";
import paths from "../fixtures/storage_paths.json" with { type: "json" };
import { testDatabase } from "../support/database.ts";

const { service: sql } = await testDatabase();

async function isStoragePath(path: string): Promise<boolean | null> {
  const [{ is }] = await sql`select job_queue.is_storage_path(${path}) as is`;
  return is;
}

Deno.test("a path that everybody reads in the same way is allowed", async () => {
  for (const path of paths.allowed) {
    assert.equal(await isStoragePath(path), true, JSON.stringify(path));
  }
});

Deno.test("a path that somebody may read otherwise is refused", async () => {
  for (const path of paths.refused.filter((path) => !path.includes("\0"))) {
    assert.equal(await isStoragePath(path), false, JSON.stringify(path));
  }
});

Deno.test("a path with NUL does not get into the database", async () => {
  for (const path of paths.refused.filter((path) => path.includes("\0"))) {
    await assert.rejects(isStoragePath(path), JSON.stringify(path));
  }
});
