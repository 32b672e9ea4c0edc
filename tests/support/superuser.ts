// Makes time pass in the database, and counts what happened there, as the superuser.

import postgres from "postgres";
import { stack } from "./stack.ts";

/** Runs `use` with a superuser's connection, which is closed again whatever happens. */
export async function asSuperuser<T>(use: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const sql = postgres(stack.dbUrl, { max: 1, onnotice: () => {} });
  try {
    return await use(sql);
  } finally {
    await sql.end();
  }
}

/** Makes the time come that a job waits for. */
export function makeDue(jobId: string): Promise<unknown> {
  return asSuperuser((sql) =>
    sql`update public.jobs set run_at = clock_timestamp() where id = ${jobId} and status = 'queued'`
  );
}

/** The names of the steps a job has saved. */
export function savedSteps(jobId: string): Promise<string[]> {
  return asSuperuser(async (sql) => {
    const rows = await sql`
      select name from public.job_steps
      where job_id = ${jobId} and finished_at is not null order by name
    `;
    return rows.map((row) => row.name);
  });
}
