// Steps: what was recorded, against what really happened.

import type { Invariants } from "./invariants.ts";
import type { Evidence } from "./run.ts";
import { runsOf } from "./runs.ts";

export const STEPS: Invariants = {
  "each step was given one result, once": ({ steps, stepChanges }) => {
    const written = Map.groupBy(stepChanges, ({ job, name }) => `${job} ${name}`);
    const finished = steps.filter(({ finished_at }) => finished_at !== null);
    return finished.flatMap(({ job_id, name, result }) => {
      const changes = written.get(`${job_id} ${name}`) ?? [];
      const isSame = JSON.stringify(changes[0]?.result) === JSON.stringify(result);
      return changes.length === 1 && isSame ? [] : [`${job_id} ${name}: ${changes.length} results`];
    });
  },

  "no result of a step is gone": ({ steps, stepChanges }) => {
    const kept = new Set(steps.map(({ job_id, name }) => `${job_id} ${name}`));
    return stepChanges.map(({ job, name }) => `${job} ${name}`).filter((step) => !kept.has(step));
  },

  "each job counts its finished steps": ({ jobs, steps }) => {
    const finished = Map.groupBy(
      steps.filter(({ finished_at }) => finished_at !== null),
      ({ job_id }) => job_id,
    );
    return jobs.flatMap(({ id, step_count }) => {
      const rows = finished.get(id)?.length ?? 0;
      return rows === step_count ? [] : [`${id} has ${rows} and counts ${step_count}`];
    });
  },

  "the result of a step is an effect that happened, saved under the lease of its run": (
    evidence,
  ) => {
    const { effects, calls, stepChanges } = evidence;
    const said = new Set(
      calls.filter((call) => call.function === "save_job_step").flatMap(({ said }) => said)
        .map(({ job, step, token, effect }) => `${job} ${step} ${token} ${effect}`),
    );
    return stepChanges.filter(({ job }) => isCounted(evidence, job)).flatMap(
      ({ job, name, token, result }) => {
        const effect = effects[result.effect];
        const isReal = effect?.job === job && effect.step === name && effect.run === result.run;
        if (!isReal) return [`${job} ${name}: there is no effect ${result.effect}`];
        const isSaid = said.has(`${job} ${name} ${token} ${result.effect}`);
        return isSaid ? [] : [`${job} ${name}: ${token} did not save effect ${result.effect}`];
      },
    );
  },

  "a step has no more effects than runs that began it": (evidence) => {
    const effects = Map.groupBy(
      evidence.effects.filter(({ kind }) => kind === "step"),
      ({ job, step }) => `${job} ${step}`,
    );
    const begun = new Map(
      evidence.steps.map(({ job_id, name, runs }) => [`${job_id} ${name}`, runs]),
    );
    return [...effects].flatMap(([step, those]) => {
      const runs = new Set(those.map(({ run }) => run)).size;
      const isFine = those.length === runs && runs <= (begun.get(step) ?? 0);
      return isFine ? [] : [`${step}: ${those.length} effects, ${begun.get(step)} runs began it`];
    });
  },

  "a finished step is begun by no later run": (evidence) => {
    const finished = new Map(
      evidence.stepChanges.map(({ job, name, at }) => [`${job} ${name}`, at.getTime()]),
    );
    const claims = new Map(
      runsOf(evidence).map(({ job, token, from }) => [`${job} ${token}`, from]),
    );
    const starts = evidence.calls.filter((call) => call.function === "start_job_step").flatMap((
      { said },
    ) => said);
    return starts
      .filter(({ job, step, token }) =>
        claims.get(`${job} ${token}`)! > (finished.get(`${job} ${step}`) ?? Infinity)
      )
      .map(({ job, step, token }) => `${job} ${step} by ${token}`);
  },

  "only jobs that were not completed have steps without a result": ({ jobs, steps }) => {
    const completed = new Set(
      jobs.filter(({ status }) => status === "completed").map(({ id }) => id),
    );
    return steps.filter(({ job_id, finished_at }) => finished_at === null && completed.has(job_id))
      .map(({ job_id, name }) => `${job_id} ${name}`);
  },
};

/** The effects of reports are requests to Grok, which the counter does not see. */
function isCounted({ orders }: Evidence, job: string): boolean {
  return orders.get(job)?.jobType === "walk";
}
