// How much CPU and memory a process has used, from Linux's /proc.

/** CPU time in milliseconds, memory in bytes. */
export interface Taken {
  /** Of the main thread, which is the isolate's: an edge runtime counts this. */
  isolateMs: number;
  /** Of all threads, including those that decrypt, decompress and collect garbage. */
  processMs: number;
  /** Resident now, and at most so far. */
  resident: number;
  peak: number;
}

/** A tick of the kernel's clock: 100 a second on every architecture Deno runs on. */
export const TICK_MS = 10;

/** Measures a process that runs. */
export function taken(pid: number): Taken {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const bytes = (field: string) =>
    Number(status.match(new RegExp(`^${field}:\\s+(\\d+) kB`, "m"))?.[1]) * 1024;
  return {
    isolateMs: cpuMs(`/proc/${pid}/task/${pid}/stat`),
    processMs: cpuMs(`/proc/${pid}/stat`),
    resident: bytes("VmRSS"),
    peak: bytes("VmHWM"),
  };
}

/** User and system time. */
function cpuMs(path: string): number {
  const [user, system] = stat(path).slice(11, 13).map(Number);
  return (user + system) * TICK_MS;
}

/** The fields of a `stat` file after the name, which may contain anything. */
export function stat(path: string): string[] {
  return Deno.readTextFileSync(path).split(") ").at(-1)!.split(" ");
}
