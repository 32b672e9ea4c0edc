// Workers that a drill keeps going: whenever one dies another takes its place, as on the platform.

import { taken } from "../../bench/process.ts";
import type { Worker } from "../../support/worker.ts";
import { type Effect, Effects } from "../effects.ts";
import { startFaultyWorker, wakeAndForget } from "../faulty_worker.ts";

/** What the platform allows an isolate. */
const CPU_MS = 2_000;
const WAKE_EVERY_MS = 250;

/** A few workers with short leases, one after the other in each place. */
export class Crew {
  /** How many of its workers died. */
  deaths = 0;
  readonly #effects = new Effects((effect) => this.#harm(effect));
  readonly #workers = new Map<number, Worker>();
  readonly #places: Promise<unknown>;
  #isClosing = false;

  constructor(places: number) {
    this.#places = Promise.all(Array.from({ length: places }, () => this.#keep()));
  }

  /** Where jobs tell what they do. */
  get effectsUrl(): string {
    return this.#effects.url;
  }

  /** Kills the worker that has lived longest; whether there was one. */
  killOne(): boolean {
    const worker = this.#workers.values().next().value;
    worker?.kill();
    return worker !== undefined;
  }

  async close() {
    this.#isClosing = true;
    for (const worker of this.#workers.values()) worker.kill();
    await this.#places;
    await this.#effects.close();
  }

  async #keep() {
    while (!this.#isClosing) {
      const worker = await startFaultyWorker({ QUEUE_CONCURRENCY: "10" });
      this.#workers.set(worker.pid, worker);
      const waking = setInterval(() => wakeAndForget(worker), WAKE_EVERY_MS);
      if (this.#isClosing) worker.kill();
      await worker.ended;
      clearInterval(waking);
      this.#workers.delete(worker.pid);
      if (!this.#isClosing) this.deaths++;
    }
  }

  /** Does to a worker what the platform does for what its job says it is about to do. */
  #harm({ kind, pid }: Effect) {
    const worker = pid === undefined ? undefined : this.#workers.get(pid);
    if (kind === "kill") worker?.kill();
    if (kind === "spin") killForCpu(worker);
  }
}

function killForCpu(worker: Worker | undefined) {
  if (!worker) return;
  const since = taken(worker.pid).isolateMs;
  const look = setInterval(() => {
    if (taken(worker.pid).isolateMs - since < CPU_MS) return;
    clearInterval(look);
    worker.kill();
  }, 50);
}
