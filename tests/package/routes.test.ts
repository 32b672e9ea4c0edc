// The API for people without a server: each route's answer, byte for byte, for good input and for bad.

import assert from "node:assert/strict";
import { createRoutes } from "pretium-queue/routes";
import { createNextRoutes } from "pretium-queue/next";
import { secretKeyClient } from "../support/clients.ts";
import { stack } from "../support/stack.ts";
import { asSuperuser } from "../support/superuser.ts";
import {
  alice,
  type Answer,
  answered,
  ask,
  enqueued,
  post,
  refused,
  REPORT,
  report,
  tokens,
} from "./route_requests.ts";

Deno.test("a report is enqueued as the user and its id comes back", async () => {
  const body = await report();
  const answer = await ask(REPORT, post(body));
  const { jobId } = JSON.parse(answer.body);
  answered(answer, 200, {
    success: true,
    message: "Report generation job queued successfully",
    jobId,
    reportId: body.reportId,
  });
  const { data } = await secretKeyClient().from("jobs").select().eq("id", jobId).single();
  assert.deepEqual([data.owner_id, data.job_type, data.input_data], [
    alice,
    "generate_report",
    body,
  ]);
});

for (const [name, notes] of [["half an emoji", "crew \ud83d"], ["NUL", "crew \0"]]) {
  Deno.test(`a report with ${name} in its notes is enqueued`, async () => {
    const answer = await ask(REPORT, post(await report({ bulletPoints: notes })));
    const { jobId } = JSON.parse(answer.body);
    const { data } = await secretKeyClient().from("jobs").select().eq("id", jobId).single();
    assert.equal(data.input_data.bulletPoints, name === "NUL" ? "crew " : "crew \ufffd");
  });
}

const NUMBERS: [sent: string, kept: unknown][] = [
  ["12345678901234567890", "12345678901234567890"],
  ["9007199254740993", "9007199254740993"],
  ["-0.1000000000000000055511151231257827", "-0.1000000000000000055511151231257827"],
  ["1e400", "1e400"],
  ["1E-400", "1E-400"],
  ["18446744073709551616", "18446744073709551616"],
  // Doubles, as other languages write them.
  ["0.10000000000000001", 0.1],
  ["98.88339545701953", 98.88339545701953],
  ["1.50", 1.5],
  ["0.000", 0],
  ["1e20", 1e20],
  ["9007199254740992", 9007199254740992],
  ["2.2250738585072014e-308", 2.2250738585072014e-308],
];

Deno.test("numbers of other languages reach the report to the digit", async () => {
  const body = JSON.stringify(await report({ header: { areasReviewed: "NUMBERS" } }));
  const numbers = NUMBERS.map(([sent]) => `"{\\"${sent}", ${sent} `);
  const answer = await ask(REPORT, post(body.replace('"NUMBERS"', `[${numbers}]`)));
  const { jobId } = JSON.parse(answer.body);
  const { data } = await secretKeyClient().from("jobs").select().eq("id", jobId).single();
  assert.deepEqual(
    data.input_data.header.areasReviewed,
    NUMBERS.flatMap(([sent, kept]) => [`{"${sent}`, kept]),
  );
});

Deno.test("a list of types with NUL in it is answered", async () => {
  answered(await ask("/api/jobs?job_type=%00"), 200, { success: true, jobs: [] });
});

Deno.test("the same Idempotency-Key enqueues one report", async () => {
  const body = await report();
  const key = { "idempotency-key": crypto.randomUUID() };
  const [first, second] = [await ask(REPORT, post(body, key)), await ask(REPORT, post(body, key))];
  assert.equal(first.body, second.body);
});

const BODIES: [name: string, body: unknown, error: string][] = [
  ["no JSON", "{bulletPoints", "body: expected JSON"],
  ["nothing", "", "body: expected JSON"],
  ["a list", [], "body: expected a JSON object"],
  ["null", null, "body: expected a JSON object"],
  ["no reportId", { reportId: undefined }, "reportId: expected a uuid"],
  ["a reportId that is no uuid", { reportId: "7" }, "reportId: expected a uuid"],
  ["no projectId", { projectId: null }, "projectId: expected a uuid"],
  ["no bulletPoints", { bulletPoints: undefined }, "bulletPoints: expected a text"],
  ["empty bulletPoints", { bulletPoints: " " }, "bulletPoints: expected a text"],
  ["bulletPoints in a list", { bulletPoints: ["a"] }, "bulletPoints: expected a text"],
  ["a contractName that is a number", { contractName: 7 }, "contractName: expected a text"],
  ["a location that is an object", { location: {} }, "location: expected a text"],
  [
    "a field that is too deep",
    { more: JSON.parse("[".repeat(200) + "]".repeat(200)) },
    `more${"[0]".repeat(28)}[: expected JSON of at most 100 levels`,
  ],
  ["images that are no list", { images: "1.jpg" }, "images: expected a list"],
  [
    "an image without a place",
    { images: [{ url: "https://a.test" }, { path: "x" }] },
    "images[1]: expected an object with url, or with bucket and path",
  ],
  [
    "an image that is null",
    { images: [null] },
    "images[0]: expected an object with url, or with bucket and path",
  ],
  [
    "a report that is not the user's",
    { reportId: "00000000-0000-4000-8000-000000000001" },
    "reportId: expected a report that you may change",
  ],
  [
    "a photo in Storage that is not the user's",
    { images: [{ bucket: "photos", path: "1.jpg" }] },
    "images[0].path: expected a photo in Storage that you may read",
  ],
];

for (const [name, body, error] of BODIES) {
  Deno.test(`a report with ${name} is refused and the field named`, async () => {
    const isChange = typeof body === "object" && body !== null && !Array.isArray(body);
    refused(
      await ask(REPORT, post(isChange ? await report(body as object as never) : body)),
      400,
      error,
    );
  });
}

Deno.test("a body that is too large is refused, whether or not it says so", async () => {
  const large = JSON.stringify(await report({ bulletPoints: "x".repeat(1_048_577) }));
  refused(await ask(REPORT, post(large)), 413, "body: expected at most 1048576 bytes");
  const stream = new Blob([large]).stream();
  refused(
    await ask(REPORT, { method: "POST", body: stream }),
    413,
    "body: expected at most 1048576 bytes",
  );
});

Deno.test("a job is shown to its owner, without what belongs to the workers", async () => {
  const id = await enqueued();
  const answer = await ask(`/api/jobs/${id}`);
  const { job } = JSON.parse(answer.body);
  answered(answer, 200, { success: true, job });
  assert.deepEqual([job.id, job.status, job.job_type, job.output_data], [
    id,
    "queued",
    "parked",
    null,
  ]);
  assert.ok(!("lease_token" in job) && !("worker_id" in job));
});

Deno.test("the jobs of the user are listed, and nobody else's", async () => {
  const id = await enqueued();
  const answer = await ask("/api/jobs?status=queued&status=processing&job_type=parked&limit=1");
  const { jobs } = JSON.parse(answer.body);
  answered(answer, 200, { success: true, jobs });
  assert.deepEqual(jobs.map((job: { id: string }) => job.id), [id]);
  answered(await ask("/api/jobs", {}, tokens.bob), 200, { success: true, jobs: [] });
});

for (
  const [search, error] of [
    ["limit=0", "limit: expected 1 to 1000"],
    ["limit=x", "limit: expected 1 to 1000"],
    ["status=done", "status: expected one of queued, processing, completed, failed, cancelled"],
    ["before=yesterday", "before: expected a time in ISO 8601"],
    ["before=", "before: expected a time in ISO 8601"],
    ["before=2026", "before: expected a time with its zone, such as 2026-01-31T09:00:00Z"],
    ["before=2026-02-30T00:00:00Z", "before: expected a day that its month has"],
    [
      "before=2026-02-03T00:00:00",
      "before: expected a time with its zone, such as 2026-01-31T09:00:00Z",
    ],
    [`job_type=${"x".repeat(4_001)}`, "job_type: expected at most 4000 characters"],
  ]
) {
  Deno.test(`a list with ${search.slice(0, 40)} is refused`, async () => {
    refused(await ask(`/api/jobs?${search}`), 400, error);
  });
}

Deno.test("a job is cancelled, and retried after it was cancelled or failed", async () => {
  const id = await enqueued();
  const change = (verb: string, jobId: string) =>
    ask(`/api/jobs/${jobId}/${verb}`, { method: "POST" });
  answered(await change("cancel", id), 200, { success: true, jobId: id, status: "cancelled" });
  answered(await change("retry", id), 200, { success: true, jobId: id, status: "queued" });
  await change("cancel", id);
  const failed = await enqueued("failed");
  answered(await change("retry", failed), 200, { success: true, jobId: failed, status: "queued" });
});

const ONE_JOB: [method: string, suffix: string][] = [
  ["GET", ""],
  ["POST", "/cancel"],
  ["POST", "/retry"],
];

for (const [method, suffix] of ONE_JOB) {
  Deno.test(`${method} /api/jobs/[id]${suffix} knows no unknown job and nobody else's`, async () => {
    for (const id of [crypto.randomUUID(), "7", "%00"]) {
      const answer = await ask(`/api/jobs/${id}${suffix}`, { method });
      refused(answer, 404, `there is no job ${id}`);
    }
    const id = await enqueued();
    refused(
      await ask(`/api/jobs/${id}${suffix}`, { method }, tokens.bob),
      404,
      `there is no job ${id}`,
    );
  });
}

const ROUTES: [path: string, method: string, allow: string][] = [
  [REPORT, "POST", "POST, OPTIONS"],
  ["/api/jobs", "GET", "GET, HEAD, OPTIONS"],
  [`/api/jobs/${crypto.randomUUID()}`, "GET", "GET, HEAD, OPTIONS"],
  [`/api/jobs/${crypto.randomUUID()}/cancel`, "POST", "POST, OPTIONS"],
  [`/api/jobs/${crypto.randomUUID()}/retry`, "POST", "POST, OPTIONS"],
];

for (const [path, method, allow] of ROUTES) {
  Deno.test(`${path.replace(/[0-9a-f-]{36}/, "[id]")} refuses every other method and says which it takes`, async () => {
    for (const other of ["GET", "POST", "PUT", "PATCH", "DELETE"]) {
      if (other === method) continue;
      const answer = await ask(path, { method: other });
      refused(answer, 405, `expected ${allow}`);
      assert.equal(answer.headers.get("allow"), allow);
    }
  });

  Deno.test(`${path.replace(/[0-9a-f-]{36}/, "[id]")} is for signed-in users only`, async () => {
    const init = path === REPORT ? post(await report()) : { method };
    const strangers = {
      "no token": null,
      "the publishable key": stack.publishableKey,
      "the anon key": stack.anonKey,
      "the secret key": stack.secretKey,
      "an invented token": `${tokens.alice}x`,
    };
    for (const [name, token] of Object.entries(strangers)) {
      const answer = await ask(path, init, token);
      assert.equal(answer.status, 401, `${name}: ${answer.body}`);
      refused(answer, 401, "expected the token of a signed-in user: Authorization: Bearer <token>");
    }
  });
}

Deno.test("what is no route is not found", async () => {
  for (const path of ["/api", "/api/jobs/1/2", "/api/jobs/1/cancel/2", "/api/models"]) {
    refused(await ask(path), 404, "there is no such route");
  }
});

Deno.test("only the pages that were named may call from another origin", async () => {
  const asked = (origin: string) => ({ method: "OPTIONS", headers: { origin } });
  const named = await ask("/api/jobs", asked("https://app.example.com"), null);
  assert.equal(named.status, 204);
  assert.equal(named.headers.get("access-control-allow-origin"), "https://app.example.com");
  assert.equal(named.headers.get("access-control-allow-methods"), "GET");
  const other = await ask("/api/jobs", asked("https://evil.example"), null);
  assert.equal(other.headers.get("access-control-allow-origin"), null);
  const answer = await ask("/api/jobs", { headers: { origin: "https://app.example.com" } });
  assert.equal(answer.headers.get("access-control-allow-origin"), "https://app.example.com");
  assert.match(answer.headers.get("vary") ?? "", /origin/);
});

/** The routes as a server of one's own mounts them. */
const mounted = (options: Parameters<typeof createRoutes>[0]) => {
  const { handle } = createRoutes({
    url: stack.url,
    publishableKey: stack.publishableKey,
    secretKey: stack.secretKey,
    ...options,
  });
  return async (path: string, init: RequestInit = {}): Promise<Answer> => {
    const response = await handle(new Request(`http://app.test${path}`, init));
    return { status: response.status, body: await response.text(), headers: response.headers };
  };
};

const bearer = { headers: { authorization: `Bearer ${tokens.alice}` } };

Deno.test("while the database is away every route says when to come back", async () => {
  const askAway = mounted({ url: "http://127.0.0.1:9" });
  for (const [path, method] of ROUTES) {
    const init = path === REPORT ? post(await report(), bearer.headers) : { method, ...bearer };
    const answer = await askAway(path, init);
    refused(answer, 503, "the database does not answer: try again later");
    assert.equal(answer.headers.get("retry-after"), "5");
  }
});

Deno.test("a server that is not set up says what is missing", async () => {
  refused(
    await mounted({ publishableKey: "" })("/api/jobs", bearer),
    500,
    "the server is not set up: SUPABASE_PUBLISHABLE_KEY is not set",
  );
});

Deno.test("the server itself is called only when authorize says so", async () => {
  const id = await enqueued();
  const asService = mounted({ authorize: () => ({ service: true }) });
  assert.equal((await asService(`/api/jobs/${id}`)).status, 200);
  for (const nobody of [null, undefined]) {
    refused(
      await mounted({ authorize: () => nobody })(`/api/jobs/${id}`),
      401,
      "expected the token of a signed-in user: Authorization: Bearer <token>",
    );
  }
});

Deno.test("an error of authorize's is not told to the caller", async () => {
  const fail = () => {
    throw new Error("secret");
  };
  refused(await mounted({ authorize: fail })("/api/jobs"), 500, "the server failed");
});

Deno.test("a user whose type is closed, or who has too many jobs waiting, is told so", async () => {
  await asSuperuser((sql) =>
    sql`update public.job_types set max_waiting_per_user = 0 where job_type = 'generate_report'`
  );
  try {
    refused(
      await ask(REPORT, post(await report())),
      429,
      "at most 0 of your generate_report jobs may wait at a time",
    );
    await asSuperuser((sql) =>
      sql`update public.job_types set open_to_users = false where job_type = 'generate_report'`
    );
    refused(
      await ask(REPORT, post(await report())),
      403,
      "job_type: expected a type that is open to signed-in users",
    );
  } finally {
    await asSuperuser((sql) =>
      sql`update public.job_types set max_waiting_per_user = 100, open_to_users = true
          where job_type = 'generate_report'`
    );
  }
});

Deno.test("Next.js handlers take the id from params, which is a promise, and answer every method", async () => {
  const id = await enqueued();
  const { job, jobs } = createNextRoutes({ url: stack.url, publishableKey: stack.publishableKey });
  const context = { params: Promise.resolve({ id }) };
  const request = (method: string) =>
    new Request(`http://app.test/api/jobs/${id}`, { method, ...bearer });
  assert.equal((await (await job.GET(request("GET"), context)).json()).job.id, id);
  const put = await job.PUT(request("PUT"), context);
  assert.equal(put.status, 405);
  assert.deepEqual(await put.json(), { success: false, error: "expected GET, HEAD, OPTIONS" });
  assert.equal((await jobs.GET(new Request("http://app.test/api/jobs", bearer))).status, 200);
});
