// How much CPU the processes of a stack have used so far, from Linux's /proc.

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

/** A tick of the kernel's clock: 100 a second on every architecture Deno runs on. */
const TICK_MICROS = 10_000;

function times(pid: number) {
  const [user, system, endedUser, endedSystem] = stat(pid).slice(11, 15).map(Number);
  return { own: (user + system) * TICK_MICROS, ended: (endedUser + endedSystem) * TICK_MICROS };
}

const parent = (pid: number) => Number(stat(pid)[1]);
const name = (pid: number) => Deno.readTextFileSync(`/proc/${pid}/comm`).trim();

/** The fields after the name, which may contain anything. */
function stat(pid: number): string[] {
  return Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ").at(-1)!.split(" ");
}

/** Of all its threads. */
function children(pid: number): number[] {
  const threads = [...Deno.readDirSync(`/proc/${pid}/task`)];
  return threads.flatMap(({ name }) => {
    const text = Deno.readTextFileSync(`/proc/${pid}/task/${name}/children`);
    return text.split(" ").filter((child) => child !== "").map(Number);
  });
}
