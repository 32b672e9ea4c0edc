-- The life of a job.
--
-- A web app calls enqueue_job (or simply inserts a row) and goes on with its own work. The job is
-- `queued`. It is ready at once, unless it waits: for a time (run_at in the future), for the backoff
-- after a failed attempt, or for a worker that has nothing else. The column waiting_for says so; ready
-- jobs have null there, and only they stand in the index that claims read, so whatever waits or is
-- finished costs a claim nothing.
--
-- A worker claims a few ready jobs in one call: as many as it has room for, by their weights, and as its
-- answer may carry, by their bytes. Each becomes `processing` and carries the lease token
-- of that claim and the moment the lease ends. Everything the worker writes about the job from then
-- on (renewing the lease, saving a step, the end) must show that token. A worker that was too slow,
-- or was presumed dead, holds an old token: what it writes changes nothing and it is told so.
--
-- The worker reports how it went. Completed: the result is stored and the job is final. Failed: it is
-- queued again to wait for its backoff, or `failed` for good when no retries are left or trying again
-- cannot help. Released: the worker hands it back unharmed and the attempt does not count; it may ask
-- that the job rests for a while. Handed over: the worker has to stop in the middle of it. If it saved a
-- step since its claim, the job goes on elsewhere and the attempt goes on with it. If not, the attempt has
-- failed, unless the worker says that the run had too little time; and so that nothing is handed on for
-- ever, that is believed twice in a row. If someone asked to cancel the job meanwhile, the worker hears of
-- it with its next heartbeat and the job ends `cancelled`.
--
-- When a worker dies it reports nothing. Its lease ends, and the next claim or heartbeat by anyone
-- rescues its jobs; the saved steps stay. One of them may have killed it, and nobody knows which. So each
-- that has saved no step since its claim is a suspect, and a suspect is claimed only by a worker that has
-- nothing else: after its first loss beside other suspects, after the second alone. Only a run that was
-- lost alone, and not for the first time, uses an attempt. A killer so fails by its own attempts, and the
-- jobs that were on board with it lose none. A run that its worker ends itself clears the job.
--
-- A job may have a timeout. After its deadline nothing is written about a run any more, but its lease goes on for a
-- while, so that the death of its worker is told from a run that took too long: a worker that lives stops the run at
-- its deadline and says that it timed out, which is a failed attempt, and so is whatever else it still says about it.
-- About a run that was lost nobody says anything.
--
-- Whatever ends a run without using an attempt is counted, and bounded; but for a release of what was not begun, or
-- waits for what its type lacks.
--
-- Final jobs never change state again, except that a failed or cancelled one may be queued anew.
-- cleanup_old_jobs deletes those that ended long ago.
--
-- Refusals carry one of these codes; callers act on the code, never on the text:
--   JQ001  the job was cancelled
--   JQ002  the lease was lost: the job is no longer this worker's
--   JQ003  no such job
--   JQ004  bad argument: the message names it and says what was expected
--   JQ005  the job is in a state that does not allow this
--   JQ006  too many of this user's jobs wait or are kept already
--
-- One lock order: a function that waits for locks on several jobs takes them in the order of id.
-- Everything else that locks jobs skips those that are locked.

create schema job_queue;
comment on schema job_queue is
  'Internals of the job queue. Not for the API: the functions to call are in public.';

-- How many bytes a value has as the JSON text that travels, not as it is stored: the number 1e131071 is
-- stored in 12 bytes and written in 131,072. Such numbers are looked for before the text is built, which
-- could take gigabytes. 2147483647 for what is surely far more than max_bytes.
create function job_queue.text_bytes(value jsonb, max_bytes integer) returns integer
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  if pg_column_size(value) > 4096 then
    -- No text is shorter than a sixth of what is stored for it.
    if pg_column_size(value) / 6 > max_bytes or exists (
      select from (
        select sum(octet_length(n.number::text)) over (rows unbounded preceding) as bytes
        -- As one array: the rows of jsonb_path_query cost each the moving of all that come after it.
        from jsonb_array_elements(jsonb_path_query_array(
          value, 'strict $.** ? (@ > 1e100 || @ < -1e100 || (@ > -1e-100 && @ < 1e-100))'
        )) as n (number)
      ) odd
      where odd.bytes > max_bytes
    ) then
      return 2147483647;
    end if;
  end if;
  return octet_length(value::text);
end $$;
comment on function job_queue.text_bytes is 'The bytes of a value as JSON text; 2147483647 for far more than max_bytes.';

-- Says how much a value of that many bytes is.
create function job_queue.bytes_in_words(bytes integer) returns text
language sql immutable as $$
  select case bytes when 2147483647 then 'far more' else bytes || ' bytes' end
$$;
comment on function job_queue.bytes_in_words is 'A number of bytes for a message.';

create table public.jobs (
  id uuid primary key default gen_random_uuid(),
  status text not null default 'queued',
  job_type text not null,
  input_data jsonb not null default '{}',
  output_data jsonb,
  error text,
  -- clock_timestamp, not now: the jobs of one bulk insert keep their order.
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  started_at timestamptz,
  completed_at timestamptz,
  retry_count integer not null default 0,
  max_retries integer not null default 3,
  priority integer not null default 0,
  run_at timestamptz not null default clock_timestamp(),
  waiting_for text,
  timeout_seconds integer,
  deadline_at timestamptz,
  idempotency_key text,
  owner_id uuid,
  worker_id text,
  lease_token uuid,
  lease_expires_at timestamptz,
  cancel_requested_at timestamptz,
  progress jsonb,
  step_count integer not null default 0,
  steps_at_claim integer not null default 0,
  input_bytes integer not null generated always as (job_queue.text_bytes(input_data, 1048576)) stored,
  step_bytes bigint not null default 0,
  suspicion smallint not null default 0,
  is_alone boolean not null default false,
  free_losses smallint not null default 0,
  free_hand_overs smallint not null default 0,
  free_releases smallint not null default 0,

  -- What each status means for the other columns. One expression and not one constraint per column: they
  -- are evaluated at every change of every job, and twelve of them cost a tenth of its time.
  constraint jobs_state_is_possible check (
    case status
      when 'queued' then
        lease_expires_at is null and completed_at is null and cancel_requested_at is null
        and case
          when waiting_for is null then suspicion = 0
          when waiting_for = 'isolation' then suspicion > 0
          else waiting_for in ('time', 'retry')
        end
      when 'processing' then
        lease_expires_at is not null and lease_token is not null and started_at is not null
        and completed_at is null and waiting_for is null
      when 'completed' then lease_expires_at is null and completed_at is not null and waiting_for is null
      when 'failed' then
        lease_expires_at is null and completed_at is not null and waiting_for is null and error is not null
      when 'cancelled' then lease_expires_at is null and completed_at is not null and waiting_for is null
      else false
    end
  ),
  constraint jobs_counts_are_possible check (
    retry_count between 0 and max_retries and step_count >= 0 and (timeout_seconds is null or timeout_seconds > 0)
    and suspicion between 0 and 2
  ),
  -- Neither end of time: claims go by it, and what stood before everything else would stay there.
  constraint jobs_run_at_is_a_time check (run_at >= '1970-01-01 00:00+00' and run_at < '10000-01-01 00:00+00'),
  constraint jobs_names_are_short check (
    octet_length(job_type) between 1 and 200
    and (idempotency_key is null or octet_length(idempotency_key) between 1 and 255)
  )
)
with (
  -- Room for a second version of some rows on each page, so that a claim touches fewer.
  fillfactor = 85,
  -- Every job leaves three dead versions and as many dead index entries at the very place where claims
  -- begin to read, so vacuum comes early, however many finished jobs are kept.
  autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 2000,
  autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 500
);

comment on table public.jobs is 'Work for process-queued-jobs, one row per job.';
comment on column public.jobs.status is 'queued, processing, completed, failed or cancelled';
comment on column public.jobs.input_data is 'what the job works on: a JSON object of at most 1 MiB of text';
comment on column public.jobs.output_data is 'the result of a completed job';
comment on column public.jobs.error is 'why the last attempt failed; null once completed';
comment on column public.jobs.started_at is 'when the latest attempt began';
comment on column public.jobs.completed_at is 'when the job became final, in whatever way';
comment on column public.jobs.retry_count is 'how many retries the job has used';
comment on column public.jobs.priority is 'higher first';
comment on column public.jobs.run_at is 'not before';
comment on column public.jobs.waiting_for is
  'why a queued job is not ready: time, retry, or isolation (it waits for a worker that has nothing else); null when ready';
comment on column public.jobs.timeout_seconds is
  'how long one run may take, from its claim on; null: what job_types says about the type, if anything';
comment on column public.jobs.deadline_at is 'when the latest run had to be over; null: no limit';
comment on column public.jobs.idempotency_key is 'enqueuing the same type, owner and key again returns this job';
comment on column public.jobs.owner_id is 'the signed-in user who may see and cancel the job';
comment on column public.jobs.worker_id is 'who claimed it last';
comment on column public.jobs.lease_token is
  'the claim that holds the job; kept when that claim ends it, so that a repeated report is recognised';
comment on column public.jobs.lease_expires_at is 'when the job may be rescued from its worker';
comment on column public.jobs.step_count is 'how many finished steps the job has';
comment on column public.jobs.steps_at_claim is 'step_count when the latest run began';
comment on column public.jobs.input_bytes is 'of the text of input_data';
comment on column public.jobs.step_bytes is 'of the text of all results of finished steps';
comment on column public.jobs.suspicion is
  'whether the job may have killed its worker: 0 no, 1 it runs only beside others like it, 2 it runs alone';
comment on column public.jobs.is_alone is 'whether the latest run was claimed alone, by a worker that had nothing else';
comment on column public.jobs.free_losses is 'runs in a row that ended with their worker and used no attempt';
comment on column public.jobs.free_hand_overs is 'hand-overs without a new step, one after the other, that used no attempt';
comment on column public.jobs.free_releases is 'releases without a new step, one after the other, that used no attempt';

-- What claims read. The columns are the claim's order by: nothing is sorted, nothing skipped.
create index jobs_ready_idx on public.jobs (priority desc, run_at, created_at)
  where status = 'queued' and waiting_for is null;

-- The same for a worker that knows only some types: a backlog of the others costs it nothing.
create index jobs_ready_by_type_idx on public.jobs (job_type, priority desc, run_at, created_at)
  where status = 'queued' and waiting_for is null;

create index jobs_waiting_idx on public.jobs (run_at)
  where waiting_for in ('time', 'retry');

-- Jobs whose worker died: few, and only a worker that has nothing else takes them.
create index jobs_isolation_idx on public.jobs (job_type, priority desc, run_at, created_at)
  where waiting_for = 'isolation';

create index jobs_lease_idx on public.jobs (lease_expires_at)
  where status = 'processing';

-- For cleanup_old_jobs and retry_failed_jobs. A job enters one of the two once, when it ends.
create index jobs_ended_idx on public.jobs (completed_at)
  where status in ('completed', 'cancelled');
create index jobs_failed_idx on public.jobs (completed_at)
  where status = 'failed';

create unique index jobs_idempotency_key_idx on public.jobs (idempotency_key, job_type, owner_id) nulls not distinct
  where idempotency_key is not null;

create index jobs_owner_idx on public.jobs (owner_id, created_at desc)
  where owner_id is not null;

-- That owners are many, whatever a sample of the table says: whoever reads as a user does so by the index on
-- owners and never by one on times or states, which has the jobs of everybody.
alter table public.jobs alter column owner_id set (n_distinct = -0.05);

-- Steps of a job that need not be run again once they are finished: the result is written once and read by
-- whoever claims the job next. A row without a result is a step that was begun and never finished:
-- whether it had an effect in the world, nobody knows.
create table public.job_steps (
  job_id uuid not null references public.jobs (id) on delete cascade,
  name text not null,
  result jsonb,
  result_bytes integer generated always as (job_queue.text_bytes(result, 2097152)) stored,
  started_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  runs integer not null default 1,
  lease_token uuid,
  primary key (job_id, name),
  constraint job_steps_name_length check (length(name) between 1 and 200),
  constraint job_steps_are_finished_with_a_result check ((result is null) = (finished_at is null))
);
comment on table public.job_steps is 'Steps of a job, begun and finished; they outlive the attempt.';
comment on column public.job_steps.result is 'what the step gave, at most 2 MiB of text; null: begun and not finished';
comment on column public.job_steps.result_bytes is 'of the text of result';
comment on column public.job_steps.started_at is 'when the latest run of the step began';
comment on column public.job_steps.runs is 'how many claims of the job began the step';
comment on column public.job_steps.lease_token is 'the claim that began it last';

-- Why a job is not finished yet, or never will be: one row per run that failed or was lost with its worker.
-- Runs that were released, handed over without using an attempt or cancelled did neither.
--
-- The sequence lies in the queue's own schema: in public, one who was granted "all sequences" could use it up.
create sequence job_queue.job_failure_ids;
create table public.job_failures (
  job_id uuid not null references public.jobs (id) on delete cascade,
  id bigint not null default nextval('job_queue.job_failure_ids'),
  worker_id text,
  started_at timestamptz not null,
  failed_at timestamptz not null,
  duration interval not null generated always as (greatest(failed_at - started_at, interval '0')) stored,
  error text not null,
  stack text,
  is_attempt boolean not null default true,
  company integer,
  on_board uuid[],
  primary key (job_id, id),
  constraint job_failures_company_is_told check ((company is null) = (on_board is null))
);
comment on table public.job_failures is 'Failed and lost runs of jobs: when, where, for how long, and why.';
comment on column public.job_failures.stack is 'where the handler threw, for operators';
comment on column public.job_failures.is_attempt is 'whether the run used an attempt of the job';
comment on column public.job_failures.company is
  'how many other jobs the worker held that was lost, as far as known then; null: no worker was lost';
comment on column public.job_failures.on_board is 'up to 20 of those jobs';

-- Who was lost with a worker just before; only lost runs are in it.
create index job_failures_lost_idx on public.job_failures (worker_id, failed_at)
  where company is not null;

create table public.job_types (
  job_type text primary key,
  open_to_users boolean not null default false,
  timeout_seconds integer,
  weight integer not null default 1,
  retry_base_seconds numeric not null default 10,
  retry_factor numeric not null default 2,
  retry_cap_seconds numeric not null default 900,
  max_waiting_per_user integer not null default 100,
  paused_at timestamptz,
  constraint job_types_timeout_is_possible check (timeout_seconds > 0),
  constraint job_types_weight_is_possible check (weight between 1 and 1000),
  constraint job_types_limit_is_possible check (max_waiting_per_user >= 0),
  constraint job_types_retries_are_possible check (
    retry_base_seconds between 0 and 86400 and retry_factor between 1 and 100 and retry_cap_seconds between 0 and 2592000
  )
);
comment on table public.job_types is
  'What holds for all jobs of a type. A type without a row is closed to signed-in users and has the defaults.';
comment on column public.job_types.open_to_users is 'whether signed-in users may enqueue it; the service role may enqueue anything';
comment on column public.job_types.timeout_seconds is
  'for jobs that have no timeout_seconds of their own, and the most that a job with an owner may have';
comment on column public.job_types.weight is 'how much of a worker''s QUEUE_CONCURRENCY one job takes';
comment on column public.job_types.retry_base_seconds is 'the longest backoff before the first retry';
comment on column public.job_types.retry_factor is 'by how much the longest backoff grows from retry to retry';
comment on column public.job_types.retry_cap_seconds is 'the longest backoff of all';
comment on column public.job_types.max_waiting_per_user is 'how many queued jobs a signed-in user may have of it';
comment on column public.job_types.paused_at is 'since when no job of the type is claimed; null: claimed as usual';

-- A job that someone inserts with a time in the future waits for it. The condition stands in the
-- trigger and not in the function, so that ordinary inserts do not pay for a call.
create function job_queue.wait_for_run_at() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  new.waiting_for := 'time';
  return new;
end $$;
comment on function job_queue.wait_for_run_at() is 'Marks a job inserted with a future run_at as waiting.';

create trigger jobs_wait_for_run_at before insert on public.jobs
  for each row when (new.status = 'queued' and new.waiting_for is null and new.run_at > clock_timestamp())
  execute function job_queue.wait_for_run_at();

-- The rest are triggers after the fact: a trigger before an update makes Postgres lock and log
-- each row once more, on every update.

-- Not a check constraint: that would read a large input back from its toast table at each change
-- of the job's state.
create function job_queue.refuse_input_data() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception 'input_data: expected a JSON object of at most 1048576 bytes of text, got % of %',
    jsonb_typeof(new.input_data), job_queue.bytes_in_words(new.input_bytes)
    using errcode = 'JQ004', hint = 'put large things into Storage and their paths into input_data';
end $$;
comment on function job_queue.refuse_input_data() is 'Raises JQ004.';

create trigger jobs_refuse_input_data after insert or update of input_data on public.jobs
  for each row when (jsonb_typeof(new.input_data) <> 'object' or new.input_bytes > 1048576)
  execute function job_queue.refuse_input_data();

create function job_queue.refuse_step_result() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception 'result: expected at most 2097152 bytes of text, got %', job_queue.bytes_in_words(new.result_bytes)
    using errcode = 'JQ004', hint = 'put large things into Storage and their paths into the result';
end $$;
comment on function job_queue.refuse_step_result() is 'Raises JQ004.';

create trigger job_steps_refuse_result after insert or update of result on public.job_steps
  for each row when (new.result_bytes > 2097152)
  execute function job_queue.refuse_step_result();

create function job_queue.refuse_progress() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception 'progress: expected at most 16384 bytes of text, got %',
    job_queue.bytes_in_words(job_queue.text_bytes(new.progress, 16384))
    using errcode = 'JQ004', hint = 'progress is for people to look at';
end $$;
comment on function job_queue.refuse_progress() is 'Raises JQ004.';

create trigger jobs_refuse_progress after insert or update of progress on public.jobs
  for each row when (new.progress is not null and job_queue.text_bytes(new.progress, 16384) > 16384)
  execute function job_queue.refuse_progress();

create function job_queue.refuse_state_change() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception 'job % is %, which is final: it cannot become %', old.id, old.status, new.status
    using errcode = 'JQ005';
end $$;
comment on function job_queue.refuse_state_change() is 'Raises JQ005.';

create trigger jobs_refuse_state_change after update of status on public.jobs
  for each row when (
    old.status in ('completed', 'failed', 'cancelled')
    and new.status <> old.status
    and (old.status = 'completed' or new.status <> 'queued')
  )
  execute function job_queue.refuse_state_change();

-- For updates by hand, whatever columns go with them: a ready job moved into the future has to wait, and
-- updated_at moves. Both are told from the row alone, and the queue's own functions never leave one like that: they
-- set updated_at, and what they make ready is due. A second change in one transaction leaves updated_at as it is, or a
-- trigger of the application that sets it to now() would be answered for ever.
create function job_queue.settle_update_by_hand() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  update public.jobs
  set updated_at = clock_timestamp(),
      waiting_for = case
        when status = 'queued' and waiting_for is null and run_at > clock_timestamp() then 'time'
        else waiting_for
      end
  where id = new.id;
  return null;
end $$;
comment on function job_queue.settle_update_by_hand() is 'Keeps updated_at and waiting_for true after an update by hand.';

create trigger jobs_settle_update_by_hand after update on public.jobs
  for each row when (
    new.updated_at = old.updated_at and new.updated_at <> now()
    or new.run_at <> old.run_at and new.run_at > clock_timestamp() and new.status = 'queued' and new.waiting_for is null
  )
  execute function job_queue.settle_update_by_hand();

-- Whether a moment lies within a time that has just passed. One ahead of the clock does not: the clock was set back,
-- and nobody knows how long ago it was. The one place that compares with a stored time.
create function job_queue.is_recent(moment timestamptz, within interval) returns boolean
language sql volatile as $$
  select coalesce(moment between clock_timestamp() - within and clock_timestamp(), false)
$$;
comment on function job_queue.is_recent is 'Whether a moment was within a time until now.';

-- How long ago a moment was: never less than nothing.
create function job_queue.age(moment timestamptz) returns interval
language sql volatile as $$ select greatest(interval '0', clock_timestamp() - moment) $$;
comment on function job_queue.age is 'How long ago a moment was.';

-- Closed from the start; the last migration of the queue opens what each role needs.
alter table public.jobs enable row level security;
alter table public.job_steps enable row level security;
alter table public.job_failures enable row level security;
alter table public.job_types enable row level security;
revoke all on public.jobs, public.job_steps, public.job_failures, public.job_types from public, anon, authenticated;
grant usage on sequence job_queue.job_failure_ids to service_role;
revoke all on all functions in schema job_queue from public;
grant execute on function job_queue.is_recent, job_queue.age to service_role;
