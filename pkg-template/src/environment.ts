// The client that the environment describes.

import { createQueueClient, type QueueClient } from "./client.ts";

// Written out in full: bundlers replace these very words by their values, and the browser has no `process`.
const PUBLIC = {
  url: () => process.env.NEXT_PUBLIC_SUPABASE_URL,
  key: () =>
    process.env.NEXT_PUBLIC_SUPABASE_PUBLISHABLE_KEY ?? process.env.NEXT_PUBLIC_SUPABASE_ANON_KEY,
};

/** The project's address. */
export function projectUrl(): string | undefined {
  return variable("SUPABASE_URL") ?? readPublic("url");
}

/** The key that acts as the server; undefined in a browser. */
export function serviceKey(): string | undefined {
  return named("SUPABASE_SECRET_KEYS") ?? variable("SUPABASE_SECRET_KEY") ??
    variable("SUPABASE_SERVICE_ROLE_KEY");
}

/** The key that goes with a user's token. */
export function publishableKey(): string | undefined {
  return named("SUPABASE_PUBLISHABLE_KEYS") ?? variable("SUPABASE_PUBLISHABLE_KEY") ??
    variable("SUPABASE_ANON_KEY") ?? readPublic("key");
}

/** A variable of the environment; undefined when it is empty, when there is none, or when we may not read it. */
export function variable(name: string): string | undefined {
  try {
    return globalThis.process?.env?.[name] || undefined;
  } catch {
    return undefined;
  }
}

/** Supabase gives its functions several keys as a JSON object; `queue` is ours if there is one by that name. */
function named(name: string): string | undefined {
  try {
    const keys = JSON.parse(variable(name) ?? "{}");
    return keys.queue ?? keys.default;
  } catch {
    return undefined;
  }
}

function readPublic(what: keyof typeof PUBLIC): string | undefined {
  try {
    return PUBLIC[what]() || undefined;
  } catch {
    return undefined;
  }
}

/** Looks at the environment with the first call, not when it is imported: a build has no secrets. */
let connected: QueueClient | undefined;

export function defaultClient(): QueueClient {
  return connected ??= createQueueClient({
    url: projectUrl()!,
    key: (serviceKey() ?? publishableKey())!,
    names: {
      url: "SUPABASE_URL",
      key: "SUPABASE_SECRET_KEY (in a browser use createQueueClient(supabase))",
    },
  });
}
