// Why a worker may have lost a job without a word: something done to it, or to what it needs, in time.

import type { Evidence } from "./run.ts";
import type { Run } from "./runs.ts";
import { LEASE_SECONDS } from "./workers.ts";

/** Signs of life are sent three times a lease; one that is late for this machine's own reasons is forgiven. */
const SLACK_MS = 1_500;
/** How long a job of the type `block` keeps its isolate to itself. */
const BLOCK_MS = 4_500;

/** What befell the worker of `run` so that its lease could end; nothing when it is nobody's fault but the queue's. */
export function causeOfLoss(evidence: Evidence, runs: Run[], run: Run): string | undefined {
  const until = run.end.lease_expires_at!.getTime();
  const since = Math.max(run.from, until - LEASE_SECONDS * 1_000) - SLACK_MS;
  return endOf(evidence, run) ?? disturbance(evidence, run.life?.slot, since, until) ??
    fellowOf(evidence, runs, run, since, until);
}

/** A process that is told to stop, or lives as long as it may, has handed its jobs over before: that excuses nothing. */
function endOf(evidence: Evidence, { life, from, to }: Run): string | undefined {
  if (!life?.ending || life.ending > to || (life.ended ?? Infinity) < from) return undefined;
  if (life.reason === "killed") return "its worker was killed";
  if (life.reason === "alone") return "its worker crashed";
  return disturbance(evidence, life.slot, life.ending - 4_000, life.ended ?? Infinity);
}

/** What can keep signs of life away for a lease. Everything else the worker makes good within a second. */
const SILENCING = /^(worker stalled|line silent|connections half open|request late|Postg.*)$/;

function disturbance({ faults }: Evidence, slot: number | undefined, since: number, until: number) {
  const fault = faults.find((fault) =>
    SILENCING.test(fault.kind) && fault.at <= until && fault.until >= since &&
    (fault.slot === undefined || fault.slot === slot)
  );
  return fault?.kind;
}

/** What another job on board did. */
function fellowOf({ effects }: Evidence, runs: Run[], run: Run, since: number, until: number) {
  const lasts: Record<string, number> = { blocked: BLOCK_MS, crash: Infinity };
  const isOnBoard = (job: string, at: number) =>
    runs.some((other) => other.job === job && other.life === run.life && other.from <= at);
  const harm = effects.find(({ kind, at, job }) =>
    kind in lasts && at <= until && at + lasts[kind] >= since && isOnBoard(job, at)
  );
  return harm && `another job on board: ${harm.kind}`;
}
