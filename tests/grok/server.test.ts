// The stand-in itself: it refuses what xAI refuses, answers by the schema it got, and fails on command.

import assert from "node:assert/strict";
import { grok } from "./server.ts";
import type { Schema } from "./schema.ts";
import { violation } from "./schema.ts";

const BATCH: Schema = {
  type: "object",
  required: ["photos"],
  additionalProperties: false,
  properties: {
    photos: {
      type: "array",
      items: {
        type: "object",
        required: ["p", "title", "points"],
        additionalProperties: false,
        properties: {
          p: { type: "string", enum: ["p1", "p2"] },
          title: { type: "string" },
          points: {
            type: "array",
            items: {
              type: "object",
              required: ["text", "kind", "spec"],
              additionalProperties: false,
              properties: {
                text: { type: "string" },
                kind: { type: "string", enum: ["observation", "deficiency", "action", "verify"] },
                spec: { anyOf: [{ type: "string", enum: ["s1"] }, { type: "null" }] },
              },
            },
          },
        },
      },
    },
  },
};

// One pixel, as a PNG.
const PIXEL =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

const WORDS = [
  "Photo p1\nDescription: Ponding water along the parapet\nTag: deficiency\nSpecifications: s1",
  "Photo p2\nTag: overview\nDescription: North elevation seen from the lane",
];

function body(change: Record<string, unknown> = {}, urls = [PIXEL]) {
  const content = [
    ...WORDS.map((text) => ({ type: "text", text })),
    ...urls.map((url) => ({ type: "image_url", image_url: { url, detail: "auto" } })),
  ];
  return {
    model: "grok-4.3",
    messages: [{ role: "system", content: "Write about the photos." }, { role: "user", content }],
    response_format: {
      type: "json_schema",
      json_schema: { name: "batch", strict: true, schema: BATCH },
    },
    ...change,
  };
}

function ask(server: ReturnType<typeof grok>, sent: unknown, headers: Record<string, string> = {}) {
  return server(
    new Request("http://grok/v1/chat/completions", {
      method: "POST",
      headers: { authorization: "Bearer xai-test", "x-grok-conv-id": "job-1", ...headers },
      body: typeof sent === "string" ? sent : JSON.stringify(sent),
    }),
  );
}

async function scripted(faults: unknown[]) {
  const server = grok();
  const script = { method: "PUT", body: JSON.stringify(faults) };
  assert.equal((await server(new Request("http://grok/control/job-1", script))).status, 204);
  return server;
}

async function calls(server: ReturnType<typeof grok>) {
  return await (await server(new Request("http://grok/control/job-1"))).json();
}

Deno.test("an answer holds under the schema of the request and speaks of every photo", async () => {
  const response = await ask(grok(), body());
  assert.equal(response.status, 200);
  assert.ok(response.headers.get("x-request-id"));
  const completion = await response.json();
  assert.equal(completion.model, "grok-4.3");
  assert.equal(completion.choices[0].finish_reason, "stop");
  const answer = JSON.parse(completion.choices[0].message.content);
  assert.equal(violation(BATCH, answer), null);
  assert.deepEqual(answer.photos.map((photo: { p: string }) => photo.p), ["p1", "p2"]);
  assert.equal(answer.photos[0].points[0].text, "Ponding water was observed along the parapet.");
  assert.equal(answer.photos[0].points[0].spec, "s1");
  assert.equal(answer.photos[1].points.length, 1);
});

Deno.test("usage adds up, and the system prompt is cached from the second call on", async () => {
  const server = grok();
  const { usage: first } = await (await ask(server, body())).json();
  const { usage: second } = await (await ask(server, body())).json();
  const details = first.prompt_tokens_details;
  assert.equal(first.prompt_tokens, details.text_tokens + details.image_tokens);
  assert.equal(details.image_tokens, 256);
  assert.equal(details.cached_tokens, 0);
  assert.ok(second.prompt_tokens_details.cached_tokens > 0);
  assert.ok(second.cost_in_usd_ticks < first.cost_in_usd_ticks);
  assert.ok(first.completion_tokens_details.reasoning_tokens > 0);
});

Deno.test("the same request gets the same words", async () => {
  const [first, second] = [await ask(grok(), body()), await ask(grok(), body())];
  assert.deepEqual((await first.json()).choices, (await second.json()).choices);
});

Deno.test("a wrong key is a flat 400, no key a 401", async () => {
  const wrong = await ask(grok(), body(), { authorization: "Bearer xai-wrong" });
  assert.equal(wrong.status, 400);
  assert.match((await wrong.json()).error, /Incorrect API key/);
  const none = await ask(grok(), body(), { authorization: "" });
  assert.equal(none.status, 401);
});

const REFUSED: [string, unknown, RegExp][] = [
  ["a body that is not JSON", "{", /not JSON/],
  ["an unknown argument", body({ max_token: 5 }), /max_token/],
  ["an unknown model", body({ model: "gpt-9" }), /gpt-9/],
  [
    "a schema keyword that is not supported",
    body({
      response_format: {
        type: "json_schema",
        json_schema: { name: "x", schema: { type: "array", minItems: 1 } },
      },
    }),
    /minItems/,
  ],
  [
    "an image that is neither JPEG nor PNG",
    body({}, ["data:image/jpeg;base64,aGVsbG8="]),
    /JPEG and PNG/,
  ],
  [
    "an image whose type is not what its URL says",
    body({}, [PIXEL.replace("png", "jpeg")]),
    /bytes are/,
  ],
  [
    "an image address that does not answer",
    body({}, ["http://127.0.0.1:1/none.jpg"]),
    /Fetching image/,
  ],
];

for (const [what, sent, reason] of REFUSED) {
  Deno.test(`${what} is refused with a flat 400`, async () => {
    const response = await ask(grok(), sent);
    assert.equal(response.status, 400);
    assert.match((await response.json()).error, reason);
  });
}

Deno.test("an image given by URL is fetched", async () => {
  const bytes = Uint8Array.from(atob(PIXEL.split(",")[1]), (letter) => letter.charCodeAt(0));
  const files = Deno.serve({ port: 0, onListen: () => {} }, () => new Response(bytes));
  const server = grok();
  const url = `http://127.0.0.1:${files.addr.port}/photo.png?token=secret`;
  assert.equal((await ask(server, body({}, [url]))).status, 200);
  const [call] = await calls(server);
  assert.deepEqual(call.images, [
    {
      source: "url",
      url: url.split("?")[0],
      bytes: bytes.length,
      type: "image/png",
      width: 1,
      height: 1,
    },
  ]);
  await files.shutdown();
});

const STATUSES: [string, number][] = [
  ["server_error", 500],
  ["nested_error", 503],
  ["error_in_200", 200],
  ["bad_gateway", 502],
  ["plain_text", 502],
  ["rate_limited", 429],
  ["too_many_tokens", 429],
  ["out_of_credits", 429],
  ["key_refused", 400],
  ["bad_request", 400],
];

for (const [fault, status] of STATUSES) {
  Deno.test(`the fault ${fault} answers ${status} once and then recovers`, async () => {
    const server = await scripted([{ fault }]);
    const response = await ask(server, body());
    assert.equal(response.status, status);
    assert.doesNotMatch(await response.text(), /"choices"/);
    assert.match(await (await ask(server, body())).text(), /"choices"/);
    assert.deepEqual((await calls(server)).map((call: { fault: string }) => call.fault), [
      fault,
      "none",
    ]);
  });
}

Deno.test("Retry-After is sent only when the script gives it", async () => {
  const server = await scripted([{ fault: "rate_limited", retry_after_seconds: 7 }, {
    fault: "rate_limited",
  }]);
  assert.equal((await ask(server, body())).headers.get("retry-after"), "7");
  assert.equal((await ask(server, body())).headers.get("retry-after"), null);
});

Deno.test("a truncated answer says so and does not parse", async () => {
  const server = await scripted([{ fault: "truncated" }]);
  const [choice] = (await (await ask(server, body())).json()).choices;
  assert.equal(choice.finish_reason, "length");
  assert.throws(() => JSON.parse(choice.message.content));
});

Deno.test("a dropped connection never delivers a whole answer", async () => {
  const server = await scripted([{ fault: "dropped" }]);
  await assert.rejects((await ask(server, body())).text());
});

Deno.test("a fault waits for the schema and the words it is meant for", async () => {
  const server = await scripted([
    { fault: "server_error", schema: "plan" },
    { fault: "bad_request", containing: "not in any prompt" },
    { fault: "bad_gateway", schema: "batch", containing: "North elevation" },
  ]);
  assert.equal((await ask(server, body())).status, 502);
  assert.equal((await ask(server, body())).status, 200);
});

Deno.test("a call is recorded as unanswered when its caller leaves first", async () => {
  const server = await scripted([{ fault: "slow", delay_ms: 60_000 }]);
  const leaving = new AbortController();
  const asked = server(
    new Request("http://grok/v1/chat/completions", {
      method: "POST",
      headers: { authorization: "Bearer xai-test", "x-grok-conv-id": "job-1" },
      body: JSON.stringify(body()),
      signal: leaving.signal,
    }),
  );
  while ((await calls(server)).length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  leaving.abort();
  await asked;
  assert.equal((await calls(server))[0].status, null);
});

async function deferred(server: ReturnType<typeof grok>, sent = body({ deferred: true })) {
  const { request_id } = await (await ask(server, sent)).json();
  return () =>
    server(
      new Request(`http://grok/v1/chat/deferred-completion/${request_id}`, {
        headers: { authorization: "Bearer xai-test" },
      }),
    );
}

Deno.test("a deferred answer is the same as one at once, and is given out once", async () => {
  const server = grok();
  const look = await deferred(server);
  const first = await look();
  assert.equal(first.status, 200);
  const { choices } = await first.json();
  assert.deepEqual(choices, (await (await ask(grok(), body())).json()).choices);
  assert.equal((await look()).status, 404);
  const [call] = await calls(server);
  assert.deepEqual([call.looks, call.fetched], [1, 1]);
});

Deno.test("a deferred answer that is not there yet is an empty 202", async () => {
  const server = await scripted([{ fault: "slow", delay_ms: 3_600_000 }]);
  const look = await deferred(server);
  const response = await look();
  assert.deepEqual([response.status, await response.text()], [202, ""]);
});

Deno.test("a deferred answer can be an error with status 200, or lost", async () => {
  const server = await scripted([{ fault: "deferred_error" }, { fault: "deferred_lost" }]);
  const [error, lost] = [await deferred(server), await deferred(server)];
  const response = await error();
  assert.equal(response.status, 200);
  assert.equal((await response.json()).code, "unavailable");
  assert.equal((await lost()).status, 404);
});

/** The events of a stream, decoded; the last one is `[DONE]` unless it was cut. */
async function events(response: Response) {
  const lines = (await response.text()).split("\n\n").filter((line) => line !== "");
  return lines.map((line) => line.slice("data: ".length));
}

Deno.test("a streamed answer is the same words in pieces, and ends with its usage", async () => {
  const response = await ask(grok(), body({ stream: true }));
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  const [done, ...rest] = (await events(response)).reverse();
  assert.equal(done, "[DONE]");
  const chunks = rest.reverse().map((data) => JSON.parse(data));
  const written = chunks.map((chunk) => chunk.choices[0].delta.content ?? "").join("");
  const whole = await (await ask(grok(), body())).json();
  assert.equal(written, whole.choices[0].message.content);
  assert.ok(chunks.length > 5);
  assert.equal(chunks.at(-1).choices[0].finish_reason, "stop");
  assert.ok(chunks.at(-1).usage.cost_in_usd_ticks > 0);
});

Deno.test("a streamed answer can end or fail in its middle", async () => {
  const server = await scripted([{ fault: "stream_cut" }, { fault: "stream_error" }]);
  const cut = await events(await ask(server, body({ stream: true })));
  assert.ok(cut.length > 0 && !cut.includes("[DONE]"));
  const failed = await events(await ask(server, body({ stream: true })));
  assert.equal(JSON.parse(failed.at(-1)!).error.code, "unavailable");
});

/** The same question as {@link body} asks, as `/v1/responses` takes it. */
function responsesBody(change: Record<string, unknown> = {}) {
  const content = [
    ...WORDS.map((text) => ({ type: "input_text", text })),
    { type: "input_image", image_url: PIXEL, detail: "auto" },
  ];
  return {
    model: "grok-4.3",
    input: [{ role: "system", content: "Write about the photos." }, { role: "user", content }],
    text: { format: { type: "json_schema", name: "batch", strict: true, schema: BATCH } },
    store: false,
    ...change,
  };
}

function respond(server: ReturnType<typeof grok>, sent: unknown) {
  return server(
    new Request("http://grok/v1/responses", {
      method: "POST",
      headers: { authorization: "Bearer xai-test", "x-grok-conv-id": "job-1" },
      body: JSON.stringify(sent),
    }),
  );
}

Deno.test("a response has the words of a completion, and its events end with all of it", async () => {
  const completion = await (await ask(grok(), body())).json();
  const response = await (await respond(grok(), responsesBody())).json();
  assert.equal(response.status, "completed");
  const text = response.output.at(-1).content[0].text;
  assert.equal(text, completion.choices[0].message.content);
  assert.equal(response.usage.input_tokens, completion.usage.prompt_tokens);

  const streamed = await respond(grok(), responsesBody({ stream: true }));
  const lines = (await streamed.text()).split("\n").filter((line) => line.startsWith("data: "));
  const events = lines.map((line) => JSON.parse(line.slice("data: ".length)));
  const deltas = events.filter((event) => event.type === "response.output_text.delta");
  assert.equal(deltas.map((event) => event.delta).join(""), text);
  assert.equal(events.at(-1).response.output.at(-1).content[0].text, text);
});

Deno.test("a response that would be stored is refused with images, and none can be deferred", async () => {
  for (const change of [{ store: true }, { store: undefined }, { deferred: true }]) {
    assert.equal((await respond(grok(), responsesBody(change))).status, 400);
  }
});
