// Two database calls at once: the first commits only when the second has ended or waits for it.

import type { Database, Sql } from "./database.ts";

/**
 * Makes the first call, starts the second before the first is committed, and returns the answer of the second:
 * at once if that waits for nobody, else after the commit.
 */
export async function duringTransaction<T>(
  db: Database,
  first: (sql: Sql) => PromiseLike<unknown>,
  second: () => Promise<T>,
): Promise<T> {
  // Wrapped, because a promise returned as such would be awaited before the commit.
  const { answer } = await db.connect().begin(async (transaction) => {
    await first(transaction as unknown as Sql);
    const answer = second();
    await untilWaiting(db, [answer]);
    return { answer };
  });
  return await answer;
}

/** Returns once every call waits for a lock or has come to its end. */
export async function untilWaiting(db: Database, calls: Promise<unknown>[]): Promise<void> {
  let running = calls.length;
  for (const call of calls) call.then(() => running--, () => running--);
  for (;;) {
    const [{ waiting }] = await db.admin`
      select count(*)::int as waiting from pg_stat_activity
      where datname = ${db.name} and wait_event_type = 'Lock'`;
    if (waiting >= running) return;
  }
}
