// graphile-worker with the settings of its own benchmark, as `peer.ts` starts it.
//
//   node graphile_worker.mjs enqueue|drain <jobs>

import { makeWorkerUtils, run } from "graphile-worker";
import pg from "pg";
import { drained, peer } from "./protocol.mjs";

// Its perfTest, where a run takes jobs until none is left.
const worker = {
  concurrentJobs: 24,
  maxPoolSize: 25,
  pollInterval: 2_000,
  localQueue: { size: 500, refetchDelay: { durationMs: 10 } },
  completeJobBatchDelay: 0,
  failJobBatchDelay: 0,
};

await peer({ enqueue, drain });

async function enqueue(jobs) {
  const utils = await makeWorkerUtils({ connectionString: process.env.STACK_DB_URL });
  await utils.migrate();
  await utils.release();
  const client = new pg.Client(process.env.STACK_DB_URL);
  await client.connect();
  await client.query("truncate graphile_worker._private_jobs, graphile_worker._private_job_queues");
  await client.query(
    `select graphile_worker.add_jobs(array(
       select json_populate_record(
         null::graphile_worker.job_spec, json_build_object('identifier', 'noop', 'payload', json_build_object('id', n))
       ) from generate_series(1, $1::int) n
     ))`,
    [jobs],
  );
  await client.query("vacuum analyze graphile_worker._private_jobs");
  await client.query("checkpoint");
  await client.end();
}

async function drain(jobs) {
  const all = drained(jobs);
  const preset = { worker: { ...worker, connectionString: process.env.STACK_DB_URL } };
  const runner = await run({
    preset,
    taskList: { noop: () => void all.add(1) },
    noHandleSignals: true,
  });
  await all.done;
  // Jobs that have run are completed before it stops.
  await runner.stop();
}
