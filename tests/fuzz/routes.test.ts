// The routes with whatever may come: they fail only for the database's absence.

import assert from "node:assert/strict";
import fc from "fast-check";
import { createRoutes } from "pretium-queue/routes";
import { mintUserToken } from "../support/clients.ts";
import { fuzz, objectOf } from "../support/fuzz.ts";
import { stack } from "../support/stack.ts";
import { asSuperuser } from "../support/superuser.ts";

await asSuperuser((sql) =>
  sql`insert into public.job_types (job_type, open_to_users, max_waiting_per_user)
      values ('generate_report', true, 1000000)
      on conflict (job_type) do update set open_to_users = true, max_waiting_per_user = 1000000`
);

const token = await mintUserToken(crypto.randomUUID());
const { handle } = createRoutes({ url: stack.url, publishableKey: stack.publishableKey });
const body = fc.oneof(
  fc.json(),
  fc.string(),
  fc.uint8Array(),
  objectOf("bulletPoints", "contractName", "location", "images", "options").map((body) =>
    jsonOf({ reportId: crypto.randomUUID(), projectId: crypto.randomUUID(), ...body })
  ),
);
const search = fc.record({
  status: fc.oneof(fc.string(), fc.constant("queued")),
  job_type: fc.string({ unit: "binary" }),
  before: fc.oneof(fc.string(), fc.date({ noInvalidDate: true }).map((date) => date.toISOString())),
  limit: fc.oneof(fc.string(), fc.integer().map(String)),
}, { requiredKeys: [] });
const path = fc.oneof(
  fc.constant("/models/archive/generate-report-oldGrok"),
  search.map((search) => `/jobs?${new URLSearchParams(search)}`),
  fc.webPath().map((path) => `/jobs${path}`),
  fc.constantFrom("", "/cancel", "/retry").map((verb) => `/jobs/${crypto.randomUUID()}${verb}`),
);

fuzz(
  "a route answers whatever is sent in JSON, and never fails",
  fc.record({
    path,
    method: fc.constantFrom("GET", "POST", "POST", "PUT", "OPTIONS"),
    body,
    key: fc.string({ unit: "grapheme-ascii" }),
  }),
  async ({ path, method, body, key }) => {
    const headers: Record<string, string> = { authorization: `Bearer ${token}` };
    if (key.trim()) headers["idempotency-key"] = key;
    const sent = method === "GET" ? undefined : body as BodyInit;
    const request = new Request(`http://app.test/api${path}`, { method, headers, body: sent });
    const response = await handle(request);
    const text = await response.text();
    assert.ok(response.status < 500 || response.status === 503, `${response.status}: ${text}`);
    assert.equal(response.headers.get("cache-control"), "no-store");
    if (response.status === 204) return;
    const answer = JSON.parse(text);
    assert.equal(answer.success, response.status < 300);
    assert.ok(answer.success || answer.error, text);
  },
);

/** JSON of what has one, as pages send it. */
function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    return "{}";
  }
}
