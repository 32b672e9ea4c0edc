// supabase-js clients of the different callers, always through the gateway.

import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import { stack } from "./stack.ts";

const OPTIONS = { auth: { persistSession: false, autoRefreshToken: false } };

/** A server with the project's secret key. */
export function secretKeyClient(): SupabaseClient {
  return createClient(stack.url, stack.secretKey, OPTIONS);
}

/** A server with the legacy service-role key. */
export function serviceRoleClient(): SupabaseClient {
  return createClient(stack.url, stack.serviceRoleKey, OPTIONS);
}

/** A visitor who has not signed in. */
export function anonymousClient(): SupabaseClient {
  return createClient(stack.url, stack.publishableKey, OPTIONS);
}

/** A user who has signed in. */
export async function userClient(userId: string): Promise<SupabaseClient> {
  const token = await mintUserToken(userId);
  return createClient(stack.url, stack.publishableKey, {
    ...OPTIONS,
    global: { headers: { Authorization: `Bearer ${token}` } },
  });
}

/** The access token Supabase's auth server would give this user, good for one hour. */
export function mintUserToken(userId: string): Promise<string> {
  return mintToken(userId, 3_600);
}

/** One that has been good until a minute ago. */
export function mintExpiredToken(userId: string): Promise<string> {
  return mintToken(userId, -60);
}

async function mintToken(userId: string, goodForSeconds: number): Promise<string> {
  const expires = Math.floor(Date.now() / 1000) + goodForSeconds;
  const claims = { sub: userId, role: "authenticated", aud: "authenticated", exp: expires };
  const unsigned = [{ alg: "HS256", typ: "JWT" }, claims]
    .map((part) => base64Url(new TextEncoder().encode(JSON.stringify(part))))
    .join(".");
  const key = await crypto.subtle.importKey(
    "raw",
    new TextEncoder().encode(stack.jwtSecret),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign"],
  );
  const signature = await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(unsigned));
  return `${unsigned}.${base64Url(new Uint8Array(signature))}`;
}

function base64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(
    /=/g,
    "",
  );
}
