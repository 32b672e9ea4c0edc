// What goes from a handler into the worker, and from there into Postgres: JSON that both can hold.

import { JobError } from "./handler.ts";
import { lossOf } from "./loss.ts";
import { messageOf } from "./thrown.ts";

/** Lists and objects inside each other: what goes round a value has to stay below the 128 that the worker reads. */
const DEEPEST = 100;

/**
 * The JSON text of a value, null for undefined. Throws a permanent `JobError` that calls it `name` when it is none: the same
 * work would come to the same.
 */
export function encode(value: unknown, name: string): string {
  return fit(stringify(value, name), name);
}

/** As {@link encode}; throws as well, with the path of the member, when JSON would lose some of the value. */
export function encodeWhole(value: unknown, name: string): string {
  return fit(stringify(value, name, refusingLoss(name)), name);
}

function fit(json: string, name: string): string {
  const text = wellFormed(json);
  if (isDeep(text)) throw unfit(name, `expected JSON of at most ${DEEPEST} levels`);
  return text;
}

/** Text as Postgres holds it: U+FFFD for half of a surrogate pair, and no NUL. */
export function clean(text: string): string {
  return text.replace(/\p{Surrogate}/gu, "\ufffd").replaceAll("\0", "");
}

/** Is called for each member in the order of the text, with the object that holds it as `this`. */
type Replacer = (this: unknown, key: string, value: unknown) => unknown;

function stringify(value: unknown, name: string, replacer?: Replacer): string {
  try {
    return JSON.stringify(value ?? null, replacer) ?? "null";
  } catch (error) {
    if (error instanceof JobError) throw error;
    throw unfit(name, `expected JSON: ${messageOf(error)}`);
  }
}

function refusingLoss(name: string): Replacer {
  const trail: { value: unknown; member: string }[] = [];
  return function (key, value) {
    if (isPlain(value)) return value;
    while (trail.length > 0 && trail.at(-1)!.value !== this) trail.pop();
    const member = trail.length === 0 ? name : Array.isArray(this) ? `[${key}]` : `.${key}`;
    const loss = lossOf(value);
    if (loss) {
      const path = trail.map(({ member }) => member).join("") + member;
      throw unfit(clean(path).slice(0, 200), `expected JSON, got ${loss}`);
    }
    trail.push({ value, member });
    return value;
  };
}

/** What JSON carries whole, and most of what there is: asked first, since each member is looked at. */
function isPlain(value: unknown): boolean {
  return value === null || /^(string|number|boolean|undefined)$/.test(typeof value);
}

/** `JSON.stringify` writes NUL and halves of pairs, and only those of them, as escapes. */
function wellFormed(text: string): string {
  return text.replace(
    /\\(?:(u0000)|(ud[89a-f]..)|[^])/g,
    (escape, nul, half) => nul ? "" : half ? "\ufffd" : escape,
  );
}

function isDeep(text: string): boolean {
  let levels = 0;
  let isText = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (isText) {
      if (character === "\\") at++;
      else if (character === '"') isText = false;
    } else if (character === '"') isText = true;
    else if (character === "[" || character === "{") {
      if (++levels > DEEPEST) return true;
    } else if (character === "]" || character === "}") levels--;
  }
  return false;
}

function unfit(name: string, reason: string): JobError {
  return JobError.permanent(`${name}: ${reason}`);
}
