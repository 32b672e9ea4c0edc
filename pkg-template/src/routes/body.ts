// Reading a request's body, up to a limit.

import { parseExactly } from "./exact_json.ts";
import { Refusal } from "./reply.ts";

const LARGEST = 1_048_576;

/** The JSON object in the body. Throws a {@link Refusal} for anything else. */
export async function readJson(
  request: Request,
  maxBytes = LARGEST,
): Promise<Record<string, unknown>> {
  const text = await readText(request, maxBytes);
  let body: unknown;
  try {
    body = parseExactly(text);
  } catch {
    throw new Refusal(400, "body: expected JSON");
  }
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new Refusal(400, "body: expected a JSON object");
  }
  return body as Record<string, unknown>;
}

/** Read past the limit before the answer: a caller still sending would see a broken connection instead of it. */
const PATIENCE = 16;

async function readText(request: Request, maxBytes: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  const reader = request.body?.getReader();
  while (reader) {
    const { done, value } = await reader.read().catch(() => {
      throw new Refusal(400, "body: it did not come to its end");
    });
    if (done) break;
    bytes += value.byteLength;
    if (bytes <= maxBytes) text += decoder.decode(value, { stream: true });
    if (bytes > maxBytes * PATIENCE) {
      await reader.cancel();
      break;
    }
  }
  if (bytes > maxBytes) throw new Refusal(413, `body: expected at most ${maxBytes} bytes`);
  return text + decoder.decode();
}
