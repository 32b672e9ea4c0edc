// The two functions the benchmarks compare, each as a Deno process of its own.

import { stack } from "../support/stack.ts";
import { asSuperuser } from "../support/superuser.ts";
import { startProcess, type Worker } from "../support/worker.ts";

/** How a function is started; by default under the stack's Deno, with its environment. */
export type Start = (options?: {
  deno?: string;
  env?: Record<string, string>;
  /** More flags for `deno run`. */
  flags?: string[];
}) => Promise<Worker>;

/** Ours: Rust compiled to Wasm. */
export const startOurs: Start = (options) =>
  startFunction("../../supabase/functions/process-queued-jobs/index.ts", options);

/** The same in TypeScript with supabase-js, as Supabase's documentation writes the consumer of a queue. */
export const startTypeScript: Start = (options) => startFunction("typescript_function.ts", options);

const RIGHTS = ["--no-prompt", "--allow-net", "--allow-env", "--allow-read"];

/** A function in a module beside this one. */
export function startFunction(
  module: string,
  { deno = stack.deno, env = {}, flags = [] }: Parameters<Start>[0] = {},
): Promise<Worker> {
  const path = (relative: string) => new URL(relative, import.meta.url).pathname;
  const args = [
    "run",
    "--quiet",
    "--no-check",
    ...RIGHTS,
    "--config",
    path("../../deno.json"),
    ...flags,
  ];
  args.push(path("serve.ts"), new URL(module, import.meta.url).href);
  return startProcess(deno, args, { ...stack.functionEnv, ...env });
}

/** Fills the queue with as many `noop` jobs and no others, and analyses the table. */
export async function enqueue(jobs: number) {
  await asSuperuser(async (sql) => {
    await sql`truncate public.jobs cascade`;
    await sql`insert into public.jobs (job_type, input_data)
              select 'noop', jsonb_build_object('id', n) from generate_series(1, ${jobs}::int) as n`;
    await sql`vacuum analyze public.jobs`;
    await sql`checkpoint`;
  });
}

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
