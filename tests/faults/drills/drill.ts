// One drill: jobs are enqueued together, a crew works them off, and what became of each is told.

import { secretKeyClient } from "../../support/clients.ts";
import { asSuperuser } from "../../support/superuser.ts";
import { waitFor } from "../../support/wait.ts";
import { Crew } from "./crew.ts";

/** Jobs by their type and what they are given. */
export interface DrillJob {
  job_type: string;
  input_data: Record<string, unknown>;
  timeout_seconds?: number;
}

/** What became of one job. */
export interface DrillResult {
  job_type: string;
  status: string;
  retry_count: number;
  error: string | null;
  /** How many of its runs ended with their worker. */
  losses: number;
}

/** Does no harm and takes two and a half seconds. */
export const INNOCENT: DrillJob = { job_type: "walk", input_data: { steps: 1, stepMs: 2_500 } };

/** Enqueues `jobs` in this order and lets `places` workers at a time work until all of them are final. */
export async function drill(
  jobs: DrillJob[],
  { places = 1, limitSeconds = 120, during = async (_crew: Crew) => {} } = {},
): Promise<{ deaths: number; results: DrillResult[] }> {
  await asSuperuser((sql) => sql.unsafe(SETTINGS));
  const crew = new Crew(places);
  try {
    const ids = await enqueueAll(jobs, crew.effectsUrl);
    await during(crew);
    const results = await waitFor(
      "every job of the drill to be final",
      () => finalResults(ids),
      limitSeconds * 1_000,
    );
    await tell(crew.deaths, results);
    return { deaths: crew.deaths, results };
  } finally {
    await crew.close();
    // The fault suite counts every job there is.
    await asSuperuser((sql) => sql`delete from public.jobs where true`);
  }
}

/** Adds a line to what the command shows at its end. */
async function tell(deaths: number, results: DrillResult[]) {
  const sum = (count: (result: DrillResult) => number) =>
    results.reduce((total, result) => total + count(result), 0);
  const line =
    `drill: ${results.length} jobs, ${deaths} deaths, ${sum(({ losses }) => losses)} lost runs, ` +
    `${sum(({ retry_count }) => retry_count)} retries\n`;
  await Deno.writeTextFile(`${Deno.env.get("STACK_FOLDER")}/faults.log`, line, { append: true });
}

/** Retries come soon. */
const SETTINGS = `
insert into public.job_types (job_type, retry_base_seconds, retry_factor, retry_cap_seconds)
select unnest(array['walk', 'kill', 'spin', 'hog']), 0.5, 1, 1
on conflict (job_type) do update set retry_base_seconds = 0.5, retry_factor = 1, retry_cap_seconds = 1;
`;

async function enqueueAll(jobs: DrillJob[], effectsUrl: string): Promise<string[]> {
  const { data, error } = await secretKeyClient().rpc("enqueue_jobs", {
    jobs: jobs.map((job) => ({ ...job, input_data: { ...job.input_data, effectsUrl } })),
  });
  if (error) throw new Error(`enqueue_jobs: ${error.code} ${error.message}`);
  return data;
}

/** Nothing while some are not final. */
async function finalResults(ids: string[]): Promise<DrillResult[] | undefined> {
  const rows = await asSuperuser((sql) =>
    sql<DrillResult[]>`
      select job_type, status, retry_count, error, (
        select count(*)::int from public.job_failures f where f.job_id = j.id and f.company is not null
      ) as losses
      from public.jobs j
      where id = any (${ids}) and status in ('completed', 'failed', 'cancelled')`
  );
  return rows.length === ids.length ? [...rows] : undefined;
}
