// From the start of the Deno process to the first answer that made a call to the database: this worker against the
// same function in TypeScript with supabase-js. In turns, under every Deno given as an argument.
//
//   cargo xtask bench start

import { stack } from "../support/stack.ts";
import { asSuperuser } from "../support/superuser.ts";
import { drain, type Start, startOurs, startTypeScript } from "./contestant.ts";
import { median, shown } from "./median.ts";

const RUNS = 15;

await asSuperuser((sql) => sql`truncate public.jobs cascade`);
const denos = Deno.args.length > 0 ? Deno.args : [stack.deno];
for (const deno of denos) {
  const ours: number[] = [];
  const typescript: number[] = [];
  // The first pair warms caches on disk: Deno's own, and the system's.
  for (let run = 0; run <= RUNS; run++) {
    const pair = [await firstAnswer(startOurs, deno), await firstAnswer(startTypeScript, deno)];
    if (run === 0) continue;
    ours.push(pair[0]);
    typescript.push(pair[1]);
  }
  const ratio = median(ours) / median(typescript);
  console.log(`${await version(deno)}, medians of ${RUNS} runs in turns:`);
  console.log(`  this worker:              ${shown(median(ours), 1)} ms`);
  console.log(`  TypeScript, supabase-js:  ${shown(median(typescript), 1)} ms`);
  console.log(`  ratio: ${shown(ratio, 2)}`);
}

async function firstAnswer(start: Start, deno: string): Promise<number> {
  const startedAt = performance.now();
  const worker = await start(deno);
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
