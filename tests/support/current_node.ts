// The newest Node, beside the one on the path.

import { run } from "./run.ts";

const VERSION = "26.10.0";
const folder = new URL(`../../.stack/node-${VERSION}`, import.meta.url).pathname;

/**
 * Installs the newest Node once and returns its program. In a folder of this checkout: npx would share one with
 * everything else that runs on the machine, and finds it half-written at times.
 */
export async function currentNode(): Promise<string> {
  const program = `${folder}/node_modules/node/bin/node`;
  const installed = await Deno.stat(program).catch(() => null);
  if (installed === null) {
    await Deno.mkdir(folder, { recursive: true });
    await run("npm", [
      "install",
      "--no-audit",
      "--no-fund",
      "--loglevel=error",
      `--prefix=${folder}`,
      `node@${VERSION}`,
    ]);
  }
  return program;
}
