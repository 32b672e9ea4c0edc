// How many pages a statement touches. Unlike its time, that is the same on every machine.

import type { Sql } from "./database.ts";

/** Runs the statement and counts the 8 kB buffers it touched, those of the functions it calls included. */
export async function buffers(sql: Sql, statement: string): Promise<number> {
  const [row] = await sql.unsafe(
    `explain (analyze, buffers, timing off, format json) ${statement}`,
  );
  const plan = row["QUERY PLAN"][0].Plan;
  return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"];
}
