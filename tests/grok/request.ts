// A call of chat completions as it arrives: checked, and read into what the rest works with.

import type { Schema } from "./schema.ts";
import { unsupported } from "./schema.ts";

/** A call the API refuses with 400; its message is the answer's `error`. */
export class RequestRefused extends Error {}

/** What a call asks for. */
export interface ChatRequest {
  model: string;
  system: string;
  /** The text parts of all user messages, in order. */
  text: string[];
  imageUrls: string[];
  /** Name and schema of the structured output; null when free text is asked for. */
  output: { name: string; schema: Schema } | null;
  reasoning: boolean;
  /** Whether the answer is to be fetched later. */
  deferred: boolean;
  /** Whether the answer is to be streamed. */
  stream: boolean;
  maxTokens: number;
  /** Everything else that was sent, for the record. */
  parameters: Record<string, unknown>;
}

/** Names the API takes; another one is more likely a slip than a wish. */
const PARAMETERS = [
  "model",
  "messages",
  "response_format",
  "max_completion_tokens",
  "max_tokens",
  "temperature",
  "top_p",
  "reasoning_effort",
  "seed",
  "user",
  "service_tier",
  "stream",
  "deferred",
];
const EFFORTS = ["none", "low", "medium", "high", "xhigh"];

/** Reads the body of a call. */
export function readRequest(body: unknown): ChatRequest {
  const { model, messages, response_format, ...parameters } = object(body, "the body");
  if (typeof model !== "string" || !model) refuse("`model` must be a string");
  if (!Array.isArray(messages) || messages.length === 0) {
    refuse("`messages` must be a non-empty list");
  }
  checkParameters(parameters);
  const read = { system: "", text: [] as string[], imageUrls: [] as string[] };
  for (const message of messages) readMessage(object(message, "a message"), read);
  const limit = parameters.max_completion_tokens ?? parameters.max_tokens ?? 131_072;
  return {
    model,
    ...read,
    output: readFormat(response_format),
    deferred: parameters.deferred === true,
    stream: parameters.stream === true,
    reasoning: parameters.reasoning_effort !== "none",
    maxTokens: Number(limit),
    parameters,
  };
}

function checkParameters(parameters: Record<string, unknown>) {
  const unknown = Object.keys(parameters).find((name) => !PARAMETERS.includes(name));
  if (unknown) refuse(`argument not supported: ${unknown}`);
  const { temperature, reasoning_effort: effort, stream, deferred } = parameters;
  if (temperature !== undefined && !(Number(temperature) >= 0 && Number(temperature) <= 2)) {
    refuse("`temperature` must be between 0 and 2");
  }
  if (effort !== undefined && !EFFORTS.includes(String(effort))) {
    refuse(`\`reasoning_effort\` must be one of ${EFFORTS.join(", ")}`);
  }
  for (const flag of [stream, deferred]) {
    if (flag !== undefined && typeof flag !== "boolean") {
      refuse("`stream` and `deferred` must be booleans");
    }
  }
  if (stream && deferred) refuse("a deferred answer cannot be streamed");
}

function readMessage(
  { role, content }: Record<string, unknown>,
  read: { system: string; text: string[]; imageUrls: string[] },
) {
  if (!["system", "user", "assistant"].includes(String(role))) refuse("unknown message role");
  const parts = typeof content === "string" ? [{ type: "text", text: content }] : content;
  if (!Array.isArray(parts)) refuse("message content must be a string or a list of parts");
  for (const part of parts.map((each) => object(each, "a content part"))) {
    if (part.type === "text" && typeof part.text === "string") {
      if (role === "system") read.system += part.text;
      else read.text.push(part.text);
    } else if (part.type === "image_url" && role === "user") {
      const { url } = object(part.image_url, "`image_url`");
      if (typeof url !== "string") refuse("`image_url.url` must be a string");
      read.imageUrls.push(url);
    } else refuse("content parts must be text or image_url");
  }
}

function readFormat(format: unknown): ChatRequest["output"] {
  if (format === undefined) return null;
  const { type, json_schema } = object(format, "`response_format`");
  if (type === "text") return null;
  if (type !== "json_schema") refuse("`response_format.type` must be text or json_schema");
  const { name, schema } = object(json_schema, "`json_schema`");
  if (typeof name !== "string" || !name) refuse("`json_schema.name` must be a string");
  const checked = object(schema, "`json_schema.schema`") as Schema;
  const reason = unsupported(checked);
  if (reason) refuse(`Invalid JSON schema: ${reason}`);
  return { name, schema: checked };
}

/** `value` as an object, or a refusal that names it. */
export function object(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    refuse(`${what} must be an object`);
  }
  return value as Record<string, unknown>;
}

/** Refuses the call. */
export function refuse(reason: string): never {
  throw new RequestRefused(reason);
}
