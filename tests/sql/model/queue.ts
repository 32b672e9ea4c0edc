// The queue as it should be: what each function of the database does to jobs, and what it answers. This is
// the second statement of the state machine; it has no locks, no indexes and no clock.

import * as job from "./job.ts";
import type { Job, JobOptions, Result, Token } from "./job.ts";

/** A refusal, by its code. */
export class Refusal extends Error {
  constructor(readonly code: "JQ001" | "JQ002" | "JQ003" | "JQ005") {
    super(code);
  }
}

/** A job and a token that was once given out for it. */
export interface Lease {
  id: number;
  token: Token;
}

/** One call of finish_and_claim_jobs. */
export interface Exchange {
  results: (Lease & Result)[];
  maxJobs: number;
  types: string[] | null;
  worker: string;
  token: Token;
  isIdle: boolean;
}

/** The answer to it. */
export interface Exchanged {
  finished: string[];
  jobs: Claimed[];
  areSuspects: boolean;
}

/** What a worker is told about a job it has claimed. */
export interface Claimed extends Lease {
  retryCount: number;
  hasDeadline: boolean;
  steps: Record<string, unknown>;
}

export class Queue {
  readonly jobs = new Map<number, Job>();
  /** Every lease that was ever given out, the latest last. */
  readonly leases: Lease[] = [];
  /** How many jobs there have ever been. */
  count = 0;
  readonly #keys = new Map<string, number>();
  readonly #timeouts = new Set<string>();
  /** Jobs that were taken from dead workers, and by which call. */
  readonly #lost: { worker: string | null; id: number; at: number }[] = [];
  /** Jobs are claimed once under a token, by a call or by a repetition of it: the latest that was answered. */
  readonly #answered = new Map<Token, number>();
  /** Counts calls. */
  #now = 0;

  enqueue(options: JobOptions): number {
    this.#now++;
    const key = options.key && `${options.type} ${options.key}`;
    if (key && this.#keys.has(key)) return this.#keys.get(key)!;
    const id = ++this.count;
    if (key) this.#keys.set(key, id);
    this.jobs.set(id, job.create(id, options, this.#now));
    return id;
  }

  getNextJob(token: Token, maxJobs: number, types: string[] | null, worker: string): Claimed[] {
    this.#now++;
    return this.#claim({ token, maxJobs, types, worker, isIdle: true });
  }

  finishAndClaim(exchange: Exchange, repetition: number): Exchanged {
    this.#now++;
    const finished = exchange.results.map((result) => this.#finish(result, result));
    this.#timeOut(exchange.results);
    if (exchange.maxJobs === 0) return { finished, jobs: [], areSuspects: false };
    const { token } = exchange;
    const answered = this.#answered.get(token);
    const jobs = answered === undefined
      ? this.#claim(exchange)
      : this.#heldUnder(token, repetition > answered);
    if (repetition > (answered ?? 0) || jobs.length > 0) {
      this.#answered.set(token, Math.max(repetition, answered ?? 0));
    }
    return { finished, jobs, areSuspects: jobs.some(({ id }) => this.#find(id).suspicion > 0) };
  }

  heartbeat(leases: Lease[], progress: unknown): string[] {
    this.#now++;
    const answers = leases.map((lease) => this.#renew(lease, progress));
    this.#timeOut(leases);
    this.#rescue();
    return answers;
  }

  startStep(lease: Lease, name: string): string {
    const held = this.#hold(lease);
    if (held.isCancelRequested) return "cancelled";
    const step = held.steps.get(name);
    if (!step) {
      const begun = { runs: 1, begunUnder: lease.token, isFinished: false, result: null };
      held.steps.set(name, begun);
      return "held";
    }
    if (step.isFinished) return "held";
    if (step.begunUnder !== lease.token) step.runs++;
    step.begunUnder = lease.token;
    return step.runs > 1 ? "again" : "held";
  }

  saveStep(lease: Lease, name: string, result: unknown, replace: boolean): string {
    const held = this.#hold(lease);
    const step = held.steps.get(name);
    if (!step?.isFinished || replace) {
      const runs = step?.runs ?? 1;
      held.steps.set(name, { runs, begunUnder: lease.token, isFinished: true, result });
    }
    return held.isCancelRequested ? "cancelled" : "held";
  }

  checkLease(lease: Lease): void {
    if (!job.isHeld(this.#find(lease.id), lease.token)) throw new Refusal("JQ002");
  }

  markProcessing(id: number, token: Token | null): boolean {
    this.#now++;
    const found = this.#find(id);
    if (token === null) {
      checkByHand(found, ["queued", "processing"]);
      if (found.status === "queued") {
        if (found.waitingFor && !found.isDue) found.runAt = this.#now;
        job.begin(found, "by hand", null, this.#terms(found, false));
        return true;
      }
    }
    const lease = { id, token: token ?? found.token! };
    this.checkLease(lease);
    // A refusal changes nothing, so the lease is not renewed either.
    if (found.isCancelRequested) throw new Refusal("JQ001");
    this.#hold(lease);
    return true;
  }

  markCompleted(id: number, token: Token | null, output: unknown): boolean {
    return this.#finishOne(id, token, { outcome: "completed", output }, ["completed"]);
  }

  markFailed(id: number, token: Token | null, retryable: boolean, delay?: number): boolean {
    const result: Result = { outcome: "failed", error: "marked", retryable, delay };
    return this.#finishOne(id, token, result, ["queued", "failed", "cancelled"]);
  }

  release(id: number, token: Token | null, delay?: number): boolean {
    return this.#finishOne(id, token, { outcome: "released", delay }, [
      "queued",
      "failed",
      "cancelled",
    ]);
  }

  cancel(id: number): string {
    const found = this.#find(id);
    if (found.status !== "queued" && found.status !== "processing") throw new Refusal("JQ005");
    found.isCancelRequested = true;
    if (found.status === "queued") job.end(found, "cancelled");
    return found.status;
  }

  retry(id: number): string {
    this.#now++;
    const found = this.#find(id);
    if (found.status === "completed") throw new Refusal("JQ005");
    if (found.status === "failed" || found.status === "cancelled") this.#queueAgain(found);
    return found.status;
  }

  retryFailed(ids: number[] | null): number {
    this.#now++;
    const failed = this.#all((each) =>
      each.status === "failed" && (ids?.includes(each.id) ?? true)
    );
    for (const each of failed) this.#queueAgain(each);
    return failed.length;
  }

  rescueExpired(): number {
    this.#now++;
    return this.#rescue();
  }

  cleanup(): number {
    const ended = this.#all(({ status }) => status === "completed" || status === "cancelled");
    for (const { id } of ended) {
      this.jobs.delete(id);
      // With the job its failures are gone.
      this.#lost.splice(0, Infinity, ...this.#lost.filter((lost) => lost.id !== id));
      for (const [key, keyed] of this.#keys) if (keyed === id) this.#keys.delete(key);
    }
    return ended.length;
  }

  setTimeout(type: string, isSet: boolean): void {
    if (isSet) this.#timeouts.add(type);
    else this.#timeouts.delete(type);
  }

  /** The worker has not renewed the lease in time. */
  fallSilent(id: number): void {
    const run = this.#find(id).run!;
    Object.assign(run, { isSilent: true, isSilentOutOfTime: run.isOutOfTime });
  }

  /** The deadline of the run is over, and so it began long ago. */
  passDeadline(id: number): void {
    Object.assign(this.#find(id).run!, { isOutOfTime: true, startedAt: 0 });
  }

  /** What a waiting job waits for has come. */
  makeDue(id: number): void {
    this.#now++;
    job.becomeDue(this.#find(id), this.#now);
  }

  #queueAgain(each: Job): void {
    Object.assign(each, {
      status: "queued",
      retryCount: 0,
      token: null,
      isCancelRequested: false,
      runAt: this.#now,
    });
    job.clear(each);
  }

  #claim({ token, maxJobs, types, worker, isIdle }: Omit<Exchange, "results">): Claimed[] {
    for (const each of this.#all((each) => each.waitingFor !== null && each.isDue)) {
      job.becomeReady(each);
    }
    this.#rescue();
    const isWanted = ({ waitingFor }: Job) => !waitingFor || (isIdle && waitingFor === "isolation");
    const line = this.#all((each) => each.status === "queued" && isWanted(each))
      .filter((each) => types?.includes(each.type) ?? true);
    const first = line[0]?.suspicion;
    const chosen = first === 2
      ? [line[0]]
      : line.filter(({ suspicion }) => suspicion === first).slice(0, maxJobs);
    const isAlone = first > 0 && chosen.length === 1;
    for (const each of chosen) job.begin(each, token, worker, this.#terms(each, isAlone));
    return this.#handOut(chosen);
  }

  #terms(each: Job, isAlone: boolean) {
    return { hasDeadline: this.#hasDeadline(each), isAlone, startedAt: this.#now };
  }

  #heldUnder(token: Token, isNew: boolean): Claimed[] {
    const running = this.#all((each) => job.isUnder(each, token));
    if (isNew) { for (const each of running) job.beginAnew(each, this.#now); }
    return this.#handOut(running.filter((each) => job.isHeld(each, token)));
  }

  #handOut(jobs: Job[]): Claimed[] {
    return jobs.map((each) => {
      const lease = { id: each.id, token: each.token! };
      if (!this.leases.some((old) => old.id === lease.id && old.token === lease.token)) {
        this.leases.push(lease);
      }
      return {
        ...lease,
        retryCount: each.retryCount,
        hasDeadline: each.run!.hasDeadline,
        steps: Object.fromEntries(
          job.finishedSteps(each).map(([name, step]) => [name, step.result]),
        ),
      };
    });
  }

  /** The job's status afterwards, or "lost". */
  #finish(lease: Lease, result: Result): string {
    const found = this.jobs.get(lease.id);
    const canFinish = result.outcome === "timed_out" ? job.isUnder : job.isHeld;
    if (found && canFinish(found, lease.token)) {
      job.finish(found, result, this.#now);
      return found.status;
    }
    return found?.token === lease.token && !found.run ? found.status : "lost";
  }

  #finishOne(id: number, token: Token | null, result: Result, expected: string[]): boolean {
    this.#now++;
    const found = this.#find(id);
    if (token === null) checkByHand(found, ["processing"]);
    const lease = { id, token: token ?? found.token! };
    let status = this.#finish(lease, result);
    if (status === "lost" && result.outcome !== "completed") {
      this.#timeOut([lease]);
      // It tells of its end now, if that was it.
      status = this.#finish(lease, result);
    }
    if (status === "lost") throw new Refusal("JQ002");
    if (!expected.includes(status)) throw new Refusal(status === "cancelled" ? "JQ001" : "JQ005");
    return true;
  }

  #renew(lease: Lease, progress: unknown): string {
    const found = this.jobs.get(lease.id);
    if (!found || !job.isHeld(found, lease.token)) return "lost";
    found.run!.isSilent = false;
    found.progress = progress ?? found.progress;
    return found.isCancelRequested ? "cancelled" : "held";
  }

  #hold(lease: Lease): Job {
    const found = this.#find(lease.id);
    if (this.#renew(lease, null) === "lost") throw new Refusal("JQ002");
    return found;
  }

  /** Whoever says anything about a run that is out of time lives. */
  #timeOut(leases: Lease[]): void {
    for (const { id, token } of leases) {
      const found = this.jobs.get(id);
      if (found && job.isUnder(found, token) && found.run!.isOutOfTime) {
        job.timeOut(found, {}, this.#now);
      }
    }
  }

  #rescue(): number {
    const over = this.#all(job.isLeaseOver);
    const since = Math.min(...over.map(({ run }) => run!.startedAt));
    const held = this.#all(({ run }) => run !== null).map((each) =>
      [each.worker, each.id] as const
    );
    const lost = this.#lost.filter(({ at }) => at > since).map(({ worker, id }) =>
      [worker, id] as const
    );
    const company = (each: Job) =>
      new Set(
        [...held, ...lost]
          .filter(([worker, id]) => worker !== null && worker === each.worker && id !== each.id)
          .map(([, id]) => id),
      ).size;
    const companies = over.map(company);
    for (const [index, each] of over.entries()) {
      if (!each.isCancelRequested) {
        this.#lost.push({ worker: each.worker, id: each.id, at: this.#now });
      }
      job.rescue(each, companies[index], this.#now);
    }
    return over.length;
  }

  #find(id: number): Job {
    const found = this.jobs.get(id);
    if (!found) throw new Refusal("JQ003");
    return found;
  }

  #hasDeadline({ hasTimeout, type }: Job): boolean {
    return hasTimeout || this.#timeouts.has(type);
  }

  /** In the order in which jobs are claimed. */
  #all(isWanted: (each: Job) => boolean): Job[] {
    return [...this.jobs.values()].filter(isWanted)
      .sort((a, b) => b.priority - a.priority || a.runAt - b.runAt || a.id - b.id);
  }
}

/** Without a token a function works on a job that is in the right state. */
function checkByHand({ status, run }: Job, expected: string[]): void {
  if (!expected.includes(status) || run?.isOutOfTime) throw new Refusal("JQ005");
}
