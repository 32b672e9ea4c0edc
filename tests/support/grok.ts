// Scripts the faults of the Grok stand-in, and reads what it was asked.

import type { RecordedCall } from "../grok/conversation.ts";
import type { Fault } from "../grok/fault.ts";
import { stack } from "./stack.ts";

const CONTROL = new URL("/control/", stack.grokUrl);

/** Scripts the next calls of a job. */
export async function scriptGrok(jobId: string, faults: Fault[]) {
  const response = await fetch(new URL(jobId, CONTROL), {
    method: "PUT",
    body: JSON.stringify(faults),
  });
  if (response.status !== 204) throw new Error(`scripting Grok answered ${response.status}`);
}

/** The calls a job has made so far. */
export async function grokCalls(jobId: string): Promise<RecordedCall[]> {
  const response = await fetch(new URL(jobId, CONTROL));
  return await response.json();
}
