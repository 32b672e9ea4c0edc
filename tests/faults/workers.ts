// Several workers at a time, each behind a line of its own. As on the platform, each ends after its time without being
// asked, and whenever one has ended another takes its place and is woken.

import type { Worker } from "../support/worker.ts";
import type { Call } from "./calls.ts";
import { startFaultyWorker, wakeAndForget } from "./faulty_worker.ts";
import { Line } from "./line.ts";

/** How long a process lives. */
const LIFE_SECONDS = 12;
const WAKE_EVERY_MS = 400;

/** What a worker says that ends itself because it is used up. */
const RETIRED = /the isolate is used up/;

/** One for each line in turn. Not `deferred`: such an answer is fetched only where 15 seconds of life are left. */
const GROK_TRANSPORTS = ["sync", "stream"];

const ENVIRONMENT = {
  QUEUE_WALL_CLOCK_SECONDS: `${LIFE_SECONDS}`,
  // Less of the life than on the platform, because it is so short: starting takes a part of it.
  QUEUE_CLAIM_PERCENT: "65",
  QUEUE_HAND_OVER_PERCENT: "80",
  QUEUE_CONCURRENCY: "5",
};

/** One process, from its start to its end. */
export interface Life {
  slot: number;
  pid: number;
  started: number;
  /** When it was told to end, or died. */
  ending?: number;
  /** Why. `retired`: it was used up. `alone`: nobody told it, and it does not say why. */
  reason?: "killed" | "stopped" | "out_of_time" | "retired" | "alone";
  ended?: number;
}

interface Slot {
  line: Line;
  life?: Life;
  worker?: Worker;
  /** For the next process. */
  clockOffsetMs: number;
  onStart?: () => void;
}

export class Workers {
  readonly lives: Life[] = [];
  readonly #slots: Slot[];
  #isClosing = false;
  #kept: Promise<unknown>;

  constructor(count: number, calls: Call[]) {
    this.#slots = Array.from({ length: count }, (_, slot) => ({
      line: new Line(slot, calls),
      clockOffsetMs: 0,
    }));
    this.#kept = Promise.all(this.#slots.map((slot) => this.#keep(slot)));
  }

  line(slot: number): Line {
    return this.#slots[slot].line;
  }

  lines(): Line[] {
    return this.#slots.map(({ line }) => line);
  }

  /** The process that is in this slot now. */
  life(slot: number): Life | undefined {
    return this.#slots[slot].life;
  }

  /** Ends a process, or does nothing when there is none. */
  end(slot: number, reason: "killed" | "stopped" | "out_of_time") {
    const life = this.#slots[slot].life;
    if (!life) return;
    // Who is told to stop can still be killed.
    if (reason !== "stopped" || life.reason === undefined) life.reason = reason;
    life.ending ??= Date.now();
    this.signal(slot, reason === "stopped" ? "SIGTERM" : "SIGKILL");
  }

  /** Kills the process of this id, if it still lives. */
  kill(pid: number) {
    const slot = this.#slots.findIndex(({ life }) => life?.pid === pid);
    if (slot >= 0) this.end(slot, "killed");
  }

  /** Sends a signal to a process; false when there is none. */
  signal(slot: number, signal: Deno.Signal): boolean {
    const life = this.#slots[slot].life;
    if (!life || life.ended) return false;
    try {
      Deno.kill(life.pid, signal);
      return true;
    } catch {
      return false;
    }
  }

  /** The next process in this slot will have a clock that is wrong by so much. */
  misset(slot: number, ms: number, onStart: () => void) {
    Object.assign(this.#slots[slot], { clockOffsetMs: ms, onStart });
  }

  wake(slot: number) {
    const { worker } = this.#slots[slot];
    if (worker) wakeAndForget(worker);
  }

  /** Asks all to stop and waits until they have. */
  async close() {
    this.#isClosing = true;
    for (const slot of this.#slots.keys()) this.end(slot, "stopped");
    await this.#kept;
    for (const { line } of this.#slots) line.close();
  }

  async #keep(slot: Slot) {
    while (!this.#isClosing) {
      try {
        await this.#live(slot);
      } catch (error) {
        // It was killed before it could listen, or this machine is out of something.
        if (!/did not start/.test(`${error}`)) throw error;
      }
    }
  }

  async #live(slot: Slot) {
    const started = Date.now();
    const { onStart, clockOffsetMs } = slot;
    Object.assign(slot, { clockOffsetMs: 0, onStart: undefined });
    const { line } = slot;
    const worker = await startFaultyWorker({
      ...ENVIRONMENT,
      SUPABASE_URL: line.url,
      GROK_TRANSPORT: GROK_TRANSPORTS[line.slot % GROK_TRANSPORTS.length],
      CLOCK_OFFSET_MS: `${clockOffsetMs}`,
    });
    onStart?.();
    const life: Life = { slot: line.slot, pid: worker.pid, started };
    this.lives.push(life);
    Object.assign(slot, { life, worker });
    const number = line.slot;
    const end = setTimeout(
      () => this.end(number, "out_of_time"),
      started + LIFE_SECONDS * 1_000 - Date.now(),
    );
    const waking = setInterval(() => this.wake(number), WAKE_EVERY_MS);
    if (this.#isClosing) this.end(number, "stopped");
    await worker.ended;
    clearTimeout(end);
    clearInterval(waking);
    life.ended = Date.now();
    life.ending ??= life.ended;
    life.reason ??= RETIRED.test(worker.output()) ? "retired" : "alone";
    Object.assign(slot, { life: undefined, worker: undefined });
    await keepOutput(life, worker.output());
  }
}

/** Beside the logs of the other parts of the stack, which outlive a run that failed. */
async function keepOutput(life: Life, output: string) {
  const file = `${Deno.env.get("STACK_FOLDER")}/worker-${life.slot}.log`;
  const text = `=== process ${life.pid}, ${
    new Date(life.started).toISOString()
  }, ended: ${life.reason}\n${output}\n`;
  await Deno.writeTextFile(file, text, { append: true });
}
