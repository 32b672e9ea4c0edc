// Why a run failed: something that happened outside the queue, and when it did.

import type { Evidence } from "./run.ts";
import type { Run } from "./runs.ts";
import { LEASE_SECONDS } from "./faulty_worker.ts";

/** Signs of life are sent three times a lease; one that is late for this machine's own reasons is forgiven. */
const SLACK_MS = 1_500;
/** A worker measures a timeout from when it begins to send the claim, which reaches the line a little later. */
const SENDING_MS = 500;
/** How long a job of the type `block` keeps its isolate to itself. */
const BLOCK_MS = 4_500;
/** What can keep signs of life away for a lease. Everything else the worker makes good within a second. */
const SILENCING =
  /^(worker stalled|line silent|connections half open|request late|answer late|Postg.*)$/;

/** Why a failed run failed, in words; nothing when it is nobody's fault but the queue's. */
export function causeOf(evidence: Evidence, runs: Run[], run: Run): string | undefined {
  const error = run.end.error ?? "";
  if (run.isLost) return causeOfLoss(evidence, runs, run);
  const claim = CLAIMS.find(({ error: form }) => form.test(error));
  return claim?.isTrue(evidence, run) ? claim.cause : undefined;
}

/** What errors claim, and how that shows outside the queue. */
const CLAIMS: {
  error: RegExp;
  cause: string;
  isTrue: (evidence: Evidence, run: Run) => boolean;
}[] = [
  {
    error: /^timed out/,
    cause: "took longer than its timeout, and its worker lived to tell",
    isTrue: ({ orders, calls }, { job, token, from, to }) => {
      const seconds = orders.get(job)?.options.timeout_seconds as number | undefined;
      const claims = calls.filter(({ claim }) => claim === token).map(({ sentAt }) => sentAt);
      const since = Math.min(from, ...claims) + (seconds ?? Infinity) * 1_000 - SENDING_MS;
      return to >= since &&
        calls.some(({ said, answered }) =>
          answered >= since && said.some((one) => one.job === job && one.token === token)
        );
    },
  },
  {
    error: /^handed over/,
    cause: "handed over without a new step",
    isTrue: ({ calls, stepChanges }, { job, token }) =>
      calls.some(({ said }) =>
        said.some((one) => one.outcome === "handed_over" && one.job === job && one.token === token)
      ) && !stepChanges.some((step) => step.job === job && step.token === token),
  },
  {
    error: /^the handler crashed/,
    cause: "crashed its worker",
    isTrue: ({ effects }, { job, from, to }) =>
      effects.some(({ kind, at, ...effect }) =>
        kind === "crash" && effect.job === job && at >= from && at <= to
      ),
  },
  {
    error: /stumbled in run/,
    cause: "threw",
    isTrue: ({ effects }, { job, end }) =>
      effects.some(({ message, ...effect }) =>
        message && effect.job === job && end.error!.includes(message)
      ),
  },
  {
    error: /./,
    cause: "had trouble with Grok",
    isTrue: ({ orders }, { job }) => (orders.get(job)?.grok?.length ?? 0) > 0,
  },
];

/** What befell the worker of `run`, so that its lease could end. */
function causeOfLoss(evidence: Evidence, runs: Run[], run: Run): string | undefined {
  const until = run.end.lease_expires_at!.getTime();
  const since = Math.max(run.from, until - LEASE_SECONDS * 1_000) - SLACK_MS;
  return endOf(evidence, run) ?? disturbance(evidence, run.life?.slot, since, until) ??
    fellowOf(evidence, runs, run, since, until);
}

/** A process that is told to stop, or lives as long as it may, hands its jobs over before: that excuses no failure. */
function endOf(evidence: Evidence, { life, to }: Run): string | undefined {
  // Its last claim may have arrived after its end.
  if (!life?.ending || life.ending > to) return undefined;
  if (life.reason === "killed") return "worker killed";
  if (life.reason === "alone") return "worker crashed";
  return disturbance(evidence, life.slot, life.ending - 4_000, life.ended ?? Infinity);
}

function disturbance(
  { faults }: Evidence,
  slot: number | undefined,
  since: number,
  until: number,
): string | undefined {
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
  return harm && (harm.kind === "crash" ? "worker crashed" : "worker blocked");
}
