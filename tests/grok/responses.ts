// POST /v1/responses in terms of chat completions: the same question and the same answer in other words.

import type { RecordedCall } from "./conversation.ts";
import { type ChatRequest, object, readRequest, refuse } from "./request.ts";
import type { Completion } from "./streaming.ts";

const PARAMETERS = [
  "model",
  "input",
  "text",
  "reasoning",
  "max_output_tokens",
  "temperature",
  "top_p",
  "store",
  "stream",
  "prompt_cache_key",
];

/** Reads the body of a call. */
export function readResponsesRequest(body: unknown): ChatRequest {
  const { input, text, reasoning, max_output_tokens, store, prompt_cache_key: key, ...rest } =
    object(body, "the body");
  const unknown = Object.keys(rest).find((name) => !PARAMETERS.includes(name));
  if (unknown) refuse(`argument not supported: ${unknown}`);
  if (!Array.isArray(input)) refuse("`input` must be a list of messages");
  if (key !== undefined && typeof key !== "string") refuse("`prompt_cache_key` must be a string");
  const chat = readRequest({
    ...rest,
    messages: input.map((message) => messageOf(object(message, "a message"))),
    response_format: formatOf(object(text ?? {}, "`text`").format),
    reasoning_effort: object(reasoning ?? {}, "`reasoning`").effort,
    max_completion_tokens: max_output_tokens,
  });
  if (chat.imageUrls.length > 0 && store !== false) refuse("`store` must be false with images");
  return { ...chat, parameters: { ...chat.parameters, store } };
}

function messageOf({ role, content }: Record<string, unknown>) {
  if (!Array.isArray(content)) return { role, content };
  return { role, content: content.map((part) => partOf(object(part, "a content part"))) };
}

function partOf(part: Record<string, unknown>) {
  if (part.type === "input_text") return { type: "text", text: part.text };
  if (part.type !== "input_image") refuse("content parts must be input_text or input_image");
  if (typeof part.image_url !== "string") refuse("`image_url` must be a string");
  return { type: "image_url", image_url: { url: part.image_url } };
}

function formatOf(format: unknown) {
  if (format === undefined) return undefined;
  const { type, name, strict, schema } = object(format, "`text.format`");
  return { type, json_schema: { name, strict, schema } };
}

/** The answer as this endpoint gives it. */
export function responseOf(completion: Completion) {
  const { id, created, model, choices: [{ message, finish_reason }], usage } = completion;
  const isCut = finish_reason === "length";
  const content = [{ type: "output_text", text: message.content, annotations: [] }];
  return {
    id,
    object: "response",
    created_at: created,
    model,
    status: isCut ? "incomplete" : "completed",
    incomplete_details: isCut ? { reason: "max_output_tokens" } : null,
    error: null,
    output: [
      { type: "reasoning", summary: [] },
      { type: "message", role: "assistant", status: "completed", content },
    ],
    usage: usageOf(usage),
    store: false,
  };
}

function usageOf(usage: Completion["usage"]) {
  return {
    input_tokens: usage.prompt_tokens,
    output_tokens: usage.completion_tokens,
    total_tokens: usage.total_tokens,
    input_tokens_details: usage.prompt_tokens_details,
    output_tokens_details: usage.completion_tokens_details,
    cost_in_usd_ticks: usage.cost_in_usd_ticks,
  };
}

/** The events of a streamed answer. */
export function responseEvents(
  completion: Completion,
  pieces: string[],
  fault: RecordedCall["fault"],
): string[] {
  const response = responseOf(completion);
  const deltas = pieces.map((delta) => event({ type: "response.output_text.delta", delta }));
  const half = deltas.slice(0, Math.ceil(deltas.length / 2));
  if (fault === "stream_cut") return half;
  if (fault === "stream_error") {
    const error = { type: "error", code: "unavailable", message: "The service is overloaded." };
    return [...half, event(error)];
  }
  const type = `response.${response.status}`;
  return [
    event({ type: "response.created", response: { id: response.id, status: "in_progress" } }),
    ...deltas,
    event({ type, response }),
  ];
}

function event(data: { type: string; [key: string]: unknown }): string {
  return `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
}
