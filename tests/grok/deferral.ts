// Answers that are fetched later: GET /v1/chat/deferred-completion/<request id>. As xAI describes it, an answer is
// given out exactly once, and for a day.

import type { RecordedCall } from "./conversation.ts";
import { flatError } from "./fault.ts";

const DAY_MS = 24 * 3_600_000;

interface Deferral {
  call: RecordedCall;
  deferredAt: number;
  readyAt: number;
  answer: () => Response;
}

/** The answers that nobody has fetched yet. */
export class Deferrals {
  #open = new Map<string, Deferral>();

  /** Keeps an answer for later and says by which id it is fetched. */
  add(call: RecordedCall, delayMs: number, answer: () => Response): Response {
    const id = crypto.randomUUID();
    const now = Date.now();
    this.#open.set(id, { call, deferredAt: now, readyAt: now + delayMs, answer });
    return Response.json({ request_id: id });
  }

  /** Gives an answer out if it is there. */
  fetch(id: string): Response {
    const deferral = this.#open.get(id);
    const now = Date.now();
    if (
      !deferral || deferral.deferredAt + DAY_MS <= now || deferral.call.fault === "deferred_lost"
    ) {
      return flatError(404, "not-found", "No deferred completion with this request id.");
    }
    deferral.call.looks++;
    if (deferral.readyAt > now) return new Response(null, { status: 202 });
    this.#open.delete(id);
    deferral.call.fetched++;
    return deferral.answer();
  }
}
