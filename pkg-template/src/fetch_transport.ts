// PostgREST by `fetch`, for callers that have an address and a key.

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
}

export function fetchTransport(connection: Connection): Transport {
  const rest = `${connection.url.replace(/\/+$/, "")}/rest/v1/`;
  const request = async (path: string, init: RequestInit): Promise<Answer> => {
    const response = await (connection.fetch ?? fetch)(rest + path, {
      ...init,
      headers: { ...await headersOf(connection), "content-type": "application/json" },
    });
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
  const bearer = token || (key.startsWith("sb_") ? undefined : key);
  return { apikey: key, ...(bearer && { authorization: `Bearer ${bearer}` }) };
}

function search({ filters, limit }: Query): URLSearchParams {
  const search = new URLSearchParams({ order: "created_at.desc", limit: String(limit) });
  for (const [column, operator, value] of filters) search.append(column, `${operator}.${value}`);
  return search;
}

/** The text as JSON; null when it is none: what stands in front of PostgREST may answer in HTML. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
