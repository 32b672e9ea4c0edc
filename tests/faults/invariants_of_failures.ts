// Attempts: every one that was used must have been used by something that happened outside the queue.

import type { Call } from "./calls.ts";
import { causeOfLoss } from "./causes.ts";
import type { Invariants } from "./invariants.ts";
import type { Evidence } from "./run.ts";
import { type Run, runsOf } from "./runs.ts";

const LOST = /^lease expired/;

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
    const rows = Map.groupBy(evidence.failures, ({ job_id }) => job_id);
    return evidence.jobs.flatMap(({ id }) => {
      const failed = (runs.get(id) ?? []).map(({ end }) => `${end.worker} ${end.error}`);
      const recorded = (rows.get(id) ?? []).map(({ worker_id, error }) => `${worker_id} ${error}`);
      return failed.join("\n") === recorded.join("\n")
        ? []
        : [`${id}: ${failed.length} runs, ${recorded.length} rows`];
    });
  },

  "each failed run has a cause outside the queue": (evidence) => {
    const runs = runsOf(evidence);
    return runs.filter(({ hasFailed }) => hasFailed)
      .filter((run) => !hasCause(evidence, runs, run))
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

  "a crash in Wasm takes an attempt from the job that crashed and from no other, if its last words arrive":
    (evidence) => {
      const runs = runsOf(evidence);
      return evidence.calls.filter(({ isLastWords, status }) => isLastWords && status === 200)
        .flatMap((words) => {
          const wronged = words.said.filter(({ error }) => /crashed/.test(error ?? ""))
            .filter(({ job }) => typeOf(evidence, job) !== "crash");
          const forgotten = runs.filter((run) => run.hasFailed && LOST.test(run.end.error ?? ""))
            .filter((run) => wasOnBoard(evidence, run, words));
          return [
            ...wronged.map(({ job }) => job),
            ...forgotten.map((run) => describe(evidence, run)),
          ];
        });
    },
};

function hasCause(evidence: Evidence, runs: Run[], run: Run): boolean {
  const error = run.end.error ?? "";
  const order = evidence.orders.get(run.job)!;
  if (LOST.test(error)) return causeOfLoss(evidence, runs, run) !== undefined;
  if (/^timed out/.test(error)) return order.options.timeout_seconds !== undefined;
  if (/^handed over/.test(error)) {
    return wasSaid(evidence, run, ({ outcome }) => outcome === "handed_over");
  }
  if (/^the handler crashed/.test(error)) return announced(evidence, run, "crash");
  if (/stumbled in run/.test(error)) {
    return evidence.effects.some(({ message }) => message && error.includes(message));
  }
  return (order.grok?.length ?? 0) > 0;
}

function wasSaid(
  { calls }: Evidence,
  { job, token }: Run,
  what: (said: { outcome?: string }) => boolean,
): boolean {
  return calls.some(({ said }) =>
    said.some((one) => one.job === job && one.token === token && what(one))
  );
}

function announced({ effects }: Evidence, { job, from, to }: Run, kind: string): boolean {
  return effects.some((effect) =>
    effect.kind === kind && effect.job === job && effect.at >= from && effect.at <= to
  );
}

/** Whether the worker had spoken of the run before it crashed: what is claimed and not yet known to it is not on board. */
function wasOnBoard(
  { calls }: Evidence,
  { job, token, from, to, life }: Run,
  words: Call,
): boolean {
  const isTheirs = life && life.slot === words.slot && life.started < words.at &&
    life.ended! > words.at;
  if (!isTheirs || from > words.at || to < words.at) return false;
  return calls.some(({ slot, at, said }) =>
    slot === words.slot && at < words.at &&
    said.some((one) => one.job === job && one.token === token)
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
