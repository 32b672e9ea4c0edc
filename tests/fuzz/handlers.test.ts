// Handlers in TypeScript that return, throw and report whatever may come: what the worker is given can be read and
// stored, and no error holds a secret.

import assert from "node:assert/strict";
import fc from "fast-check";
import { attempt } from "../../supabase/functions/process-queued-jobs/attempt.ts";
import { JobError, type JobHandler } from "../../supabase/functions/process-queued-jobs/handler.ts";
import { anything, fuzz, objectOf, SECRET } from "../support/fuzz.ts";

// deno-lint-ignore no-explicit-any -- handlers without types give anything
type Anything = any;

/** The worker's side: does what it is asked to, and notes what it is given. */
function desk(given: string[]): Anything {
  return {
    onStop() {},
    step: async (name: string, run: (isAgain: boolean) => Promise<string>) => {
      given.push(JSON.stringify(name));
      const result = await run(false);
      given.push(result);
      return result;
    },
    progress: (progress: string) => given.push(progress),
    call: (name: string, args: string) => {
      given.push(JSON.stringify(name), args);
      return Promise.resolve('{"Ok":1}');
    },
    log: (_event: string, fields: string) => given.push(fields),
    timeLeftMs: () => 1,
  };
}

const thrown = fc.oneof(
  anything,
  objectOf("message", "code", "hint", "name", "cause", "stack", "errors", "status"),
  fc.string({ unit: "binary" }).map((text) => new Error(`${text} Bearer ${SECRET}`)),
  anything.map((cause) => new Error("caused", { cause })),
  anything.map((seconds) => outcome(() => JobError.snoozed(seconds as number))),
  anything.map((message) => outcome(() => JobError.permanent(message as string))),
);

/** What `make` gives or throws. */
function outcome(make: () => unknown): unknown {
  try {
    return make();
  } catch (error) {
    return error;
  }
}

const WAYS: Record<string, (value: Anything, context: Anything) => unknown> = {
  returns: (value) => value,
  throws: (value) => {
    throw value;
  },
  keeps: (value, { step }) => step("kept", () => value),
  "names a step": (value, { step }) => step(value, () => 1),
  reports: (value, { progress }) => progress(value),
  calls: (value, { call }) => call("some_function", value),
  logs: (value, { log }) => log("something", value),
};

fuzz(
  "whatever a handler comes to is a result or a verdict that the worker can read",
  fc.record({
    way: fc.constantFrom(...Object.keys(WAYS)),
    value: fc.oneof(thrown, objectOf("phase", "done", "total", "message")),
  }),
  async ({ way, value }) => {
    const given: string[] = [];
    const odd: JobHandler = (_, context) => WAYS[way](value, context);
    given.push(await attempt(odd, "{}", "{}", desk(given)));
    for (const text of given) {
      const read = JSON.parse(text);
      assert.ok(
        text.isWellFormed() && !/\\u0000|\\ud[89a-f]/.test(text.replaceAll("\\\\", "")),
        text,
      );
      assert.ok(levelsOf(read) <= 102, "serde_json reads 128");
      if (read?.Err) assert.doesNotMatch(text, /neverToBeTold/);
      if (read?.Err?.retryable) assert.ok(read.Err.retryable.message.length <= 2_000);
      if (read?.Err?.snoozed) assert.ok(Number.isInteger(read.Err.snoozed.seconds));
    }
  },
);

function levelsOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(levelsOf));
}
