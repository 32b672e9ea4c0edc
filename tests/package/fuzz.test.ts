// The client and the routes with whatever may come: the client never throws, a route never fails but for the database's
// absence, and no message holds a secret.

import assert from "node:assert/strict";
import fc from "fast-check";
import { createQueueClient } from "pretium-queue";
import { createRoutes } from "pretium-queue/routes";
import { mintUserToken } from "../support/clients.ts";
import { anything, fuzz, objectOf, SECRET } from "../support/fuzz.ts";
import { stack } from "../support/stack.ts";
import { asSuperuser } from "../support/superuser.ts";

// deno-lint-ignore no-explicit-any -- callers without types give anything
type Anything = any;

await asSuperuser((sql) =>
  sql`insert into public.job_types (job_type, open_to_users, max_waiting_per_user)
      values ('generate_report', true, 1000000)
      on conflict (job_type) do update set open_to_users = true, max_waiting_per_user = 1000000`
);

const options = objectOf(
  "priority",
  "max_retries",
  "run_at",
  "delay_seconds",
  "idempotency_key",
  "timeout_seconds",
  "owner_id",
);
const filter = objectOf("status", "job_type", "owner_id", "before", "limit", "max_jobs", "job_ids");

/** What PostgREST, something in front of it, or nobody answers. */
const answer = fc.oneof(
  fc.record({
    status: fc.integer({ min: 200, max: 599 }).filter((status) =>
      ![204, 205, 304].includes(status)
    ),
    body: fc.oneof(
      fc.json(),
      fc.string(),
      fc.constant("[]"),
      fc.constant('{"message": 5, "code": {}}'),
    ),
  }),
  fc.constant({ error: new TypeError(`bad header ${SECRET} for http://db.test/${SECRET}`) }),
);

/** Every method, and that it answers as it always does. */
const CALLS: [
  name: string,
  call: (queue: Anything, a: Anything, b: Anything, c: Anything) => Anything,
][] = [
  ["enqueueJob", (queue, a, b, c) => queue.enqueueJob(a, b, c)],
  ["enqueueJobs", (queue, _, b) => queue.enqueueJobs([b])],
  ["enqueueJobs", (queue, a) => queue.enqueueJobs(a)],
  ["getJobStatus", (queue, a) => queue.getJobStatus(a)],
  ["cancelJob", (queue, a) => queue.cancelJob(a)],
  ["retryJob", (queue, a) => queue.retryJob(a)],
  ["listJobs", (queue, _, b) => queue.listJobs(b)],
  ["listJobs", (queue, a) => queue.listJobs(a)],
  ["retryFailedJobs", (queue, _, b) => queue.retryFailedJobs(b)],
  ["cleanupOldJobs", (queue, a, b) => queue.cleanupOldJobs(a, b)],
  [
    "waitForJobCompletion",
    (queue, a, b) => queue.waitForJobCompletion(crypto.randomUUID(), a, 20, b),
  ],
  ["waitForJobCompletion", (queue, a) => queue.waitForJobCompletion(a, 1, 20)],
];

fuzz(
  "the client answers whatever it is given and whatever is answered, and tells no secret",
  fc.record({
    call: fc.constantFrom(...CALLS),
    first: anything,
    second: fc.oneof(options, filter, anything),
    third: fc.oneof(options, anything),
    answer,
  }),
  async ({ call: [name, call], first, second, third, answer }) => {
    const fetch = () =>
      "error" in answer
        ? Promise.reject(answer.error)
        : Promise.resolve(new Response(answer.body, { status: answer.status }));
    const queue = createQueueClient({ url: "http://db.test", key: SECRET, tries: 1, fetch });
    const result = await call(queue, first, second, third);
    assert.ok("error" in result, name);
    if (result.error === null) return;
    assert.ok(typeof result.error === "string" && result.error !== "", name);
    assert.ok(typeof result.code === "string" && result.code !== "", name);
    assert.doesNotMatch(result.error, /neverToBeTold|db\.test/);
  },
);

fuzz(
  "the database takes or refuses by name whatever input the client lets through",
  fc.record({ input: fc.dictionary(fc.string(), anything), options }),
  async ({ input, options }) => {
    const queue = createQueueClient({ url: stack.url, key: stack.secretKey });
    const { success, code, error } = await queue.enqueueJob("noop", input, options as Anything);
    assert.ok(success || code === "JQ004", `${code}: ${error}`);
  },
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
