// The real Supabase CLI from npm, working on a copy of `supabase/` that holds what git holds and what the build made.

import { stack } from "./stack.ts";

const root = new URL("../../", import.meta.url).pathname;
/** What Node runs. */
export const CLI = `${root}node_modules/supabase/dist/supabase.js`;

/** A folder with `supabase/` in it and nothing else; disposing of it removes it. */
export async function projectCopy(): Promise<{ folder: string } & AsyncDisposable> {
  const folder = await Deno.makeTempDir();
  await copyFolder(`${root}supabase`, `${folder}/supabase`);
  return { folder, [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
}

/** What a command of the CLI wrote, and whether it succeeded. */
export interface CliResult {
  success: boolean;
  stdout: string;
  stderr: string;
}

/** Runs the CLI in `folder`, without a terminal and with nothing of this environment but what it needs. */
export async function supabaseCli(
  folder: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<CliResult> {
  const { success, stdout, stderr } = await new Deno.Command("node", {
    args: [CLI, ...args, "--yes"],
    cwd: folder,
    clearEnv: true,
    env: { ...cliEnvironment(folder), ...env },
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { success, stdout: text(stdout), stderr: text(stderr) };
}

/** What it needs to run: a user who is logged in, at home in `folder`. */
export function cliEnvironment(folder: string): Record<string, string> {
  return {
    PATH: Deno.env.get("PATH")!,
    HOME: folder,
    SUPABASE_ACCESS_TOKEN: `sbp_${"0".repeat(40)}`,
    SUPABASE_TELEMETRY_DISABLED: "1",
    DO_NOT_TRACK: "1",
  };
}

/** A database of the stack as the CLI wants to be told of it. */
export function remote(database: string): string {
  const url = new URL(stack.dbUrl);
  url.pathname = `/${database}`;
  url.searchParams.set("sslmode", "disable");
  return `--remote=${url.href}`;
}

async function copyFolder(from: string, to: string) {
  await Deno.mkdir(to, { recursive: true });
  for await (const entry of Deno.readDir(from)) {
    if (entry.name === ".temp") continue;
    const [source, target] = [`${from}/${entry.name}`, `${to}/${entry.name}`];
    if (entry.isDirectory) await copyFolder(source, target);
    else await Deno.copyFile(source, target);
  }
}
