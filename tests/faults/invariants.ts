// What must hold after every run, each by its sentence. An invariant lists its violations.

import { FAILURES } from "./invariants_of_failures.ts";
import { LEASES } from "./invariants_of_leases.ts";
import { STEPS } from "./invariants_of_steps.ts";
import type { Evidence } from "./run.ts";
import { runsOf } from "./runs.ts";

export type Invariants = Record<string, (evidence: Evidence) => string[]>;

const JOBS: Invariants = {
  "faults were injected and jobs were run": ({ faults, jobs }) =>
    faults.length > 0 && jobs.length > 0 ? [] : ["nothing happened"],

  "every job is there once": ({ orders, jobs }) => {
    const ids = new Set(jobs.map(({ id }) => id));
    const missing = [...orders.keys()].filter((id) => !ids.has(id));
    const strangers = [...ids].filter((id) => !orders.has(id));
    return [
      ...missing.map((id) => `${id} is missing`),
      ...strangers.map((id) => `${id} was never ordered`),
    ];
  },

  "every job is final": ({ jobs }) =>
    jobs.filter(({ status }) => !["completed", "failed", "cancelled"].includes(status))
      .map(({ id, job_type, status }) => `${id} (${job_type}) is ${status}`),

  "a job is completed unless it was cancelled, was made to fail, or used up its retries": (
    evidence,
  ) =>
    evidence.jobs
      .filter((job) => job.status === "failed" && job.retry_count < job.max_retries)
      .filter(({ id }) => evidence.orders.get(id)?.input.isPermanent !== true)
      .map(({ id, job_type, error }) => `${id} (${job_type}) failed with retries left: ${error}`),

  "jobs that always misbehave end failed": (evidence) =>
    evidence.faults.flatMap(({ kind, job }) => {
      const row = evidence.jobs.find(({ id }) => id === job);
      const isHarmful = kind.startsWith("job ") &&
        !["job cancelled", "job blocks the isolate"].includes(kind);
      const isFine = !row || !isHarmful || ["failed", "cancelled"].includes(row.status);
      return isFine ? [] : [`${job} (${row.job_type}) is ${row.status}`];
    }),

  "cancelled jobs are cancelled, or were completed before their worker heard of it": (evidence) =>
    evidence.cancellations.flatMap(({ job, answer }) => {
      const status = evidence.jobs.find(({ id }) => id === job)?.status;
      const possible = { cancelled: ["cancelled"], processing: ["cancelled", "completed"] };
      if (answer !== "cancelled" && answer !== "processing") return [];
      return possible[answer].includes(status ?? "") ? [] : [`${job}: ${answer}, then ${status}`];
    }),

  "a result is written once and never changes": ({ changes }) => {
    const ends = Map.groupBy(
      changes.filter(({ before }) => before === "completed"),
      ({ job }) => job,
    );
    return [...ends.keys()].map((job) => `${job} changed after its completion`);
  },

  "nothing is left: no lease, no lock, no transaction, no connection": ({ leftovers }) => leftovers,

  "no worker ended by itself but for a job that crashes": (evidence) => {
    const runs = Map.groupBy(runsOf(evidence), ({ job }) => job);
    const crashed = evidence.effects.filter(({ kind }) => kind === "crash").flatMap(({ job, at }) =>
      (runs.get(job) ?? []).filter(({ from, life }) => from <= at && at <= life?.ended!).map((
        { life },
      ) => life)
    );
    const guilty = new Set(crashed);
    return evidence.lives.filter((life) => life.reason === "alone" && !guilty.has(life))
      .map(({ pid, slot, started }) =>
        `process ${pid} of line ${slot}, started ${new Date(started).toISOString()}`
      );
  },
};

export const INVARIANTS: Invariants = { ...JOBS, ...LEASES, ...STEPS, ...FAILURES };
