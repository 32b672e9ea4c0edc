// The runs of jobs, put together from the journal, and which worker process had them.

import type { Change } from "./journal.ts";
import type { Evidence } from "./run.ts";
import type { Life } from "./workers.ts";

/** From one claim of a job to its end. */
export interface Run {
  job: string;
  token: string;
  from: number;
  to: number;
  end: Change;
  /** It used an attempt. */
  hasFailed: boolean;
  /** Its worker ended it without a word. */
  isLost: boolean;
  /** The process that claimed it; unknown when its claim never passed its line. */
  life?: Life;
}

/** All runs in the order of their claims. */
export function runsOf(evidence: Evidence): Run[] {
  const runs: Run[] = [];
  const open = new Map<string, Change>();
  const lives = livesByWorker(evidence);
  for (const change of evidence.changes) {
    const claim = open.get(change.job);
    open.delete(change.job);
    if (change.after === "processing") open.set(change.job, change);
    if (!claim) continue;
    runs.push({
      job: claim.job,
      token: claim.token!,
      from: claim.at.getTime(),
      to: change.at.getTime(),
      end: change,
      hasFailed: isFailure(change),
      isLost: isLoss(change),
      life: lives.get(claim.worker ?? ""),
    });
  }
  return runs.sort((one, other) => one.from - other.from);
}

function isFailure(end: Change): boolean {
  const isRetry = end.after === "queued" && end.retries_after > (end.retries_before ?? 0);
  return isRetry || end.after === "failed";
}

/** What an earlier loss left in `error` says nothing of this run, and the loss of a cancelled job is its end. */
function isLoss(end: Change): boolean {
  if (isFailure(end)) return /^(the worker died|lost its worker)/.test(end.error ?? "");
  return end.losses_after > (end.losses_before ?? 0) && end.after !== "cancelled";
}

/** Each process chooses a name when it starts, and says it with its claims. */
function livesByWorker({ calls, lives }: Evidence): Map<string, Life> {
  const found = new Map<string, Life>();
  for (const { workerId, slot, sentAt } of calls) {
    if (!workerId || found.has(workerId)) continue;
    const life = lives.find((life) =>
      life.slot === slot && life.started <= sentAt && (life.ended ?? Infinity) >= sentAt
    );
    if (life) found.set(workerId, life);
  }
  return found;
}
