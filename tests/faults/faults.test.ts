// The fault suite: what must hold after a run full of faults. `cargo xtask faults` sets how long it takes and the seed.

import { INVARIANTS } from "./invariants.ts";
import { run } from "./run.ts";
import { table } from "./table.ts";

const seed = Number(Deno.env.get("FAULTS_SEED"));
const seconds = Number(Deno.env.get("FAULTS_SECONDS"));

const evidence = await run(seed, seconds);
const violated = Object.entries(INVARIANTS).map(([what, violations]) => ({
  what,
  found: violations(evidence),
}));
const folder = Deno.env.get("STACK_FOLDER");
// The test runner would keep it for itself.
await Deno.writeTextFile(`${folder}/faults.log`, table(evidence, seed), { append: true });
if (violated.some(({ found }) => found.length > 0)) {
  const orders = [...evidence.orders];
  await Deno.writeTextFile(`${folder}/evidence.log`, JSON.stringify({ ...evidence, orders }));
}

for (const { what, found } of violated) {
  Deno.test(what, () => {
    if (found.length === 0) return;
    const shown = found.slice(0, 20).join("\n  ");
    throw new Error(`seed ${seed}, ${found.length} times:\n  ${shown}`);
  });
}
