// What was done and how the queue took it, for people.

import type { Fault } from "./diary.ts";
import type { Evidence } from "./run.ts";

/**
 * One line per kind of fault: how often, and how long it took until the next job was completed. A fault is survived when
 * there was such a job.
 */
export function table(evidence: Evidence, seed: number): string {
  const completions = evidence.changes
    .filter(({ after }) => after === "completed")
    .map(({ at }) => at.getTime());
  const kinds = Map.groupBy(evidence.faults, ({ kind }) => kind);
  const lines = [
    `${row("fault", "injected", "survived", "median", "longest")} ms to the next completed job`,
  ];
  let total = 0;
  let survived = 0;
  for (const [kind, faults] of [...kinds].sort(([one], [other]) => one < other ? -1 : 1)) {
    const waits = faults.flatMap((fault) => wait(fault, completions)).sort((one, other) =>
      one - other
    );
    lines.push(row(kind, faults.length, waits.length, waits[waits.length >> 1], waits.at(-1)));
    total += faults.length;
    survived += waits.length;
  }
  lines.push(row("all", total, survived), summary(evidence, seed));
  return lines.join("\n") + "\n";
}

function wait(fault: Fault, completions: number[]): number[] {
  const next = completions.find((at) => at > fault.at);
  return next === undefined ? [] : [next - fault.at];
}

function row(kind: string, ...numbers: (number | string | undefined)[]): string {
  const columns = numbers.map((number) => `${number ?? ""}`.padStart(10));
  return kind.padEnd(36) + columns.join("");
}

function summary({ jobs, effects, failures, lives, calls }: Evidence, seed: number): string {
  const statuses = [...Map.groupBy(jobs, ({ status }) => status)]
    .map(([status, those]) => `${those.length} ${status}`);
  return [
    `seed ${seed}: ${jobs.length} jobs (${statuses.join(", ")}), ${failures.length} failed runs,`,
    `${effects.length} effects, ${calls.length} calls of ${lives.length} worker processes`,
  ].join(" ");
}
