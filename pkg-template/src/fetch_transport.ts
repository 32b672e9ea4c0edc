// PostgREST by `fetch`, for callers that have an address and a key.

import { Refused } from "./arguments.ts";
import {
  type Answer,
  answerOf,
  isSuccess,
  noAnswer,
  type Query,
  type Transport,
  unexpected,
} from "./transport.ts";

/** Where the project is and as whom to call it. */
export interface Connection {
  /** The project's address, `https://<ref>.supabase.co`. */
  url: string;
  /** A secret key or the service-role key to act as the server; a publishable or anon key together with `accessToken`. */
  key: string;
  /** The signed-in user's token, or how to get the current one; the call is then made as that user. */
  accessToken?: string | (() => Promise<string | null> | string | null);
  /** Instead of the global one. One that looks at its first argument only is given a `Request`. */
  fetch?: typeof fetch;
  /** @internal What the caller calls the settings, for errors. */
  names?: { url: string; key: string };
}

/** Every call fails with the code `configuration` when the connection is none. */
export function fetchTransport(connection: Connection): Transport {
  const request = async (path: string, init: RequestInit): Promise<Answer> => {
    const { url, key, names = { url: "url", key: "key" } } = Object(connection);
    checkSetting(
      // Nor one with a placeholder in it that nobody filled in.
      /^https?:\/\/[^\s<>{}]+$/,
      url,
      names.url,
      "an address such as https://<ref>.supabase.co",
    );
    checkSetting(SENDABLE, key, names.key, "a key in one line");
    const address = `${url.replace(/\/+$/, "")}/rest/v1/${path}`;
    return await send(connection.fetch ?? fetch, address, {
      ...init,
      // What is asked again has changed meanwhile; frameworks keep answers, Next.js for as long as a build.
      cache: "no-store",
      headers: { ...await headersOf(connection), "content-type": "application/json" },
    });
  };
  return {
    rpc: (name, args, signal) =>
      request(`rpc/${name}`, { method: "POST", body: JSON.stringify(args), signal }),
    read: (query, signal) => request(`visible_jobs?${search(query)}`, { signal }),
  };
}

/**
 * Asks with an address and what goes with it, which most functions in place of `fetch` expect; some of them take an address
 * for a text. One that did not look at what goes with it, and came to nothing, has sent a request without key, method and
 * body: it is asked once more with all of that in a `Request`.
 */
async function send(fetch: typeof globalThis.fetch, address: string, init: RequestInit) {
  const { headers } = init;
  let isRead = false;
  const watched = {
    ...init,
    get headers() {
      isRead = true;
      return headers;
    },
  };
  const answer = await answered(() => fetch(address, watched));
  const isWithoutKey = /^(network|unexpected_answer|http_4..)$/.test(answer.failed?.code ?? "");
  if (!isWithoutKey || isRead || init.signal?.aborted) return answer;
  const again = await answered(() => fetch(new Request(address, init)));
  if (again.failed?.code === "network") return answer;
  if (again.failed) again.failed.hint ??= "the given fetch ignores its second argument";
  return again;
}

async function answered(ask: () => Promise<Response>): Promise<Answer> {
  try {
    const response = await ask();
    const text = await response.text();
    const body = parsed(text);
    if (isSuccess(response.status) && body === undefined) {
      // The name of the kind of content, no more: parameters may hold anything.
      const type = /^[\w.+/-]{1,80}/.exec(response.headers.get("content-type") ?? "");
      return unexpected(text.trim() ? `it is ${type ?? "text"}, no JSON` : "it is empty");
    }
    return answerOf(response.status, body, response.headers.get("retry-after"));
  } catch (error) {
    return noAnswer(error);
  }
}

/** A key of the new kind is no JWT and goes into `apikey` alone. */
export async function headersOf({ key, accessToken }: Connection): Promise<Record<string, string>> {
  const token = typeof accessToken === "function" ? await accessToken() : accessToken;
  if (token) checkSetting(SENDABLE, token, "accessToken", "a token in one line");
  const bearer = token || (key.startsWith("sb_") ? undefined : key);
  return { apikey: key, ...(bearer && { authorization: `Bearer ${bearer}` }) };
}

/** Runtimes quote a header that they refuse, so a key with a line break must not get that far. */
const SENDABLE = /^[!-~]+$/;

function checkSetting(form: RegExp, value: unknown, name: string, expected: string) {
  if (typeof value !== "string" || !form.test(value)) {
    throw new Refused(`${name}: expected ${expected}`, "configuration");
  }
}

function search({ filters, limit }: Query): URLSearchParams {
  const search = new URLSearchParams({ order: "created_at.desc", limit: String(limit) });
  for (const [column, operator, value] of filters) search.append(column, `${operator}.${value}`);
  return search;
}

/** The text as JSON; undefined when it is none: what stands in front of PostgREST may answer in HTML. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
