-- What an operator or a schedule calls.

-- Puts failed jobs back into the queue, ready at once, with a fresh retry allowance and their saved steps;
-- the longest failed first. Returns how many. Only these ids or types, or those that failed in the given time,
-- if given. Called from the SQL editor and by the app's server; call again while it returns max_jobs. Raises JQ004.
create function public.retry_failed_jobs(
  job_ids uuid[] default null, job_types text[] default null, max_jobs integer default 10000,
  failed_from timestamptz default null, failed_until timestamptz default null
) returns integer
language plpgsql set search_path = '' set enable_seqscan = off as $$
declare
  v_now timestamptz := clock_timestamp();
  v_chosen tid[];
  v_retried integer;
begin
  perform job_queue.check_max_jobs(max_jobs);
  if job_ids is null then
    v_chosen := array(
      select f.ctid
      from public.jobs f
      where f.status = 'failed'
        and f.completed_at >= coalesce(failed_from, '-infinity')
        and f.completed_at <= coalesce(failed_until, 'infinity')
        and (retry_failed_jobs.job_types is null or f.job_type = any (retry_failed_jobs.job_types))
      order by f.completed_at
      limit retry_failed_jobs.max_jobs
      for no key update skip locked
    );
  else
    -- By primary key: there may be a great many failed jobs besides these.
    v_chosen := array(
      select f.ctid
      from public.jobs f
      where f.id = any (retry_failed_jobs.job_ids)
        and f.status = 'failed'
        and f.completed_at >= coalesce(failed_from, '-infinity')
        and f.completed_at <= coalesce(failed_until, 'infinity')
        and (retry_failed_jobs.job_types is null or f.job_type = any (retry_failed_jobs.job_types))
      limit retry_failed_jobs.max_jobs
      for no key update skip locked
    );
  end if;
  update public.jobs j
  set status = 'queued', retry_count = 0, cancel_requested_at = null, completed_at = null,
      lease_token = null, run_at = v_now, updated_at = v_now
  where j.ctid = any (v_chosen);
  get diagnostics v_retried = row_count;
  if v_retried > 0 then
    perform job_queue.wake_worker();
  end if;
  return v_retried;
end $$;
comment on function public.retry_failed_jobs is 'Queues failed jobs again with a fresh retry allowance and returns how many.';

-- Deletes completed and cancelled jobs that ended more than days_to_keep days ago, with their steps; the
-- oldest first. Failed jobs stay, so that they can be looked into and retried. Returns how many.
-- Works in batches and stops at max_jobs or after 4 seconds, so that it never meets the API's time
-- limit; call again while it returns something. Called by a schedule or from the SQL editor. Raises JQ004.
create function public.cleanup_old_jobs(days_to_keep integer default 30, max_jobs integer default 10000) returns integer
language plpgsql set search_path = '' set enable_seqscan = off as $$
declare
  v_until timestamptz := clock_timestamp() + interval '4 seconds';
  -- A variable, because clock_timestamp() in the condition would keep the index from being used for it.
  v_before timestamptz;
  v_batch integer;
  v_deleted integer := 0;
begin
  perform job_queue.check_max_jobs(max_jobs);
  if days_to_keep between 0 and 36500 is not true then
    raise exception 'days_to_keep: expected 0 to 36500' using errcode = 'JQ004';
  end if;
  v_before := clock_timestamp() - make_interval(days => days_to_keep);
  loop
    delete from public.jobs j
    where j.ctid = any (array(
      select o.ctid
      from public.jobs o
      where o.status in ('completed', 'cancelled')
        and o.completed_at < v_before
      order by o.completed_at
      limit least(500, max_jobs - v_deleted)
      for update skip locked
    ));
    get diagnostics v_batch = row_count;
    v_deleted := v_deleted + v_batch;
    exit when v_batch = 0 or v_deleted >= max_jobs or clock_timestamp() > v_until;
  end loop;
  return v_deleted;
end $$;
comment on function public.cleanup_old_jobs is 'Deletes completed and cancelled jobs that ended long ago and returns how many.';

-- Rescues up to max_jobs jobs whose lease has ended, the longest ended first, and returns how many. Claims
-- and heartbeats do the same; this is for a time when no worker does either. Called by a schedule. Raises JQ004.
create function public.rescue_expired_jobs(max_jobs integer default 1000) returns integer
language plpgsql set search_path = '' as $$
begin
  perform job_queue.check_max_jobs(max_jobs);
  return job_queue.rescue_jobs(max_jobs);
end $$;
comment on function public.rescue_expired_jobs is 'Ends the attempts of workers whose lease has ended and returns how many.';

-- Raises JQ004.
create function job_queue.check_max_jobs(max_jobs integer) returns void
language plpgsql immutable set search_path = '' as $$
begin
  if max_jobs between 1 and 10000 is not true then
    raise exception 'max_jobs: expected 1 to 10000' using errcode = 'JQ004';
  end if;
end $$;
comment on function job_queue.check_max_jobs is 'Refuses a batch too large for one call.';

revoke all on all functions in schema job_queue from public;
revoke all on function public.retry_failed_jobs, public.cleanup_old_jobs, public.rescue_expired_jobs
from public, anon, authenticated;
grant execute on function
  public.retry_failed_jobs, public.cleanup_old_jobs, public.rescue_expired_jobs, job_queue.check_max_jobs
to service_role;
