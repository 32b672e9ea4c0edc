// The page's own client. Where an application signs its users in, its session is used; here the token lies ready.

import { createClient } from "@supabase/supabase-js";

/** The signed-in user's token, or null. */
export function accessToken(): string | null {
  return typeof sessionStorage === "undefined" ? null : sessionStorage.getItem("access_token");
}

export const supabase = createClient(
  process.env.NEXT_PUBLIC_SUPABASE_URL!,
  process.env.NEXT_PUBLIC_SUPABASE_PUBLISHABLE_KEY!,
  { accessToken: async () => accessToken() },
);
