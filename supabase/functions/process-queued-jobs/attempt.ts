// One attempt of a job in TypeScript, between the handler and the worker in the Wasm, which runs it like any other. JSON
// text travels between the two, and errors travel as values: `src/edge/wasm/script/` is the other side.

import {
  JobError,
  type JobHandler,
  type JobHandlers,
  JobStopped,
  type StopReason,
  type Verdict,
} from "./handler.ts";
import type { Bridge } from "./worker/worker.js";

/** JSON text of a `Result`. */
type ResultText = string;

type Result = { Ok: unknown } | { Err: Verdict | StopReason };

/** Runs one attempt: JSON texts of the job and its input go in. */
export type Attempt = (job: string, input: string, bridge: Bridge) => Promise<ResultText>;

/** What the worker calls for each type. */
export function attempts(handlers: JobHandlers): Record<string, Attempt> {
  for (const [jobType, handler] of Object.entries(handlers)) {
    if (typeof handler !== "function") {
      throw new TypeError(`job type ${jobType}: expected a function`);
    }
  }
  const all = Object.entries(handlers).map(([jobType, handler]) => [jobType, attempt(handler)]);
  return Object.fromEntries(all);
}

function attempt(handler: JobHandler): Attempt {
  return (job, input, bridge) => resultOf(() => handler(JSON.parse(input), contextOf(job, bridge)));
}

function contextOf(job: string, bridge: Bridge) {
  const stop = new AbortController();
  bridge.onStop((reason: StopReason) => stop.abort(new JobStopped(reason)));
  return {
    job: JSON.parse(job),
    signal: stop.signal,
    step: <T>(name: string, run: (isAgain: boolean) => T | Promise<T>) => step(bridge, name, run),
    progress: (progress: unknown) => bridge.progress(JSON.stringify(progress)),
    call: async <T>(name: string, args: Record<string, unknown> = {}) =>
      valueOf(await bridge.call(name, JSON.stringify(args))) as T,
    timeLeftMs: () => bridge.timeLeftMs(),
    log: (event: string, fields: Record<string, unknown> = {}) =>
      bridge.log(event, JSON.stringify(fields)),
  };
}

async function step<T>(
  bridge: Bridge,
  name: string,
  run: (isAgain: boolean) => T | Promise<T>,
): Promise<T> {
  let thrown: { error: unknown } | undefined;
  const text = await bridge.step(name, (isAgain: boolean) =>
    resultOf(async () => {
      try {
        return await run(isAgain);
      } catch (error) {
        thrown = { error };
        throw error;
      }
    }));
  // The handler gets its own error back, not what is left of it after the journey.
  if (thrown) throw thrown.error;
  return valueOf(text) as T;
}

async function resultOf(run: () => unknown): Promise<ResultText> {
  try {
    return encode({ Ok: (await run()) ?? null });
  } catch (error) {
    return encode({ Err: verdictOf(error) });
  }
}

const encode = (result: Result): ResultText => JSON.stringify(result);

function verdictOf(error: unknown): Verdict | StopReason {
  if (error instanceof JobStopped) return error.reason;
  if (error instanceof JobError) return error.verdict;
  return { retryable: { message: `${error}`, retry_after_seconds: null } };
}

function valueOf(text: ResultText): unknown {
  const result: Result = JSON.parse(text);
  if ("Ok" in result) return result.Ok;
  throw typeof result.Err === "string" ? new JobStopped(result.Err) : JobError.of(result.Err);
}
