// Asking a server, and hearing every way in which it does not answer.

import { parsed } from "../../fetch_transport.ts";

const TIMEOUT_MS = 10_000;

export interface Reply {
  /** 0 when nobody answered. */
  status: number;
  text: string;
  /** The text as JSON; undefined when it is none. */
  // deno-lint-ignore no-explicit-any
  json: any;
  /** The server's clock by its header `Date`, in milliseconds; NaN without one. */
  at: number;
  /** When the question was sent and when the answer was there, by this machine's clock. */
  asked: number;
  answered: number;
}

/** Never throws. Follows no redirection: a key is for the server it was meant for. */
export async function ask(url: string, init: RequestInit = {}): Promise<Reply> {
  const asked = Date.now();
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch(url, { redirect: "manual", signal, ...init });
    const text = await response.text();
    const at = Date.parse(response.headers.get("date") ?? "");
    return { status: response.status, text, json: parsed(text), at, asked, answered: Date.now() };
  } catch (error) {
    return { status: 0, text: reason(error), json: null, at: NaN, asked, answered: Date.now() };
  }
}

/** What went wrong is in the cause: the error itself says "fetch failed". */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return `${error}`;
  if (error.name === "TimeoutError") return `no answer within ${TIMEOUT_MS / 1_000} seconds`;
  const { cause } = error as { cause?: { code?: string; message?: string } };
  return cause?.code ?? cause?.message ?? error.message;
}
