// A report that costs a worker its life in every call it makes: each is made once more, and nothing else is.

import assert from "node:assert/strict";
import type { Fault } from "../grok/fault.ts";
import { grokCalls, scriptGrok } from "../support/grok.ts";
import { enqueue, getJob } from "../support/job.ts";
import { reportInput } from "../support/report_job.ts";
import { asSuperuser, makeDue, savedSteps } from "../support/superuser.ts";
import { waitFor } from "../support/wait.ts";
import { startWorker, wake, wakeAndWait } from "../support/worker.ts";

/** What a report of seven photos asks, in this order when it asks for one thing at a time. */
const STEPS = ["batch/0", "batch/1", "notes/0", "final"];

/** Ends the lease of a dead worker, which is only a matter of waiting. */
function expireLease(jobId: string): Promise<unknown> {
  return asSuperuser((sql) =>
    sql`
      update public.jobs set lease_expires_at = clock_timestamp() - interval '1 second'
      where id = ${jobId} and status = 'processing'`
  );
}

Deno.test("a report whose worker is killed in every call is finished, each call being made once more", async () => {
  const input = reportInput(7);
  const id = await enqueue("generate_report", input, { delay_seconds: 3_600, max_retries: 10 });
  // Every call is answered at its second time only.
  const pair: Fault[] = [{ fault: "slow", delay_ms: 600_000 }, { fault: "none" }];
  await scriptGrok(id, STEPS.flatMap(() => pair));
  await makeDue(id);
  for (const index of STEPS.keys()) {
    const worker = await startWorker({ GROK_CONCURRENCY: "1", GROK_TRANSPORT: "sync" });
    await (await wake({ url: worker.url })).body?.cancel();
    await waitFor(
      `the call of ${STEPS[index]}`,
      async () => (await grokCalls(id)).length === 2 * index + 1,
    );
    await worker.kill();
    assert.deepEqual(await savedSteps(id), STEPS.slice(0, index).sort());
    await expireLease(id);
  }
  await wakeAndWait();

  const job = await getJob(id);
  assert.equal(job.status, "completed", job.error ?? "");
  assert.equal(job.retry_count, 0, "steps were saved between the losses of its workers");
  assert.equal(job.output_data.status, "complete");
  const calls = await grokCalls(id);
  const asked = calls.map((call) => call.text.join("\n"));
  assert.equal(calls.length, 2 * STEPS.length);
  for (const index of STEPS.keys()) {
    assert.equal(asked[2 * index], asked[2 * index + 1], `${STEPS[index]} is asked again`);
  }
  assert.equal(new Set(asked).size, STEPS.length);
});
