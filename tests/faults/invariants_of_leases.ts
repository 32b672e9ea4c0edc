// Leases: who holds a job writes about it, and nobody else.

import type { Invariants } from "./invariants.ts";
import type { Evidence } from "./run.ts";
import { type Run, runsOf } from "./runs.ts";

/** The journal counts microseconds, this script milliseconds. */
const ROUNDING_MS = 2;
/** A heartbeat waits for no lock: a job that is being rescued by a call not yet committed still counts as held. */
const CALL_MS = 5_000;

export const LEASES: Invariants = {
  "a job is claimed under a fresh token each time": (evidence) => {
    const claims = Map.groupBy(runsOf(evidence), ({ job, token }) => `${job} ${token}`);
    return [...claims].filter(([, runs]) => runs.length > 1).map(([claim]) => claim);
  },

  "only the holder of a job is told that it is": (evidence) => {
    const runs = runsByClaim(evidence);
    return evidence.calls.flatMap(({ said, at, answered, function: name }) => {
      const since = name === "heartbeat_jobs" ? at - CALL_MS : at;
      return said.filter(({ answer }) => answer === "held" || answer === "again")
        .filter(({ job, token }) => !holds(runs.get(`${job} ${token}`), since, answered))
        .map(({ job, token }) => {
          const run = runs.get(`${job} ${token}`);
          return `${name}: ${job} under ${token}, ${at - (run?.to ?? 0)} ms after its end`;
        });
    });
  },

  "the result of a step is saved by the holder of its job": (evidence) => {
    const runs = runsByClaim(evidence);
    return evidence.stepChanges
      .filter(({ job, token, at }) => {
        const time = at.getTime();
        return !holds(runs.get(`${job} ${token}`), time, time);
      })
      .map(({ job, name, token }) => `${job} ${name} by ${token}`);
  },

  "every result was computed under the lease that it ended": (evidence) => {
    const said = new Set(
      evidence.calls.flatMap(({ said }) => said)
        .filter(({ outcome }) => outcome === "completed")
        .map(({ job, token, run }) => `${job} ${token} ${run}`),
    );
    const ends = new Map(
      runsOf(evidence).filter(({ end }) => end.after === "completed").map((
        run,
      ) => [run.job, run.token]),
    );
    return evidence.jobs.filter(({ status }) => status === "completed")
      .filter(({ id, output_data }) => !said.has(`${id} ${ends.get(id)} ${output_data?.run}`))
      .map(({ id, output_data }) =>
        `${id}: no worker said ${output_data?.run} under ${ends.get(id)}`
      );
  },

  "what a stale token says of a job's end is answered with lost": (evidence) => {
    const runs = runsByClaim(evidence);
    return evidence.calls.flatMap(({ said, at, status }) =>
      said.filter(({ outcome, answer }) => outcome && status === 200 && answer !== "lost")
        // Said again it is answered as before.
        .filter(({ job, token }) => {
          const run = runs.get(`${job} ${token}`);
          return !run || (run.to < at - ROUNDING_MS && run.isLost);
        })
        .map(({ job, token, answer }) => `${job} under ${token}: ${answer}`)
    );
  },
};

/** Whether the run's lease was good at some time between two. */
function holds(run: Run | undefined, since: number, until: number): boolean {
  return run !== undefined && run.from <= until + ROUNDING_MS && run.to >= since - ROUNDING_MS;
}

function runsByClaim(evidence: Evidence): Map<string, Run> {
  return new Map(runsOf(evidence).map((run) => [`${run.job} ${run.token}`, run]));
}
