// One run: load and faults side by side, then peace until every job is final, then a look at everything.

import type postgres from "postgres";
import { asSuperuser } from "../support/superuser.ts";
import { waitFor } from "../support/wait.ts";
import type { Call } from "./calls.ts";
import { Chance } from "./chance.ts";
import { Diary, type Fault } from "./diary.ts";
import { type Effect, Effects } from "./effects.ts";
import { type Change, JOURNAL, readJournal, type StepChange } from "./journal.ts";
import { type World } from "./kinds.ts";
import { type Cancellation, Load, type Order } from "./load.ts";
import { waitUntilBack } from "./parts.ts";
import { plan, WORKERS } from "./plan.ts";
import { type Life, Workers } from "./workers.ts";

/** How long it may take until every job is final, once everything works again. */
const PEACE_MS = 120_000;

export interface JobRow {
  id: string;
  job_type: string;
  status: string;
  // deno-lint-ignore no-explicit-any -- each type has a result of its own
  output_data: any;
  error: string | null;
  retry_count: number;
  max_retries: number;
  step_count: number;
}

export interface StepRow {
  job_id: string;
  name: string;
  // deno-lint-ignore no-explicit-any -- see there
  result: any;
  finished_at: Date | null;
  runs: number;
  lease_token: string | null;
}

export interface FailureRow {
  job_id: string;
  worker_id: string | null;
  started_at: Date;
  failed_at: Date;
  error: string;
  is_attempt: boolean;
}

/** All that is known about a run when it is over. */
export interface Evidence {
  orders: Map<string, Order>;
  cancellations: Cancellation[];
  jobs: JobRow[];
  steps: StepRow[];
  failures: FailureRow[];
  changes: Change[];
  stepChanges: StepChange[];
  effects: Effect[];
  calls: Call[];
  faults: Fault[];
  lives: Life[];
  /** What the database still holds for somebody, in words. */
  leftovers: string[];
}

export async function run(seed: number, seconds: number): Promise<Evidence> {
  await asSuperuser((sql) => sql.unsafe(JOURNAL + SETTINGS));
  const calls: Call[] = [];
  const workers = new Workers(WORKERS, calls);
  const effects = new Effects(({ kind, pid }) => {
    if (kind === "kill") workers.kill(pid!);
  });
  const diary = new Diary();
  const load = new Load(new Chance(seed + 1), effects.url);
  const loading = load.keep();
  await harm({ diary, load, workers }, seed, seconds);
  load.stop();
  await loading;
  for (const line of workers.lines()) line.heal();
  await waitUntilBack();
  await untilFinal(load);
  await workers.close();
  await effects.close();
  const { orders, cancellations } = load;
  return {
    orders,
    cancellations,
    calls,
    effects: effects.all,
    faults: diary.faults,
    lives: workers.lives,
    leftovers: await leftovers(),
    ...await asSuperuser(tables),
  };
}

/** Retries come soon, so that there are many of them. */
const SETTINGS = `
insert into public.job_types (job_type, retry_base_seconds, retry_factor, retry_cap_seconds)
select unnest(array[
  'noop', 'walk', 'generate_report', 'stumble', 'snooze', 'crash', 'hog', 'hang', 'block', 'kill'
]), 0.5, 1, 1
on conflict (job_type) do update set retry_base_seconds = 0.5, retry_factor = 1, retry_cap_seconds = 1;
`;

async function harm(world: World, seed: number, seconds: number) {
  const end = Date.now() + seconds * 1_000;
  const pending = new Set<Promise<unknown>>();
  for (const planned of plan(seed)) {
    if (Date.now() + planned.pauseMs > end) break;
    await new Promise((resolve) => setTimeout(resolve, planned.pauseMs));
    // Nobody waits for its end: the next may come while it lasts.
    const injected = Promise.resolve(planned.kind.inject(world, planned));
    pending.add(injected);
    injected.finally(() => pending.delete(injected));
  }
  await Promise.all(pending);
}

async function untilFinal(load: Load) {
  let left: string[] | undefined;
  await waitFor("every job to be final", async () => {
    left = await load.look();
    return left?.length === 0;
  }, PEACE_MS).catch(() => console.error(`not final: ${left?.join(" ")}`));
}

async function tables(sql: postgres.Sql) {
  return {
    jobs: [
      ...await sql<JobRow[]>`
      select id, job_type, status, output_data, error, retry_count, max_retries, step_count
      from public.jobs order by created_at`,
    ],
    steps: [...await sql<StepRow[]>`select * from public.job_steps`],
    failures: [...await sql<FailureRow[]>`select * from public.job_failures order by id`],
    ...await readJournal(sql),
  };
}

/** Looks again for a while: what is on its way out may go. */
async function leftovers(): Promise<string[]> {
  let found: string[] = [];
  const look = async () => {
    found = await asSuperuser(lookForLeftovers);
    return found.length === 0;
  };
  await waitFor("nothing to be left", look, 10_000).catch(() => {});
  return found;
}

async function lookForLeftovers(sql: postgres.Sql): Promise<string[]> {
  const rows = await sql`
    select format('job %s is %s under a lease until %s', id, status, lease_expires_at) as what
    from public.jobs where status = 'processing' or lease_expires_at is not null
    union all
    select format('lock: %s %s of process %s', locktype, mode, pid)
    from pg_locks where pid <> pg_backend_pid() and (locktype in ('advisory', 'tuple', 'transactionid') or mode <> 'AccessShareLock')
      and locktype <> 'virtualxid' and coalesce(virtualtransaction, '') not like '-1/%'
    union all
    select format('connection %s of %s is %s: %s', pid, usename, state, left(query, 100))
    from pg_stat_activity
    where backend_type = 'client backend' and pid <> pg_backend_pid() and state <> 'idle'
    union all
    select format('%s connections of PostgREST', count(*))
    from pg_stat_activity where usename = 'authenticator' having count(*) > 11
    union all
    select format('prepared transaction %s', gid) from pg_prepared_xacts`;
  return rows.map(({ what }) => what);
}
