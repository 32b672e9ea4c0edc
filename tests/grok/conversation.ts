// One conversation (header x-grok-conv-id): the mishaps scripted for it, and the calls it made.

import type { Fault } from "./fault.ts";
import type { ImageSummary } from "./image.ts";

/** One call as it arrived, its images reduced to what a test may want to know about them. */
export interface RecordedCall {
  at: string;
  schema: string | null;
  model: string;
  system: string;
  /** The text parts of all user messages, in order. */
  text: string[];
  images: ImageSummary[];
  parameters: Record<string, unknown>;
  /** What it was answered with; null while it is not, or when the caller left before. */
  status: number | null;
  fault: Fault["fault"];
  /** How often its answer was looked for, and given out, if it was deferred. */
  looks: number;
  fetched: number;
  /** Whether the caller left in the middle of an answer that was streamed. */
  left: boolean;
}

/** All conversations since the stand-in started; a test asks for its own by the id of its job. */
export class Conversations {
  #calls = new Map<string, RecordedCall[]>();
  #faults = new Map<string, Fault[]>();

  script(id: string, faults: Fault[]) {
    this.#faults.set(id, faults.map((fault) => ({ ...fault })));
  }

  record(id: string, call: RecordedCall) {
    const calls = this.#calls.get(id);
    if (calls) calls.push(call);
    else this.#calls.set(id, [call]);
  }

  calls(id: string): RecordedCall[] {
    return this.#calls.get(id) ?? [];
  }

  /** Takes the first scripted fault that applies to this call, and uses it up. */
  next(id: string, call: RecordedCall): Fault {
    const faults = this.#faults.get(id) ?? [];
    const index = faults.findIndex((fault) => applies(fault, call));
    if (index < 0) return { fault: "none" };
    const fault = faults[index];
    fault.times = (fault.times ?? 1) - 1;
    if (fault.times <= 0) faults.splice(index, 1);
    return fault;
  }
}

function applies(fault: Fault, call: RecordedCall): boolean {
  if (fault.schema && fault.schema !== call.schema) return false;
  if (call.images.length <= (fault.images_over ?? -1)) return false;
  return !fault.containing || call.text.some((part) => part.includes(fault.containing!));
}
