// The way to PostgREST: one request, and repeating it when that is safe and may help. Every call of the queue may be
// repeated: enqueuing carries a key, everything else says what shall be, not what to add.

import { Refused } from "./arguments.ts";
import type { Failed } from "./result.ts";
import { sleep, within } from "./timing.ts";

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

/** Reading what PostgREST, or something in front of it, answered; `body` is undefined when it was no JSON. */
export function answerOf(status: number, body: unknown, retryAfter?: string | null): Answer {
  if (isSuccess(status) && body !== undefined) return { data: body };
  const { message, code, hint } = Object(body);
  const seconds = Number(retryAfter);
  return {
    failed: {
      error: wordsOf(message) || `the server answered ${status}`,
      code: wordsOf(code) || `http_${status}`,
      ...(wordsOf(hint) && { hint }),
      ...(seconds > 0 && { retryAfterSeconds: seconds }),
    },
  };
}

export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

/** Of a success that is none of the queue's; `what` says its kind, never its content. */
export function unexpected(what: string): Answer {
  return {
    failed: { error: `the answer is none of the queue's: ${what}`, code: "unexpected_answer" },
  };
}

/** The answer, unless something that stands in front of the database has answered in its place. */
export function expecting(isExpected: (data: unknown) => boolean, answer: Answer): Answer {
  if (answer.failed || isExpected(answer.data)) return answer;
  const { data } = answer;
  const form = Array.isArray(data) ? "list" : data === null ? "null" : typeof data;
  return unexpected(`it is JSON of another form (${form})`);
}

/** A page, which supabase-js takes for a message, says nothing to people. */
function wordsOf(value: unknown): string {
  return typeof value === "string" && !/^\s*</.test(value) ? value.slice(0, 1_000) : "";
}

/** Why there is no answer: what was refused here says so itself, all else is the network's. */
export function noAnswer(thrown: unknown): Answer {
  if (thrown instanceof Refused) return { failed: { error: thrown.message, code: thrown.code } };
  return {
    failed: { error: `no answer from the server: ${reasonOf(thrown)}`, code: "network" },
  };
}

/** What anything thrown says, in short. Without addresses and long words: runtimes quote keys and tokens. */
export function reasonOf(thrown: unknown): string {
  try {
    const { message, cause } = Object(thrown);
    const reason = cause ? `${message}: ${wordsFor(cause)}` : wordsFor(thrown);
    return reason.slice(0, 500).replace(/\S*:\/\/\S*|\S{25,}/g, "…");
  } catch {
    return "it says nothing";
  }
}

/** Of several errors in one, as a host with two addresses gives, the first speaks. */
// deno-lint-ignore no-explicit-any -- anything can be thrown
function wordsFor(thrown: any): string {
  const { message, errors, code } = Object(thrown);
  return `${message || (errors?.[0]?.message ?? code ?? message ?? thrown)}`;
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
    const answer = await within(TRY_MS, [signal], attempt).catch(noAnswer);
    if (signal?.aborted) return { failed: { error: "the call was aborted", code: "aborted" } };
    if (!answer.failed || tried >= tries || !isTransient(answer.failed.code)) return answer;
    const asked = (answer.failed.retryAfterSeconds ?? 0) * 1_000;
    const pause = Math.max(asked, PAUSE_MS * 2 ** (tried - 1) * (0.5 + Math.random()));
    if (pause > LONGEST_PAUSE_MS) return answer;
    await sleep(pause, signal);
  }
}

/**
 * Whether another try may end otherwise. The code decides: PostgREST answers 500 to a deadlock and to a bug, and what answers
 * in its place, as the sign-in page of a hotel's network does, goes away again.
 */
export function isTransient(code: string): boolean {
  return /^(network|unexpected_answer|http_(0|408|429|5\d\d)|PGRST00[0-3]|40001|40P01|55P03|57014|57P0\d|08...|53...)$/
    .test(code);
}

/** Whether the caller's token is missing, or is no longer good. */
export function isUnauthorized(code: string): boolean {
  return /^(42501|PGRST30\d|http_40[13])$/.test(code);
}
