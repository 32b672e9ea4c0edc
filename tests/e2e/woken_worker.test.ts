// Nobody calls the function by hand here: the database does, through pg_net, when there is work.

import assert from "node:assert/strict";
import { secretKeyClient } from "../support/clients.ts";
import { stack } from "../support/stack.ts";
import { asSuperuser, makeDue } from "../support/superuser.ts";
import { waitFor } from "../support/wait.ts";
import { wakeAndWait, WORKER_URL } from "../support/worker.ts";

const supabase = secretKeyClient();

Deno.test.beforeEach(async () => {
  await asSuperuser((sql) => sql`truncate jobs, job_queue.wake_ups cascade`);
  await setUp(stack.workerToken);
});
Deno.test.afterAll(async () => {
  await asSuperuser((sql) => sql`select remove_job_queue_setup()`);
  // The worker may be about to look again, and would take the jobs of the next file.
  await wakeAndWait();
});

const setUp = (token: string) =>
  asSuperuser((sql) => sql`select * from setup_job_queue(${WORKER_URL}, ${token})`);
const tend = () => asSuperuser((sql) => sql`select tend_job_queue()`);

async function enqueue(options: Record<string, unknown> = {}): Promise<string> {
  const { data, error } = await supabase.rpc("enqueue_job", { job_type: "noop", ...options });
  if (error) throw error;
  return data;
}

const ended = (ids: string[]) =>
  waitFor("all jobs to be completed", async () => {
    const { data } = await supabase.from("jobs").select("status").in("id", ids);
    return data?.length === ids.length && data.every((job) => job.status === "completed");
  });

const wakeUps = () =>
  asSuperuser(async (sql) => (await sql`select from job_queue.wake_ups`).length);

Deno.test("a job that is enqueued is done without anybody's call", async () => {
  await ended([await enqueue()]);
});

Deno.test("a job that is committed while the worker of the one before ends is not left behind", async () => {
  for (let round = 0; round < 30; round++) await ended([await enqueue()]);
});

Deno.test("a burst of jobs is done with fewer wake-ups than jobs", async () => {
  const ids = await Promise.all(Array.from({ length: 100 }, () => enqueue()));
  await ended(ids);
  assert.ok(await wakeUps() < 50, `${await wakeUps()} wake-ups`);
});

Deno.test("a job for later is done when the clock ticks after its time has come", async () => {
  const id = await enqueue({ delay_seconds: 600 });
  await tend();
  assert.equal(await wakeUps(), 0);
  await makeDue(id);
  await tend();
  await ended([id]);
});

Deno.test("a clock that ticks on an idle queue calls nobody", async () => {
  await ended([await enqueue()]);
  const before = await wakeUps();
  for (let tick = 0; tick < 60; tick++) await tend();
  assert.equal(await wakeUps(), before);
});

Deno.test("a wrong token is found by the check, and the right one mends it", async () => {
  await setUp("not-the-token-of-this-function");
  const id = await enqueue();
  const worker = await waitFor("the refusal", () =>
    asSuperuser(async (sql) => {
      const [finding] = await sql`select * from check_job_queue() where part = 'worker'`;
      return !finding.is_healthy && finding;
    }));
  assert.match(worker.finding, /^answered 401/);
  await setUp(stack.workerToken);
  await tend();
  await ended([id]);
});
