// How much CPU the processes of a stack have used so far, from Linux's /proc.

import { stat, TICK_MS } from "../process.ts";

/** CPU of a process and of all that it has started, those that have ended among them, in microseconds. */
export function cpuMicros(pid: number): number {
  const { own, ended } = times(pid);
  return children(pid).reduce((sum, child) => sum + cpuMicros(child), own + ended);
}

/** The postmaster, told from one of its backends. */
export function postmaster(backend: number): number {
  return parent(backend);
}

/** PostgREST, which whoever started this script has started too. */
export function postgrest(): number {
  const found = children(Deno.ppid).find((pid) => name(pid) === "postgrest");
  if (found === undefined) throw new Error("no PostgREST beside this script");
  return found;
}

const TICK_MICROS = TICK_MS * 1_000;

function times(pid: number) {
  const [user, system, endedUser, endedSystem] = fields(pid).slice(11, 15).map(Number);
  return { own: (user + system) * TICK_MICROS, ended: (endedUser + endedSystem) * TICK_MICROS };
}

const fields = (pid: number) => stat(`/proc/${pid}/stat`);
const parent = (pid: number) => Number(fields(pid)[1]);
const name = (pid: number) => Deno.readTextFileSync(`/proc/${pid}/comm`).trim();

/** Of all its threads. */
function children(pid: number): number[] {
  const threads = [...Deno.readDirSync(`/proc/${pid}/task`)];
  return threads.flatMap(({ name }) => {
    const text = Deno.readTextFileSync(`/proc/${pid}/task/${name}/children`);
    return text.split(" ").filter((child) => child !== "").map(Number);
  });
}
