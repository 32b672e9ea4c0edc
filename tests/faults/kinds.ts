// Everything that is done to the stack: each kind of fault, how often it is chosen, and how it is done.

import type { Mishap } from "./line.ts";
import type { Diary, Fault } from "./diary.ts";
import { type Load, MISBEHAVING } from "./load.ts";
import { type Part, restart, strike, waitUntilBack } from "./parts.ts";
import type { Workers } from "./workers.ts";

export interface World {
  diary: Diary;
  load: Load;
  workers: Workers;
}

/** What the plan drew for one fault, whatever use its kind makes of it. */
export interface Draw {
  slot: number;
  /** From 0 up to but not including 1. */
  fraction: number;
}

export interface Kind {
  name: string;
  weight: number;
  inject: (world: World, draw: Draw) => Promise<unknown> | unknown;
}

const HOUR_MS = 3_600_000;

export const KINDS: readonly Kind[] = [
  ended("worker killed", 14, "killed"),
  ended("worker told to stop", 8, "stopped"),
  { name: "worker stalled", weight: 4, inject: stall },
  { name: "clock set wrong from the start", weight: 3, inject: misset },
  clockJump("clock put forward an hour", 2, "SIGUSR1"),
  clockJump("clock put back an hour", 2, "SIGUSR2"),
  { name: "woken three times at once", weight: 5, inject: wakeThrice },
  { name: "connections cut", weight: 8, inject: cut },
  { name: "connections half open", weight: 6, inject: halfOpen },
  { name: "line silent", weight: 4, inject: blackOut },
  mishap("answer lost", 8, () => ({ mishap: "answer_lost" })),
  mishap("answer of a result lost", 6, () => ({ mishap: "answer_lost" }), "finish_and_claim_jobs"),
  mishap("answer of a step lost", 6, () => ({ mishap: "answer_lost" }), "save_job_step"),
  mishap("answer late", 4, (ms) => ({ mishap: "answer_late", ms })),
  mishap("request late", 5, (ms) => ({ mishap: "late", ms })),
  mishap("request late, its sender gone", 5, (ms) => ({ mishap: "orphaned", ms })),
  mishap(
    "claim late, its sender gone",
    4,
    (ms) => ({ mishap: "orphaned", ms }),
    "finish_and_claim_jobs",
  ),
  mishap("request doubled", 3, () => ({ mishap: "doubled" })),
  mishap("claim doubled", 3, () => ({ mishap: "doubled" }), "finish_and_claim_jobs"),
  struck("Postgres restarted, fast", 2, "postgres", "SIGINT"),
  struck("Postgres restarted, immediate", 2, "postgres", "SIGQUIT"),
  struck("PostgREST killed", 3, "postgrest", "SIGKILL"),
  struck("PostgREST restarted", 2, "postgrest", "SIGTERM"),
  { name: "PostgREST frozen", weight: 2, inject: freeze },
  { name: "job cancelled", weight: 9, inject: cancel },
  misbehaving("job panics in Wasm", 4, "panic"),
  misbehaving("job overflows the stack", 3, "stack_overflow"),
  misbehaving("job exhausts the Wasm's memory", 2, "wasm_memory"),
  misbehaving("job exhausts the isolate's memory", 2, "heap_memory"),
  misbehaving("job has its worker killed", 3, "kill"),
  misbehaving("job hangs", 3, "hang"),
  misbehaving("job blocks the isolate", 2, "block"),
  misbehaving("job throws until it fails", 4, "throw"),
  misbehaving("job throws for good", 3, "throw_permanent"),
];

/** A time between two, drawn. */
function between(leastMs: number, mostMs: number, { fraction }: Draw): number {
  return Math.round(leastMs + fraction * (mostMs - leastMs));
}

function ended(name: string, weight: number, reason: "killed" | "stopped"): Kind {
  const inject = ({ workers, diary }: World, { slot }: Draw) => {
    if (!workers.life(slot)) return;
    diary.note(name, 0, { slot });
    workers.end(slot, reason);
  };
  return { name, weight, inject };
}

/** Longer than a lease or not: the rest of the world goes on meanwhile. */
function stall({ workers, diary }: World, draw: Draw) {
  const ms = between(1_000, 6_000, draw);
  if (!workers.signal(draw.slot, "SIGSTOP")) return;
  const { pid } = workers.life(draw.slot)!;
  diary.note("worker stalled", ms, { slot: draw.slot });
  setTimeout(() => {
    if (workers.life(draw.slot)?.pid === pid) workers.signal(draw.slot, "SIGCONT");
  }, ms);
}

function misset({ workers, diary }: World, { slot, fraction }: Draw) {
  const offset = fraction < 0.5 ? HOUR_MS : -HOUR_MS;
  workers.misset(slot, offset, () => diary.note("clock set wrong from the start", 0, { slot }));
}

function clockJump(name: string, weight: number, signal: Deno.Signal): Kind {
  const inject = ({ workers, diary }: World, { slot }: Draw) => {
    if (workers.signal(slot, signal)) diary.note(name, 0, { slot });
  };
  return { name, weight, inject };
}

function wakeThrice({ workers, diary }: World, { slot }: Draw) {
  if (!workers.life(slot)) return;
  diary.note("woken three times at once", 0, { slot });
  for (let times = 0; times < 3; times++) workers.wake(slot);
}

function cut({ workers, diary }: World, { slot }: Draw) {
  diary.note("connections cut", 0, { slot });
  workers.line(slot).cut();
}

function halfOpen({ workers, diary }: World, draw: Draw) {
  const ms = between(2_000, 8_000, draw);
  diary.note("connections half open", ms, { slot: draw.slot });
  workers.line(draw.slot).halfOpen(ms);
}

function blackOut({ workers, diary }: World, draw: Draw) {
  const ms = between(1_000, 6_000, draw);
  diary.note("line silent", ms, { slot: draw.slot });
  workers.line(draw.slot).blackOut(ms);
}

function mishap(name: string, weight: number, of: (ms: number) => Mishap, call?: string): Kind {
  const inject = ({ workers, diary }: World, draw: Draw) => {
    const ms = between(500, 6_000, draw);
    const made = of(ms);
    const lasts = "ms" in made ? ms : 0;
    const onBegin = () => diary.note(name, lasts, { slot: draw.slot });
    workers.line(draw.slot).arrange(made, onBegin, call);
  };
  return { name, weight, inject };
}

function struck(name: string, weight: number, part: Part, signal: Deno.Signal): Kind {
  const inject = async ({ diary }: World) => {
    let fault: Fault | undefined;
    await restart(part, signal, () => fault = diary.begin(name));
    if (fault) fault.until = Date.now();
  };
  return { name, weight, inject };
}

async function freeze({ diary }: World, draw: Draw) {
  if (!strike("postgrest", "SIGSTOP")) return;
  const fault = diary.begin("PostgREST frozen");
  await new Promise((resolve) => setTimeout(resolve, between(500, 4_000, draw)));
  strike("postgrest", "SIGCONT");
  await waitUntilBack();
  fault.until = Date.now();
}

async function cancel({ load, diary }: World, { fraction }: Draw) {
  const job = await load.cancelOne(fraction);
  if (job) diary.note("job cancelled", 0, { job });
}

function misbehaving(name: string, weight: number, way: keyof typeof MISBEHAVING): Kind {
  const inject = async ({ load, diary }: World) => {
    diary.note(name, 0, { job: await load.order(MISBEHAVING[way]()) });
  };
  return { name, weight, inject };
}
