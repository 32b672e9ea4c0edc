// pg-boss in batches of 1,000 with two fetchers, as `peer.ts` starts it.
//
//   node pg_boss.mjs enqueue|drain <jobs>

import pg from "pg";
import { PgBoss } from "pg-boss";
import { drained, peer } from "./protocol.mjs";

const QUEUE = "noop";
const options = {
  batchSize: 1_000,
  localConcurrency: 2,
  burstWhenBatchFull: true,
  pollingIntervalSeconds: 0.5,
};

await peer({ enqueue, drain });

async function started() {
  const boss = new PgBoss({
    connectionString: process.env.STACK_DB_URL,
    supervise: false,
    schedule: false,
  });
  boss.on("error", (error) => console.error(error));
  await boss.start();
  return boss;
}

async function enqueue(jobs) {
  const boss = await started();
  await boss.createQueue(QUEUE);
  await boss.deleteAllJobs(QUEUE);
  for (let sent = 0; sent < jobs; sent += 10_000) {
    const chunk = Math.min(10_000, jobs - sent);
    await boss.insert(QUEUE, Array.from({ length: chunk }, (_, n) => ({ data: { id: sent + n } })));
  }
  await boss.stop();
  const client = new pg.Client(process.env.STACK_DB_URL);
  await client.connect();
  await client.query("vacuum analyze pgboss.job");
  await client.query("checkpoint");
  await client.end();
}

async function drain(jobs) {
  const boss = await started();
  const all = drained(jobs);
  await boss.work(QUEUE, options, (batch) => Promise.resolve(all.add(batch.length)));
  await all.done;
  // Batches that have run are completed before it stops.
  await boss.stop({ graceful: true });
}
