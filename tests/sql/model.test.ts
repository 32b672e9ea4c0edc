// Random sequences of calls on a real database, compared after each call with the model of the queue in model/.
//
// QUEUE_MODEL_SEED=<seed> repeats a run, QUEUE_MODEL_RUNS=<n> makes it longer.

import fc from "fast-check";
import { testDatabase } from "../support/database.ts";
import { World } from "./model/command.ts";
import { commands } from "./model/commands.ts";
import { DatabaseQueue } from "./model/database.ts";

const seed = Number(Deno.env.get("QUEUE_MODEL_SEED") ?? Date.now() % 2 ** 31);
const numRuns = Number(Deno.env.get("QUEUE_MODEL_RUNS") ?? 300);

const db = await testDatabase();

Deno.test(`whatever is called in whatever order, the database does what the model does (seed ${seed})`, async () => {
  const sql = db.connect();
  // Nothing is crashed here, and so the disk need not be waited for.
  await sql`set synchronous_commit = off`;
  const property = fc.asyncProperty(commands, async (sequence) => {
    const real = await DatabaseQueue.on(sql);
    await fc.asyncModelRun(() => ({ model: new World(), real }), sequence);
  });
  await fc.assert(property, { seed, numRuns });
});
