// A completion written out as server-sent events, the way xAI streams it.

import type { RecordedCall } from "./conversation.ts";

const LETTERS_OF_A_CHUNK = 24;

interface Completion {
  model: string;
  choices: { message: { content: string }; finish_reason: string }[];
  usage: unknown;
  [key: string]: unknown;
}

/** Streams `completion` within about `overMs`; `call` says whether the caller stayed to its end. */
export function streamed(completion: Completion, overMs: number, call: RecordedCall): Response {
  const events = eventsOf(completion, call.fault);
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

function eventsOf(completion: Completion, fault: RecordedCall["fault"]): string[] {
  const { choices: [{ message, finish_reason }], usage, ...rest } = completion;
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
  const pieces = message.content.match(new RegExp(`[^]{1,${LETTERS_OF_A_CHUNK}}`, "g")) ?? [];
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
