// Any arguments, as a user and as a visitor, to every function in public: only refusals with a code that names a bad
// argument or a missing right, nobody else's row changed, no secret in a message.

import assert from "node:assert/strict";
import fc from "fast-check";
import type postgres from "postgres";
import { createDatabase } from "../support/database.ts";
import { fuzz } from "../support/fuzz.ts";
import { queueOn } from "../support/queue.ts";

const ann = "00000000-0000-4000-8000-00000000000a";
const bob = { role: "authenticated", sub: "00000000-0000-4000-8000-00000000000b" };
const CALLERS = [bob, bob, { role: "authenticated" }, { role: "anon" }];
const SECRET = "anns-roof-leaks";
const TOKEN = "a-long-random-worker-token";

/** A refusal, a bad argument, a right that is missing. */
const EXPECTED = /^(JQ00[1-6]|42501|22\w{3})$/;

const plain = await world("");
const granted = await world(
  ["tables", "functions", "sequences"]
    .map((kind) => `grant all on all ${kind} in schema public to anon, authenticated`).join(";"),
);
Deno.test.afterAll(async () => {
  for (const { db } of [plain, granted]) await db[Symbol.asyncDispose]();
});

/** A database with a job of Ann's in some states, a worker to wake, and these statements run at the end. */
async function world(statements: string) {
  const db = await createDatabase();
  const queue = queueOn(db.service);
  await db.admin`
    select * from setup_job_queue('https://abc.supabase.co/functions/v1/process-queued-jobs', ${TOKEN})`;
  await db.service`
    insert into job_types (job_type, open_to_users) values ('open', true), ('generate_report', true)`;
  const options = { job_type: "open", owner_id: ann, input_data: { text: SECRET } };
  const running = await queue.running({ ...options, idempotency_key: SECRET });
  await queue.heartbeat([{ job_id: running.id, lease_token: running.lease_token }], 86_400);
  const ids = [
    running.id,
    await queue.enqueue(options),
    await queue.enqueue({ ...options, delay_seconds: 9e6 }),
  ];
  await db.admin.unsafe(statements);
  return { db, ids, token: running.lease_token };
}

interface Parameter {
  name: string;
  type: string;
  isOptional: boolean;
}

/** The functions in public with their parameters, as the catalogue has them. */
const functions: { name: string; parameters: Parameter[] }[] = [
  ...await plain.db.admin`
    select p.proname as name, (
      select coalesce(jsonb_agg(jsonb_build_object(
        'name', p.proargnames[i], 'type', format_type(t, null), 'isOptional', i > p.pronargs - p.pronargdefaults
      ) order by i), '[]')
      from unnest(p.proargtypes) with ordinality as a (t, i)
    ) as parameters
    from pg_proc p where p.pronamespace = 'public'::regnamespace order by 1`,
] as never;

const hostile = fc.constantFrom(
  "",
  "open",
  "generate_report",
  "'; drop table jobs; --",
  "\u{10ffff}",
  "-infinity",
  "infinity",
  "now",
  "2026-11-26T00:00:00Z",
  "99999-01-01",
  "x".repeat(300),
  "%s%n",
  "../../etc",
  ann,
  bob.sub,
  ...plain.ids,
  ...granted.ids,
  plain.token,
  granted.token,
);
const text = fc.oneof(
  hostile,
  fc.string({ unit: "binary" }).map((each) => each.replaceAll("\0", "")),
);
const number = fc.oneof(
  fc.integer(),
  fc.constantFrom(0, 1, -1, 1.5, 2 ** 31, -(2 ** 31), 1e300, 1e-9, 604800),
);
const option = fc.oneof(
  text,
  number,
  fc.boolean(),
  fc.constant(null),
  fc.jsonValue({ maxDepth: 4 }),
);
const keys = fc.constantFrom(
  "job_type",
  "input_data",
  "priority",
  "max_retries",
  "run_at",
  "delay_seconds",
  "idempotency_key",
  "timeout_seconds",
  "owner_id",
  "job_id",
  "lease_token",
  "outcome",
  "output_data",
  "reportId",
  "images",
);
const small = fc.integer({ min: -2, max: 5 });
const time = fc.constantFrom(
  "2026-11-26T00:00:00Z",
  "2001-01-01",
  "9999-12-31T23:59:59Z",
  "infinity",
);
const likeAJob = fc.record({
  job_type: fc.constantFrom("open", "open", "generate_report", "closed"),
  input_data: fc.oneof(
    fc.record({
      reportId: option,
      images: fc.oneof(fc.array(fc.record({ bucket: option, path: option })), option),
    }),
    fc.dictionary(fc.oneof(keys, text), option),
  ),
  priority: small,
  max_retries: small,
  delay_seconds: small,
  run_at: time,
  idempotency_key: fc.oneof(text, fc.constant(SECRET)),
  owner_id: fc.constantFrom(null, bob.sub, ann),
}, { requiredKeys: ["job_type"] });
const json = fc.oneof(
  fc.jsonValue(),
  fc.array(
    fc.oneof(
      likeAJob,
      fc.dictionary(keys, option),
      fc.tuple(likeAJob, fc.dictionary(keys, option)).map(([a, b]) => ({ ...b, ...a })),
    ),
  ),
  fc.dictionary(keys, option),
).map((value) => JSON.stringify(value).replaceAll("\\u0000", ""));

/** Texts that a parameter is read from: mostly some that make sense, by its name or else its type. */
function valueOf({ name, type }: Parameter): fc.Arbitrary<string | null> {
  const likely: Record<string, fc.Arbitrary<string>> = {
    job_type: fc.constantFrom("open", "open", "generate_report"),
    jobs: fc.array(likeAJob, { maxLength: 4 }).map((all) =>
      JSON.stringify(all).replaceAll("\\u0000", "")
    ),
    owner_id: fc.constantFrom(bob.sub, ann),
    idempotency_key: fc.oneof(text, fc.constant(SECRET)),
    job_id: fc.oneof(fc.constantFrom(...plain.ids, ...granted.ids), fc.uuid()),
    uuid: fc.oneof(fc.constantFrom(plain.token, granted.token), fc.uuid()),
    "timestamp with time zone": time,
    integer: fc.oneof(small, number).map(String),
    boolean: fc.boolean().map(String),
    jsonb: json,
    "uuid[]": fc.array(fc.uuid()).map((all) => `{${all}}`),
    "text[]": fc.array(fc.constantFrom("open", "a b", '"')).map((all) =>
      `{${all.map((each) => JSON.stringify(each))}}`
    ),
  };
  return fc.oneof(
    { weight: 12, arbitrary: likely[name] ?? likely[type] ?? text },
    { weight: 1, arbitrary: type === "jsonb" ? json : text },
    { weight: 1, arbitrary: fc.constant(null) },
  );
}

const ofUsers = functions.filter(({ name }) => /^(enqueue_jobs?|cancel_job|retry_job)$/.test(name));

/** A function and its arguments; those that users may call come more often. */
const call = fc.oneof(fc.constantFrom(...functions), fc.constantFrom(...ofUsers))
  .chain(({ name, parameters }) =>
    fc.tuple(...parameters.map((parameter) => {
      const given = valueOf(parameter).map((value) => ({ ...parameter, value }));
      return parameter.isOptional ? fc.option(given, { nil: undefined, freq: 1 }) : given;
    })).map((args) => ({ name, args: args.filter((each) => each !== undefined) }))
  );

/** All that is not Bob's. */
async function state({ db }: typeof plain): Promise<unknown> {
  const [row] = await db.admin`
    select (select jsonb_agg(to_jsonb(j) order by id) from jobs j where owner_id is distinct from ${bob.sub}) as jobs,
           (select jsonb_agg(to_jsonb(t) order by job_type) from job_types t) as types,
           (select jsonb_agg(to_jsonb(s)) from job_queue.settings s) as settings`;
  return row;
}

const worlds = { plain, granted };
const before = { plain: await state(plain), granted: await state(granted) };

fuzz(
  "whatever users and visitors send to whatever function, nothing but their own is touched",
  fc.tuple(fc.constantFrom("plain", "granted"), fc.constantFrom(...CALLERS), call),
  async ([which, caller, { name, args }]) => {
    const { db, token } = worlds[which];
    const named = args.map(({ name, type }, index) => `${name} => $${index + 1}::text::${type}`);
    const statement = `select * from ${name}(${named.join(", ")})`;
    const answer = await db.as(
      caller.role,
      caller,
      (sql) => sql.unsafe(statement, args.map(({ value }) => value)),
    ).then((rows) => JSON.stringify(rows), (error: postgres.PostgresError) => {
      assert.match(error.code ?? "", EXPECTED, `${error.code} ${error.message}`);
      return `${error.message} ${error.detail} ${error.hint}`;
    });
    const isToldBack = args.some(({ value }) => value?.includes(token));
    for (const secret of [SECRET, TOKEN, ...isToldBack ? [] : [token]]) {
      assert.ok(!answer.includes(secret), answer);
    }
    assert.deepEqual(await state(worlds[which]), before[which]);
    await db.admin`delete from jobs where owner_id = ${bob.sub}`;
  },
);
