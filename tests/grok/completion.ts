// POST /v1/chat/completions and /v1/responses: request, images, then the scripted mishap or a proper answer.

import { answer } from "./answer.ts";
import type { Conversations, RecordedCall } from "./conversation.ts";
import type { Deferrals } from "./deferral.ts";
import { deferredError, flatError, type Mishap, mishap } from "./fault.ts";
import { ImageRefused, type ImageSummary, readImage } from "./image.ts";
import { readResponsesRequest, responseEvents, responseOf } from "./responses.ts";
import { chatEvents, type Completion, type Events, streamed } from "./streaming.ts";
import { type ChatRequest, readRequest, RequestRefused } from "./request.ts";
import { usage } from "./usage.ts";

/** Keys the stand-in takes: xAI's begin so too. */
const KEY = /^Bearer xai-(?!wrong)/;

/** How an endpoint says it. */
interface Dialect {
  read: (body: unknown) => ChatRequest;
  write: (completion: Completion) => unknown;
  events: Events;
}

/** The endpoints, by their path. */
export const ENDPOINTS: Record<string, Dialect> = {
  "/v1/chat/completions": { read: readRequest, write: (whole) => whole, events: chatEvents },
  "/v1/responses": { read: readResponsesRequest, write: responseOf, events: responseEvents },
};

/** Answers one call and records it under its conversation. */
export async function complete(
  request: Request,
  dialect: Dialect,
  conversations: Conversations,
  deferrals: Deferrals,
  delayMs: number,
): Promise<Response> {
  let read: { chat: ChatRequest; images: ImageSummary[] };
  try {
    read = await readCall(request, dialect);
  } catch (error) {
    if (!(error instanceof RequestRefused || error instanceof ImageRefused)) throw error;
    return flatError(400, "Client specified an invalid argument", error.message);
  }
  const conversation = request.headers.get("x-grok-conv-id") ?? "none";
  const call = recordOf(read.chat, read.images);
  const fault = conversations.next(conversation, call);
  call.fault = fault.fault;
  const isFirst = conversations.calls(conversation).length === 0;
  conversations.record(conversation, call);
  const effect = mishap(fault);
  const thinkingMs = fault.delay_ms ?? delayMs;
  const completion = () => respond(read.chat, read.images, effect, isFirst);
  const respondNow = () => Response.json(dialect.write(completion()));
  if (read.chat.deferred && !("response" in effect)) {
    call.status = 200;
    const later = fault.fault === "deferred_error" ? deferredError : respondNow;
    return deferrals.add(call, thinkingMs, later);
  }
  if (read.chat.stream && !("response" in effect)) {
    call.status = 200;
    return streamed(completion(), dialect.events, thinkingMs, call);
  }
  await wait(thinkingMs, request.signal);
  const response = "response" in effect ? effect.response() : respondNow();
  // A caller that left in the meantime never saw an answer: the record keeps saying so.
  if (!request.signal.aborted) call.status = response.status;
  return response;
}

/** The refusal of a call without a key that the stand-in takes. */
export function checkKey(authorization: string | null): Response | null {
  if (!authorization) {
    return flatError(401, "unauthenticated", "No API key was sent; use the Authorization header.");
  }
  if (KEY.test(authorization)) return null;
  return flatError(400, "Client specified an invalid argument", "Incorrect API key provided.");
}

async function readCall(request: Request, dialect: Dialect) {
  let body: unknown;
  try {
    body = await request.json();
  } catch {
    throw new RequestRefused("the body is not JSON");
  }
  const chat = dialect.read(body);
  if (!chat.model.startsWith("grok-")) throw new RequestRefused(`model ${chat.model} is unknown`);
  return { chat, images: await Promise.all(chat.imageUrls.map(readImage)) };
}

function respond(
  chat: ChatRequest,
  images: ImageSummary[],
  effect: Mishap,
  isFirst: boolean,
): Completion {
  const written = answer(chat);
  let message = { content: written, finish_reason: "stop" as "stop" | "length" };
  if (written.length / 4 > chat.maxTokens) {
    message = { content: written.slice(0, chat.maxTokens * 4), finish_reason: "length" };
  }
  if ("rewrite" in effect) message = effect.rewrite(written);
  return {
    id: crypto.randomUUID(),
    object: "chat.completion",
    created: Math.floor(Date.now() / 1000),
    model: chat.model,
    choices: [{
      index: 0,
      message: { role: "assistant", content: message.content, refusal: null },
      finish_reason: message.finish_reason,
    }],
    usage: usage(chat, images, message.content, isFirst),
    system_fingerprint: "fp_stand_in",
  };
}

function recordOf(chat: ChatRequest, images: ImageSummary[]): RecordedCall {
  const { model, system, text, parameters } = chat;
  const schema = chat.output?.name ?? null;
  return {
    at: new Date().toISOString(),
    schema,
    model,
    system,
    text,
    images,
    parameters,
    status: null,
    fault: "none",
    looks: 0,
    fetched: 0,
    left: false,
  };
}

/** Waits `ms`, or less if the caller leaves. */
function wait(ms: number, left: AbortSignal): Promise<void> {
  if (ms <= 0 || left.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    left.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    }, { once: true });
  });
}
