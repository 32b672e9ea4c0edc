// What one signed-in user may ask for: refused by counting first, and bounded however often they ask.

import assert from "node:assert/strict";
import { refused, testDatabase } from "../support/database.ts";
import { queueOn } from "../support/queue.ts";

const db = await testDatabase();
const queue = queueOn(db.service);
const ann = { role: "authenticated", sub: "00000000-0000-4000-8000-00000000000a" };

Deno.test.beforeEach(async () => {
  await db.admin`truncate jobs, job_types, reports cascade`;
  await db.admin`
    insert into job_types (job_type, open_to_users, max_waiting_per_user, max_kept_per_user, timeout_seconds)
    values ('open', true, 100, 150, 900), ('other', true, 20000, 20000, null), ('closed', false, 0, 0, null),
           ('generate_report', true, 20000, 20000, null)`;
});

/** Calls a statement as Ann. */
const asAnn = (statement: string, ...args: unknown[]) =>
  db.as("authenticated", ann, (sql) => sql.unsafe(statement, args as never[]));

const enqueue = async (options: string, type = "open"): Promise<string> =>
  (await asAnn(`select enqueue_job('${type}'${options}) as id`))[0].id;

const enqueueMany = (jobs: unknown[]) =>
  db.as("authenticated", ann, (sql) => sql`select enqueue_jobs(${sql.json(jobs as never)}) as ids`);

/** How long a call takes the database, in milliseconds, and that it was refused. */
async function refusedWithin(limit: number, code: string, call: () => Promise<unknown>) {
  let least = Infinity;
  for (let attempt = 0; attempt < 3; attempt++) {
    const start = performance.now();
    await refused(code, call());
    least = Math.min(least, performance.now() - start);
  }
  assert.ok(least < limit, `${least} ms`);
}

for (const time of ["-infinity", "infinity", "1969-12-31T00:00Z", "10000-01-01T00:00Z"]) {
  Deno.test(`nobody enqueues, inserts or moves a job for ${time}`, async () => {
    const message = "run_at: expected a time from 1970 to 9999";
    assert.equal(await refused("JQ004", enqueue(`, run_at => '${time}'`)), message);
    const served = db.service.unsafe(`select enqueue_job('open', run_at => '${time}')`);
    assert.equal(await refused("JQ004", served), message);
    const many = queue.enqueueMany([{ job_type: "open", run_at: time }]);
    assert.equal(await refused("JQ004", many), `jobs[0].${message}`);
    await refused(
      "23514",
      db.service`insert into jobs (job_type, run_at) values ('open', ${time}::text::timestamptz)`,
    );
    const id = await queue.enqueue();
    await refused(
      "23514",
      db.service`update jobs set run_at = ${time}::text::timestamptz where id = ${id}`,
    );
  });
}

Deno.test("a user's job for 1970 is served after those that came before it, a server's before", async () => {
  const first = await queue.enqueue({ job_type: "open" });
  const early = await enqueue(", run_at => '1970-01-02'");
  const [many] = (await enqueueMany([{ job_type: "open", run_at: "2001-01-01T00:00Z" }]))[0].ids;
  assert.deepEqual((await queue.claim(3)).map((job) => job.id), [first, early, many]);
  await queue.enqueue({ job_type: "open" });
  const servers = await queue.enqueue({ job_type: "open", run_at: "1970-01-02T00:00Z" });
  assert.equal((await queue.claim())[0].id, servers);
});

const refusedOptions: [string, string][] = [
  ["timeout_seconds => 604800", "timeout_seconds: expected 1 to 900 from a signed-in user"],
  ["timeout_seconds => 901", "timeout_seconds: expected 1 to 900 from a signed-in user"],
  ["timeout_seconds => 0", "timeout_seconds: expected 1 to 604800"],
  ["priority => -2147483648", "priority: expected -1000 to 0 from a signed-in user"],
  ["priority => 1", "priority: expected -1000 to 0 from a signed-in user"],
  ["max_retries => 4", "max_retries: expected 0 to 3 from a signed-in user"],
  ["max_retries => -1", "max_retries: expected 0 to 1000"],
  ["delay_seconds => -1", "delay_seconds: expected 0 to 2147483647"],
];
for (const [option, message] of refusedOptions) {
  Deno.test(`a user's ${option} is refused by its name and range`, async () => {
    assert.equal(await refused("JQ004", enqueue(`, ${option}`)), message);
  });
}

Deno.test("a user's timeout shortens that of the type, and is bounded where the type has none", async () => {
  await enqueue(", timeout_seconds => 900");
  await enqueue(", timeout_seconds => 86400", "other");
  await refused("JQ004", enqueue(", timeout_seconds => 86401", "other"));
});

const refusedNumbers: [Record<string, unknown>, string][] = [
  [{ priority: 3e9 }, "priority: expected -2147483648 to 2147483647"],
  [{ priority: 0.5 }, "priority: expected a whole number"],
  [{ delay_seconds: 1e300 }, "delay_seconds: expected 0 to 2147483647"],
  [{ max_retries: 1.5 }, "max_retries: expected a whole number"],
  [{ timeout_seconds: 604801 }, "timeout_seconds: expected 1 to 604800"],
  ...[
    "26/11/2026",
    1795651200,
    "2026-12-01T08:00",
    "2026-12-01",
    "2026-12-01 08:00 PM",
    "2026-12-01 08:00 EST",
    "01/02/2026 09:00Z",
    "tomorrow 09:00 UTC",
    "tomorrow",
  ]
    .map((run_at): [Record<string, unknown>, string] => [
      { run_at },
      "run_at: expected a time with its zone, such as 2026-01-31T09:00:00Z",
    ]),
  [{ owner_id: "me" }, "owner_id: expected a uuid"],
];
for (const [option, message] of refusedNumbers) {
  Deno.test(`${JSON.stringify(option)} of a server is refused by its name`, async () => {
    const enqueued = queue.enqueueMany([{ job_type: "test", ...option }]);
    assert.equal(await refused("JQ004", enqueued), `jobs[0].${message}`);
  });
}

for (
  const run_at of [
    "2100-12-01T08:00:00Z",
    "2100-12-01T08:00Z",
    "2100-12-01T09:00:00.000+01:00",
    "2100-12-01 08:00:00+00",
    "2100-12-01 00:00:00-0800",
    "2100-12-01 08:00 UTC",
    "2100-12-01 09:00 Europe/Berlin",
    "2100-12-01 03:00:00 Etc/GMT+5",
  ]
) {
  Deno.test(`${run_at} is the same moment in every session`, async () => {
    const row = await queue.row(await queue.enqueue({ run_at }));
    assert.equal(row.run_at.toISOString(), "2100-12-01T08:00:00.000Z");
  });
}

Deno.test("enqueue_job takes times of SQL, and reads a text without a zone as of the session", async () => {
  const [{ id }] = await db.service`select enqueue_job('test', run_at => '2100-12-01T08:00') as id`;
  assert.equal((await queue.row(id)).run_at.toISOString(), "2100-12-01T08:00:00.000Z");
  await db.service`select enqueue_job('test', run_at => now() + interval '1 hour')`;
});

Deno.test("a whole number written as 2.0 is a whole number", async () => {
  const [{ ids }] = await db.service`
    select enqueue_jobs('[{"job_type": "test", "priority": 2.0, "max_retries": 1.0}]') as ids`;
  const row = await queue.row(ids[0]);
  assert.deepEqual([row.priority, row.max_retries], [2, 1]);
});

Deno.test("an input that readers of JSON would stop at is refused", async () => {
  const nested = (levels: number) => `{"a": ${"[".repeat(levels)}${"]".repeat(levels)}}`;
  await enqueue(`, input_data => '${nested(90)}'`);
  for (const levels of [101, 200, 5000]) {
    const message = await refused("JQ004", enqueue(`, input_data => '${nested(levels)}'`));
    assert.equal(message, "input_data: expected at most 100 levels of nesting");
  }
});

Deno.test("a user who sends 10,000 jobs over a limit of 100 is refused before they are looked at", async () => {
  const jobs = Array.from({ length: 10_000 }, () => ({ job_type: "open" }));
  await db.admin`update job_types set max_waiting_per_user = 100 where true`;
  await refusedWithin(250, "JQ006", () => enqueueMany(jobs));
  await db.admin`update job_types set max_waiting_per_user = 20000 where job_type = 'other'`;
  await refusedWithin(1_000, "JQ006", () => enqueueMany(jobs));
});

Deno.test("keys that were used before do not count, new ones do", async () => {
  await enqueueMany(
    Array.from({ length: 60 }, (_, i) => ({ job_type: "open", idempotency_key: `${i}` })),
  );
  const again = (count: number) =>
    enqueueMany(
      Array.from({ length: count }, (_, i) => ({ job_type: "open", idempotency_key: `${i}` })),
    );
  await again(60);
  await again(100);
  await refused("JQ006", enqueue(""));
  await refused(
    "JQ006",
    enqueueMany([{ job_type: "open" }, { job_type: "open", idempotency_key: "1" }]),
  );
});

for (const field of ["images", "imagesWithNumbering"]) {
  Deno.test(`a user's report with 38,000 ${field} is refused before they are looked up`, async () => {
    const images = Array.from({ length: 38_000 }, () => ({ bucket: "b", path: "p.jpg" }));
    const call = () =>
      enqueueMany([{ job_type: "generate_report", input_data: { [field]: images } }]);
    await refusedWithin(1_000, "JQ004", call);
    const message = await refused("JQ004", call());
    assert.equal(message, `jobs[0].input_data.${field}: expected at most 200 images, got 38000`);
  });
}

Deno.test("of many jobs about one large report only the first takes its digest", async () => {
  const [{ id }] = await db.admin`
    insert into reports (user_id, generated_content)
    select ${ann.sub}, string_agg(md5(i::text), '') from generate_series(1, 30000) i returning id`;
  const jobs = Array.from(
    { length: 2_000 },
    () => ({ job_type: "generate_report", input_data: { reportId: id } }),
  );
  const start = performance.now();
  await queue.enqueueMany(jobs);
  assert.ok(performance.now() - start < 3_000, `${performance.now() - start} ms`);
  const [{ digests, all }] = await db.admin`
    select count(distinct enqueued_over)::int as digests, count(enqueued_over)::int as all from job_queue.report_jobs`;
  assert.deepEqual([digests, all], [1, 2_000]);
});

Deno.test("a report that changes between two jobs of one transaction has two digests", async () => {
  await db.service.begin(async (sql) => {
    const [{ id }] = await sql`
      insert into reports (user_id, generated_content) values (${ann.sub}, 'one') returning id`;
    for (const text of ["one", "two"]) {
      await sql`update reports set generated_content = ${text} where id = ${id}`;
      await sql`select enqueue_job('generate_report', ${sql.json({ reportId: id })})`;
    }
  });
  const rows = await db.admin`select distinct enqueued_over from job_queue.report_jobs`;
  assert.equal(rows.length, 2);
});

Deno.test("a user who enqueues and cancels again and again does not fill the database", async () => {
  for (let round = 0; round < 6; round++) {
    await asAnn(`select enqueue_job('open') from generate_series(1, 90)`);
    await asAnn(`select cancel_job(id) from visible_jobs where status = 'queued'`);
  }
  const [{ kept }] = await db.admin`select count(*)::int as kept from jobs`;
  assert.ok(kept <= 150, `${kept} jobs`);
});

Deno.test("what a user's jobs left behind counts, however they ended, and nothing that ran is lost", async () => {
  await db.admin`
    insert into jobs (job_type, owner_id, status, started_at, completed_at, error)
    select 'open', ${ann.sub}, s, now(), now(), 'x'
    from generate_series(1, 50), unnest(array['completed', 'failed', 'cancelled']) s`;
  const message = await refused("JQ006", enqueue(""));
  assert.equal(message, "at most 150 of your open jobs are kept");
  await enqueue("", "other");
  assert.equal((await db.admin`select from jobs where job_type = 'open'`).length, 150);
});
