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
  addEventListener("error", (event) => {
    event.preventDefault();
    const error = "the worker crashed and this isolate is retired; its jobs start again elsewhere";
    crash = { status: 503, body: JSON.stringify({ success: false, error }) };
    resolve(crash);
  });
});

addEventListener("beforeunload", () => worker.shutdown());

Deno.serve(async (request) => {
  const { status, body, allow } = await answer(request);
  const headers = { "content-type": "application/json", ...(allow && { allow }) };
  return new Response(body, { status, headers });
});

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
