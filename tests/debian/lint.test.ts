// The Supabase CLI's linter, which reads every function as plpgsql_check does. Functions name what belongs to an
// extension that a project may lack only in dynamic SQL: the linter would find it missing.

import assert from "node:assert/strict";
import { emptyDatabase, migrations, supabaseSql } from "../support/database.ts";
import { projectCopy, remote, supabaseCli } from "../support/supabase_cli.ts";

for (const lacking of ["nothing", "pg_net, pg_cron, the Vault and Realtime"]) {
  Deno.test(`db lint has no complaint in a project that lacks ${lacking}`, async () => {
    await emptyDatabase(async (sql) => {
      await sql.unsafe(await supabaseSql());
      if (lacking !== "nothing") {
        await sql.unsafe(
          "drop schema net cascade; drop schema cron cascade; drop schema vault cascade; drop schema realtime cascade",
        );
      }
      for (const file of await migrations()) await sql.unsafe(file.sql);
      const [{ name }] = await sql`select current_database() as name`;
      await using copy = await projectCopy();
      const args = [
        "db",
        "lint",
        "--level",
        "warning",
        "--fail-on",
        "warning",
        "--schema",
        "public,job_queue",
      ];
      const { success, stdout, stderr } = await supabaseCli(copy.folder, [...args, remote(name)]);
      assert.ok(success, `${stdout}\n${stderr}`);
    });
  });
}
