// Putting the package's migrations and functions into a Supabase project, and nothing over what somebody has changed.
//
// `supabase/pretium-queue.json` remembers the digest of each file as it was written: a file that still has it was not
// touched and may be replaced.

import { createHash } from "node:crypto";
import { access, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Complaint } from "./command.ts";
import { withFunctions } from "./config.ts";

/** The package's own `supabase/`. */
const SOURCE = fileURLToPath(new URL("../../supabase/", import.meta.url));
const RECORD = "pretium-queue.json";
const FUNCTIONS = ["process-queued-jobs", "api"];

type Say = (line: string) => void;

/** Digests by path inside `supabase/`. */
type Digests = Record<string, string>;

export async function install(
  workdir: string,
  { replace }: { replace: boolean },
  say: Say,
): Promise<void> {
  const project = join(workdir, "supabase");
  if (!await exists(join(project, "config.toml"))) {
    throw new Complaint(
      `there is no ${join(project, "config.toml")}: run \`npx supabase init\` first`,
    );
  }
  const record = await readRecord(project);
  if (replace && !record) {
    throw new Complaint("there is no queue here yet: run `npx pretium-queue init`");
  }
  const digests: Digests = { ...record };
  let kept = await addMigrations(project, digests, say);
  for (const name of FUNCTIONS) {
    kept += await addFiles(project, `functions/${name}`, digests, replace, say);
  }
  if (replace) await removeForgotten(project, digests, say);
  await addToConfig(project, say);
  await write(join(project, RECORD), `${JSON.stringify(sorted(digests), null, 2)}\n`);
  if (kept > 0) say(`${kept} files are as they should be`);
}

/** A migration is known by its name without the time stamp: once it is there it stays as it is. */
async function addMigrations(project: string, digests: Digests, say: Say): Promise<number> {
  const folder = join(project, "migrations");
  await mkdir(folder, { recursive: true });
  const there = (await readdir(folder)).filter((name) => name.endsWith(".sql")).sort();
  const stamps = freshStamps(there.at(-1));
  let kept = 0;
  for (const name of (await readdir(join(SOURCE, "migrations"))).sort()) {
    const title = titleOf(name);
    if (there.some((other) => titleOf(other) === title)) {
      kept++;
      continue;
    }
    const path = `migrations/${stamps.next().value}_${title}`;
    await put(project, path, await readFile(join(SOURCE, "migrations", name)), digests);
    say(`created supabase/${path}`);
  }
  return kept;
}

function titleOf(migration: string): string {
  return migration.replace(/^\d+_/, "");
}

/** Times as Supabase names migrations by, a second apart, from now on and after those that are there. */
function* freshStamps(last = "0"): Generator<string, never> {
  for (let time = Date.now();; time += 1_000) {
    const stamp = new Date(time).toISOString().replace(/\D/g, "").slice(0, 14);
    if (stamp > last.slice(0, 14)) yield stamp;
    // Migrations dated into the future: ours come right after them.
    else time = Math.max(time, timeOf(last));
  }
}

function timeOf(stamp: string): number {
  const [year, month, day, hour, minute, second] =
    stamp.match(/^(\d{4})(..)(..)(..)(..)(..)/)?.slice(1).map(Number) ?? [];
  return Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second) || 0;
}

async function addFiles(
  project: string,
  folder: string,
  digests: Digests,
  replace: boolean,
  say: Say,
) {
  let kept = 0;
  for (
    const entry of await readdir(join(SOURCE, folder), { recursive: true, withFileTypes: true })
  ) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name).slice(SOURCE.length).replaceAll("\\", "/");
    const wanted = await readFile(join(SOURCE, path));
    const found = await readFile(join(project, path)).catch(() => null);
    const isSame = found !== null && digestOf(found) === digestOf(wanted);
    const isTheirs = found !== null && digests[path] !== digestOf(found);
    if (isSame) {
      digests[path] = digestOf(wanted);
      kept++;
    } else if (found === null || (replace && !isTheirs)) {
      await put(project, path, wanted, digests);
      say(`${found === null ? "created" : "replaced"} supabase/${path}`);
    } else if (isTheirs) {
      say(`left alone, because you changed it: supabase/${path}`);
    } else {
      say(`of another version, \`npx pretium-queue upgrade\` replaces it: supabase/${path}`);
    }
  }
  return kept;
}

/** What an earlier version wrote and this one does not have, unless somebody changed it. */
async function removeForgotten(project: string, digests: Digests, say: Say) {
  for (const [path, digest] of Object.entries(digests)) {
    if (path.startsWith("migrations/") || await exists(join(SOURCE, path))) continue;
    const found = await readFile(join(project, path)).catch(() => null);
    delete digests[path];
    if (!found || digestOf(found) !== digest) continue;
    await rm(join(project, path));
    say(`removed supabase/${path}`);
  }
}

async function addToConfig(project: string, say: Say) {
  const file = join(project, "config.toml");
  const config = await readFile(file, "utf8");
  const extended = withFunctions(config, FUNCTIONS);
  if (extended === config) return;
  await writeFile(file, extended);
  say("added the functions to supabase/config.toml");
}

async function put(project: string, path: string, content: Uint8Array, digests: Digests) {
  await write(join(project, path), content);
  digests[path] = digestOf(content);
}

async function write(file: string, content: Uint8Array | string) {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
}

async function readRecord(project: string): Promise<Digests | null> {
  const text = await readFile(join(project, RECORD), "utf8").catch(() => null);
  if (text === null) return null;
  try {
    return JSON.parse(text);
  } catch {
    throw new Complaint(
      `${
        join(project, RECORD)
      } is not JSON: restore it from version control, or delete it and run \`npx pretium-queue init\``,
    );
  }
}

function digestOf(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

function sorted(digests: Digests): Digests {
  return Object.fromEntries(Object.entries(digests).sort(([one], [other]) => one < other ? -1 : 1));
}

function exists(path: string): Promise<boolean> {
  return access(path).then(() => true, () => false);
}
