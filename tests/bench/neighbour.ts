// How long one user's jobs wait for their worker while another user sends, in a loop, the worst that was ever found to
// hurt, against the same without that user; and while the other has as heavy a backlog as the limits allow, which is
// served first because it is older. Measured from insert to claim on the database's clock; rounds take turns.
//
//   cargo xtask bench neighbour

import type { SupabaseClient } from "@supabase/supabase-js";
import { userClient } from "../support/clients.ts";
import { asSuperuser } from "../support/superuser.ts";
import { waitFor } from "../support/wait.ts";
import { WORKER_URL } from "../support/worker.ts";
import { stack } from "../support/stack.ts";
import { attacksOf } from "./attack.ts";
import { median, shown } from "./median.ts";

const ROUNDS = 4;
const JOBS = 40;
const OTHERS = 50_000;
const ANN = crypto.randomUUID();
const BOB = crypto.randomUUID();

const ann = await userClient(ANN);
const { bounded, backlog } = await attacksOf(BOB);
const SITUATIONS = [
  { name: "alone", measure },
  { name: "beside attacks", measure: () => bounded.during(measure) },
  { name: "behind a backlog", measure: () => backlog.during(measure) },
];

await prepare();
const waits = SITUATIONS.map(() => [] as number[]);
for (let round = 1; round <= ROUNDS; round++) {
  for (const [index, { measure }] of SITUATIONS.entries()) {
    waits[index].push(...await measure());
    await emptied();
  }
}
await asSuperuser((sql) => sql`select remove_job_queue_setup()`);

console.log("from insert to claim:");
for (const [index, { name }] of SITUATIONS.entries()) {
  const [middle, alone] = [median(waits[index]), median(waits[0])];
  const late = waits[index].toSorted((a, b) => a - b)[Math.floor(waits[index].length * 0.99)];
  console.log(
    `  ${name.padEnd(16)} median ${shown(middle, 1)} ms, p99 ${shown(late, 1)} ms, ratio ${
      shown(middle / alone, 2)
    }`,
  );
}
console.log("what the other user sent meanwhile:");
for (const line of [...bounded.summary(), ...backlog.summary()]) console.log(`  ${line}`);

/** Lets users in, and puts what others have left behind beside them. */
async function prepare() {
  await asSuperuser(async (sql) => {
    await sql`truncate public.jobs, public.reports cascade`;
    await sql`
      insert into public.job_types (job_type, open_to_users) values ('noop', true), ('generate_report', true)
      on conflict (job_type) do update set open_to_users = true`;
    await sql`
      insert into public.jobs (job_type, owner_id, status, completed_at, started_at)
      select 'noop', gen_random_uuid(), 'completed', now(), now() from generate_series(1, ${OTHERS}::int)`;
    await sql`
      insert into public.job_steps (job_id, name, result, finished_at) select id, 'one', '1', now() from public.jobs`;
    await sql`
      insert into public.reports (user_id, generated_content)
      select ${BOB}, string_agg(md5(i::text), '') from generate_series(1, 30000) as i`;
    await sql`vacuum analyze`;
    await sql`select * from setup_job_queue(${WORKER_URL}, ${stack.workerToken})`;
  });
  await enqueue(ann);
  await emptied();
}

/** Enqueues Ann's jobs one after the other, and returns how many milliseconds each waited. */
async function measure(): Promise<number[]> {
  const ids: string[] = [];
  for (let job = 0; job < JOBS; job++) {
    ids.push(await enqueue(ann));
    await pause(100 + Math.random() * 100);
  }
  return await asSuperuser((sql) =>
    waitFor("Ann's jobs to be claimed", async () => {
      const rows = await sql`
        select extract(epoch from started_at - created_at)::float8 * 1000 as ms
        from public.jobs where id = any(${ids}) and started_at is not null`;
      return rows.length === ids.length && rows.map((row) => row.ms);
    }, 60_000)
  );
}

async function enqueue(user: SupabaseClient): Promise<string> {
  const { data, error } = await user.rpc("enqueue_job", { job_type: "noop" });
  if (error) throw new Error(error.message);
  return data;
}

function emptied(): Promise<unknown> {
  return asSuperuser((sql) =>
    waitFor("the queue to be empty", async () => {
      const [{ left }] = await sql`
        select count(*)::int as left from public.jobs where status in ('queued', 'processing')`;
      return left === 0;
    }, 120_000)
  );
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
