// What the client makes of whatever it is given: kept to the digit, mended, or refused by name. It never throws.

import assert from "node:assert/strict";
import { runInNewContext } from "node:vm";
import { createQueueClient } from "pretium-queue";
import { createRoutes } from "pretium-queue/routes";
import { secretKeyClient } from "../support/clients.ts";
import { stack } from "../support/stack.ts";
import { CARRIED, LOST } from "../fixtures/payloads.ts";
import textCases from "../fixtures/text.json" with { type: "json" };

// deno-lint-ignore no-explicit-any -- callers without types give anything
type Anything = any;

/** Not to be run while another test looks at the worker. */
const LATER = { delay_seconds: 3_600 };

const connection = { url: stack.url, key: stack.secretKey };
const clients = {
  "an address and a key": createQueueClient(connection),
  "a supabase-js client": createQueueClient(secretKeyClient()),
};

for (const [given, queue] of Object.entries(clients)) {
  for (const { name, sent, kept } of textCases) {
    Deno.test(`with ${given}, an input with ${name} is enqueued, as Postgres can hold it`, async () => {
      const { jobId, error } = await queue.enqueueJob("noop", { text: JSON.parse(sent) }, LATER);
      assert.equal(error, null);
      const { job } = await queue.getJobStatus<"noop">(jobId!);
      assert.deepEqual(job?.input_data.text, JSON.parse(kept));
    });
  }
}

const queue = clients["an address and a key"];

Deno.test("numbers in an input come back to the digit", async () => {
  const numbers = [98.88339545701953, 0.1 + 0.2, 5e-324, 2 ** 53, -0.000001, 1e21];
  const { jobId } = await queue.enqueueJob("noop", { numbers }, LATER);
  const { job } = await queue.getJobStatus<"noop">(jobId!);
  assert.deepEqual(job?.input_data.numbers, numbers);
});

const circular: Anything = { name: "visit" };
circular.self = circular;
const deep = JSON.parse("[".repeat(200) + "]".repeat(200));
const INPUTS: [name: string, input: () => Anything, field: RegExp][] = [
  [
    "itself in it",
    () => circular,
    /^input_data\.self\.self.*: expected JSON of at most 100 levels$/,
  ],
  [
    "a list 200 levels deep",
    () => ({ deep }),
    /^input_data\.deep\[0\].*: expected JSON of at most/,
  ],
  ["NaN", () => ({ width: NaN }), /^input_data\.width: expected JSON, got NaN: leave it out/],
  ["a toJSON that throws", () => ({
    at: {
      toJSON() {
        throw new Error("secret");
      },
    },
  }), /^input_data\.at: /],
  ["a getter that throws", () => ({
    get photo() {
      throw new Error("secret");
    },
  }), /^input_data\.photo: /],
  [
    "a date that is none",
    () => ({ visit: { at: new Date("26/11/2026") } }),
    /^input_data\.visit\.at: expected JSON, got a date that is none: leave it out or send null$/,
  ],
  ["a proxy that lets nobody in", () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return { proxy };
  }, /^input_data\.proxy: /],
];

for (const [name, input, field] of INPUTS) {
  Deno.test(`an input with ${name} is an error that names the field`, async () => {
    const one = await queue.enqueueJob("noop", input());
    assert.match(one.error!, field);
    assert.equal(one.code, "JQ004");
    assert.doesNotMatch(one.error!, /secret/);
    const many = await queue.enqueueJobs([{ job_type: "noop", input_data: input() }]);
    assert.ok(many.error!.startsWith("jobs[0].input_data"), many.error!);
  });
}

for (const [name, make, said] of LOST) {
  Deno.test(`an input with ${name} is refused, by its field, what it is and what to do instead`, async () => {
    const one = await queue.enqueueJob("noop", { photos: [{ image: make() }] });
    const field = "input_data.photos[0].image";
    assert.deepEqual([one.error, one.code], [`${field}: expected JSON, got ${said}`, "JQ004"]);
    const many = await queue.enqueueJobs([{ job_type: "noop", input_data: make() }]);
    assert.equal(many.error, `jobs[0].input_data: expected JSON, got ${said}`);
  });
}

Deno.test("what another realm has made is refused and carried as if it were of this one", async () => {
  const input = (code: string) => ({ value: runInNewContext(code) });
  const { error } = await queue.enqueueJob("noop", input("new (class extends Map { a = 1 })()"));
  assert.match(error!, /^input_data\.value: expected JSON, got a Map: /);
  for (const code of ["Object.assign(new Error('x'), { a: 1 })", "/x/", "Promise.resolve()"]) {
    assert.equal((await queue.enqueueJob("noop", input(code))).code, "JQ004", code);
  }
  const carried = input("({ list: [1], box: new String('a'), at: new Date(0), none: {} })");
  const { jobId } = await queue.enqueueJob("noop", carried, LATER);
  const { job } = await queue.getJobStatus<"noop">(jobId!);
  assert.deepEqual(job?.input_data, JSON.parse(JSON.stringify(carried)));
});

for (const [name, make] of CARRIED) {
  Deno.test(`an input with ${name} is what JSON makes of it`, async () => {
    const { jobId, error } = await queue.enqueueJob("noop", { value: make() }, LATER);
    assert.equal(error, null);
    const { job } = await queue.getJobStatus<"noop">(jobId!);
    assert.deepEqual(job?.input_data, JSON.parse(JSON.stringify({ value: make() })));
  });
}

const OPTIONS: [name: string, options: Anything, error: string][] = [
  ["delay_seconds NaN", { delay_seconds: NaN }, "a whole number, 0 to 2147483647"],
  ["delay_seconds Infinity", { delay_seconds: Infinity }, "a whole number, 0 to 2147483647"],
  ["delay_seconds -1", { delay_seconds: -1 }, "0 to 2147483647"],
  ["delay_seconds 0.5", { delay_seconds: 0.5 }, "a whole number, 0 to 2147483647"],
  ["priority 3e9", { priority: 3e9 }, "-2147483647 to 2147483647"],
  ["priority in a text", { priority: "high" }, "a whole number, -2147483647 to 2147483647"],
  ["max_retries 1001", { max_retries: 1001 }, "0 to 1000"],
  ["timeout_seconds 0", { timeout_seconds: 0 }, "1 to 604800"],
  ["run_at a date in another order", { run_at: new Date("26/11/2026") }, "a time in ISO 8601"],
  ["run_at a date without a year", { run_at: "tomorrow" }, "a time in ISO 8601"],
  ["run_at no time", { run_at: 1e15 }, "a time in ISO 8601"],
  [
    "run_at without a zone",
    { run_at: "2030-01-31T09:00:00" },
    "a time with its zone, such as 2026-01-31T09:00:00Z",
  ],
  [
    "run_at without a time",
    { run_at: "2030-01-31" },
    "a time with its zone, such as 2026-01-31T09:00:00Z",
  ],
  [
    "run_at on a day that is none",
    { run_at: "2030-02-30T09:00:00Z" },
    "a day that its month has",
  ],
  ["owner_id no uuid", { owner_id: "7" }, "a uuid"],
];

for (const [name, options, expected] of OPTIONS) {
  Deno.test(`an enqueue with ${name} is refused by its name, and nothing is enqueued`, async () => {
    const [field] = Object.keys(options);
    let requests = 0;
    const queue = createQueueClient({
      ...connection,
      fetch: (...args) => (requests++, fetch(...args)),
    });
    const one = await queue.enqueueJob("noop", {}, options);
    assert.deepEqual([one.error, one.code], [`${field}: expected ${expected}`, "JQ004"]);
    const many = await queue.enqueueJobs([{ job_type: "noop", input_data: {}, ...options }]);
    assert.equal(many.error, `jobs[0].${field}: expected ${expected}`);
    assert.equal(requests, 0);
  });
}

Deno.test("a job runs at the time that was given, in whatever zone", async () => {
  const at = new Date("2100-01-31T09:00:00.123Z");
  for (const run_at of [at, at.toISOString(), "2100-01-31T11:00:00.123+02:00"]) {
    const { jobId, error } = await queue.enqueueJob("noop", {}, { run_at });
    assert.equal(error, null);
    const { job } = await queue.getJobStatus(jobId!);
    assert.equal(Date.parse(job!.run_at), at.getTime());
  }
});

const SECRET = "sb_secret_abcdefghijklmnop";
const CONNECTIONS: [name: string, connection: Anything, error: RegExp][] = [
  ["no address", { key: SECRET }, /^url: expected/],
  ["no key", { url: stack.url, key: undefined }, /^key: expected/],
  ["a key with a line break", { url: stack.url, key: `${SECRET}\nx` }, /^key: expected/],
  ["an address without https", { url: "ab.supabase.co", key: SECRET }, /^url: expected/],
  [
    "an address that nobody filled in",
    { url: "https://<ref>.supabase.co", key: SECRET },
    /^url: expected/,
  ],
  [
    "a variable in its address",
    { url: "https://${REF}.supabase.co", key: SECRET },
    /^url: expected/,
  ],
  ["nothing", undefined, /^url: expected/],
  [
    "a token with a line break",
    { url: stack.url, key: SECRET, accessToken: () => `${SECRET}\n` },
    /^accessToken: expected/,
  ],
];

for (const [name, connection, error] of CONNECTIONS) {
  Deno.test(`a client with ${name} says which setting is wrong, and no secret`, async () => {
    const queue = createQueueClient(connection);
    for (const result of [await queue.enqueueJob("noop", {}), await queue.listJobs()]) {
      assert.match(result.error!, error);
      assert.equal(result.code, "configuration");
      assert.doesNotMatch(result.error!, /abcdefgh/);
    }
  });
}

Deno.test("what the runtime says of a request is told without addresses and keys", async () => {
  const said = `error for url (${stack.url}/rest/v1/x?token=abc): header "Bearer ${SECRET}" is bad`;
  const queue = createQueueClient({
    ...connection,
    tries: 1,
    fetch: () => Promise.reject(new TypeError(said, { cause: new Error("refused") })),
  });
  const { error } = await queue.listJobs();
  assert.match(error!, /^no answer from the server: error for url .*: refused$/);
  assert.doesNotMatch(error!, /127\.0\.0\.1|http:|abcdefgh|token=/);
});

Deno.test("a host that refuses at all of its addresses is told by what the first said", async () => {
  const refused = ["[::1]:9", "127.0.0.1:9"].map((at) => new Error(`connect ECONNREFUSED ${at}`));
  const cause = Object.assign(new AggregateError(refused, ""), { code: "ECONNREFUSED" });
  for (const thrown of [new TypeError("fetch failed", { cause }), cause]) {
    const fetch = () => Promise.reject(thrown);
    const { error } = await createQueueClient({ ...connection, tries: 1, fetch }).listJobs();
    assert.match(error!, /connect ECONNREFUSED \[::1\]:9$/);
  }
});

Deno.test("the database's hint comes along", async () => {
  const { error, hint } = await queue.enqueueJobs([
    { job_type: "noop", input_data: {}, prio: 1 } as Anything,
  ]);
  assert.deepEqual([error, hint], [
    "jobs[0].prio: there is no such option",
    "the options are the arguments of enqueue_job",
  ]);
});

Deno.test("a project without the queue's functions says so at once", async () => {
  const missing: typeof fetch = (address, init) =>
    fetch(String(address).replace("/rpc/", "/rpc/not_"), init);
  const began = Date.now();
  const { code } = await createQueueClient({ ...connection, fetch: missing }).enqueueJob(
    "noop",
    {},
  );
  assert.equal(code, "PGRST202");
  assert.ok(Date.now() - began < 2_000, `${Date.now() - began} ms`);
});

Deno.test("every request of the client is past all caches", async () => {
  const asked: (string | undefined)[] = [];
  const spy: typeof fetch = (address, init) => (asked.push(init?.cache), fetch(address, init));
  const { createClient } = await import("@supabase/supabase-js");
  const options = { global: { fetch: spy }, auth: { persistSession: false } };
  for (
    const queue of [
      createQueueClient({ ...connection, fetch: spy }),
      createQueueClient(createClient(stack.url, stack.secretKey, options)),
    ]
  ) {
    asked.length = 0;
    await queue.getJobStatus(crypto.randomUUID());
    await queue.listJobs({ limit: 1 });
    await queue.waitForJobCompletion(crypto.randomUUID(), 100, 1_000);
    assert.deepEqual(asked, ["no-store", "no-store", "no-store"]);
  }
});

Deno.test("no answer of a route is kept, whatever its status", async () => {
  const { handle } = createRoutes({
    ...connection,
    authorize: () => ({ service: true }),
    secretKey: stack.secretKey,
    cors: { origins: "*" },
  });
  const nobody = createRoutes({ ...connection, authorize: () => null });
  const away = createRoutes({
    url: "http://127.0.0.1:9",
    secretKey: "x",
    authorize: () => ({ service: true }),
  });
  const answers: [number, Promise<Response>][] = [
    [200, handle(new Request("http://app.test/api/jobs?limit=1"))],
    [204, handle(new Request("http://app.test/api/jobs", { method: "OPTIONS" }))],
    [400, handle(new Request("http://app.test/api/jobs?limit=0"))],
    [401, nobody.handle(new Request("http://app.test/api/jobs"))],
    [404, handle(new Request("http://app.test/api/jobs/7"))],
    [404, handle(new Request("http://app.test/api/nothing"))],
    [405, handle(new Request("http://app.test/api/jobs", { method: "PUT" }))],
    [503, away.handle(new Request("http://app.test/api/jobs"))],
  ];
  for (const [status, answer] of answers) {
    const response = await answer;
    assert.equal(response.status, status);
    assert.equal(response.headers.get("cache-control"), "no-store");
    await response.body?.cancel();
  }
});
