// One worker of the fault suite: the function with job types that do harm, in a process that can be killed.

import { startWorker, wake, type Worker } from "../support/worker.ts";

export const LEASE_SECONDS = 3;

/** Starts one with little memory and short leases, its environment changed by `change`. */
export function startFaultyWorker(change: Record<string, string>): Promise<Worker> {
  const entry = new URL("function/index.ts", import.meta.url).href;
  const environment = {
    FAULTS_FUNCTION: Deno.env.get("FAULTS_FUNCTION"),
    QUEUE_LEASE_SECONDS: `${LEASE_SECONDS}`,
    ...change,
  };
  return startWorker(environment, ["--function", entry], ["--v8-flags=--max-old-space-size=96"]);
}

/** Wakes a worker that may be dead, or die of it. */
export async function wakeAndForget({ url }: Worker) {
  try {
    const response = await wake({ url, signal: AbortSignal.timeout(2_000) });
    await response.body?.cancel();
  } catch {
    // The next one is woken, too.
  }
}
