// Workers that also know the job type `crash` of src/handlers/crash.rs, which is never deployed.

import { startWorker, type Worker } from "./worker.ts";

/** Starts a worker whose jobs can crash it; see `startWorker`. */
export function startFaultyWorker(
  change: Record<string, string | undefined> = {},
): Promise<Worker> {
  const folder = Deno.env.get("FAULTS_FUNCTION");
  if (!folder) throw new Error("FAULTS_FUNCTION is not set: run this with `cargo xtask test e2e`");
  return startWorker(change, ["--function", `file://${folder}/index.ts`]);
}
