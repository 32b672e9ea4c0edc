// Whether this machine, the database and the function agree what time it is.

import { type Finding, fine, wrong } from "./finding.ts";
import type { Reply } from "./http.ts";

/** Half a second of a header's rounding and the way there are no difference. */
const TOLERATED_MS = 5_000;

/** A clock that nobody told of is left out. */
export function compareClocks(database?: { at?: string; reply: Reply }, worker?: Reply): Finding[] {
  const found = [
    database && compared("database", Date.parse(database.at ?? ""), database.reply),
    worker && compared("function", worker.at, worker),
  ].filter((finding) => finding !== undefined && finding !== null);
  if (found.length === 0) return [];
  const apart = found.filter(({ ms }) => Math.abs(ms) > TOLERATED_MS);
  if (apart.length === 0) return [fine("clocks", "agree")];
  const text = apart.map(({ whose, ms }) =>
    `the ${whose}'s is ${Math.abs(Math.round(ms / 1_000))} s ${
      ms > 0 ? "ahead of" : "behind"
    } this machine's`
  ).join(", ");
  const remedy = apart.length === found.length
    ? "set this machine's clock: sudo timedatectl set-ntp true"
    : "write to Supabase's support: the project's own clocks disagree";
  return [wrong("clocks", text, remedy)];
}

/** How far a clock is ahead of ours; it was read at some moment between question and answer. */
function compared(whose: string, at: number, { asked, answered }: Reply) {
  if (Number.isNaN(at)) return null;
  const ms = at > answered ? at - answered : at < asked ? at - asked : 0;
  return { whose, ms };
}
