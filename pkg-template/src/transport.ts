// The way to PostgREST: one request, and repeating it when that is safe and may help. Every call of the queue may be
// repeated: enqueuing carries a key, everything else says what shall be, not what to add.

import type { Failed } from "./result.ts";

/** An answer, or why there is none. */
export type Answer = { data: unknown; failed?: undefined } | { data?: undefined; failed: Failed };

/** Rows of `visible_jobs`: PostgREST's filters, the latest first. */
export interface Query {
  filters: [column: string, operator: string, value: string][];
  limit: number;
}

/** One try at a request. */
export interface Transport {
  rpc(name: string, args: object, signal: AbortSignal): Promise<Answer>;
  read(query: Query, signal: AbortSignal): Promise<Answer>;
}

/** Reading what PostgREST, or something in front of it, answered. */
export function answerOf(status: number, body: unknown, retryAfter?: string | null): Answer {
  if (status >= 200 && status < 300) return { data: body };
  const said = (typeof body === "object" && body ? body : {}) as Record<string, unknown>;
  const seconds = Number(retryAfter);
  return {
    failed: {
      error: typeof said.message === "string" && said.message
        ? said.message
        : `the server answered ${status}`,
      code: typeof said.code === "string" && said.code ? said.code : `http_${status}`,
      ...(seconds > 0 && { retryAfterSeconds: seconds }),
    },
  };
}

/** No answer came. */
export function noAnswer(error: unknown): Answer {
  const reason = error instanceof Error ? error.message : String(error);
  return { failed: { error: `no answer from the server: ${reason}`, code: "network" } };
}

/** No try takes longer. PostgREST's own limit is eight seconds. */
const TRY_MS = 10_000;
const PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;

/** Tries up to `tries` times, with growing pauses, or as long as the server asks for. */
export async function persist(
  attempt: (signal: AbortSignal) => Promise<Answer>,
  tries: number,
  signal?: AbortSignal,
): Promise<Answer> {
  for (let tried = 1;; tried++) {
    const limit = AbortSignal.timeout(TRY_MS);
    const answer = await attempt(signal ? AbortSignal.any([signal, limit]) : limit)
      .catch(noAnswer);
    if (signal?.aborted) return { failed: { error: "the call was aborted", code: "aborted" } };
    if (!answer.failed || tried >= tries || !isTransient(answer.failed.code)) return answer;
    const asked = (answer.failed.retryAfterSeconds ?? 0) * 1_000;
    const pause = Math.max(asked, PAUSE_MS * 2 ** (tried - 1) * (0.5 + Math.random()));
    if (pause > LONGEST_PAUSE_MS) return answer;
    await sleep(pause, signal);
  }
}

/** Whether another try may end otherwise. The code decides: PostgREST answers 500 to a deadlock and to a bug. */
export function isTransient(code: string): boolean {
  return /^(network|http_(0|408|429|5\d\d)|PGRST00[0-3]|40001|40P01|55P03|57014|57P0\d|08...|53...)$/
    .test(code);
}

/** Resolves after so long, or when `signal` is aborted. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done);
    if (signal?.aborted) done();
  });
}
