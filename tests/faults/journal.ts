// The database's own memory of what happened to jobs and steps, written by triggers in the same transactions: what is
// in the tables at the end says nothing about what was there before.

import type postgres from "postgres";

/** One change of a job's state or holder. */
export interface Change {
  id: number;
  at: Date;
  job: string;
  before: string | null;
  after: string;
  token: string | null;
  worker: string | null;
  retries_before: number | null;
  retries_after: number;
  /** How many losses without an attempt it has had in a row. */
  losses_before: number | null;
  losses_after: number;
  /** When the lease ended or would have, before the change. */
  lease_expires_at: Date | null;
  error: string | null;
}

/** A step that was given a result. */
export interface StepChange {
  id: number;
  at: Date;
  job: string;
  name: string;
  token: string | null;
  // deno-lint-ignore no-explicit-any -- each step has a result of its own
  result: any;
}

export const JOURNAL = `
create schema faults;
create table faults.changes (
  id bigint primary key generated always as identity,
  at timestamptz not null default clock_timestamp(),
  job uuid not null, before text, after text not null, token uuid, worker text,
  retries_before integer, retries_after integer not null,
  losses_before integer, losses_after integer not null, lease_expires_at timestamptz, error text
);
create table faults.step_changes (
  id bigint primary key generated always as identity,
  at timestamptz not null default clock_timestamp(),
  job uuid not null, name text not null, token uuid, result jsonb not null
);

create function faults.note_job() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  insert into faults.changes
    (job, before, after, token, worker, retries_before, retries_after, losses_before, losses_after, lease_expires_at,
     error)
  values (
    new.id, old.status, new.status,
    case when new.status = 'processing' then new.lease_token else old.lease_token end, new.worker_id,
    old.retry_count, new.retry_count, old.free_losses, new.free_losses,
    old.lease_expires_at, new.error
  );
  return null;
end $$;
create trigger faults_note_new_job after insert on public.jobs
  for each row execute function faults.note_job();
create trigger faults_note_job after update on public.jobs
  for each row when (
    old.status is distinct from new.status or old.retry_count <> new.retry_count
    or old.lease_token is distinct from new.lease_token or old.output_data is distinct from new.output_data
  )
  execute function faults.note_job();

create function faults.note_step() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  insert into faults.step_changes (job, name, token, result)
  values (new.job_id, new.name, new.lease_token, new.result);
  return null;
end $$;
create trigger faults_note_new_step after insert on public.job_steps
  for each row when (new.finished_at is not null) execute function faults.note_step();
create trigger faults_note_step after update on public.job_steps
  for each row when (new.finished_at is not null and new.* is distinct from old.*) execute function faults.note_step();
`;

/** All changes in their order. */
export async function readJournal(
  sql: postgres.Sql,
): Promise<{ changes: Change[]; stepChanges: StepChange[] }> {
  const [changes, stepChanges] = await Promise.all([
    sql<Change[]>`select * from faults.changes order by id`,
    sql<StepChange[]>`select * from faults.step_changes order by id`,
  ]);
  return { changes: [...changes], stepChanges: [...stepChanges] };
}
