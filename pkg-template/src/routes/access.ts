// As whom a request is answered.

import { createQueueClient, type QueueClient } from "../client.ts";
import { projectUrl, publishableKey, serviceKey } from "../environment.ts";
import { Refusal } from "./reply.ts";

/** A signed-in user by their token, or the server itself, with all its rights. */
export type Caller = { accessToken: string } | { service: true };

/** Says who is calling; null or undefined for nobody, who is sent away. */
export type Authorize = (
  request: Request,
) => Promise<Caller | null | undefined> | Caller | null | undefined;

/** How to reach the project; what is not given comes from the environment. */
export interface Access {
  /** `SUPABASE_URL` */
  url?: string;
  /** Goes with users' tokens; `SUPABASE_PUBLISHABLE_KEY` */
  publishableKey?: string;
  /** Used only for callers of whom `authorize` says `service`; `SUPABASE_SECRET_KEY` */
  secretKey?: string;
  fetch?: typeof fetch;
}

/** One repetition: who waits for a page asks again anyway. */
const TRIES = 2;

/** The queue as the caller may use it. Throws a {@link Refusal} for a caller who is nobody. */
export async function admit(
  request: Request,
  authorize: Authorize = bearer,
  access: Access = {},
): Promise<QueueClient> {
  const caller = await authorize(request);
  if (!caller) throw Refusal.signIn();
  const url = access.url ?? projectUrl();
  const isService = "service" in caller;
  const key = isService
    ? access.secretKey ?? serviceKey()
    : access.publishableKey ?? publishableKey();
  if (!url) throw new Refusal(500, "the server is not set up: SUPABASE_URL is not set");
  if (!key) {
    const name = isService ? "SUPABASE_SECRET_KEY" : "SUPABASE_PUBLISHABLE_KEY";
    throw new Refusal(500, `the server is not set up: ${name} is not set`);
  }
  const accessToken = isService ? undefined : caller.accessToken;
  return createQueueClient({ url, key, accessToken, fetch: access.fetch, tries: TRIES });
}

/** The token of a user. Keys are no tokens: a page sends its publishable key when nobody has signed in. */
function bearer(request: Request): Caller | null {
  const token = request.headers.get("authorization")?.match(/^Bearer +(\S+)$/i)?.[1];
  return token && !token.startsWith("sb_") ? { accessToken: token } : null;
}
