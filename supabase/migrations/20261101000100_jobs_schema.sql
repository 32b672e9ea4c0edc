-- The job queue's tables.
--
-- A job is one row of public.jobs. It is born 'queued', by enqueue_job or by a plain insert. A worker's claim makes it
-- 'processing' and gives it a lease: a token that every later write about the job must carry, and a time at which the
-- lease ends by itself. The worker renews the lease with heartbeats and by saving steps, and finishes the job: 'completed' with a
-- result, 'failed', or back to 'queued' for another attempt. A worker that dies says nothing; the next claim finds
-- the lease expired and puts the job back. Final states are left only by retry_failed_jobs.
--
-- A queued job is ready when waiting_for is null. Otherwise waiting_for says why it waits, and the first claim after run_at makes it
-- ready. Only ready jobs are in the indexes that claims read, so waiting and finished jobs cost a claim nothing.
--
-- Refusals of the functions carry one of these codes (src/retry.rs lists the same):
--   JQ001  the job was cancelled
--   JQ002  the lease was lost: another claim, or the end of the job, has taken its place
--   JQ003  no such job
--   JQ004  an argument is not what was expected; the message names it
--   JQ005  the job is in a state that does not allow this

create schema if not exists job_queue;
comment on schema job_queue is 'Internals of the job queue; the functions to call are in public.';

create table public.jobs (
  id uuid primary key default gen_random_uuid(),
  status text not null default 'queued',
  job_type text not null,
  input_data jsonb not null default '{}',
  output_data jsonb,
  error text,
  -- The wall clock, not the transaction's start: jobs inserted together keep their order.
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  started_at timestamptz,
  completed_at timestamptz,
  retry_count int not null default 0,
  max_retries int not null default 3,
  priority int not null default 0,
  run_at timestamptz not null default clock_timestamp(),
  waiting_for text,
  timeout_seconds int,
  idempotency_key text,
  owner_id uuid,
  worker_id text,
  lease_token uuid,
  lease_expires_at timestamptz,
  cancel_requested_at timestamptz,
  progress jsonb,
  step_count int not null default 0,
  constraint jobs_status_is_known check (status in ('queued', 'processing', 'completed', 'failed', 'cancelled')),
  constraint jobs_job_type_is_short check (char_length(job_type) between 1 and 100),
  constraint jobs_max_retries_is_sane check (max_retries between 0 and 1000),
  constraint jobs_retry_count_is_within_max_retries check (retry_count between 0 and max_retries),
  constraint jobs_timeout_is_sane check (timeout_seconds between 1 and 604800),
  constraint jobs_idempotency_key_is_short check (char_length(idempotency_key) between 1 and 200),
  constraint jobs_wait_only_when_queued check (waiting_for in ('time', 'retry') and status = 'queued' or waiting_for is null),
  constraint jobs_are_leased_iff_processing check ((status = 'processing') = (lease_expires_at is not null)),
  constraint jobs_processing_has_token_and_start check (status <> 'processing' or lease_token is not null and started_at is not null),
  constraint jobs_are_ended_iff_final check ((status in ('completed', 'failed', 'cancelled')) = (completed_at is not null))
)
-- Room on each page for the next version of its rows: a job is rewritten three or four times in its life.
with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0.05);

comment on table public.jobs is 'Jobs, one row each. Changed through the functions of the job queue.';
comment on column public.jobs.waiting_for is 'Why a queued job is not ready: time (run_at lies ahead) or retry (its backoff). Null: ready.';
comment on column public.jobs.run_at is 'Not before this time.';
comment on column public.jobs.retry_count is 'Failed attempts so far.';
comment on column public.jobs.completed_at is 'When the job reached its final state, whichever that is.';
comment on column public.jobs.lease_token is 'The claim the job belongs to. It stays after the end, so that a repeated finish is recognised.';
comment on column public.jobs.timeout_seconds is 'The longest one claim may hold the job. Null: as long as its lease is renewed.';

-- A claim of any type reads this index from its start; the columns are the claim's order.
create index jobs_ready_idx on public.jobs (priority desc, run_at, created_at)
  where status = 'queued' and waiting_for is null;
-- A claim of certain types reads this one once per type: a backlog of other types is not in its way.
create index jobs_ready_by_type_idx on public.jobs (job_type, priority desc, run_at, created_at)
  where status = 'queued' and waiting_for is null;
create index jobs_waiting_idx on public.jobs (run_at) where status = 'queued' and waiting_for is not null;
create index jobs_lease_idx on public.jobs (lease_expires_at) where status = 'processing';
create index jobs_ended_idx on public.jobs (status, completed_at) where completed_at is not null;
create index jobs_owner_idx on public.jobs (owner_id, created_at desc) where owner_id is not null;
-- A key belongs to its owner: nobody finds out which keys others use.
create unique index jobs_idempotency_idx on public.jobs (idempotency_key, job_type, owner_id) nulls not distinct
  where idempotency_key is not null;

create table public.job_steps (
  job_id uuid not null references public.jobs (id) on delete cascade,
  name text not null,
  result jsonb not null,
  created_at timestamptz not null default clock_timestamp(),
  primary key (job_id, name),
  constraint job_steps_name_is_short check (char_length(name) between 1 and 200)
);
comment on table public.job_steps is 'Results of finished steps; a job that runs again gets them back.';

create table public.job_types (
  job_type text primary key,
  open_to_users boolean not null default false
);
comment on table public.job_types is 'What is set per job type. A type without a row has the defaults.';
comment on column public.job_types.open_to_users is 'Whether signed-in users may enqueue jobs of the type.';

-- Raises the refusal codes' exceptions, so that their texts have one shape.
create function job_queue.refuse(code text, message text, hint text default '')
returns void
language plpgsql
set search_path = ''
as $$
begin
  raise exception '%', message using errcode = code, hint = hint;
end;
$$;

-- Input is checked by a trigger and not by a CHECK: a CHECK runs at every update, and each claim, heartbeat and finish would then
-- read the whole input out of its TOAST table.
create function job_queue.check_input_data()
returns trigger
language plpgsql
set search_path = ''
as $$
declare
  most_bytes constant int := 1024 * 1024;
begin
  if jsonb_typeof(new.input_data) is distinct from 'object' then
    perform job_queue.refuse('JQ004',
      format('input_data: expected a JSON object, got %s', coalesce(jsonb_typeof(new.input_data), 'nothing')));
  end if;
  if pg_column_size(new.input_data) > most_bytes then
    perform job_queue.refuse('JQ004',
      format('input_data: expected at most %s bytes, got %s', most_bytes, pg_column_size(new.input_data)),
      'Put large data into Storage and pass its path.');
  end if;
  return new;
end;
$$;

create trigger jobs_check_input_data
  before insert or update of input_data on public.jobs
  for each row execute function job_queue.check_input_data();

-- A plain insert with a run_at ahead becomes a job that waits for it.
create function job_queue.wait_for_run_at()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  new.waiting_for := 'time';
  return new;
end;
$$;

create trigger jobs_wait_for_run_at
  before insert on public.jobs
  for each row
  when (new.status = 'queued' and new.waiting_for is null and new.run_at > clock_timestamp())
  execute function job_queue.wait_for_run_at();

create function job_queue.refuse_to_leave_final_state()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  perform job_queue.refuse('JQ005', format('job %s is %s, which is final', old.id, old.status),
    'Use retry_failed_jobs to run a failed or cancelled job again.');
  return null;
end;
$$;

create trigger jobs_final_states_are_final
  before update of status on public.jobs
  for each row
  when (old.completed_at is not null and new.status <> old.status
    and not (old.status in ('failed', 'cancelled') and new.status = 'queued'))
  execute function job_queue.refuse_to_leave_final_state();

-- The queue's own functions set updated_at; this covers every other update.
create function job_queue.touch()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  new.updated_at := clock_timestamp();
  return new;
end;
$$;

create trigger jobs_touch
  before update on public.jobs
  for each row
  when (new.updated_at = old.updated_at)
  execute function job_queue.touch();
