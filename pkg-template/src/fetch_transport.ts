// PostgREST by `fetch`, for callers that have an address and a key.

import { Refused } from "./arguments.ts";
import { type Answer, answerOf, type Query, type Transport } from "./transport.ts";

/** Where the project is and as whom to call it. */
export interface Connection {
  /** The project's address, `https://<ref>.supabase.co`. */
  url: string;
  /** A secret key or the service-role key to act as the server; a publishable or anon key together with `accessToken`. */
  key: string;
  /** The signed-in user's token, or how to get the current one; the call is then made as that user. */
  accessToken?: string | (() => Promise<string | null> | string | null);
  /** Instead of the global one. */
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
    const response = await (connection.fetch ?? fetch)(
      `${url.replace(/\/+$/, "")}/rest/v1/${path}`,
      {
        ...init,
        // What is asked again has changed meanwhile; frameworks keep answers, Next.js for as long as a build.
        cache: "no-store",
        headers: { ...await headersOf(connection), "content-type": "application/json" },
      },
    );
    const text = await response.text();
    return answerOf(response.status, parsed(text), response.headers.get("retry-after"));
  };
  return {
    rpc: (name, args, signal) =>
      request(`rpc/${name}`, { method: "POST", body: JSON.stringify(args), signal }),
    read: (query, signal) => request(`visible_jobs?${search(query)}`, { signal }),
  };
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
