// Tools of the application around `supabase/` that would take the functions, which are Deno's, for its own code.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** What to change in their settings, a sentence for each tool that does not leave the functions out yet. */
export async function adviceForNeighbours(workdir: string): Promise<string[]> {
  const advice: string[] = [];
  for (const file of await readdir(workdir)) {
    const remedy = remedyFor(file);
    if (!remedy) continue;
    const settings = await readFile(join(workdir, file), "utf8");
    if (!settings.includes("supabase")) advice.push(`In ${file}, ${remedy}`);
  }
  return advice;
}

function remedyFor(file: string): string | undefined {
  if (file === "tsconfig.json") {
    return 'add "supabase/functions" to "exclude": else the build checks the functions, and they are Deno\'s.';
  }
  if (/^eslint\.config\.[cm]?[jt]s$/.test(file)) {
    return 'add "supabase/functions/**" to the ignored files: it holds generated code, and code for Deno.';
  }
}
