// Runs the real Supabase CLI from npm on a copy of `supabase/` with the files of git and of the build.

import { stack } from "./stack.ts";

const root = new URL("../../", import.meta.url).pathname;
/** The CLI's script for Node. */
export const CLI = `${root}node_modules/supabase/dist/supabase.js`;

/** A folder that contains only `supabase/`; disposing of it removes it. */
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

/** Runs the CLI in `folder`, without a terminal and with only the variables it needs. */
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

/** The variables it needs: a user who is logged in, with `folder` as home. */
export function cliEnvironment(folder: string): Record<string, string> {
  return {
    PATH: Deno.env.get("PATH")!,
    HOME: folder,
    SUPABASE_ACCESS_TOKEN: `sbp_${"0".repeat(40)}`,
    SUPABASE_TELEMETRY_DISABLED: "1",
    DO_NOT_TRACK: "1",
  };
}

/** The arguments that name a database of the stack to the CLI. */
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
