// A proxy between workers and the gateway that counts the jobs in the calls, independently of both sides.

import { stack } from "./stack.ts";

/** What the proxy counted. */
export interface Wire {
  /** The address to give workers as SUPABASE_URL. */
  url: string;
  /** Job id -> how often a claim's answer carried it. */
  handedOut: Map<string, number>;
  /** Job id -> how often a worker sent a result for it. */
  delivered: Map<string, number>;
  /** How many calls of any kind passed. */
  requests: () => number;
  shutdown: () => Promise<void>;
}

/** Starts a proxy that counts. */
export function recordWire(): Wire {
  const handedOut = new Map<string, number>();
  const delivered = new Map<string, number>();
  let requests = 0;
  const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
  const server = Deno.serve(options, async (request) => {
    requests += 1;
    const body = await request.text();
    const { pathname, search } = new URL(request.url);
    const response = await fetch(stack.url + pathname + search, {
      method: request.method,
      headers: withoutHost(request.headers),
      body: body || undefined,
    });
    const answer = await response.text();
    if (pathname.endsWith("/rpc/finish_and_claim_jobs")) {
      for (const result of JSON.parse(body).results ?? []) count(delivered, result.job_id);
      if (response.ok) { for (const job of JSON.parse(answer).jobs) count(handedOut, job.id); }
    }
    const headers = { "content-type": response.headers.get("content-type") ?? "text/plain" };
    const empty = response.status === 204;
    return new Response(empty ? null : answer, { status: response.status, headers });
  });
  const url = `http://127.0.0.1:${server.addr.port}`;
  return { url, handedOut, delivered, requests: () => requests, shutdown: () => server.shutdown() };
}

function withoutHost(headers: Headers): Headers {
  const kept = new Headers(headers);
  for (const name of ["host", "content-length", "connection"]) kept.delete(name);
  return kept;
}

function count(counts: Map<string, number>, id: string) {
  counts.set(id, (counts.get(id) ?? 0) + 1);
}
