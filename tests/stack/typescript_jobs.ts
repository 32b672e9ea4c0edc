// The function with job types in TypeScript, one for each thing that a handler can do.

import {
  JobError,
  type JobHandlers,
} from "../../supabase/functions/process-queued-jobs/handler.ts";
import { serve } from "../../supabase/functions/process-queued-jobs/serve.ts";
import { askOdd, makeOdd, makeThrown } from "./odd_things.ts";

/** Tells the test that something happened. */
async function tell(url: string, what: string, signal?: AbortSignal) {
  await (await fetch(`${url}/${what}`, { signal })).body?.cancel();
}

/** What `use` throws, whenever it does. */
async function refusal(use: () => unknown): Promise<string> {
  try {
    return `nothing: ${await use()}`;
  } catch (error) {
    return `${error}`;
  }
}

const handlers: JobHandlers = {
  "ts/describe": (input: unknown, { job, signal, timeLeftMs }) => ({
    input,
    job,
    is_aborted: signal.aborted,
    time_left_ms: timeLeftMs(),
  }),

  "ts/nothing": () => {},

  // Fails, once, between its two steps.
  "ts/steps": async (input: { url: string }, { step, job }) => {
    const first = await step("first", async () => {
      await tell(input.url, "first");
      return { at: job.retry_count };
    });
    if (job.retry_count === 0) throw new Error("between the steps");
    const second = await step("second", () => tell(input.url, "second"));
    return { first, second };
  },

  "ts/begun": async (input: { url: string }, { step }) =>
    await step("begun", async (isAgain) => {
      await tell(input.url, isAgain ? "again" : "wait");
      return isAgain;
    }),

  "ts/permanent": () => {
    throw JobError.permanent("input_data.name: expected a text");
  },
  "ts/later": () => {
    throw JobError.retryable("not now", { retry_after_seconds: 3_000 });
  },
  "ts/snooze": () => {
    throw JobError.snoozed(3_000);
  },
  "ts/unavailable": () => {
    throw JobError.unavailable("the key sk-abcdefgh12345678 was refused; set MAIL_KEY");
  },
  "ts/throws": () => {
    throw new TypeError("of the handler's own");
  },
  "ts/catches": async (_: unknown, { step }) => {
    const error = new Error("of the step's own");
    const caught = await step("fails", () => {
      throw error;
    }).catch((error) => error);
    return { is_the_same: caught === error };
  },

  "ts/twice": async (_: unknown, { step }) => {
    await step("one", () => 1);
    await step("one", () => 2);
  },
  "ts/large": async (_: unknown, { step }) => await step("large", () => "x".repeat(1_100_000)),

  // Returns the value of a JSON text, from a step too.
  "ts/says": async (input: { sent: string }, { step }) => ({
    returned: JSON.parse(input.sent),
    kept: await step("says", () => JSON.parse(input.sent)),
  }),
  "ts/returns": (input: { what: string }) => makeOdd(input.what),
  "ts/keeps": (input: { what: string }, { step }) => step("paid", () => makeOdd(input.what)),
  "ts/throws_odd": (input: { what: string }) => {
    throw makeThrown(input.what);
  },
  "ts/asks_odd": (input: { what: string }, context) => askOdd(input.what, context),

  "ts/progress": async (input: { url: string }, { progress, signal }) => {
    progress({ phase: "walking", done: 1, total: 3, message: "on the way" });
    await tell(input.url, "wait", signal);
  },
  "ts/half_a_step": (_: unknown, { progress }) => {
    progress({ phase: "walking", done: 0.5, total: 3.5, message: "half a step \ud83d" });
  },

  "ts/call": async (_: unknown, { call }) => ({
    id: await call("enqueue_job", { job_type: "ts/nothing", delay_seconds: 3_600 }),
    refused: await call("enqueue_job", { job_type: "" }).catch((error) => `${error}`),
  }),

  // Waits, with its signal, for an answer that never comes, and says why it stopped.
  "ts/listens": async (input: { url: string }, { signal }) => {
    signal.addEventListener("abort", () => tell(input.url, `stopped/${signal.reason.reason}`));
    await tell(input.url, "wait", signal);
  },

  // Neither listens nor returns, and goes on asking for steps after it was stopped.
  "ts/deaf": async (input: { url: string }, { step }) => {
    for (let n = 1;; n++) {
      try {
        await step(`step/${n}`, () => tell(input.url, `step/${n}`));
      } catch (error) {
        await tell(input.url, `refused/${(error as { reason?: string }).reason}`);
        await new Promise(() => {});
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  },

  "ts/walk": async (input: { steps: number; ms: number }, { step }) => {
    let sum = 0;
    for (let n = 1; n <= input.steps; n++) {
      sum += await step(`step/${n}`, async () => {
        await new Promise((resolve) => setTimeout(resolve, input.ms));
        return n;
      });
    }
    return { sum };
  },

  "ts/careless": () => {
    setTimeout(() => {
      throw new Error("nobody catches this");
    });
    Promise.reject(new RangeError("nor this"));
    return "done";
  },

  // Says what it is told for arguments of another type than declared.
  "ts/mistyped": async (_: unknown, context) => {
    // deno-lint-ignore no-explicit-any -- a handler in JavaScript has no types
    const { step, call, progress, log } = context as any;
    const uses = [
      () => step(5, () => 1),
      () => call(["a"]),
      () => call("enqueue_job", 1n),
      () => progress(),
      () => log({}),
      () => log("event", 1n),
    ];
    const told = [];
    for (const use of uses) told.push(await refusal(use));
    return told;
  },

  // Puts a function of its own in the place of `fetch`, for one request each.
  "ts/replaces_fetch": async (_: unknown, { call }) => {
    const own = globalThis.fetch;
    const broken = () => new ReadableStream({ pull: (controller) => controller.error("cut") });
    const replacements: (() => unknown)[] = [
      () => Promise.reject("no network"),
      () => Promise.reject(undefined),
      () => {
        throw "no network";
      },
      () => Promise.resolve("no response"),
      () => Promise.resolve(new Response(broken())),
    ];
    const done = [];
    for (const replacement of replacements) {
      globalThis.fetch = () => {
        globalThis.fetch = own;
        return replacement() as Promise<Response>;
      };
      done.push(typeof await call("job_queue_metrics") === "string");
    }
    return done;
  },

  "noop": () => "not the one in Rust",
};

serve(handlers);
