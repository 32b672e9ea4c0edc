// What callers give: checked before anything is sent, and made into JSON that Postgres can hold.

import { lossOf } from "./loss.ts";

/** What cannot be asked for as it is; the message names the argument and what was expected, never its value. */
export class Refused extends Error {
  readonly code: string;

  constructor(message: string, code = "JQ004") {
    super(message);
    this.code = code;
  }
}

/** Lists and objects inside each other: what goes round an input has to stay below the 128 that the worker reads. */
const DEEPEST = 100;

/** What both JSON and Postgres can hold: U+FFFD for half of a surrogate pair, and no NUL. */
export function text(value: string): string {
  return value.replace(/\p{Surrogate}/gu, "\ufffd").replace(/\0/g, "");
}

/** A copy of what `read` gives, as plain JSON. Throws {@link Refused} with the path of what JSON would lose. */
// deno-lint-ignore no-explicit-any -- callers give anything
export function plain(read: () => any, path: string, levels = 0): any {
  try {
    const given = read();
    if (given == null) return given;
    const value = unboxed(typeof given.toJSON === "function" ? given.toJSON() : given);
    if (value === undefined || typeof value === "boolean" || Number.isFinite(value)) return value;
    if (typeof value === "string") return text(value);
    // JSON has null for what is no number and no date, which nobody could tell from one that was meant.
    const none = value === null ? "a date that is none" : typeof value === "number" && value;
    const loss = none === false ? lossOf(value) : `${none}: leave it out or send null`;
    if (loss) throw refused(path, `expected JSON, got ${loss}`);
    if (levels < DEEPEST) return copied(value, path, levels);
  } catch (error) {
    if (error instanceof Refused) throw error;
  }
  throw refused(path, `expected JSON of at most ${DEEPEST} levels`);
}

function copied(value: object, path: string, levels: number): object {
  if (Array.isArray(value)) {
    return value.map((_, index) => plain(() => value[index], `${path}[${index}]`, levels + 1));
  }
  return Object.fromEntries(
    Object.keys(value).map((key) => [
      text(key),
      plain(() => value[key as never], path ? `${path}.${key}` : key, levels + 1),
    ]),
  );
}

function refused(path: string, reason: string): Refused {
  return new Refused(`${text(path).slice(0, 100)}: ${reason}`);
}

/** As JSON writes the objects that hold one text, number or truth, in whatever realm they were made. */
// deno-lint-ignore no-explicit-any -- see there
function unboxed(value: any): any {
  const kind = Object.prototype.toString.call(value);
  return /^\[object (String|Number|Boolean)\]$/.test(kind) ? value.valueOf() : value;
}

const INTEGER = 2 ** 31 - 1;

/** The numbers that calls take: whole ones, from the first to the second. */
const RANGES: Record<string, [number, number]> = {
  priority: [-INTEGER, INTEGER],
  max_retries: [0, 1_000],
  delay_seconds: [0, INTEGER],
  timeout_seconds: [1, 604_800],
  limit: [1, 1_000],
  max_jobs: [1, 10_000],
  days_to_keep: [0, 36_500],
  intervalMs: [1, 9e15],
  timeoutMs: [1, 9e15],
};

/** Throws {@link Refused} for a number outside its range, and for what is no number. */
export function checkNumbers(args: object, path = "") {
  for (const [name, value] of Object.entries(args)) {
    const range = RANGES[name];
    if (!range || value == null) continue;
    const [least, most] = range;
    const isWhole = Number.isInteger(value);
    if (isWhole && least <= value && value <= most) continue;
    const kind = isWhole ? "" : "a whole number, ";
    throw new Refused(`${path}${name}: expected ${kind}${least} to ${most}`);
  }
}

const TIME = /^(?!0000)\d{4}-\d\d-(\d\d)T.+(Z|[+-](0\d|1[0-5]):[0-5]\d)$/i;

/** A time as it is sent. Throws {@link Refused} for one that is none, or that leaves its zone open. */
export function time(value: unknown, name: string): string {
  const isNone = value instanceof Date && Number.isNaN(+value);
  const time = isNone ? "" : plain(() => value, name);
  const day = TIME.exec(time)?.[1];
  if (Number.isNaN(Date.parse(time))) throw new Refused(`${name}: expected a time in ISO 8601`);
  if (!day) {
    throw new Refused(`${name}: expected a time with its zone, such as 2026-01-31T09:00:00Z`);
  }
  // Dates take the 31st of every month, Postgres does not.
  const isInMonth = new Date(time.slice(0, 10)).getUTCDate() === +day;
  if (!isInMonth) throw new Refused(`${name}: expected a day that its month has`);
  return time;
}

/** Throws {@link Refused} for what is no uuid. */
export function checkUuid(value: unknown, name: string) {
  if (!isUuid(value)) throw new Refused(`${name}: expected a uuid`);
}

export function isUuid(value: unknown): boolean {
  return typeof value === "string" && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value);
}
