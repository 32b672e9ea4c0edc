// The real queue behind the same functions as the model. Jobs and claims have the model's names here: a
// job's number, "claim 3"; this knows which id and which token they are.

import type { Sql } from "../../support/database.ts";
import { type ClaimedJob, queueOn } from "../../support/queue.ts";
import type { JobOptions, Result, Token } from "./job.ts";
import type { Claimed, Exchange, Lease, Queue } from "./queue.ts";

type Functions = {
  [Name in keyof Queue as Queue[Name] extends (...args: never[]) => unknown ? Name : never]:
    Queue[Name] extends (...args: infer Arguments) => infer Answer
      ? (...args: Arguments) => Promise<Answer>
      : never;
};

/** The longest a retry waits here; so long that none becomes due by itself. */
const BACKOFF_SECONDS = 86_400;
const TIMEOUT_SECONDS = 20;

export class DatabaseQueue implements Functions {
  readonly #ids: string[] = [];
  readonly #tokens = new Map<Token, string>();

  private constructor(readonly sql: Sql) {}

  /** Empties the queue. */
  static async on(sql: Sql): Promise<DatabaseQueue> {
    await sql.unsafe(`
      delete from jobs where true;
      delete from job_types where true;
      delete from job_queue.settled_claims where true;
      insert into job_types (job_type, retry_base_seconds, retry_factor, retry_cap_seconds)
      select unnest(array['a', 'b']), ${BACKOFF_SECONDS}, 1, ${BACKOFF_SECONDS}`);
    return new DatabaseQueue(sql);
  }

  async enqueue({ type, priority, maxRetries, isDelayed, hasTimeout, key }: JobOptions) {
    const [{ id }] = await this.sql`
      select enqueue_job(
        ${type}, priority => ${priority}, max_retries => ${maxRetries}, idempotency_key => ${key},
        delay_seconds => ${isDelayed ? 3600 : null},
        timeout_seconds => ${hasTimeout ? TIMEOUT_SECONDS : null}
      ) as id`;
    if (!this.#ids.includes(id)) this.#ids.push(id);
    return this.#number(id);
  }

  async getNextJob(token: Token, maxJobs: number, types: string[] | null, worker: string) {
    const jobs = await this.sql<ClaimedJob[]>`
      select * from get_next_job(${maxJobs}, ${types}, ${worker})`;
    if (jobs.length > 0) this.#tokens.set(token, jobs[0].lease_token);
    return jobs.map((job) => this.#claimed(job));
  }

  async finishAndClaim(exchange: Exchange, repetition: number) {
    const { results, maxJobs, types, worker, token, isIdle } = exchange;
    const told = results.map((result) => ({ ...this.#lease(result), ...report(result) }));
    const [{ answer }] = await this.sql`
      select finish_and_claim_jobs(
        ${this.sql.json(told as never)}, ${maxJobs}, ${types}, ${worker}, 30,
        ${this.#token(token)}, ${repetition}, ${isIdle}
      ) as answer`;
    const jobs: ClaimedJob[] = answer.jobs;
    return {
      finished: answer.finished,
      jobs: jobs.map((job) => this.#claimed(job)),
      areSuspects: answer.are_suspects ?? false,
    };
  }

  heartbeat(leases: Lease[], progress: unknown) {
    return queueOn(this.sql).heartbeat(
      leases.map((lease) => ({ ...this.#lease(lease), progress })),
    );
  }

  startStep(lease: Lease, name: string): Promise<string> {
    return this.#answer(
      this.sql`select start_job_step(${this.#id(lease.id)}, ${
        this.#token(lease.token)
      }, ${name}) as answer`,
    );
  }

  saveStep(lease: Lease, name: string, result: unknown, replace: boolean): Promise<string> {
    return this.#answer(this.sql`
      select save_job_step(
        ${this.#id(lease.id)}, ${this.#token(lease.token)}, ${name},
        ${this.sql.json(result as never)}, replace => ${replace}
      ) as answer`);
  }

  async checkLease({ id, token }: Lease) {
    await this.sql`select job_queue.check_lease(${this.#id(id)}, ${this.#token(token)})`;
  }

  markProcessing(id: number, token: Token | null): Promise<boolean> {
    return this.#answer(
      this.sql`select mark_job_processing(${this.#id(id)}, ${this.#token(token)}) as answer`,
    );
  }

  markCompleted(id: number, token: Token | null, output: unknown): Promise<boolean> {
    return this.#answer(this.sql`
      select mark_job_completed(
        ${this.#id(id)}, ${this.sql.json(output as never)}, ${this.#token(token)}
      ) as answer`);
  }

  markFailed(id: number, token: Token | null, retryable: boolean, delay?: number) {
    return this.#answer<boolean>(this.sql`
      select mark_job_failed(
        ${this.#id(id)}, 'marked', ${this.#token(token)}, ${retryable}, ${delay ?? null}
      ) as answer`);
  }

  release(id: number, token: Token | null, delay?: number): Promise<boolean> {
    return this.#answer(this.sql`
      select release_job(${this.#id(id)}, ${this.#token(token)}, ${delay ?? null}) as answer`);
  }

  cancel(id: number): Promise<string> {
    return this.#answer(this.sql`select cancel_job(${this.#id(id)}) as answer`);
  }

  retry(id: number): Promise<string> {
    return this.#answer(this.sql`select retry_job(${this.#id(id)}) as answer`);
  }

  retryFailed(ids: number[] | null): Promise<number> {
    const named = ids && ids.map((id) => this.#id(id));
    return this.#answer(this.sql`select retry_failed_jobs(${named}) as answer`);
  }

  rescueExpired(): Promise<number> {
    return this.#answer(this.sql`select rescue_expired_jobs() as answer`);
  }

  cleanup(): Promise<number> {
    return this.#answer(this.sql`select cleanup_old_jobs(0) as answer`);
  }

  async setTimeout(type: string, isSet: boolean) {
    await this.sql`
      update job_types set timeout_seconds = ${isSet ? TIMEOUT_SECONDS : null}
      where job_type = ${type}`;
  }

  async fallSilent(id: number) {
    await this.sql`
      update jobs set lease_expires_at = clock_timestamp()
      where id = ${this.#id(id)}`;
  }

  async passDeadline(id: number) {
    await this.sql`
      update jobs j
      set started_at = started_at - left_over, deadline_at = deadline_at - left_over,
          lease_expires_at = lease_expires_at - left_over
      from (select deadline_at - clock_timestamp() as left_over from jobs where id = ${
      this.#id(id)
    }) d
      where id = ${this.#id(id)}`;
  }

  async makeDue(id: number) {
    await this.sql`update jobs set run_at = clock_timestamp() where id = ${this.#id(id)}`;
  }

  /** The whole queue as the model shows itself. Then puts off what waits for a time, so that nothing becomes due by itself. */
  async view() {
    const [{ jobs }] = await this.sql.unsafe(VIEW);
    return jobs.map((job: { id: string; token: string | null }) => ({
      ...job,
      id: this.#number(job.id),
      token: job.token && this.#claim(job.token),
    }));
  }

  async #answer<T>(rows: PromiseLike<readonly { answer: T }[]>): Promise<T> {
    return (await rows)[0].answer;
  }

  #claimed(job: ClaimedJob & { timeout_seconds?: number | null }): Claimed {
    return {
      id: this.#number(job.id),
      token: this.#claim(job.lease_token),
      retryCount: job.retry_count,
      hasDeadline: job.timeout_seconds === TIMEOUT_SECONDS,
      steps: job.steps,
    };
  }

  #lease({ id, token }: Lease) {
    return { job_id: this.#id(id), lease_token: this.#token(token) };
  }

  #id(number: number): string {
    return this.#ids[number - 1];
  }

  #number(id: string): number {
    return this.#ids.indexOf(id) + 1;
  }

  /** A claim that has no token yet chooses one. */
  #token(claim: Token | null): string | null {
    if (claim && !this.#tokens.has(claim)) this.#tokens.set(claim, crypto.randomUUID());
    return claim && this.#tokens.get(claim)!;
  }

  #claim(token: string): Token {
    return [...this.#tokens].find(([, known]) => known === token)?.[0] ?? "by hand";
  }
}

function report({ outcome, output, error, retryable, delay, wasGivenTime, isCounted }: Result) {
  return {
    outcome,
    output_data: output,
    error_message: error,
    retryable,
    retry_after_seconds: delay,
    was_given_time: wasGivenTime,
    is_counted: isCounted,
  };
}

const VIEW = `
  with put_off as (
    update jobs set run_at = clock_timestamp() + interval '1 hour'
    where waiting_for in ('retry', 'time') and run_at > clock_timestamp()
  ), young as (
    update jobs set updated_at = clock_timestamp() where waiting_for = 'isolation'
  )
  select coalesce(json_agg(json_build_object(
    'id', id, 'status', status, 'retryCount', retry_count, 'waitingFor', waiting_for,
    'isDue', waiting_for is not null and run_at <= clock_timestamp(),
    'token', lease_token, 'worker', worker_id,
    'run', case when status = 'processing' then json_build_object(
      'hasDeadline', deadline_at is not null, 'stepsBefore', steps_at_claim,
      'isLeaseOver', lease_expires_at <= clock_timestamp(),
      'isOutOfTime', deadline_at is not null and deadline_at <= clock_timestamp()
    ) end,
    'suspicion', case when status in ('queued', 'processing') then suspicion end,
    'isCancelRequested', cancel_requested_at is not null, 'stepCount', step_count,
    'steps', (
      select coalesce(json_agg(json_build_object(
        'name', name, 'runs', runs, 'isFinished', finished_at is not null, 'result', result
      ) order by name), '[]') from job_steps where job_id = j.id
    ),
    'failures', (
      select coalesce(json_agg(json_build_object(
        'worker', f.worker_id, 'error', f.error, 'isAttempt', f.is_attempt, 'company', f.company
      ) order by f.id), '[]')
      from job_failures f where job_id = j.id
    ),
    'error', error, 'output', output_data, 'progress', progress,
    'isWithinBounds', coalesce(lease_expires_at <= deadline_at + interval '30 seconds', true)
      and (status <> 'queued' or waiting_for is not null or run_at <= clock_timestamp())
      and (waiting_for is distinct from 'retry' or run_at <= updated_at + interval '${BACKOFF_SECONDS} seconds')
  ) order by created_at), '[]') as jobs
  from jobs j`;
