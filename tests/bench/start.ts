// Time from the start of the Deno process to the first answer, which needs one call to the database: this worker
// against the same function in TypeScript with supabase-js, in turns, under every Deno given as an argument.
//
//   cargo xtask bench start

import { stack } from "../support/stack.ts";
import { asSuperuser } from "../support/superuser.ts";
import { drain, type Start, startOurs, startTypeScript } from "./contestant.ts";
import { median, shown } from "./median.ts";

const RUNS = 15;

/** Deno keeps compiled JavaScript on disk for the next start; a fresh machine, or an edge isolate, has none. */
const MODES = [
  { name: "without a code cache", flags: ["--no-code-cache"] },
  { name: "with Deno's code cache on disk", flags: [] },
];

await asSuperuser((sql) => sql`truncate public.jobs cascade`);
for (const deno of Deno.args.length > 0 ? Deno.args : [stack.deno]) {
  for (const { name, flags } of MODES) {
    const { ours, typescript } = await measure(deno, flags);
    console.log(`${await version(deno)}, ${name}, medians of ${RUNS} runs in turns:`);
    console.log(`  this worker:              ${shown(ours, 1)} ms`);
    console.log(`  TypeScript, supabase-js:  ${shown(typescript, 1)} ms`);
    console.log(`  ratio: ${shown(ours / typescript, 2)}`);
  }
}

async function measure(deno: string, flags: string[]) {
  const ours: number[] = [];
  const typescript: number[] = [];
  // The first pair fills the caches of the system and of Deno.
  for (let run = 0; run <= RUNS; run++) {
    const pair = [
      await firstAnswer(startOurs, { deno, flags }),
      await firstAnswer(startTypeScript, { deno, flags }),
    ];
    if (run === 0) continue;
    ours.push(pair[0]);
    typescript.push(pair[1]);
  }
  return { ours: median(ours), typescript: median(typescript) };
}

async function firstAnswer(
  start: Start,
  options: { deno: string; flags: string[] },
): Promise<number> {
  const startedAt = performance.now();
  const worker = await start(options);
  try {
    await drain(worker);
    return performance.now() - startedAt;
  } finally {
    await worker.kill();
  }
}

async function version(deno: string): Promise<string> {
  const { stdout } = await new Deno.Command(deno, { args: ["--version"] }).output();
  return new TextDecoder().decode(stdout).split("\n")[0].replace(/ \(.*/, "");
}
