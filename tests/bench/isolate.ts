// A worker process under the platform's rules: it gets no request after half its time, and is killed when its time, its
// CPU time or its memory is used up.

import { type RunReport, startWorker, wakeAndWait, type Worker } from "../support/worker.ts";
import { type Taken, taken } from "./process.ts";

/** The limits of an isolate. */
export interface Limits {
  wallClockSeconds: number;
  cpuMs: number;
  memoryMegabytes: number;
}

const LOOK_EVERY_MS = 100;

/** One isolate from its start to its end. */
export class Isolate {
  readonly #worker: Worker;
  readonly #limits: Limits;
  readonly #startedAt = Date.now();
  readonly #guard: ReturnType<typeof setInterval>;
  readonly #idle: Taken;
  #last: Taken;
  /** Why the platform ended it, if it did. */
  killedFor: string | null = null;
  /** Why its last run ended. */
  stopped = "";

  private constructor(worker: Worker, limits: Limits) {
    this.#worker = worker;
    this.#limits = limits;
    this.#idle = this.#last = taken(worker.pid);
    this.#guard = setInterval(() => this.#watch(), LOOK_EVERY_MS);
  }

  /** Starts an isolate and tells it its limits; `flags` go to serve_function.ts. */
  static async start(
    limits: Limits,
    environment: Record<string, string> = {},
    flags: string[] = [],
  ): Promise<Isolate> {
    const worker = await startWorker({
      QUEUE_WALL_CLOCK_SECONDS: String(limits.wallClockSeconds),
      QUEUE_CPU_MILLISECONDS: String(limits.cpuMs),
      QUEUE_MEMORY_MEGABYTES: String(limits.memoryMegabytes),
      ...environment,
    }, flags);
    const health = await fetch(worker.url);
    await health.body?.cancel();
    return new Isolate(worker, limits);
  }

  /** Whether it gets no more requests. */
  get isRetired(): boolean {
    const isOld = this.#ageMs() > this.#limits.wallClockSeconds * 500;
    return isOld || this.killedFor !== null || !["", "empty"].includes(this.stopped);
  }

  /** Lets it run jobs until the queue is empty or the isolate ends. */
  async run() {
    try {
      const report: RunReport = await wakeAndWait(this.#worker.url);
      this.stopped = report.stopped;
    } catch (error) {
      if (this.killedFor === null) throw error;
    }
  }

  /** Ends it; returns what it used beyond an idle worker. */
  async end(): Promise<Pick<Taken, "isolateMs" | "processMs" | "peak">> {
    this.#look();
    clearInterval(this.#guard);
    await this.#worker.kill();
    return { ...this.#last, peak: this.#last.peak - this.#idle.resident };
  }

  #watch() {
    if (!this.#look()) return;
    if (this.#ageMs() > this.#limits.wallClockSeconds * 1_000) this.#kill("wall clock");
    else if (this.#last.isolateMs > this.#limits.cpuMs) this.#kill("CPU time");
    else if (this.#last.resident - this.#idle.resident > this.#limits.memoryMegabytes << 20) {
      this.#kill("memory");
    }
  }

  #look(): boolean {
    if (this.killedFor === null) this.#last = taken(this.#worker.pid);
    return this.killedFor === null;
  }

  #kill(reason: string) {
    this.killedFor = reason;
    this.#worker.kill();
  }

  #ageMs(): number {
    return Date.now() - this.#startedAt;
  }
}
