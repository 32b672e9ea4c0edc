// Eight workers at once on one queue: every job is handed out once and reported once.

import assert from "node:assert/strict";
import { secretKeyClient } from "../support/clients.ts";
import { grokCalls } from "../support/grok.ts";
import { getJob } from "../support/job.ts";
import { reportInput } from "../support/report_job.ts";
import { startWorker, wakeAndWait } from "../support/worker.ts";
import { recordWire } from "../support/wire.ts";

const client = secretKeyClient();

async function enqueueMany(job_type: string, inputs: unknown[]): Promise<string[]> {
  const jobs = inputs.map((input_data) => ({ job_type, input_data }));
  const { data, error } = await client.rpc("enqueue_jobs", { jobs });
  if (error) throw new Error(`enqueue_jobs: ${error.code} ${error.message}`);
  return data;
}

/** Starts eight workers, wakes them together until nothing is left, and ends them. */
async function drainWithEight(change: Record<string, string> = {}): Promise<number[]> {
  const workers = await Promise.all(Array.from({ length: 8 }, () => startWorker(change)));
  try {
    const runs = await Promise.all(workers.map((worker) => wakeAndWait(worker.url)));
    return runs.map((run) => run.completed);
  } finally {
    await Promise.all(workers.map((worker) => worker.kill()));
  }
}

Deno.test("8 workers drain 5,000 jobs: each was handed out once and its result delivered once", async () => {
  const ids = await enqueueMany("noop", Array.from({ length: 5_000 }, (_, n) => ({ n })));
  const wire = recordWire();
  const completed = await drainWithEight({ SUPABASE_URL: wire.url });
  await wire.shutdown();

  // What the workers were handed and what they sent back, as it went over the wire.
  const passages = ids.map((id) => [wire.handedOut.get(id), wire.delivered.get(id)]);
  assert.ok(passages.every(([handedOut, delivered]) => handedOut === 1 && delivered === 1));
  assert.ok(completed.reduce((sum, each) => sum + each, 0) >= 5_000);
  assert.ok(completed.filter((each) => each > 0).length > 1, `all by one worker: ${completed}`);
  for (const n of [0, 2_500, 4_999]) assert.deepEqual((await getJob(ids[n])).output_data, { n });
});

Deno.test("8 workers write 100 reports: Grok was asked once for each", async () => {
  const inputs = Array.from({ length: 100 }, () => reportInput(0));
  const ids = await enqueueMany("generate_report", inputs);
  await drainWithEight();
  const schemas = await Promise.all(
    ids.map(async (id) => (await grokCalls(id)).map((call) => call.schema)),
  );
  for (const each of schemas) assert.equal(new Set(each).size, each.length, `asked twice: ${each}`);
  assert.ok(schemas.every((each) => each.length > 0));
});
