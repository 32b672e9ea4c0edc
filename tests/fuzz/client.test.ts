// The client with whatever may come: it never throws, and no message holds a secret.

import assert from "node:assert/strict";
import fc from "fast-check";
import { createQueueClient } from "pretium-queue";
import { anything, enqueueOptions as options, fuzz, objectOf, SECRET } from "../support/fuzz.ts";

// deno-lint-ignore no-explicit-any -- callers without types give anything
type Anything = any;

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
