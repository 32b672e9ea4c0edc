// What handlers in TypeScript return, throw and ask for when something went wrong in them, each by a name.

import { type JobContext, JobError } from "../../supabase/functions/process-queued-jobs/handler.ts";
import { LOST } from "../fixtures/payloads.ts";

// deno-lint-ignore no-explicit-any -- that is what makes it odd
type Odd = any;

/** A result that is no JSON. */
export function makeOdd(what: string): Odd {
  const circular: Odd = { name: "visit" };
  circular.self = circular;
  const odd: Record<string, () => Odd> = {
    circular: () => circular,
    deep: () => JSON.parse("[".repeat(200) + "]".repeat(200)),
    "too deep for a stack": () => JSON.parse("[".repeat(100_000) + "]".repeat(100_000)),
    toJSON: () => ({
      toJSON() {
        throw new Error("no JSON of this");
      },
    }),
    getter: () => ({
      get total() {
        throw new Error("no total");
      },
    }),
    NaN: () => ({ mean: NaN, at: new Date(NaN) }),
    ...Object.fromEntries(LOST),
  };
  return odd[what]();
}

const SIGNED =
  "https://ab.supabase.co/storage/v1/object/sign/photos/1.jpg?token=eyJhbGciOi.eyJ1.c2ln";

/** Something to throw. */
export function makeThrown(what: string): Odd {
  const circular: Odd = {};
  circular.cause = circular;
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  const thrown: Record<string, () => Odd> = {
    "an error of supabase-js": () => ({
      message: "duplicate key value violates unique constraint",
      code: "23505",
      details: "Key (email)=(someone@example.com) already exists.",
      hint: "use another one",
    }),
    "half an emoji": () => new Error("cut \ud83d"),
    NUL: () => new Error("cut \0here"),
    "a text": () => "just words",
    undefined: () => undefined,
    null: () => null,
    "a number": () => 7,
    "a symbol": () => Symbol("odd"),
    "a BigInt": () => 7n,
    "a DOMException": () => new DOMException("the wait is over", "TimeoutError"),
    causes: () =>
      new Error("not sent", {
        cause: Object.assign(new TypeError("refused"), { code: "ECONNREFUSED" }),
      }),
    "itself as its cause": () => circular,
    "an object without words": () => ({ secret: "xyz" }),
    "a response": () => new Response("payload", { status: 418 }),
    "a getter that throws": () => ({
      get message() {
        throw new Error("no");
      },
    }),
    "a proxy that lets nobody look": () => proxy,
    "an address and a key": () =>
      new Error(`GET ${SIGNED} with Bearer abc.def and sb_secret_abcdefghijk failed`),
    "a permanent error with an address": () => JobError.permanent(`cannot read ${SIGNED}`),
    "two megabytes": () => new Error("word ".repeat(400_000)),
  };
  return thrown[what]();
}

/** Asks for something that cannot be done. */
export async function askOdd(
  what: string,
  { step, progress, call, log }: JobContext,
): Promise<Odd> {
  const asked: Record<string, () => Odd> = {
    "a step by a number": () => step(5 as Odd, () => 1),
    "a step without a name": () => step("", () => 1),
    "a step without a function": () => step("walk", undefined as Odd),
    "a call by a number": () => call(5 as Odd),
    "a call with a BigInt": () => call("enqueue_job", { n: 1n }),
    "a log by a number": () => log(5 as Odd),
    "progress of NaN": () => progress({ phase: "a", done: NaN, total: 1, message: "" }),
    "progress below none": () => progress({ phase: "a", done: -1, total: 1, message: "" }),
    "progress without words": () => progress({ done: 0.5 } as Odd),
    "to be snoozed for NaN": () => {
      throw JobError.snoozed(NaN);
    },
    "to be snoozed for ever": () => {
      throw JobError.snoozed(Infinity);
    },
    "to be tried after NaN": () => {
      throw JobError.retryable("later", { retry_after_seconds: NaN });
    },
  };
  return await asked[what]();
}
