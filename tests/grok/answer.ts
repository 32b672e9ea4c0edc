// The content of a proper answer: what a sober engineer would write about the descriptions in the request.

import {
  type NoteEntry,
  notes,
  type ObservationEntry,
  observations,
  type PhotoEntry,
  photos,
} from "./reading.ts";
import type { ChatRequest } from "./request.ts";
import { fit, type Schema, violation } from "./schema.ts";
import { noted, observed, titleOf, topicOf } from "./topic.ts";

/** The text of the answer to `chat`; for a schema, JSON that holds under it. */
export function answer(chat: ChatRequest): string {
  if (!chat.output) return "Understood.";
  const { schema } = chat.output;
  const written = fit(schema, write(schema, chat.text));
  const broken = violation(schema, written);
  if (broken) throw new Error(`the stand-in cannot answer schema ${chat.output.name}: ${broken}`);
  return JSON.stringify(written);
}

function write(schema: Schema, text: string[]): unknown {
  if (schema.properties?.photos) return { photos: photos(text).map(aboutPhoto) };
  if (schema.properties?.notes) return { notes: notes(text).map(aboutNote) };
  if (schema.properties?.sections) return plan(observations(text));
  return {};
}

function aboutPhoto({ alias, description, tag, specifications }: PhotoEntry) {
  const isOverview = tag === "overview";
  const spec = specifications[0] ?? null;
  const topic = topicOf(description);
  const kind = isOverview || !tag ? "observation" : "deficiency";
  const points: Point[] = [{ text: observed(description, isOverview), kind, spec }];
  if (kind === "deficiency") points.push({ text: topic.action, kind: "action", spec });
  if (kind === "deficiency") points.push({ text: topic.verify, kind: "verify", spec: null });
  return { p: alias, title: titleOf(description, isOverview), points };
}

function aboutNote({ alias, text }: NoteEntry) {
  const statement = noted(text);
  if (!statement) return { n: alias, title: "", points: [] };
  return { n: alias, title: statement.title, points: [{ ...statement.point, spec: null }] };
}

interface Point {
  text: string;
  kind: string;
  spec: string | null;
}

/** One section for each group in the order of the request, and two sentences about the whole. */
function plan(items: ObservationEntry[]) {
  const groups = new Map<string, ObservationEntry[]>();
  for (const item of items) groups.set(item.group, [...(groups.get(item.group) ?? []), item]);
  const sections = [...groups].map(([group, members]) => ({
    title: group || "General Observations",
    items: members.map((member) => member.alias),
  }));
  const names = sections.map((section) => section.title).join(", ");
  const titles = [...new Set(items.map((item) => item.title.toLowerCase()))].slice(0, 4);
  return {
    sections,
    summary: [
      `${items.length} observations were recorded under ${sections.length} headings: ${names}.`,
      `Attention is drawn to: ${titles.join("; ")}.`,
    ],
  };
}
