// What can go wrong at xAI, as a test scripts it for the next calls of one conversation.

/** One scripted mishap. Calls it does not apply to are answered properly. */
export interface Fault {
  /** Which mishap; `none` answers properly and so keeps its place in the list. */
  fault:
    | "none"
    | "server_error" // 500, flat body
    | "nested_error" // 503, body nested as OpenAI's
    | "error_in_200" // 200 whose body is an error
    | "bad_gateway" // 502, HTML from a proxy
    | "plain_text" // 502, text/plain
    | "rate_limited" // 429, with Retry-After when `retry_after_seconds` is given
    | "too_many_tokens" // 429 that names a request larger than the limit per minute
    | "out_of_credits" // 429 that no waiting cures
    | "key_refused" // 400, as xAI says it
    | "bad_request" // 400
    | "too_large" // 413, HTML from a proxy
    | "too_long" // 400, more than the model reads
    | "truncated" // finish_reason length, JSON cut in the middle
    | "invalid_json" // finish_reason stop, prose around the JSON
    | "wrong_shape" // valid JSON that is not what the schema asks for
    | "missing_photo" // a batch answer without its last photo
    | "unknown_items" // an answer whose ids are not those of the request
    | "empty" // finish_reason stop, empty content
    | "slow" // a proper answer after `delay_ms`
    | "dropped" // the connection breaks in the middle of the answer
    | "stream_error" // a streamed answer turns into an error in its middle
    | "stream_cut" // a streamed answer ends in its middle
    | "deferred_error" // the answer that is fetched later is an error, with status 200
    | "deferred_lost"; // the answer that was deferred is nowhere to be found
  /** Only calls whose `response_format.json_schema.name` is this; default every call. */
  schema?: string;
  /** Only calls whose messages contain this text; default every call. */
  containing?: string;
  /** Only calls with more images than this; default every call. */
  images_over?: number;
  /** How many calls it applies to; default 1. */
  times?: number;
  /** Milliseconds to wait before anything is sent; default 0. */
  delay_ms?: number;
  retry_after_seconds?: number;
}

/** What a fault does to a call: replaces the whole answer, or changes the text a proper answer carries. */
export type Mishap =
  | { response: () => Response }
  | { rewrite: (content: string) => { content: string; finish_reason: "stop" | "length" } }
  | Record<string, never>;

/** The mishap that `fault` stands for. */
export function mishap(fault: Fault): Mishap {
  switch (fault.fault) {
    case "none":
    case "slow":
    case "stream_error":
    case "stream_cut":
    case "deferred_error":
    case "deferred_lost":
      return {};
    case "server_error":
      return flat(500, "internal-server-error", "Something went wrong on our side.");
    case "nested_error":
      return reply(503, {
        error: { message: "The service is overloaded.", type: "server_error", code: "unavailable" },
      });
    case "error_in_200":
      return flat(200, "unavailable", "Timed out waiting for first token");
    case "bad_gateway":
      return {
        response: () =>
          page(502, "<html><body><h1>502 Bad Gateway</h1></body></html>", "text/html"),
      };
    case "plain_text":
      return { response: () => page(502, "upstream connect error", "text/plain") };
    case "rate_limited":
      return rateLimited(fault.retry_after_seconds);
    case "too_many_tokens":
      return flat(
        429,
        "resource-exhausted",
        "Too many tokens for the team. Tokens per Minute (actual/limit): 65605/16000",
      );
    case "out_of_credits":
      return flat(
        429,
        "resource-exhausted",
        "Your team has used all available credits or reached its monthly spending limit.",
      );
    case "key_refused":
      return flat(
        400,
        "Client specified an invalid argument",
        "Incorrect API key provided: xa***ey. You can obtain an API key from https://console.x.ai.",
      );
    case "bad_request":
      return flat(400, "invalid-argument", "The request cannot be served as it is.");
    case "too_large":
      return {
        response: () =>
          page(413, "<html><body><h1>413 Payload Too Large</h1></body></html>", "text/html"),
      };
    case "too_long":
      return flat(
        400,
        "invalid-argument",
        "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
      );
    case "dropped":
      return { response: dropped };
    default:
      return { rewrite: REWRITES[fault.fault] };
  }
}

/** The answer in place of one that was deferred. */
export function deferredError(): Response {
  return flatError(200, "unavailable", "Timed out waiting for first token");
}

/** xAI's own shape of an error: flat, the sentence under `error`. */
export function flatError(status: number, code: string, error: string): Response {
  return Response.json({ code, error }, { status });
}

const REWRITES = {
  truncated: (content: string) => ({
    content: content.slice(0, Math.floor(content.length * 0.6)),
    finish_reason: "length" as const,
  }),
  invalid_json: (content: string) => stop(`Here is the JSON you asked for:\n${content}`),
  wrong_shape: () => stop(JSON.stringify({ report: "the roof leaks" })),
  missing_photo: (content: string) => {
    const answer = JSON.parse(content);
    if (Array.isArray(answer.photos)) answer.photos.pop();
    return stop(JSON.stringify(answer));
  },
  unknown_items: (content: string) => stop(content.replace(/"([po])(\d+)"/g, '"$1$299"')),
  empty: () => stop(""),
};

function stop(content: string) {
  return { content, finish_reason: "stop" as const };
}

function flat(status: number, code: string, error: string): Mishap {
  return { response: () => flatError(status, code, error) };
}

function reply(status: number, body: unknown): Mishap {
  return { response: () => Response.json(body, { status }) };
}

function page(status: number, body: string, type: string): Response {
  return new Response(body, { status, headers: { "content-type": type } });
}

function rateLimited(seconds?: number): Mishap {
  const headers = seconds === undefined ? {} : { "retry-after": String(seconds) };
  const body = {
    code: "resource-exhausted",
    error: "Too many requests for the team. Requests per Second (actual/limit): 41/37",
  };
  return { response: () => Response.json(body, { status: 429, headers: headers as HeadersInit }) };
}

function dropped(): Response {
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode('{"id":"chatcmpl-'));
    },
    pull(controller) {
      controller.error(new Error("the connection is dropped on purpose"));
    },
  });
  return new Response(body, { headers: { "content-type": "application/json" } });
}
