// Reads photos and observations back out of a prompt, without knowing its exact wording:
// an alias (p1, o1) opens an entry, labelled lines below it describe it.

/** A photo as the prompt presents it. */
export interface PhotoEntry {
  alias: string;
  description: string;
  tag: string;
  specifications: string[];
}

/** A line of the engineer's notes as the prompt presents it. */
export interface NoteEntry {
  alias: string;
  text: string;
}

/** An observation as the request for a plan presents it. */
export interface ObservationEntry {
  alias: string;
  title: string;
  group: string;
}

/** The photos the text parts name, in order, each once. */
export function photos(text: string[]): PhotoEntry[] {
  return entries(text, "p").map(({ alias, fields, first }) => ({
    alias,
    description: fields.get("description") ?? first,
    tag: (fields.get("tag") ?? "").toLowerCase(),
    specifications: fields.get("specifications")?.match(/\bs\d+\b/g) ?? [],
  }));
}

/** The notes the text parts name, in order, each once. */
export function notes(text: string[]): NoteEntry[] {
  return entries(text, "n").map(({ alias, fields, first }) => ({
    alias,
    text: fields.get("text") ?? first,
  }));
}

/** The observations the text parts name, in order, each once. */
export function observations(text: string[]): ObservationEntry[] {
  return entries(text, "o").map(({ alias, fields, first }) => ({
    alias,
    title: fields.get("title") ?? first,
    group: fields.get("group") ?? "",
  }));
}

interface Entry {
  alias: string;
  /** Labelled values, label in lower case. */
  fields: Map<string, string>;
  /** What follows the alias on its own line. */
  first: string;
}

function entries(text: string[], letter: string): Entry[] {
  const found = new Map<string, Entry>();
  const opening = new RegExp(
    `^\\W*(?:photo|note|observation)?\\W*\\b(${letter}\\d+)\\b\\W*(.*)$`,
    "i",
  );
  for (const part of text) {
    let entry: Entry | undefined;
    for (const line of part.split("\n")) {
      const opened = line.match(opening);
      if (opened) {
        entry = { alias: opened[1], fields: new Map(), first: opened[2].trim() };
        readFields(entry, opened[2].split("|"));
        if (!found.has(entry.alias)) found.set(entry.alias, entry);
      } else if (entry) readFields(entry, [line]);
    }
  }
  return [...found.values()];
}

function readFields(entry: Entry, pieces: string[]) {
  for (const piece of pieces) {
    const field = piece.match(/^\W*([a-z]+)(?:\s*\([^)]*\))?\s*[:=]\s*(.+)$/i);
    if (field) entry.fields.set(field[1].toLowerCase(), field[2].trim());
  }
}
