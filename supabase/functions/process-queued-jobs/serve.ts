// The function's front door: checks who calls, wakes the worker, answers. Every rule about jobs is in the Wasm.

import { type JobHandler, type JobHandlers, JobStopped } from "./handler.ts";
import { messageOf } from "./thrown.ts";
import { type Answer, type Bridge, initSync, type LastWords, Worker } from "./worker/worker.js";
import { wasmBytes } from "./worker/wasm_bytes.js";

declare const EdgeRuntime: { waitUntil(promise: Promise<unknown>): void } | undefined;

/**
 * Runs jobs for whoever may wake the worker: those of the types written in Rust, and of `handlers`, of which one takes the
 * place of a Rust one by the same name.
 */
export function serve(handlers: JobHandlers) {
  initSync({ module: wasmBytes() });
  const worker = new Worker(Deno.env.toObject(), attempts(handlers));
  const crash = watch(worker);
  addEventListener("drain", () => worker.drain());
  addEventListener(
    "beforeunload",
    (event) => worker.shutdown((event as CustomEvent).detail?.reason),
  );

  Deno.serve(async (request) => {
    const reply = await answer(worker, crash, request);
    const { status, body, content_type, allow, retry_after } = reply;
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const headers = {
      "content-type": content_type,
      "cache-control": "no-store",
      ...(allow && { allow }),
      ...(retry_after !== null && { "retry-after": `${retry_after}` }),
    };
    return new Response(text, { status, headers });
  });
}

/** What the worker calls for each type. */
function attempts(handlers: JobHandlers): Record<string, Attempt> {
  for (const [jobType, handler] of Object.entries(handlers)) {
    if (typeof handler !== "function") {
      throw new TypeError(`job type ${jobType}: expected a function`);
    }
  }
  const all = Object.entries(handlers).map(([jobType, handler]) => [jobType, attempt(handler)]);
  return Object.fromEntries(all);
}

type Attempt = (job: string, input: string, bridge: Bridge) => Promise<string>;

/** Loads what runs them with the first: an isolate whose jobs are written in Rust starts without it. */
function attempt(handler: JobHandler): Attempt {
  return async (job, input, bridge) => {
    const { attempt } = await import("./attempt.ts");
    return attempt(handler, job, input, bridge);
  };
}

async function answer(worker: Worker, crash: Crash, request: Request): Promise<Answer> {
  if (crash.answer) return crash.answer;
  const usedUp = worker.usedUp();
  if (usedUp) return retire(worker, crash, usedUp);
  const header = (name: string) => request.headers.get(name) ?? undefined;
  const isScrape = request.method === "GET" && new URL(request.url).pathname.endsWith("/metrics");
  // Whoever may start a run may see how the queue is.
  const method = isScrape ? "POST" : request.method;
  const refusal = worker.admit(method, header("x-queue-token"), header("apikey"));
  if (refusal) return refusal;
  if (isScrape) return await crash.endOf(worker.metrics());
  const text = await request.text();
  // It may have crashed while the body came.
  if (crash.answer) return crash.answer;
  const order = worker.read(text);
  if (order.refusal) return order.refusal;
  const run = crash.endOf(worker.run());
  if (typeof EdgeRuntime === "undefined") return await run;
  // Also for a caller that waits: it may hang up.
  EdgeRuntime.waitUntil(run);
  return order.wait ? await run : worker.accepted();
}

/** Ends an isolate that may begin nothing more, so that no request is lost on it. */
function retire(worker: Worker, crash: Crash, answer: Answer): Answer {
  crash.answer = answer;
  // The answer leaves first.
  worker.wakeSuccessor().finally(() => setTimeout(() => end("the isolate is used up"), 50));
  return answer;
}

/** Nobody catches it: the next request starts a fresh isolate. */
function end(reason: string) {
  reportError(new Retired(reason));
}

/** A panic leaves its promises unsettled for ever, and the worker's memory in a state nobody knows. */
interface Crash {
  /** What every request is told from then on. */
  answer?: Answer;
  /** The answer of a run or a scrape, or of the crash that ends it. */
  endOf(answer: Promise<Answer>): Promise<Answer>;
}

function watch(worker: Worker): Crash {
  const waiting = new Set<(answer: Answer) => void>();
  const crash: Crash = {
    endOf: (run) =>
      new Promise((resolve) => {
        waiting.add(resolve);
        run.then(resolve).finally(() => waiting.delete(resolve));
      }),
  };
  const onError = (event: Event, error: unknown) => {
    if (error instanceof Retired) return;
    event.preventDefault();
    // Left behind by a handler that was stopped.
    if (error instanceof JobStopped) return;
    if (!isCrash(error)) {
      return console.error("a job type left an error uncaught:", messageOf(error));
    }
    if (crash.answer) return;
    const answer = crash.answer = CRASHED;
    // The isolate lives for those who wait, so they are told when everything is said.
    sayLastWords(worker).finally(() => {
      waiting.forEach((resolve) => resolve(answer));
      setTimeout(() => end("the worker crashed"), 1_000);
    });
  };
  addEventListener("error", (event) => onError(event, event.error));
  addEventListener("unhandledrejection", (event) => onError(event, event.reason));
  return crash;
}

const CRASHED: Answer = {
  status: 503,
  content_type: "application/json",
  allow: null,
  retry_after: null,
  body: {
    success: false,
    error: "the worker crashed and this isolate is retired; its jobs go on elsewhere",
  },
};

class Retired extends Error {}

/** A trap of the Wasm, or a stack that overflows in it. Other errors are of a job type in TypeScript. */
function isCrash(error: unknown): boolean {
  if (error instanceof WebAssembly.RuntimeError) return true;
  return error instanceof RangeError && /call stack/.test(error.message) &&
    /wasm/.test(error.stack ?? "");
}

/** Saves what can be saved. */
async function sayLastWords(worker: Worker) {
  try {
    const words = worker.lastWords();
    if (words) await insist(words);
  } catch (error) {
    console.error("the last results were not stored:", messageOf(error));
  }
}

/** Sends it, in three tries within ten seconds. */
async function insist(words: LastWords) {
  const signal = AbortSignal.timeout(10_000);
  for (let left = 2;; left--) {
    try {
      return await send(words, signal);
    } catch (error) {
      if (left === 0) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

async function send(words: LastWords, signal: AbortSignal) {
  const response = await fetch(words.url, {
    method: "POST",
    headers: words.headers,
    body: words.body,
    signal,
    // Not to wherever a redirect points: there is a key in the headers.
    redirect: "manual",
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`the database answered ${response.status}`);
}
