// The edge function: checks who calls, wakes the worker, answers. Every rule about jobs is in the Wasm.

import { initSync, Worker } from "./worker/worker.js";
import { wasmBytes } from "./worker/wasm_bytes.js";

/** JSON text and what goes with it. */
type Answer = { status: number; body: string; allow?: string };

declare const EdgeRuntime: { waitUntil(promise: Promise<unknown>): void } | undefined;

initSync({ module: wasmBytes() });
const worker = new Worker(Deno.env.toObject());

// A panic leaves its promises unsettled for ever, and the worker's memory in a state nobody knows.
let crash: Answer | undefined;
const crashed = new Promise<Answer>((resolve) => {
  const onError = (event: Event, error: unknown) => {
    if (crash && error instanceof Retired) return;
    event.preventDefault();
    if (!isCrash(error)) return console.error("a job type left an error uncaught:", `${error}`);
    crash ??= retire();
    resolve(crash);
  };
  addEventListener("error", (event) => onError(event, event.error));
  addEventListener("unhandledrejection", (event) => onError(event, event.reason));
});

addEventListener("drain", () => worker.drain());
addEventListener("beforeunload", (event) => worker.shutdown((event as CustomEvent).detail?.reason));

Deno.serve(async (request) => {
  const { status, body, allow } = await answer(request);
  const headers = { "content-type": "application/json", ...(allow && { allow }) };
  return new Response(body, { status, headers });
});

class Retired extends Error {}

/** A trap of the Wasm; a stack that overflows in it is a RangeError. Other errors are of a job type in TypeScript. */
function isCrash(error: unknown): boolean {
  return error instanceof WebAssembly.RuntimeError || error instanceof RangeError;
}

/** Saves what can be saved and ends the isolate, so that its requests go to one that works. */
function retire(): Answer {
  const words = worker.lastWords();
  const said = words && fetch(words.url, {
    method: "POST",
    headers: JSON.parse(words.headers),
    body: words.body,
    signal: AbortSignal.timeout(10_000),
  });
  Promise.resolve(said)
    .then((response) => response?.body?.cancel())
    .catch((error) => console.error("the last results were not stored:", `${error}`))
    .finally(() => setTimeout(() => reportError(new Retired("the worker crashed")), 1_000));
  const error = "the worker crashed and this isolate is retired; its jobs go on elsewhere";
  return { status: 503, body: JSON.stringify({ success: false, error }) };
}

async function answer(request: Request): Promise<Answer> {
  if (crash) return crash;
  const header = (name: string) => request.headers.get(name) ?? undefined;
  const refusal = worker.admit(request.method, header("x-queue-token"), header("apikey"));
  if (refusal) return refusal;
  const order = worker.read(await request.text());
  if (order.refusal) return order.refusal;
  const run = Promise.race([worker.run(), crashed]);
  if (order.wait || typeof EdgeRuntime === "undefined") return await run;
  EdgeRuntime.waitUntil(run);
  return worker.accepted();
}
