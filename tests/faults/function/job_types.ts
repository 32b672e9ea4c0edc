// Job types of the fault suite. Each tells the counter of effects what it does before it goes on.

import type {
  JobContext,
  JobError,
  JobHandlers,
} from "../../../supabase/functions/process-queued-jobs/handler.ts";
import type { Effect } from "../effects.ts";

/** What all of them are given. */
interface Input {
  effectsUrl: string;
}

/** `errors` is the class of the function's copy that runs them. */
export function jobTypes(errors: typeof JobError): JobHandlers {
  return { walk, stumble: stumble(errors), snooze: snooze(errors), hang, block, hog, kill, spin };
}

/** Goes through its steps, each of which has one effect. */
async function walk(input: Input & { steps: number; stepMs: number }, context: JobContext) {
  const run = crypto.randomUUID();
  const { effectsUrl: url } = input;
  await tell(url, context, { kind: "began", run });
  const effects: number[] = [];
  for (let number = 1; number <= input.steps; number++) {
    const step = `step-${number}`;
    const result = await context.step(step, async () => {
      await pause(input.stepMs, context.signal);
      return { run, ...await tell(url, context, { kind: "step", run, step }) };
    });
    effects.push(result.effect);
  }
  return { run, effects };
}

/** Throws in each of its first attempts. */
const stumble =
  (errors: typeof JobError) =>
  async (input: Input & { attempts: number; isPermanent: boolean }, context: JobContext) => {
    const run = crypto.randomUUID();
    if (context.job.retry_count >= input.attempts) return { run };
    const message = `stumbled in run ${run}`;
    await tell(input.effectsUrl, context, { kind: "threw", run, message });
    if (input.isPermanent) throw errors.permanent(message);
    throw errors.retryable(message, { retry_after_seconds: 1 });
  };

/** Wants to be run again later, so many times. */
const snooze =
  (errors: typeof JobError) => async (input: Input & { times: number }, context: JobContext) => {
    const run = crypto.randomUUID();
    const { count } = await tell(input.effectsUrl, context, { kind: "snoozed", run });
    if (count <= input.times) throw errors.snoozed(1);
    return { run };
  };

/** Never returns, and listens to nobody. */
async function hang(input: Input, context: JobContext) {
  await tell(input.effectsUrl, context, { kind: "hung", run: crypto.randomUUID() });
  await new Promise(() => {});
}

/** Has the isolate to itself for so long that no sign of life is sent. */
async function block(input: Input & { ms: number }, context: JobContext) {
  const run = crypto.randomUUID();
  await tell(input.effectsUrl, context, { kind: "blocked", run });
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, input.ms);
  return { run };
}

/** Takes memory until the isolate has none left. */
async function hog(input: Input, context: JobContext) {
  await tell(input.effectsUrl, context, { kind: "crash", run: crypto.randomUUID() });
  const pieces: number[][] = [];
  while (pieces.length < 1_000) pieces.push(new Array(1_000_000).fill(Math.random()));
  return pieces.length;
}

/** Has its process killed from outside, at once. */
async function kill(input: Input, context: JobContext) {
  await tell(input.effectsUrl, context, { kind: "kill", run: crypto.randomUUID(), pid: Deno.pid });
  await new Promise(() => {});
}

/** Computes until its process is killed for it. */
async function spin(input: Input, context: JobContext) {
  await tell(input.effectsUrl, context, { kind: "spin", run: crypto.randomUUID(), pid: Deno.pid });
  for (const end = performance.now() + 60_000; performance.now() < end;);
}

async function tell(
  url: string,
  context: JobContext,
  effect: Pick<Effect, "kind" | "run" | "step" | "message" | "pid">,
): Promise<{ effect: number; count: number }> {
  const response = await fetch(url, {
    method: "POST",
    body: JSON.stringify({ ...effect, job: context.job.id }),
    signal: context.signal,
  });
  return await response.json();
}

/** Waits, unless the job is to stop. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
