// `npx pretium-queue doctor`: a healthy project, and one for each thing that can be wrong with it.

import assert from "node:assert/strict";
import { startFront } from "../support/front.ts";
import { stack } from "../support/stack.ts";
import { asSuperuser } from "../support/superuser.ts";
import { waitFor } from "../support/wait.ts";
import { withWorker, WORKER_URL } from "../support/worker.ts";

const MAIN = new URL("../../pkg/dist/cli/main.js", import.meta.url).pathname;
const SECRETS = [stack.secretKey, stack.serviceRoleKey, stack.anonKey, stack.workerToken];

const statement = (text: string) => asSuperuser((sql) => sql.unsafe(text));
const setUp = (token: string) =>
  asSuperuser((sql) => sql`select * from setup_job_queue(${WORKER_URL}, ${token})`);

Deno.test.beforeEach(async () => {
  await statement(`
    truncate jobs, job_types, job_queue.wake_ups cascade;
    truncate net._http_response`);
  await setUp(stack.workerToken);
  await statement("select tend_job_queue()");
});

Deno.test.afterAll(async () => {
  await statement("truncate jobs, job_types cascade; select remove_job_queue_setup()");
});

/** What it says, and whether it found nothing wrong; `change` is another environment, undefined unsets. */
async function doctor(
  change: Record<string, string | undefined> = {},
  node: string[] = [],
): Promise<{ said: string; isHealthy: boolean }> {
  const env: Record<string, string | undefined> = {
    PATH: Deno.env.get("PATH"),
    SUPABASE_URL: stack.url,
    SUPABASE_SECRET_KEY: stack.secretKey,
    QUEUE_WORKER_TOKEN: stack.workerToken,
    ...change,
  };
  const set = Object.entries(env).filter((entry): entry is [string, string] => !!entry[1]);
  const { code, stdout, stderr } = await new Deno.Command("node", {
    args: [...node, MAIN, "doctor"],
    clearEnv: true,
    env: Object.fromEntries(set),
  }).output();
  const said = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("");
  for (const secret of SECRETS) assert.ok(!said.includes(secret), "a secret was printed");
  assert.doesNotMatch(said, /\n\s+at /, "a stack trace is no sentence");
  assert.ok(code === 0 || code === 1, said);
  return { said, isHealthy: code === 0 };
}

/** Passes if it finds this wrong and says so to mend it. */
async function finds(
  problem: RegExp,
  remedy: RegExp,
  change: Record<string, string | undefined> = {},
  node: string[] = [],
) {
  const { said, isHealthy } = await doctor(change, node);
  assert.equal(isHealthy, false, said);
  const found = said.match(/^WRONG .*\n.*$/gm) ?? [];
  const mended = found.find((text) => problem.test(text.split("\n")[0]));
  assert.ok(mended, `${problem} is not in:\n${said}`);
  assert.match(mended.split("\n")[1], remedy);
}

/** An address where nobody listens any more. */
async function closedAddress(): Promise<string> {
  const front = startFront();
  await front[Symbol.asyncDispose]();
  return front.url;
}

/** The project with something else in the function's place. */
async function withFunction(answer: () => Response, use: (url: string) => Promise<void>) {
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, answer);
  await using front = startFront(() => `http://127.0.0.1:${server.addr.port}`);
  await use(front.url);
}

/** Breaks the database and mends it again, whatever happens between. */
async function whileBroken(breaking: string, mending: string, use: () => Promise<void>) {
  await statement(breaking);
  try {
    await use();
  } finally {
    await statement(mending);
  }
}

Deno.test("a doctor finds nothing wrong with a healthy project", async () => {
  const { said, isHealthy } = await doctor();
  assert.ok(isHealthy, said);
  assert.match(said, /Everything works/);
});

Deno.test("a doctor says that the token was not checked when there is none, and how to", async () => {
  const { said, isHealthy } = await doctor({ QUEUE_WORKER_TOKEN: undefined });
  assert.ok(isHealthy, said);
  assert.match(said, /token: not checked.*export QUEUE_WORKER_TOKEN/);
});

Deno.test("a doctor tells a missing address or key from an impossible one", async () => {
  await finds(/SUPABASE_URL is not set/, /export SUPABASE_URL/, { SUPABASE_URL: undefined });
  await finds(/SUPABASE_URL is no address/, /export SUPABASE_URL/, { SUPABASE_URL: "abc" });
  const key = (key?: string) => ({ SUPABASE_SECRET_KEY: key });
  await finds(/there is no secret key/, /export SUPABASE_SECRET_KEY/, key(undefined));
  await finds(/a space or a line break/, /export SUPABASE_SECRET_KEY/, key("sb_secret_a b"));
  await finds(/neither sb_secret/, /export SUPABASE_SECRET_KEY/, key("password"));
});

Deno.test("a doctor knows the anon and the publishable key", async () => {
  for (const key of [stack.anonKey, stack.publishableKey]) {
    await finds(/a publishable \(anon\) one/, /a secret key/, { SUPABASE_SECRET_KEY: key });
  }
});

Deno.test("a doctor tells another project's key from a host that nobody is at", async () => {
  await finds(/the key is not this project's/, /copy it anew/, {
    SUPABASE_SECRET_KEY: "sb_secret_of_another_project",
  });
  await finds(/cannot be reached: ECONNREFUSED/, /check SUPABASE_URL/, {
    SUPABASE_URL: await closedAddress(),
  });
});

Deno.test("a doctor finds a function that is not deployed, or does not start", async () => {
  await using absent = startFront();
  await finds(/function: is not deployed/, /functions deploy process-queued-jobs/, {
    SUPABASE_URL: absent.url,
  });
  await withFunction(
    () => Response.json({ code: "BOOT_ERROR", message: "failed to boot" }, { status: 503 }),
    (url) => finds(/function: answered 503: failed to boot/, /logs/, { SUPABASE_URL: url }),
  );
});

Deno.test("a doctor names the setting that a function lacks", async () => {
  await withWorker({ QUEUE_WORKER_TOKEN: undefined }, async (worker) => {
    await using front = startFront(() => worker.url);
    await finds(/lacks a setting: QUEUE_WORKER_TOKEN/, /secrets set QUEUE_WORKER_TOKEN=/, {
      SUPABASE_URL: front.url,
    });
  });
});

Deno.test("a doctor finds a function of another version", async () => {
  await withFunction(
    () => Response.json({ success: true, message: "ready", version: "0.0.1" }),
    (url) =>
      finds(/function: is of version 0\.0\.1, the package of/, /upgrade && npx supabase func/, {
        SUPABASE_URL: url,
      }),
  );
});

Deno.test("a doctor finds a worker token that the function does not take", async () => {
  await finds(/the function has another one/, /secrets set QUEUE_WORKER_TOKEN/, {
    QUEUE_WORKER_TOKEN: "another-worker-token",
  });
});

Deno.test("a doctor finds a wrong token in the Vault when a worker was woken with it", async () => {
  await setUp("not-the-token-of-the-function");
  await statement("select enqueue_job('noop')");
  await waitFor("the worker's refusal", async () => {
    const [answer] = await statement("select from net._http_response where status_code = 401");
    return answer !== undefined;
  });
  await finds(/worker: answered 401/, /the token in the Vault is not the function's/);
});

Deno.test("a doctor finds that pg_cron is absent", async () => {
  await whileBroken(
    "alter schema cron rename to cron_away",
    "alter schema cron_away rename to cron",
    () => finds(/pg_cron: missing/, /create extension pg_cron/),
  );
});

Deno.test("a doctor finds that the schema is missing, or of another version", async () => {
  await whileBroken(
    "alter function job_queue_health() rename to health_away; notify pgrst, 'reload schema'",
    "alter function health_away() rename to job_queue_health; notify pgrst, 'reload schema'",
    () =>
      waitFor(
        "PostgREST to look again",
        async () => (await doctor()).said.includes("WRONG  schema: "),
      )
        .then(() => finds(/the queue is not in the database/, /init && npx supabase db push/)),
  );
  const version = (text: string) =>
    `create or replace function job_queue.version() returns text
     language sql immutable set search_path = '' as $$ select '${text}' $$`;
  const [{ current }] = await statement("select job_queue.version() as current");
  await waitFor("PostgREST to look again", async () => (await doctor()).isHealthy);
  await whileBroken(
    version("0.0.1"),
    version(current),
    () => finds(/schema: is of version 0\.0\.1/, /upgrade && npx supabase db push/),
  );
});

Deno.test("a doctor finds a paused type, and jobs that fail", async () => {
  await statement("select pause_job_type('it''s')");
  await finds(/it's is paused, with 0 jobs waiting/, /select resume_job_type\('it''s'\)/);
  await statement(`
    insert into jobs (job_type, max_retries) values ('mail', 0);
    update jobs set run_at = now() where job_type = 'mail'`);
  await statement(`
    select mark_job_failed(id, 'no such mailbox') from get_next_job(job_types => '{mail}')`);
  await finds(
    /1 of mail failed.*no such mailbox/,
    /retry_failed_jobs\(job_types => array\['mail'\]/,
  );
});

Deno.test("a doctor finds a job whose worker died", async () => {
  await statement("insert into jobs (job_type) values ('slow')");
  await statement(`
    select get_next_job(job_types => '{slow}');
    update jobs set lease_expires_at = now() - interval '1 second' where job_type = 'slow'`);
  await finds(/1 held by workers whose lease has ended/, /select tend_job_queue\(\)/);
});

Deno.test("a doctor finds that this machine's clock is wrong", async () => {
  const late = "const now = Date.now; Date.now = () => now() - 60_000;";
  const node = ["--import", `data:text/javascript,${encodeURIComponent(late)}`];
  await finds(/clocks: the database's is (59|60|61) s ahead/, /timedatectl set-ntp/, {}, node);
});
