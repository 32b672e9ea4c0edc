// What was done and how the queue took it, for people.

import { causeOf } from "./causes.ts";
import type { Fault } from "./diary.ts";
import type { Evidence } from "./run.ts";
import { runsOf } from "./runs.ts";

/**
 * One line per kind of fault: how often, and how long it took until the next job was completed. A fault is survived
 * when there was such a job.
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
  lines.push(row("all", total, survived), "", "what took an attempt".padEnd(36) + "     times");
  lines.push(...causes(evidence), "", summary(evidence, seed));
  return lines.join("\n") + "\n";
}

/** How often each cause made a run fail. */
function causes(evidence: Evidence): string[] {
  const runs = runsOf(evidence);
  const failed = runs.filter(({ hasFailed }) => hasFailed);
  const found = Map.groupBy(failed, (run) => causeOf(evidence, runs, run) ?? "nothing");
  return [...found].map(([cause, those]) => row(cause, those.length)).sort();
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
