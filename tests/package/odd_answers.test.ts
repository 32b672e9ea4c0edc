// Answers of something that stands in front of the database: a hotel's sign-in page, a proxy's empty body, a cached page.

import assert from "node:assert/strict";
import { createClient } from "@supabase/supabase-js";
import { createQueueClient, type QueueClient } from "pretium-queue";
import { stack } from "../support/stack.ts";

const connection = { url: stack.url, key: stack.secretKey };
const server = createQueueClient(connection);
const LATER = { delay_seconds: 3_600 };

const page = (status = 200) =>
  new Response("<html>secret</html>", {
    status,
    headers: { "content-type": "text/html; charset=secret" },
  });

const ODD: [name: string, answer: () => Response, said: string][] = [
  ["a sign-in page", page, "it is text/html, no JSON"],
  ["nothing", () => new Response(" "), "it is empty"],
  ["half an answer", () => new Response("[{"), "it is text/plain, no JSON"],
  ["null", () => new Response("null"), "it is JSON of another form (null)"],
  ["a number", () => new Response("7.5"), "it is JSON of another form (number)"],
  ["a text", () => new Response('"secret"'), "it is JSON of another form (string)"],
  ["an object", () => Response.json({ ok: "secret" }), "it is JSON of another form (object)"],
  ["a list of nothing", () => Response.json([null]), "it is JSON of another form (list)"],
  [
    "a list of others",
    () => Response.json([{ id: "secret" }]),
    "it is JSON of another form (list)",
  ],
];

for (const [name, answer, said] of ODD) {
  Deno.test(`a success with ${name} is an error that says its kind and not its content`, async () => {
    const fetch = () => Promise.resolve(answer());
    const queue = createQueueClient({ ...connection, tries: 1, fetch });
    const id = crypto.randomUUID();
    const results = [
      await queue.getJobStatus(id),
      await queue.listJobs(),
      await queue.enqueueJobs([{ job_type: "noop", input_data: {} }]),
      await queue.enqueueJob("noop", {}),
      await queue.cancelJob(id),
      await queue.cleanupOldJobs(),
    ];
    for (const { error, code } of results) {
      assert.deepEqual([error, code], [
        `the answer is none of the queue's: ${said}`,
        "unexpected_answer",
      ]);
    }
  });
}

Deno.test("another job than the one asked for, or another number of ids, is none of the queue's", async () => {
  const other = { id: crypto.randomUUID(), status: "completed" };
  const answering = (body: unknown) => {
    const fetch = () => Promise.resolve(Response.json(body));
    return createQueueClient({ ...connection, tries: 1, fetch });
  };
  const { code } = await answering([other]).getJobStatus(crypto.randomUUID());
  assert.equal(code, "unexpected_answer");
  assert.equal((await answering([other]).getJobStatus(other.id.toUpperCase())).error, null);
  const many = await answering([other.id]).enqueueJobs([]);
  assert.equal(many.code, "unexpected_answer");
});

/** A `fetch` in front of which something answers the first requests, after the database has. */
function covered(answers: number, answer: () => Response): typeof fetch & { requests: number } {
  const cover = async (...args: Parameters<typeof fetch>) => {
    const isCovered = ++cover.requests <= answers;
    const response = await fetch(...args);
    if (!isCovered) return response;
    await response.body?.cancel();
    return answer();
  };
  cover.requests = 0;
  return cover;
}

const clients: Record<string, (fetch: typeof globalThis.fetch) => QueueClient> = {
  "an address and a key": (fetch) => createQueueClient({ ...connection, tries: 1, fetch }),
  "a supabase-js client": (fetch) =>
    createQueueClient(
      createClient(stack.url, stack.secretKey, {
        global: { fetch },
        auth: { persistSession: false },
      }),
    ),
};

for (const [given, make] of Object.entries(clients)) {
  for (const [name, answer] of ODD) {
    Deno.test(`with ${given}, waiting outlives ${name}`, async () => {
      const { jobId } = await server.enqueueJob("noop", {}, LATER);
      await server.cancelJob(jobId!);
      const cover = covered(3, answer);
      const { code } = await make(cover).waitForJobCompletion(jobId!, 50, 20_000);
      assert.deepEqual([code, cover.requests], ["cancelled", 4]);
    });
  }
}

Deno.test("a subscription outlives a sign-in page, and tells nobody of it", async () => {
  const { jobId } = await server.enqueueJob("noop", {}, LATER);
  await server.cancelJob(jobId!);
  const seen = Promise.withResolvers<string>();
  clients["an address and a key"](covered(3, page)).subscribeToJob(
    jobId!,
    (job) => seen.resolve(job.status),
    { intervalMs: 50, onError: ({ code }) => seen.resolve(code) },
  );
  assert.equal(await seen.promise, "cancelled");
});

Deno.test("what has answered in the queue's place to the end is what a wait that timed out tells", async () => {
  const fetch = () => Promise.resolve(page());
  const queue = createQueueClient({ ...connection, tries: 1, fetch });
  const { code, error } = await queue.waitForJobCompletion(crypto.randomUUID(), 50, 200);
  assert.equal(code, "timeout");
  assert.match(
    error!,
    /after 200 ms: the answer is none of the queue's: it is text.html, no JSON$/,
  );
});

for (const [name, answer] of ODD) {
  Deno.test(`an enqueue that is answered by ${name} makes exactly one job and finds it`, async () => {
    const owner_id = crypto.randomUUID();
    const queue = createQueueClient({ ...connection, fetch: covered(2, answer) });
    const { jobId, error } = await queue.enqueueJob("noop", {}, { ...LATER, owner_id });
    assert.equal(error, null);
    const { jobs } = await server.listJobs({ owner_id });
    assert.deepEqual(jobs!.map((job) => job.id), [jobId]);
  });
}

Deno.test("an error that is a page is told by its status, without the page", async () => {
  for (const make of Object.values(clients)) {
    const queue = make(() => Promise.resolve(page(403)));
    const { error, code } = await queue.getJobStatus(crypto.randomUUID());
    assert.deepEqual([error, code], ["the server answered 403", "http_403"]);
  }
});

type OneArgument = (request: Request) => Promise<Response>;

const ONE_ARGUMENT: [name: string, fetch: OneArgument][] = [
  ["passes it on", (request) => fetch(request)],
  ["adds a header to it", (request) => {
    request.headers.set("traceparent", "00-1-2-01");
    return fetch(request);
  }],
  ["copies it", (request) => fetch(new Request(request))],
];

for (const [name, one] of ONE_ARGUMENT) {
  Deno.test(`a fetch that takes a Request alone and ${name} serves all calls`, async () => {
    const queue = createQueueClient({ ...connection, fetch: one as typeof fetch });
    const owner_id = crypto.randomUUID();
    const { jobId, error } = await queue.enqueueJob("noop", { n: 1 }, { ...LATER, owner_id });
    assert.equal(error, null);
    assert.equal((await queue.getJobStatus(jobId!)).job?.owner_id, owner_id);
    assert.equal((await queue.listJobs({ owner_id })).jobs?.length, 1);
    assert.equal((await queue.cancelJob(jobId!)).status, "cancelled");
  });
}

Deno.test("a fetch that takes an address for a text, or writes what goes with it anew, is asked once", async () => {
  let requests = 0;
  const takesTexts: typeof fetch = (address, init) => {
    requests++;
    assert.ok((address as string).startsWith(stack.url));
    return fetch(address, { ...init, headers: { ...init?.headers, "x-trace": "1" } });
  };
  const { code } = await createQueueClient({ ...connection, fetch: takesTexts }).getJobStatus(
    crypto.randomUUID(),
  );
  assert.deepEqual([code, requests], ["JQ003", 1]);
});

Deno.test("a fetch that throws without a look at its second argument is told by what it threw first", async () => {
  const thrown = ["offline", "address.replace is not a function"];
  const fetch = () => Promise.reject(new TypeError(thrown.shift()));
  const { error, hint } = await createQueueClient({ ...connection, tries: 1, fetch }).listJobs();
  assert.deepEqual([error, hint], ["no answer from the server: offline", undefined]);
});

Deno.test("a fetch that does not look at its second argument is asked once where the server is in trouble", async () => {
  let requests = 0;
  const fetch = () => {
    requests++;
    return Promise.resolve(Response.json({ message: "trouble" }, { status: 500 }));
  };
  const { code, hint } = await createQueueClient({ ...connection, tries: 1, fetch }).listJobs();
  assert.deepEqual([code, hint, requests], ["http_500", undefined, 1]);
});

Deno.test("a list of jobs that its caller empties while they are sent is answered by its ids", async () => {
  const owner_id = crypto.randomUUID();
  const jobs = [1, 2].map((n) => ({
    ...LATER,
    owner_id,
    job_type: "noop" as const,
    input_data: { n },
  }));
  const sent = server.enqueueJobs(jobs);
  jobs.length = 0;
  assert.equal((await sent).jobIds?.length, 2);
});

Deno.test("a fetch that comes to nothing without a look at its second argument is an error that says so", async () => {
  const fetch = () => Promise.resolve(Response.json({ message: "no key" }, { status: 401 }));
  const { error, hint } = await createQueueClient({ ...connection, fetch }).listJobs();
  assert.equal(error, "no key");
  assert.equal(hint, "the given fetch ignores its second argument");
});
