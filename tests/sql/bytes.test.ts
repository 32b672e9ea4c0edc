// What jobs weigh as the text that travels: claims are bounded by it, and what nobody could send is refused.

import assert from "node:assert/strict";
import { refused, testDatabase } from "../support/database.ts";
import { type ClaimedJob, lease, queueOn } from "../support/queue.ts";

const MIB = 1_048_576;
/** Stored in a few bytes each, and written as 131,072. */
const numbers = (count: number) => `[${Array(count).fill("1e131071").join(",")}]`;

const db = await testDatabase();
const queue = queueOn(db.service);
const sql = db.service;

Deno.test.beforeEach(async () => {
  await db.admin`truncate jobs cascade`;
});

const claim = (options = {}) => queue.finishAndClaim([], { maxJobs: 200, ...options });

Deno.test("two hundred jobs of 1 MiB are claimed in bounded answers", async () => {
  await sql`
    insert into jobs (job_type, input_data)
    select 'test', jsonb_build_object('x', repeat('x', 1048000)) from generate_series(1, 200)`;
  let claims = 0;
  for (let left = 200; left > 0; claims++) {
    const connection = db.connect();
    const [{ bytes, jobs, is_cut }] = await connection`
      with claim as materialized (select finish_and_claim_jobs(max_jobs => 200) as answer)
      select octet_length(answer::text) as bytes, json_array_length(answer -> 'jobs') as jobs,
             answer -> 'is_cut' as is_cut from claim`;
    assert.ok(bytes <= 4 * MIB + 10_000, `${bytes} bytes`);
    assert.equal(jobs, Math.min(4, left));
    left -= jobs;
    assert.equal(is_cut, left > 0);
    await connection.end();
  }
  assert.ok(claims <= 50, `${claims} claims`);
});

Deno.test("get_next_job is bounded as well", async () => {
  await queue.enqueueMany(Array.from({ length: 9 }, () => ({
    job_type: "test",
    input_data: { x: "x".repeat(MIB - 100) },
  })));
  assert.equal((await queue.claim(9)).length, 3);
});

Deno.test("one job is always given, however little may be sent", async () => {
  await queue.enqueueMany([{ job_type: "test" }, { job_type: "test" }]);
  const { jobs, is_cut } = await claim({ maxBytes: 1 });
  assert.deepEqual([jobs.length, is_cut], [1, true]);
});

Deno.test("saved steps weigh too, by what they are after they were replaced", async () => {
  const job = await queue.running();
  const save = (size: number) =>
    sql`select save_job_step(
      ${job.id}, ${job.lease_token}, 'one', ${sql.json("x".repeat(size))}, replace => true)`;
  await save(10);
  await save(1_000_000);
  await save(500_000);
  await sql`select save_job_step(${job.id}, ${job.lease_token}, 'two', '[1]')`;
  assert.equal((await queue.row(job.id)).step_bytes, "500005");
  await queue.finishAndClaim([{ ...lease(job), outcome: "handed_over" }]);
  await queue.enqueue();
  assert.equal((await claim({ maxBytes: 500_500 })).jobs.length, 1);
});

Deno.test("input is measured as text, whatever it takes in the table", async () => {
  const input = { n: [1, 2, 3], text: 'ä"\n' };
  const row = await queue.row(await queue.enqueue({ input_data: input }));
  const [{ bytes }] = await sql`
    select octet_length(input_data::text) as bytes from jobs where id = ${row.id}`;
  assert.equal(row.input_bytes, bytes);
  const message = await refused("JQ004", queue.enqueue({ input_data: { x: "x".repeat(MIB) } }));
  assert.match(message, /at most 1048576 bytes of text, got object of 1048585 bytes$/);
  // More text than bytes in the table.
  await refused(
    "JQ004",
    sql`insert into jobs (job_type, input_data) values ('test', ${`{"n": ${
      numbers(9)
    }}`}::text::jsonb)`,
  );
});

/** Values of which nobody can build the text, and such as only look like it. */
const monsters: [string, string][] = [
  ["a gigabyte of zeros", numbers(8_300)],
  ["digits behind the point", `[${Array(10_000).fill("1e-16383").join(",")}]`],
  ["zeros with a scale", `[${Array(10_000).fill("0e-16383").join(",")}]`],
  ["negative numbers, deep inside", `{"a": [{"b": ${numbers(8_300).replaceAll("1e", "-1e")}}]}`],
];
for (const [what, monster] of monsters) {
  Deno.test(`${what} are refused by the name of the field, in little time`, async () => {
    const job = await queue.running();
    const began = performance.now();
    const inserted =
      sql`insert into jobs (job_type, input_data) values ('test', ${`{"x": ${monster}}`}::text::jsonb)`;
    assert.match(await refused("JQ004", inserted), /^input_data: .* got object of far more$/);
    const step = (result: string, progress: string | null) =>
      sql`select save_job_step(
        ${job.id}, ${job.lease_token}, 'one', ${result}::text::jsonb, ${progress}::text::jsonb)`;
    assert.match(await refused("JQ004", step(monster, null)), /^result: .* got far more$/);
    assert.match(await refused("JQ004", step("1", monster)), /^progress: .* got far more$/);
    const completed =
      sql`select mark_job_completed(${job.id}, ${monster}::text::jsonb, ${job.lease_token})`;
    assert.match(await refused("JQ004", completed), /^results\[0\]\.output_data: .* got far more$/);
    assert.ok(performance.now() - began < 20_000);
    assert.equal((await queue.row(job.id)).status, "processing");
  });
}

Deno.test("output is measured by its text even where it takes little room", async () => {
  const job = await queue.running();
  const output = `{"n": ${numbers(40)}}`;
  const message = await refused(
    "JQ004",
    sql`select mark_job_completed(${job.id}, ${output}::text::jsonb, ${job.lease_token})`,
  );
  assert.match(message, /output_data: expected at most 4194304 bytes of text, got /);
  await sql`select mark_job_completed(${job.id}, ${
    sql.json({ x: "x".repeat(4_000_000) })
  }, ${job.lease_token})`;
});

Deno.test("a large progress costs no job of the heartbeat its lease, and is not stored", async () => {
  await queue.enqueueMany([{ job_type: "test" }, { job_type: "test" }]);
  const [one, other] = await queue.claim(2);
  const beat = (progress: unknown) =>
    queue.heartbeat([{ ...lease(one), progress }, { ...lease(other), progress: { done: 1 } }], 90);
  await beat({ done: 0 });
  assert.deepEqual(await beat({ message: "x".repeat(20_000) }), ["held", "held"]);
  assert.deepEqual((await queue.row(one.id)).progress, { done: 0 });
  assert.deepEqual((await queue.row(other.id)).progress, { done: 1 });
  const byHand = sql`update jobs set progress = ${
    sql.json("x".repeat(20_000))
  } where id = ${one.id}`;
  assert.match(await refused("JQ004", byHand), /^progress: expected at most 16384 bytes/);
});

for (const suspicion of [0, 2]) {
  Deno.test(`a job that nobody can read fails alone and stops no claim (suspicion ${suspicion})`, async () => {
    await db.admin`alter table jobs disable trigger jobs_refuse_input_data`;
    const [{ id }] = await sql`
      insert into jobs (job_type, input_data) values ('test', ${`{"x": ${
      numbers(8_300)
    }}`}::text::jsonb)
      returning id`;
    await db.admin`alter table jobs enable trigger jobs_refuse_input_data`;
    await sql`
      update jobs set suspicion = ${suspicion}, waiting_for = ${
      suspicion ? "isolation" : null
    }, updated_at = now()
      where id = ${id}`;
    const fine = await queue.enqueue();
    const claimed: ClaimedJob[] = [];
    for (let call = 0; call < 2; call++) claimed.push(...(await claim({ isIdle: true })).jobs);
    assert.deepEqual(claimed.map((job) => job.id), [fine]);
    const [row] = await sql`select status, retry_count, error from jobs where id = ${id}`;
    assert.deepEqual([row.status, row.retry_count], ["failed", 0]);
    assert.match(row.error, /^the job cannot be read: its input_data/);
    const [failure] = await db.admin`select error from job_failures where job_id = ${id}`;
    assert.equal(failure.error, row.error);
  });
}

for (const number of ["0", "-1", "1", "0e-99", "-1e-101"]) {
  Deno.test(`an input of 200,000 times ${number} is measured in the time that it takes to read it`, async () => {
    const text = `{"a":[${Array(200_000).fill(number)}]}`;
    let least = Infinity;
    for (let attempt = 0; attempt < 3; attempt++) {
      const start = performance.now();
      await sql`select job_queue.text_bytes(${text}::text::jsonb, ${MIB})`;
      least = Math.min(least, performance.now() - start);
    }
    assert.ok(least < 5_000, `${least} ms`);
  });
}
