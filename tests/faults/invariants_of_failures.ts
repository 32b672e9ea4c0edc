// Attempts: every one that was used must have been used by something that happened outside the queue.

import type { Call } from "./calls.ts";
import { causeOf } from "./causes.ts";
import type { Invariants } from "./invariants.ts";
import type { Evidence } from "./run.ts";
import { type Run, runsOf } from "./runs.ts";

export const FAILURES: Invariants = {
  "retry_count is the number of failed runs that were followed by another": (evidence) => {
    const retried = Map.groupBy(
      runsOf(evidence).filter(({ hasFailed, end }) => hasFailed && end.after === "queued"),
      ({ job }) => job,
    );
    return evidence.jobs.flatMap(({ id, retry_count }) => {
      const runs = retried.get(id)?.length ?? 0;
      return runs === retry_count ? [] : [`${id}: ${runs} runs, retry_count ${retry_count}`];
    });
  },

  "each failed run is on record, and nothing else is": (evidence) => {
    const runs = Map.groupBy(
      runsOf(evidence).filter(({ hasFailed }) => hasFailed),
      ({ job }) => job,
    );
    const attempts = evidence.failures.filter(({ is_attempt }) => is_attempt);
    const rows = Map.groupBy(attempts, ({ job_id }) => job_id);
    return evidence.jobs.flatMap(({ id }) => {
      const failed = (runs.get(id) ?? []).map(({ end }) => `${end.worker} ${end.error}`);
      const recorded = (rows.get(id) ?? []).map(({ worker_id, error }) => `${worker_id} ${error}`);
      return failed.join("\n") === recorded.join("\n")
        ? []
        : [`${id}: ${failed.length} runs, ${recorded.length} rows`];
    });
  },

  "a run that was lost without an attempt is on record too": (evidence) => {
    const lost = Map.groupBy(
      runsOf(evidence).filter(({ hasFailed, isLost }) => !hasFailed && isLost),
      ({ job }) => job,
    );
    const rows = Map.groupBy(
      evidence.failures.filter(({ is_attempt }) => !is_attempt),
      ({ job_id }) => job_id,
    );
    return evidence.jobs.flatMap(({ id }) => {
      const [runs, recorded] = [lost.get(id)?.length ?? 0, rows.get(id)?.length ?? 0];
      return runs === recorded ? [] : [`${id}: ${runs} runs, ${recorded} rows`];
    });
  },

  "each failed run has a cause outside the queue": (evidence) => {
    const runs = runsOf(evidence);
    return runs.filter(({ hasFailed }) => hasFailed)
      .filter((run) => causeOf(evidence, runs, run) === undefined)
      .map((run) => describe(evidence, run));
  },

  "a run that was handed over has failed only if it saved no step": (evidence) => {
    const saved = new Set(evidence.stepChanges.map(({ job, token }) => `${job} ${token}`));
    return runsOf(evidence).filter(({ end }) => end.error === "handed over without a new step")
      .filter(({ hasFailed, job, token }) => hasFailed && saved.has(`${job} ${token}`))
      .map((run) => describe(evidence, run));
  },

  "no run that threw has completed its job": ({ jobs, effects }) => {
    const threw = new Set(effects.filter(({ kind }) => kind === "threw").map(({ run }) => run));
    return jobs.filter(({ output_data }) => threw.has(output_data?.run)).map(({ id }) => id);
  },

  "what was thrown once has failed one run": ({ failures }) => {
    const thrown = Map.groupBy(
      failures.filter(({ error }) => /stumbled in run/.test(error)),
      ({ error }) => error,
    );
    return [...thrown].filter(([, rows]) => rows.length > 1).map(([error]) => error);
  },

  "a crash in Wasm takes an attempt from the job that crashed and from no other": (evidence) => {
    const lost = runsOf(evidence).filter(({ hasFailed, isLost }) => hasFailed && isLost);
    return evidence.calls.filter(({ isLastWords }) => isLastWords).flatMap((words) => {
      const wronged = words.said
        .filter(({ error, job }) =>
          /crashed/.test(error ?? "") && typeOf(evidence, job) !== "crash"
        );
      const forgotten = lost.filter((run) => wasOnBoard(evidence, run, words));
      return [...wronged.map(({ job }) => job), ...forgotten.map((run) => describe(evidence, run))];
    });
  },
};

/** Whether the worker that said its last words held the run or was claiming it, and nobody kept it from saying them. */
function wasOnBoard({ faults }: Evidence, { from, to, life }: Run, { slot, at }: Call): boolean {
  if (!life || life.slot !== slot || life.started > at || life.ended! < at) return false;
  const isInTime = from < life.ended! && to > at && life.reason === "alone";
  return isInTime &&
    !faults.some((fault) =>
      fault.at <= life.ended! && fault.until >= at - 1_000 && fault.job === undefined &&
      (fault.slot === undefined || fault.slot === slot)
    );
}

function typeOf({ orders }: Evidence, job: string): string | undefined {
  return orders.get(job)?.jobType;
}

function describe(evidence: Evidence, { job, token, life, from, to, end }: Run): string {
  const time = (ms: number) => new Date(ms).toISOString().slice(11, 23);
  const where = life
    ? `process ${life.pid} of line ${life.slot} (${life.reason})`
    : "an unknown process";
  return `${job} (${typeOf(evidence, job)}) under ${token} on ${where} from ${time(from)} to ${
    time(to)
  }: ${end.error}`;
}
