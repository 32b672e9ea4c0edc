// setup_job_queue, remove_job_queue_setup and check_job_queue.

import assert from "node:assert/strict";
import {
  emptyDatabase,
  migrations,
  refused,
  supabaseSql,
  testDatabase,
} from "../support/database.ts";
import { queueOn } from "../support/queue.ts";

const db = await testDatabase();
const queue = queueOn(db.service);

const URL = "https://abc.supabase.co/functions/v1/process-queued-jobs";
const TOKEN = "a-long-random-worker-token";

Deno.test.beforeEach(async () => {
  await db.admin`select remove_job_queue_setup()`;
  await db.admin`truncate jobs, job_types, job_queue.wake_ups cascade`;
  await db.admin`truncate net.http_request_queue, net._http_response`;
});

const setUp = (options = `, '${TOKEN}'`) =>
  db.admin.unsafe(`select * from setup_job_queue('${URL}'${options})`);

interface Finding {
  part: string;
  is_healthy: boolean;
  finding: string;
  remedy: string | null;
}

/** What is said about one part. */
async function checked(part: string): Promise<Finding> {
  const findings = await db.service<Finding[]>`select * from check_job_queue()`;
  return findings.find((finding) => finding.part === part)!;
}

async function secrets(): Promise<Record<string, string>> {
  const rows = await db.admin`select name, decrypted_secret from vault.decrypted_secrets`;
  return Object.fromEntries(rows.map((row) => [row.name, row.decrypted_secret]));
}

Deno.test("one call stores the address and the token, and schedules the clock", async () => {
  await setUp();
  assert.deepEqual(await secrets(), { queue_worker_url: URL, queue_worker_token: TOKEN });
  const jobs = await db.admin`select jobname, schedule, command from cron.job`;
  assert.deepEqual([...jobs], [
    {
      jobname: "tend-job-queue",
      schedule: "10 seconds",
      command: "select public.tend_job_queue()",
    },
  ]);
});

Deno.test("a second call changes what it names and nothing else", async () => {
  await setUp(`, '${TOKEN}', max_workers => 7, days_to_keep => 9, region => 'eu-west-1'`);
  await setUp(", jobs_per_worker => 20, region => ''");
  const [settings] = await db.admin`
    select interval_seconds, max_workers, jobs_per_worker, days_to_keep, region from job_queue.settings`;
  assert.deepEqual(settings, {
    interval_seconds: 10,
    max_workers: 7,
    jobs_per_worker: 20,
    days_to_keep: 9,
    region: null,
  });
});

Deno.test("a second call keeps the token, and schedules nothing twice", async () => {
  await setUp();
  await db.admin`
    select setup_job_queue('https://other.test/worker', interval_seconds => 30, max_workers => 7, region => 'eu-west-1')`;
  const { queue_worker_url, queue_worker_token } = await secrets();
  assert.deepEqual([queue_worker_url, queue_worker_token], ["https://other.test/worker", TOKEN]);
  const jobs = await db.admin`select schedule from cron.job`;
  assert.deepEqual(jobs.map((job) => job.schedule), ["30 seconds"]);
  await queue.enqueue();
  const [request] = await db
    .admin`select headers ->> 'x-region' as region from net.http_request_queue`;
  assert.equal(request.region, "eu-west-1");
});

for (
  const [seconds, schedule] of [[1, "1 seconds"], [59, "59 seconds"], [60, "* * * * *"], [
    300,
    "*/5 * * * *",
  ]]
) {
  Deno.test(`an interval of ${seconds} s is "${schedule}" to pg_cron`, async () => {
    await setUp(`, '${TOKEN}', ${seconds}`);
    assert.equal((await db.admin`select schedule from cron.job`)[0].schedule, schedule);
  });
}

Deno.test("impossible settings are refused by name, and the token is not repeated", async () => {
  const refusals: [string, string][] = [
    ["'abc.supabase.co', null", "worker_url"],
    ["null, null", "worker_url"],
    [`'${URL}', 'short'`, "worker_token"],
    [`'${URL}', 'a token with spaces in it'`, "worker_token"],
    [`'${URL}', null, 0`, "interval_seconds"],
    [`'${URL}', null, 90`, "interval_seconds"],
    [`'${URL}', max_workers => 0`, "max_workers"],
    [`'${URL}', jobs_per_worker => 0`, "jobs_per_worker"],
    [`'${URL}', days_to_keep => -1`, "days_to_keep"],
  ];
  for (const [call, name] of refusals) {
    const message = await refused("JQ004", db.admin.unsafe(`select setup_job_queue(${call})`));
    assert.ok(message.startsWith(`${name}: expected `), message);
    assert.doesNotMatch(message, /short|a token/);
  }
});

Deno.test("the setup and its removal are the owner's business", async () => {
  await refused("42501", db.service`select setup_job_queue(${URL}, ${TOKEN})`);
  await refused("42501", db.service`select remove_job_queue_setup()`);
});

Deno.test("the removal takes everything back, and may be called twice", async () => {
  await setUp();
  await db.admin`select remove_job_queue_setup()`;
  await db.admin`select remove_job_queue_setup()`;
  assert.deepEqual(await secrets(), {});
  assert.equal((await db.admin`select from cron.job`).length, 0);
  assert.match((await checked("setup")).finding, /never called/);
});

Deno.test("after the setup and a tick of the clock every part is healthy", async () => {
  await setUp();
  assert.match((await checked("clock")).finding, /never called/);
  await db.service`select tend_job_queue()`;
  const findings = await db.service`select * from check_job_queue()`;
  assert.deepEqual(findings.filter((finding) => !finding.is_healthy), []);
  assert.ok(findings.every((finding) => finding.remedy === null));
});

/** Lets pg_net have got this answer to the last wake-up. */
const answered = (
  answer: { status_code?: number; content?: string; timed_out?: boolean; error_msg?: string },
) =>
  db.admin`
    insert into net._http_response (id, status_code, content, timed_out, error_msg)
    select max(request_id), ${answer.status_code ?? null}, ${answer.content ?? null},
           ${answer.timed_out ?? false}, ${answer.error_msg ?? null}
    from job_queue.wake_ups`;

const answers: [string, Parameters<typeof answered>[0], RegExp, RegExp][] = [
  [
    "refuses the token",
    { status_code: 401, content: "{}" },
    /401/,
    /secrets set QUEUE_WORKER_TOKEN/,
  ],
  ["is not deployed", { status_code: 404, content: "{}" }, /404/, /functions deploy/],
  [
    "lacks a setting",
    { status_code: 500, content: "SUPABASE_URL: is not set" },
    /SUPABASE_URL/,
    /what the answer names/,
  ],
  ["is too slow", { timed_out: true, error_msg: "Timeout" }, /within 5 seconds/, /logs/],
  ["is not found", { error_msg: "Could not resolve host" }, /resolve host/, /address/],
];
for (const [what, answer, finding, remedy] of answers) {
  Deno.test(`a function that ${what} is found, with what to do about it`, async () => {
    await setUp();
    await queue.enqueue();
    await answered(answer);
    const worker = await checked("worker");
    assert.equal(worker.is_healthy, false);
    assert.match(worker.finding, finding);
    assert.match(worker.remedy!, remedy);
  });
}

Deno.test("a function that answers is healthy, whatever it answered before", async () => {
  await setUp();
  await queue.enqueue();
  await answered({ status_code: 401 });
  await answered({ status_code: 202 });
  assert.deepEqual(await checked("worker"), {
    part: "worker",
    is_healthy: true,
    finding: "answered 202",
    remedy: null,
  });
});

Deno.test("a clock that stopped or fails is found", async () => {
  await setUp();
  await db.service`select tend_job_queue()`;
  await db.admin`update job_queue.settings set tended_at = now() - interval '5 minutes' where true`;
  assert.match((await checked("clock")).finding, /last called 00:05:00 ago/);
  await db.admin`
    insert into cron.job_run_details (jobid, status, return_message)
    select jobid, 'failed', 'permission denied' from cron.job`;
  assert.match((await checked("clock")).finding, /failed: permission denied/);
  await db.admin`truncate cron.job_run_details`;
});

Deno.test("jobs that a dead worker holds, and jobs that nobody takes, are found", async () => {
  await setUp();
  const job = await queue.running();
  await db
    .service`update jobs set lease_expires_at = now() - interval '10 minutes' where id = ${job.id}`;
  await queue.enqueue({ job_type: "unknown" });
  await db
    .admin`update jobs set updated_at = now() - interval '20 minutes' where job_type = 'unknown'`;
  assert.match((await checked("rescue")).finding, /ended 00:10:00 ago/);
  assert.match((await checked("queue")).finding, /: unknown$/);
  await db.service`select pause_job_type('unknown')`;
  assert.equal((await checked("queue")).is_healthy, true);
});

Deno.test("on a Postgres without pg_net, pg_cron and Vault the queue works, and says what is missing", async () => {
  await emptyDatabase(async (sql) => {
    await sql.unsafe(await supabaseSql());
    await sql.unsafe(
      "drop schema net cascade; drop schema cron cascade; drop schema vault cascade",
    );
    for (const file of await migrations()) await sql.unsafe(file.sql);
    const findings = await sql<Finding[]>`select * from setup_job_queue(${URL}, ${TOKEN})`;
    const missing = findings.filter((finding) => !finding.is_healthy).map((finding) =>
      finding.part
    );
    assert.deepEqual(missing, ["pg_net", "pg_cron", "vault", "clock"]);
    for (const finding of findings) assert.equal(finding.is_healthy, finding.remedy === null);
    const [{ id }] = await sql`select enqueue_job('test', delay_seconds => 60) as id`;
    await sql`update jobs set run_at = now() where id = ${id}`;
    await sql`select tend_job_queue()`;
    assert.equal((await sql`select waiting_for from jobs`)[0].waiting_for, null);
    await refused("55000", sql`select dispatch_workers()`);
    assert.equal((await sql`select from get_next_job()`).length, 1);
    await sql`select remove_job_queue_setup()`;
  });
});
