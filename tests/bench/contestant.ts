// The two functions the benchmarks compare, each as a Deno process of its own.

import { stack } from "../support/stack.ts";
import { startProcess, type Worker, workerArguments } from "../support/worker.ts";

/** How a function is started. */
export type Start = (deno?: string, env?: Record<string, string>) => Promise<Worker>;

/** Ours: Rust compiled to Wasm. */
export const startOurs: Start = (deno = stack.deno, env = {}) =>
  startProcess(deno, workerArguments(), { ...stack.functionEnv, ...env });

/** The same in TypeScript with supabase-js from node_modules, as Supabase's documentation writes a queue's consumer. */
export const startTypeScript: Start = (deno = stack.deno, env = {}) => {
  const script = new URL("typescript_function.ts", import.meta.url).pathname;
  const config = new URL("../deno.json", import.meta.url).pathname;
  const args = ["run", "--quiet", "--no-check", "-A", "--config", config, script];
  return startProcess(deno, args, { ...stack.functionEnv, ...env });
};

/** Wakes a function and returns how many jobs it completed. */
export async function drain(worker: Worker): Promise<number> {
  const response = await fetch(worker.url, {
    method: "POST",
    headers: { "x-queue-token": stack.workerToken },
    body: '{"wait":true}',
  });
  const answer = await response.json();
  if (response.status !== 200) throw new Error(`${response.status}: ${JSON.stringify(answer)}`);
  return answer.completed;
}
