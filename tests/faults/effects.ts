// The world that steps have an effect on. It counts what really happened, and knows nothing of the queue.

/** Something a handler did or announced. */
export interface Effect {
  /** Its number, which the handler gets back: a result that carries it stems from this effect. */
  effect: number;
  at: number;
  kind: "began" | "step" | "threw" | "snoozed" | "hung" | "blocked" | "crash" | "kill" | "spin";
  job: string;
  /** Of the handler: a fresh one for every run, or the lease token where it knows that. */
  run: string;
  step?: string;
  message?: string;
  /** The process that the handler ran in. */
  pid?: number;
}

export class Effects {
  readonly all: Effect[] = [];
  readonly url: string;
  #counts = new Map<string, number>();
  #server: Deno.HttpServer<Deno.NetAddr>;
  #onEffect: (effect: Effect) => void;

  constructor(onEffect: (effect: Effect) => void = () => {}) {
    this.#onEffect = onEffect;
    const serving = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
    this.#server = Deno.serve(
      serving,
      async (request) => Response.json(this.#take(await request.json())),
    );
    this.url = `http://127.0.0.1:${this.#server.addr.port}/`;
  }

  /** Answers with the effect's number, and how many of its kind its job had so far. */
  #take(told: Omit<Effect, "effect" | "at">): { effect: number; count: number } {
    const effect = { ...told, effect: this.all.length, at: Date.now() };
    this.all.push(effect);
    this.#onEffect(effect);
    const key = `${told.job} ${told.kind}`;
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    return { effect: effect.effect, count };
  }

  close(): Promise<void> {
    return this.#server.shutdown();
  }
}
