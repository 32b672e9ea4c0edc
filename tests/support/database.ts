// Databases for the SQL tests. Each test file gets its own, cloned from a template that is built once per state of
// the migrations, so files can run at the same time and do not affect each other.

import assert from "node:assert/strict";
import postgres from "postgres";

export type Sql = postgres.Sql;

/** A database with the queue in it, for the tests of one file. */
export interface Database {
  name: string;
  /** As the service role, which workers and servers use. */
  service: Sql;
  /** As the superuser, who sees and changes everything. */
  admin: Sql;
  /** A connection of its own as the service role, for tests that need several at once. */
  connect(): Sql;
  /** Runs `use` in a transaction as a role of the API, with the claims of its JWT. */
  as<T>(
    role: string,
    claims: Record<string, unknown>,
    use: (sql: postgres.TransactionSql) => Promise<T>,
  ): Promise<T>;
}

const root = new URL("../../", import.meta.url);

/** Creates the database of the calling test file and drops it when the file's tests are done. */
export async function testDatabase(): Promise<Database> {
  const database = await createDatabase();
  Deno.test.afterAll(async () => await database[Symbol.asyncDispose]());
  return database;
}

/** Creates a database with the queue in it; disposing of it drops it. */
export async function createDatabase(): Promise<Database & AsyncDisposable> {
  const name = `test_${crypto.randomUUID().replaceAll("-", "")}`;
  const template = await jobsTemplate();
  await onServer((sql) => sql.unsafe(`create database ${name} template ${template}`));
  const open = connectionsTo(name);
  const service = open("service_role", 2);
  const admin = open("postgres", 2);
  return {
    name,
    service,
    admin,
    connect: () => open("service_role", 1),
    as: async (role, claims, use) => {
      const result = await admin.begin(async (sql) => {
        await sql`select set_config('request.jwt.claims', ${JSON.stringify(claims)}, true)`;
        await sql.unsafe(`set local role ${role}`);
        return { value: await use(sql) };
      });
      return (result as { value: Awaited<ReturnType<typeof use>> }).value;
    },
    [Symbol.asyncDispose]: async () => {
      await open.close();
      await onServer((sql) => sql.unsafe(`drop database ${name}`));
    },
  };
}

/** Creates an empty database, runs `use` on it as superuser and drops it. */
export async function emptyDatabase(use: (sql: Sql) => Promise<void>): Promise<void> {
  const name = `test_${crypto.randomUUID().replaceAll("-", "")}`;
  await onServer((sql) => sql.unsafe(`create database ${name}`));
  const open = connectionsTo(name);
  try {
    await use(open("postgres", 1));
  } finally {
    await open.close();
    await onServer((sql) => sql.unsafe(`drop database ${name}`));
  }
}

/** What a Supabase project has before anyone's migrations. */
export function supabaseSql(): Promise<string> {
  return Deno.readTextFile(new URL("tests/stack/supabase.sql", root));
}

/** The migrations in the order in which they are applied, each as one text. */
export async function migrations(): Promise<{ name: string; sql: string }[]> {
  const folder = new URL("supabase/migrations/", root);
  const names = [];
  for await (const entry of Deno.readDir(folder)) {
    if (entry.name.endsWith(".sql")) names.push(entry.name);
  }
  return Promise.all(
    names.sort().map(async (name) => ({
      name,
      sql: await Deno.readTextFile(new URL(name, folder)),
    })),
  );
}

/** Fails unless the database refuses `attempt` with this code; returns the message. */
export async function refused(code: string, attempt: PromiseLike<unknown>): Promise<string> {
  const error = await Promise.resolve(attempt).then(
    () => assert.fail(`expected a refusal with ${code}, but it went through`),
    (error: postgres.PostgresError) => error,
  );
  assert.equal(error.code, code, error.message);
  return error.message;
}

/** The template's name contains a digest of what it was built from, so it is never stale. */
async function jobsTemplate(): Promise<string> {
  const texts = [await supabaseSql(), ...(await migrations()).map((file) => file.sql)];
  const name = `jobs_template_${await digest(texts.join("\n"))}`;
  await onServer((sql) =>
    sql.begin(async (transaction) => {
      // One file builds it; the others wait here until it has.
      await transaction`select pg_advisory_xact_lock(hashtext('jobs_template'))`;
      const [found] = await transaction`select from pg_database where datname = ${name}`;
      if (!found) await buildTemplate(name, texts);
    })
  );
  return name;
}

async function buildTemplate(name: string, texts: string[]): Promise<void> {
  // Built under another name, so that a template with the right name is always complete.
  const draft = `${name}_draft`;
  await onServer(async (sql) => {
    await sql.unsafe(`drop database if exists ${draft}`);
    await sql.unsafe(`create database ${draft}`);
  });
  for (const text of texts) {
    const open = connectionsTo(draft);
    await open("postgres", 1).unsafe(text);
    await open.close();
  }
  await onServer((sql) => sql.unsafe(`alter database ${draft} rename to ${name}`));
}

async function digest(text: string): Promise<string> {
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(bytes).slice(0, 8), (byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}

function connectionsTo(name: string) {
  const opened: Sql[] = [];
  const open = (role: string, max: number): Sql => {
    const url = new URL(serverUrl());
    url.pathname = `/${name}`;
    // A test that waits for a lock for ever fails instead of hanging.
    const connection = { role, lock_timeout: 5_000 };
    const sql = postgres(url.href, { max, onnotice: () => {}, connection });
    opened.push(sql);
    return sql;
  };
  return Object.assign(open, { close: () => Promise.all(opened.map((sql) => sql.end())) });
}

async function onServer(use: (sql: Sql) => Promise<unknown>): Promise<void> {
  const sql = postgres(serverUrl(), { max: 1, onnotice: () => {} });
  try {
    await use(sql);
  } finally {
    await sql.end();
  }
}

function serverUrl(): string {
  const url = Deno.env.get("STACK_DB_URL");
  if (!url) throw new Error("STACK_DB_URL is not set: run these tests with `cargo xtask test sql`");
  return url;
}
