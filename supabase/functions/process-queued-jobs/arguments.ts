// What handlers give, checked before it enters the Wasm, which takes a number for a text's address.

import type { Progress } from "./handler.ts";
import { clean } from "./json.ts";

const LONGEST_NAME = 200;
/** What the worker counts in. */
const MOST = 2 ** 32 - 1;

/** The name as Postgres keeps it. Throws a TypeError that says `what` it names. */
export function checkName(name: unknown, what: string): string {
  const kept = typeof name === "string" ? clean(name) : "";
  if (kept !== "" && kept.length <= LONGEST_NAME) return kept;
  throw new TypeError(`${what}: expected a name of 1 to ${LONGEST_NAME} characters`);
}

/** Throws a TypeError for what is none. */
export function checkFunction(value: unknown, what: string) {
  if (typeof value !== "function") throw new TypeError(`${what}: expected a function`);
}

/** Progress in whole units, those below it: an unfinished one is not done. Throws a TypeError that names the member. */
export function checkProgress(progress: unknown): Progress {
  const { phase, done, total, message } = Object(progress);
  return {
    phase: text(phase, "phase"),
    done: whole(done, "done"),
    total: whole(total, "total"),
    message: text(message, "message"),
  };
}

function text(value: unknown, name: string): string {
  if (typeof value === "string") return value;
  throw new TypeError(`progress.${name}: expected a text`);
}

function whole(value: unknown, name: string): number {
  if (typeof value === "number" && value >= 0 && value <= MOST) return Math.floor(value);
  throw new TypeError(`progress.${name}: expected a number from 0 to ${MOST}`);
}
