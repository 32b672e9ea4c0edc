// Answers: always JSON, and the status that fits the queue's code.

import type { Failed } from "../result.ts";
import { isTransient, isUnauthorized, reasonOf } from "../transport.ts";

/** Which pages of other origins may call. */
export interface Cors {
  /** Such as `["https://app.example.com"]`; `"*"` is any. */
  origins: string[] | "*";
}

/** Why a request is not answered as asked. */
export class Refusal {
  readonly status: number;
  readonly error: string;
  readonly headers: Record<string, string>;

  constructor(status: number, error: string, headers: Record<string, string> = {}) {
    this.status = status;
    this.error = error;
    this.headers = headers;
  }

  static method(allowed: string): Refusal {
    const allow = allowed === "GET" ? "GET, HEAD, OPTIONS" : `${allowed}, OPTIONS`;
    return new Refusal(405, `expected ${allow}`, { allow });
  }

  static signIn(): Refusal {
    return new Refusal(
      401,
      "expected the token of a signed-in user: Authorization: Bearer <token>",
      {
        "www-authenticate": "Bearer",
      },
    );
  }

  /** What the database's refusal means for the caller; what only operators can mend is not told. */
  static of({ code, error, retryAfterSeconds }: Failed): Refusal {
    if (isTransient(code)) {
      const seconds = Math.ceil(retryAfterSeconds ?? 5);
      return new Refusal(503, "the database does not answer: try again later", {
        "retry-after": String(seconds),
      });
    }
    if (isUnauthorized(code)) return Refusal.signIn();
    if (code === "JQ004" && error.startsWith("job_type: ")) return new Refusal(403, error);
    // Of class 22: a value that Postgres cannot read.
    const status = STATUSES[code] ?? (/^22...$/.test(code) ? 400 : undefined);
    if (status) return new Refusal(status, error.replace(/^input_data\./, ""));
    console.error("the queue refused a call:", code);
    return new Refusal(500, `the queue could not answer: ${code}`);
  }
}

const STATUSES: Record<string, number> = {
  JQ003: 404,
  JQ004: 400,
  JQ005: 409,
  JQ006: 429,
};

export function ok(body: object): Response {
  return Response.json({ success: true, ...body });
}

/** Tells browsers, proxies and frameworks to keep no answer: a job changes from one look to the next. */
export function unkept(response: Response): Response {
  response.headers.set("cache-control", "no-store");
  return response;
}

/** The answer to what was thrown. An error of ours is told to operators, not to callers. */
export function failed(thrown: unknown): Response {
  const refusal = thrown instanceof Refusal ? thrown : new Refusal(500, "the server failed");
  if (refusal !== thrown) console.error("a route failed:", reasonOf(thrown));
  const { status, error, headers } = refusal;
  return Response.json({ success: false, error }, { status, headers });
}

/** A server that answers HEAD leaves the body out by itself. */
export function isAllowed(method: string, allowed: string): boolean {
  return method === allowed || allowed === "" || (allowed === "GET" && method === "HEAD");
}

/** What a browser asks before a page of another origin may call. */
export function preflight(request: Request, method: string, cors: Cors | undefined): Response {
  const response = new Response(null, { status: 204, headers: { allow: `${method}, OPTIONS` } });
  if (!originFor(request, cors)) return response;
  response.headers.set("access-control-allow-methods", method);
  response.headers.set(
    "access-control-allow-headers",
    "authorization, apikey, content-type, idempotency-key, x-client-info",
  );
  response.headers.set("access-control-max-age", "86400");
  return withCors(request, response, cors);
}

/** Adds what lets the page read the answer, if its origin may. */
export function withCors(request: Request, response: Response, cors: Cors | undefined): Response {
  if (!cors) return response;
  const origin = originFor(request, cors);
  if (origin) response.headers.set("access-control-allow-origin", origin);
  response.headers.append("vary", "origin");
  return response;
}

function originFor(request: Request, cors: Cors | undefined): string | null {
  const origin = request.headers.get("origin");
  if (!cors || !origin) return null;
  if (cors.origins === "*") return "*";
  return cors.origins.includes(origin) ? origin : null;
}
