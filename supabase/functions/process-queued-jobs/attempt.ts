// One attempt of a job in TypeScript, between the handler and the worker in the Wasm, which runs it like any other. JSON
// text travels between the two, and errors travel as values: `src/edge/wasm/script/` is the other side.

import { JobError, type JobHandler, JobStopped, type StopReason, type Verdict } from "./handler.ts";
import { checkFunction, checkName, checkProgress } from "./arguments.ts";
import { encode, encodeWhole } from "./json.ts";
import { messageOf, stackOf } from "./thrown.ts";
import type { Bridge } from "./worker/worker.js";

/** JSON text of a `Result`. */
type ResultText = string;

type Result = { Ok: unknown } | { Err: Verdict | StopReason };

/** Runs one attempt: JSON texts of the job and its input go in. */
export async function attempt(
  handler: JobHandler,
  job: string,
  input: string,
  bridge: Bridge,
): Promise<ResultText> {
  const result = await resultOf(
    "output_data",
    () => handler(JSON.parse(input), contextOf(job, bridge)),
  );
  if (result.stack) bridge.log("handler_error", encode({ stack: result.stack }, "fields"));
  return result.text;
}

function contextOf(job: string, bridge: Bridge) {
  const stop = new AbortController();
  bridge.onStop((reason: StopReason) => stop.abort(new JobStopped(reason)));
  return {
    job: JSON.parse(job),
    signal: stop.signal,
    step: <T>(name: string, run: (isAgain: boolean) => T | Promise<T>) => step(bridge, name, run),
    progress: (progress: unknown) => bridge.progress(encode(checkProgress(progress), "progress")),
    call: async <T>(name: string, args: Record<string, unknown> = {}) =>
      valueOf(
        await bridge.call(checkName(name, "call"), encodeWhole(args, `arguments of ${name}`)),
      ) as T,
    timeLeftMs: () => bridge.timeLeftMs(),
    log: (event: string, fields: Record<string, unknown> = {}) =>
      bridge.log(checkName(event, "log"), encode(fields, "fields")),
  };
}

async function step<T>(
  bridge: Bridge,
  name: string,
  run: (isAgain: boolean) => T | Promise<T>,
): Promise<T> {
  const kept = checkName(name, "step");
  checkFunction(run, `step ${kept}`);
  let thrown: { error: unknown } | undefined;
  const text = await bridge.step(kept, async (isAgain: boolean) => {
    const result = await resultOf(`step ${kept}: its result`, () => run(isAgain));
    thrown = result.thrown;
    return result.text;
  });
  // The handler gets its own error back, not what is left of it after the journey.
  if (thrown) throw thrown.error;
  return valueOf(text) as T;
}

interface Outcome {
  text: ResultText;
  thrown?: { error: unknown };
  /** Of an error that the handler did not mean to throw. */
  stack?: string;
}

/** What `run` came to; a result that cannot be stored is called `name`. */
async function resultOf(name: string, run: () => unknown): Promise<Outcome> {
  try {
    const result = await run();
    return { text: `{"Ok":${encodeWhole(result, name)}}` };
  } catch (error) {
    const meant = meantBy(error);
    const stack = meant ? undefined : stackOf(error);
    const retryable = { message: messageOf(error), retry_after_seconds: null, stack };
    const result: Result = { Err: meant ?? { retryable } };
    return { text: encode(result, name), thrown: { error }, stack };
  }
}

/** What a handler says by an error of ours; undefined for any other. */
function meantBy(error: unknown): Verdict | StopReason | undefined {
  try {
    if (error instanceof JobStopped) return error.reason;
    if (error instanceof JobError) return withoutSecrets(error.verdict);
  } catch {
    // A proxy that lets nobody look.
  }
}

function withoutSecrets(verdict: Verdict): Verdict {
  if ("retryable" in verdict) {
    const { message, retry_after_seconds } = verdict.retryable;
    return { retryable: { message: messageOf(message), retry_after_seconds } };
  }
  if ("permanent" in verdict) {
    return { permanent: { message: messageOf(verdict.permanent.message) } };
  }
  if ("unavailable" in verdict) {
    return { unavailable: { reason: messageOf(verdict.unavailable.reason) } };
  }
  return verdict;
}

function valueOf(text: ResultText): unknown {
  const result: Result = JSON.parse(text);
  if ("Ok" in result) return result.Ok;
  throw typeof result.Err === "string" ? new JobStopped(result.Err) : JobError.of(result.Err);
}
