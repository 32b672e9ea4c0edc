// The parts of the stack behind the gateway: struck by signals, and started again by whoever started this script.

import { stack } from "../support/stack.ts";
import { waitFor } from "../support/wait.ts";

export type Part = "postgres" | "postgrest";

/** Sends a signal to a part; false when it is down already. */
export function strike(part: Part, signal: Deno.Signal): boolean {
  try {
    Deno.kill(processOf(part), signal);
    return true;
  } catch {
    return false;
  }
}

/** Ends a part by a signal and waits until it is there again and answers; nothing happens when it is down already. */
export async function restart(part: Part, signal: Deno.Signal, onEnd: () => void): Promise<void> {
  const before = processOf(part);
  if (!strike(part, signal)) return;
  onEnd();
  await waitFor(`${part} to be started again`, () => processOf(part) !== before, 60_000);
  await waitUntilBack();
}

function processOf(part: Part): number {
  return Number(Deno.readTextFileSync(`${Deno.env.get("STACK_FOLDER")}/${part}.pid`));
}

/** Waits until the database answers through PostgREST. */
export async function waitUntilBack(): Promise<void> {
  await waitFor("the database to answer again", isBack, 60_000);
}

async function isBack(): Promise<boolean> {
  try {
    const response = await fetch(`${stack.url}/rest/v1/job_types?limit=0`, {
      headers: { apikey: stack.secretKey },
      signal: AbortSignal.timeout(2_000),
    });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}
