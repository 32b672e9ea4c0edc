-- What an operator calls, by hand or on a schedule. Each call does a bounded amount of work: call again until it returns 0.

-- Puts failed jobs back into the queue with a fresh retry allowance and returns how many. Cancelled jobs come back only by id.
create function public.retry_failed_jobs(
  job_ids uuid[] default null, job_types text[] default null, max_jobs int default 10000
)
returns int
language plpgsql
set search_path = ''
as $$
declare
  v_retried int;
begin
  with chosen as materialized (
    select j.id
    from public.jobs j
    where j.completed_at is not null
      and (j.status = 'failed' or j.status = 'cancelled' and retry_failed_jobs.job_ids is not null)
      and (retry_failed_jobs.job_ids is null or j.id = any (retry_failed_jobs.job_ids))
      and (retry_failed_jobs.job_types is null or j.job_type = any (retry_failed_jobs.job_types))
    limit retry_failed_jobs.max_jobs
    for no key update skip locked
  )
  update public.jobs j
  set
    status = 'queued',
    retry_count = 0,
    run_at = clock_timestamp(),
    waiting_for = null,
    error = null,
    completed_at = null,
    cancel_requested_at = null,
    lease_token = null,
    updated_at = clock_timestamp()
  from chosen c
  where j.id = c.id;
  get diagnostics v_retried = row_count;
  return v_retried;
end;
$$;

comment on function public.retry_failed_jobs is 'Puts failed jobs back into the queue; returns how many.';

-- Deletes completed and cancelled jobs, with their steps, that ended more than days_to_keep days ago, oldest first; returns how many.
create function public.cleanup_old_jobs(days_to_keep int default 30, max_jobs int default 10000)
returns int
language plpgsql
set search_path = ''
as $$
declare
  v_deleted int;
begin
  if cleanup_old_jobs.days_to_keep is null or cleanup_old_jobs.days_to_keep < 0 then
    perform job_queue.refuse('JQ004', 'days_to_keep: expected a whole number from 0');
  end if;
  delete from public.jobs j
  where j.ctid = any (array(
    select o.ctid
    from public.jobs o
    where o.status in ('completed', 'cancelled') and o.completed_at is not null
      and o.completed_at < now() - make_interval(days => cleanup_old_jobs.days_to_keep)
    limit cleanup_old_jobs.max_jobs
    for update skip locked
  ));
  get diagnostics v_deleted = row_count;
  return v_deleted;
end;
$$;

comment on function public.cleanup_old_jobs is 'Deletes completed and cancelled jobs that ended long ago; returns how many.';
