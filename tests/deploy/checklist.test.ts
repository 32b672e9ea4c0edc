// What a new user does, who knows only the package's README: deploy, set secrets, set up, see a job done; then break it,
// ask the doctor, and do what it says.

import assert from "node:assert/strict";
import { emptyDatabase, supabaseSql } from "../support/database.ts";
import { type HostedProject, hostedProject } from "../support/hosted_project.ts";
import { enqueue, getJob, waitForStatus } from "../support/job.ts";
import { block, commands, GROK_KEY, type User, userOf, within } from "../support/new_user.ts";
import { insertReport, reportInput } from "../support/report_job.ts";
import { stack } from "../support/stack.ts";
import { remote, supabaseCli } from "../support/supabase_cli.ts";
import { asSuperuser } from "../support/superuser.ts";
import { waitFor } from "../support/wait.ts";

/** xAI, which takes this user's key only. */
function startGrok() {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const body = request.method === "GET" ? undefined : await request.text();
      if (request.headers.get("authorization") !== `Bearer ${GROK_KEY}`) {
        return Response.json({
          code: "Client specified an invalid argument",
          error: "Incorrect API key provided: xa***ng. You can obtain an API key from xAI.",
        }, { status: 400 });
      }
      const { pathname } = new URL(request.url);
      const { method, headers } = request;
      return await fetch(`${stack.grokUrl}${pathname}`, { method, headers, body });
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

async function pushToAnEmptyDatabase(folder: string) {
  await emptyDatabase(async (sql) => {
    await sql.unsafe(await supabaseSql());
    const [{ name }] = await sql`select current_database() as name`;
    const { success, stderr } = await supabaseCli(folder, ["db", "push", remote(name)]);
    assert.ok(success, stderr);
    assert.equal((await sql`select from job_queue.settings`).length, 0);
  });
}

async function deployFromNothing(project: HostedProject, user: User) {
  const init = await supabaseCli(project.folder, ["init"]);
  assert.ok(init.success, init.stderr);
  await user.type(await commands());
  const { secrets, deployed } = project.api;
  assert.deepEqual(Object.keys(secrets).sort(), ["GROK_API_KEY", "QUEUE_WORKER_TOKEN"]);
  assert.deepEqual([...deployed.keys()].sort(), ["api", "process-queued-jobs"]);
  user.remember(secrets.QUEUE_WORKER_TOKEN);
  await pushToAnEmptyDatabase(project.folder);
  await user.editSql(await block("sql"));
}

async function seeAJobDone(user: User) {
  const id = await enqueue("noop", {});
  await waitForStatus(id, "completed");
  await user.letTheClockTick();
}

async function anotherToken(user: User) {
  await user.type("npx supabase secrets set QUEUE_WORKER_TOKEN=another-token-than-the-vaults");
  const id = await enqueue("noop", {});
  await waitFor("the refusal", async () => {
    const refused = await user.editSql("select from net._http_response where status_code = 401");
    return refused.length > 0;
  });
  await user.remedyOf(/^worker: answered 401/);
  const remedy = await user.remedyOf(/^token: the function has another one/);
  await user.type(within(remedy, /^(npx supabase secrets set \S+), and call setup_job_queue/));
  await user.setUp();
  await user.letTheClockTick();
  await waitForStatus(id, "completed");
}

async function noToken(user: User) {
  await user.type("npx supabase secrets unset QUEUE_WORKER_TOKEN");
  const remedy = await user.remedyOf(/^function: lacks a setting: QUEUE_WORKER_TOKEN/);
  await user.type(within(remedy, /^(npx supabase secrets set .*)$/));
}

async function noFunction(user: User) {
  await user.type("npx supabase functions delete process-queued-jobs");
  await user.type(await user.remedyOf(/^function: is not deployed/));
}

async function pausedType(user: User) {
  await user.editSql("select pause_job_type('noop')");
  const id = await enqueue("noop", {});
  await user.editSql(await user.remedyOf(/^jobs: noop is paused, with 1 jobs waiting/));
  await waitForStatus(id, "completed");
}

async function noSetup(user: User) {
  await user.editSql("select remove_job_queue_setup()");
  await user.editSql(await user.remedyOf(/^setup: setup_job_queue was never called/));
  assert.match(await user.remedyOf(/^clock: /), /wait for one interval/);
  await user.letTheClockTick();
}

async function wrongGrokKey(user: User) {
  await user.type("npx supabase secrets set GROK_API_KEY=xai-wrong");
  const input = reportInput(0);
  await insertReport(input);
  const id = await enqueue("generate_report", input);
  await waitFor("the job to wait", async () => /^waiting/.test((await getJob(id)).error ?? ""));
  await user.remedyOf(/^availability: .*generate_report.*GROK_API_KEY/);
  await user.type("npx supabase secrets set GROK_API_KEY=<your key>");
  await user.letTheClockTick();
  await waitForStatus(id, "completed");
}

/** The stack is shared: nothing of this project is to be in it, before or after. */
async function tidyUp() {
  await asSuperuser((sql) =>
    sql.unsafe(`
      truncate jobs, job_types, reports, job_queue.wake_ups cascade;
      truncate net._http_response;
      select remove_job_queue_setup()`)
  );
}

Deno.test.beforeAll(tidyUp);
Deno.test.afterAll(tidyUp);

Deno.test("the checklist of a new user: from nothing to a job done, broken in six ways and mended as the doctor says", async (t) => {
  await using grok = startGrok();
  await using project = await hostedProject(grok.url);
  const user = userOf(project);

  const isDeployed = await t.step(
    "the README's commands deploy a queue that does a job by itself",
    async () => {
      await deployFromNothing(project, user);
      await seeAJobDone(user);
      await user.seesNothingWrong();
    },
  );
  if (!isDeployed) return;

  const breakages: Record<string, (user: User) => Promise<void>> = {
    "the function has another token than the Vault": anotherToken,
    "the function has no token": noToken,
    "the function is not deployed": noFunction,
    "a type of jobs is paused": pausedType,
    "the setup is gone": noSetup,
    "jobs failed because Grok did not take the key": wrongGrokKey,
  };
  for (const [what, breakAndMend] of Object.entries(breakages)) {
    const isMended = await t.step(`${what}: the doctor says so, and mends it`, async () => {
      await breakAndMend(user);
      await user.seesNothingWrong();
    });
    // What is still broken would be found again and again.
    if (!isMended) return;
  }
});
