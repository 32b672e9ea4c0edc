// What the doctor found, and how the person at the keyboard mends it.

export interface Finding {
  /** The part of the project that was looked at. */
  part: string;
  /** One sentence. Never holds a key, a token or what is in a job. */
  text: string;
  /** What to type or to do; null when nothing is wrong. */
  remedy: string | null;
}

export function fine(part: string, text: string): Finding {
  return { part, text, remedy: null };
}

export function wrong(part: string, text: string, remedy: string): Finding {
  return { part, text, remedy };
}

/** What a server said, on one line and not too long of it. */
export function quoted(text: string): string {
  return text.replace(/[\p{Cc}\s]+/gu, " ").trim().slice(0, 300);
}
