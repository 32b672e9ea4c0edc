// `npx pretium-queue init` and `upgrade`, as the built package runs them under Node, on a Supabase project in a folder.

import assert from "node:assert/strict";
import { emptyDatabase, supabaseSql } from "../support/database.ts";
import { run } from "../support/run.ts";
import { remote, supabaseCli } from "../support/supabase_cli.ts";

const root = new URL("../../", import.meta.url).pathname;
const CONFIG = `project_id = "app"\n\n[functions.hello]\nverify_jwt = true\n`;

/** A project as \`supabase init\` leaves it, as far as these commands look at it. */
async function project(config = CONFIG): Promise<string> {
  const folder = await Deno.makeTempDir();
  await Deno.mkdir(`${folder}/supabase`);
  await Deno.writeTextFile(`${folder}/supabase/config.toml`, config);
  return folder;
}

const cli = (workdir: string, ...args: string[]) =>
  run("node", [`${root}pkg/dist/cli/main.js`, ...args, "--workdir", workdir]);

const complaint = async (workdir: string, ...args: string[]) => {
  const error = await cli(workdir, ...args).then(
    () => assert.fail("it went through"),
    (error) => error,
  );
  assert.doesNotMatch(error.message, /\n\s+at /, "a stack trace is no sentence");
  return error.message as string;
};

/** Every file below the project's `supabase/` with its text. */
async function filesOf(workdir: string, folder = "supabase"): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for await (const entry of Deno.readDir(`${workdir}/${folder}`)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) Object.assign(files, await filesOf(workdir, path));
    else files[path] = await Deno.readTextFile(`${workdir}/${path}`);
  }
  return files;
}

const migrationsIn = (files: Record<string, string>) =>
  Object.keys(files).filter((path) => path.startsWith("supabase/migrations/")).sort();

Deno.test("init adds migrations that apply to an empty project, in order and after those that are there", async () => {
  const folder = await project();
  await Deno.mkdir(`${folder}/supabase/migrations`);
  await Deno.writeTextFile(`${folder}/supabase/migrations/29991231235959_later.sql`, "select 1;");
  await cli(folder, "init");
  const files = await filesOf(folder);
  const names = migrationsIn(files);
  assert.equal(names[0], "supabase/migrations/29991231235959_later.sql");
  assert.match(names[1], /\/30000101000000_jobs_schema\.sql$/);
  assert.equal(new Set(names.map((name) => name.split("_")[0])).size, names.length);
  await emptyDatabase(async (sql) => {
    await sql.unsafe(await supabaseSql());
    for (const name of names) await sql.unsafe(files[name]);
    await sql`select enqueue_job('noop')`;
    assert.equal((await sql`select id from get_next_job()`).length, 1);
  });
});

Deno.test("what init adds to a fresh `supabase init` is pushed to a plain Postgres by the Supabase CLI, once", async () => {
  const folder = await Deno.makeTempDir();
  const supabase = async (...args: string[]) => {
    const { success, stdout, stderr } = await supabaseCli(folder, args);
    assert.ok(success, `${args.join(" ")}: ${stderr}`);
    return stdout + stderr;
  };
  await supabase("init");
  await cli(folder, "init");
  await emptyDatabase(async (sql) => {
    await sql.unsafe(await supabaseSql());
    const [{ name }] = await sql`select current_database() as name`;
    await supabase("db", "push", remote(name));
    await sql`select enqueue_job('noop')`;
    await cli(folder, "init");
    assert.match(await supabase("db", "push", remote(name)), /up to date/i);
  });
});

Deno.test("init dates its migrations with the present", async () => {
  const folder = await project();
  const today = new Date().toISOString().replace(/\D/g, "").slice(0, 8);
  await cli(folder, "init");
  for (const name of migrationsIn(await filesOf(folder))) {
    assert.match(name, new RegExp(`/(${today}|${Number(today) + 1})\\d{6}_`));
  }
});

Deno.test("init adds the functions and their sections, and keeps what the config says already", async () => {
  const folder = await project(`${CONFIG}\n[functions.api]\nverify_jwt = true\n`);
  await cli(folder, "init");
  const files = await filesOf(folder);
  for (
    const name of [
      "process-queued-jobs/index.ts",
      "process-queued-jobs/worker/worker.js",
      "api/index.ts",
    ]
  ) {
    assert.ok(files[`supabase/functions/${name}`], name);
  }
  assert.equal(
    files["supabase/config.toml"],
    `${CONFIG}\n[functions.api]\nverify_jwt = true\n\n[functions.process-queued-jobs]\nverify_jwt = false\n`,
  );
});

Deno.test("init says what to leave out of the application's own checks, until it is left out", async () => {
  const folder = await project();
  await Deno.writeTextFile(`${folder}/tsconfig.json`, `{ "exclude": ["node_modules"] }`);
  await Deno.writeTextFile(`${folder}/eslint.config.mjs`, `export default [];`);
  const said = await cli(folder, "init");
  assert.match(said, /In tsconfig\.json, add "supabase\/functions" to "exclude"/);
  assert.match(
    said,
    /In eslint\.config\.mjs, add "supabase\/functions\/\*\*" to the ignored files/,
  );
  await Deno.writeTextFile(`${folder}/tsconfig.json`, `{ "exclude": ["supabase/functions"] }`);
  assert.doesNotMatch(await cli(folder, "init"), /tsconfig/);
});

Deno.test("init a second time, and upgrade to the same version, change nothing", async () => {
  const folder = await project();
  await cli(folder, "init");
  const before = await filesOf(folder);
  await cli(folder, "init");
  assert.deepEqual(await filesOf(folder), before);
  await cli(folder, "upgrade");
  assert.deepEqual(await filesOf(folder), before);
});

Deno.test("a file that somebody changed is never overwritten, and they are told", async () => {
  const folder = await project();
  await cli(folder, "init");
  const changed = {
    "supabase/functions/process-queued-jobs/index.ts": "serve({ mine });",
    [migrationsIn(await filesOf(folder))[0]]: "select 'mine';",
  };
  for (const [path, text] of Object.entries(changed)) {
    await Deno.writeTextFile(`${folder}/${path}`, text);
  }
  for (const command of ["init", "upgrade"]) {
    const said = await cli(folder, command);
    assert.match(
      said,
      /left alone, because you changed it: supabase\/functions\/process-queued-jobs\/index\.ts/,
    );
    const files = await filesOf(folder);
    for (const [path, text] of Object.entries(changed)) assert.equal(files[path], text, path);
  }
});

Deno.test("upgrade replaces what an earlier version wrote, adds what is new and removes what is gone", async () => {
  const folder = await project();
  await cli(folder, "init");
  const wanted = await filesOf(folder);
  // As an earlier version would have left it.
  const [migration] = migrationsIn(wanted).slice(-1);
  const record = JSON.parse(wanted["supabase/pretium-queue.json"]);
  const old = async (path: string, text: string) => {
    await Deno.writeTextFile(`${folder}/supabase/${path}`, text);
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
    record[path] = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0"))
      .join("");
  };
  await old("functions/api/index.ts", "// older");
  await old("functions/api/gone.ts", "// gone");
  await Deno.remove(`${folder}/${migration}`);
  await Deno.writeTextFile(`${folder}/supabase/pretium-queue.json`, JSON.stringify(record));

  const said = await cli(folder, "init");
  assert.match(said, /upgrade` replaces it: supabase\/functions\/api\/index\.ts/);
  assert.equal((await filesOf(folder))["supabase/functions/api/index.ts"], "// older");

  await cli(folder, "upgrade");
  const files = await filesOf(folder);
  assert.equal(files["supabase/functions/api/index.ts"], wanted["supabase/functions/api/index.ts"]);
  assert.ok(!("supabase/functions/api/gone.ts" in files));
  const titles = (of: Record<string, string>) =>
    migrationsIn(of).map((path) => path.replace(/\d{14}_/, ""));
  assert.deepEqual(titles(files), titles(wanted));
});

Deno.test("what is missing or misspelt is answered with what to do", async () => {
  const empty = await Deno.makeTempDir();
  assert.match(await complaint(empty, "init"), /run `npx supabase init` first/);
  assert.match(await complaint(await project(), "upgrade"), /run `npx pretium-queue init`/);
  assert.match(await complaint(await project(), "instal"), /there is no command instal[^]*init/);
  assert.match(await complaint(await project(), "init", "--force"), /--force/);
});
