// A completion written out as server-sent events, the way xAI streams it.

import type { RecordedCall } from "./conversation.ts";
import type { usage } from "./usage.ts";

const LETTERS_OF_A_CHUNK = 24;

/** A completion as it comes at once. */
export interface Completion {
  id: string;
  created: number;
  model: string;
  choices: { index: number; message: Message; finish_reason: string }[];
  usage: ReturnType<typeof usage>;
  [key: string]: unknown;
}

interface Message {
  role: string;
  content: string;
  refusal: null;
}

/** The events of `completion`, whose text comes in `pieces`. */
export type Events = (
  completion: Completion,
  pieces: string[],
  fault: RecordedCall["fault"],
) => string[];

/** Streams `completion` within about `overMs`; `call` says whether the caller stayed to its end. */
export function streamed(
  completion: Completion,
  eventsOf: Events,
  overMs: number,
  call: RecordedCall,
): Response {
  const content = completion.choices[0].message.content;
  const pieces = content.match(new RegExp(`[^]{1,${LETTERS_OF_A_CHUNK}}`, "g")) ?? [];
  const events = eventsOf(completion, pieces, call.fault);
  const pauseMs = overMs / events.length;
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const event = events.shift();
      if (event === undefined) return controller.close();
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
      if (!call.left) controller.enqueue(encoder.encode(event));
    },
    cancel() {
      call.left = true;
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

/** The events of a chat completion. */
export function chatEvents(
  completion: Completion,
  pieces: string[],
  fault: RecordedCall["fault"],
): string[] {
  const { choices: [{ finish_reason }], usage, ...rest } = completion;
  const chunk = (
    delta: unknown,
    more: Record<string, unknown> = {},
    finish: string | null = null,
  ) =>
    event({
      ...rest,
      object: "chat.completion.chunk",
      choices: [{ index: 0, delta, finish_reason: finish }],
      ...more,
    });
  const written = pieces.map((content) => chunk({ content }));
  const half = written.slice(0, Math.ceil(written.length / 2));
  if (fault === "stream_cut") return half;
  if (fault === "stream_error") {
    return [
      ...half,
      event({ error: { message: "The service is overloaded.", code: "unavailable" } }),
    ];
  }
  return [
    chunk({ role: "assistant", content: "" }),
    ...written,
    chunk({}, { usage }, finish_reason),
    "data: [DONE]\n\n",
  ];
}

function event(data: unknown): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}
