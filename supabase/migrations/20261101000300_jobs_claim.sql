-- Claiming: how a job gets into the hands of a worker, and back out of the hands of a dead one.

-- Makes up to `most` waiting jobs ready whose time has come. Called by every claim.
create function job_queue.promote_due_jobs(most int)
returns void
language plpgsql
set search_path = ''
as $$
begin
  update public.jobs
  set waiting_for = null, updated_at = clock_timestamp()
  where ctid = any (array(
    select j.ctid from public.jobs j
    where j.status = 'queued' and j.waiting_for is not null and j.run_at <= now()
    order by j.run_at
    limit promote_due_jobs.most
    for no key update skip locked
  ));
end;
$$;

-- Takes up to `most` jobs from workers that no longer renew their leases. The attempt counts. The token goes: whatever
-- that worker still sends is lost. Called by every claim.
create function job_queue.rescue_expired_leases(most int)
returns void
language plpgsql
set search_path = ''
as $$
begin
  update public.jobs j
  set
    status = case
      when j.cancel_requested_at is not null then 'cancelled'
      when j.retry_count < j.max_retries then 'queued'
      else 'failed'
    end,
    retry_count = case
      when j.cancel_requested_at is not null then j.retry_count
      else least(j.retry_count + 1, j.max_retries)
    end,
    completed_at = case
      when j.cancel_requested_at is not null or j.retry_count >= j.max_retries then clock_timestamp()
    end,
    error = case
      when j.started_at + make_interval(secs => j.timeout_seconds) <= clock_timestamp()
        then format('timed out after %s seconds', j.timeout_seconds)
      else 'the worker stopped without a word and its lease expired'
    end,
    lease_token = null,
    lease_expires_at = null,
    updated_at = clock_timestamp()
  where j.ctid = any (array(
    select e.ctid from public.jobs e
    where e.status = 'processing' and e.lease_expires_at <= now()
    order by e.lease_expires_at
    limit rescue_expired_leases.most
    for no key update skip locked
  ));
end;
$$;

-- Claims up to max_jobs ready jobs under one new lease and returns them, unordered; when the same claim was made before, returns what
-- it got. A lease never reaches beyond the job's timeout.
--
-- What runs once per row is written out and not put into functions of its own: one with a search_path cannot be inlined, and a call
-- costs more than the row.
--
-- The planner settings: with the number of rows unknown in a generic plan it would at times rather sort the whole table than
-- walk the index that already has the order.
create function job_queue.claim(
  max_jobs int, job_types text[], worker_id text, lease_seconds int, lease_token uuid, is_repeat boolean
)
returns setof public.jobs
language plpgsql
set search_path = ''
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
as $$
declare
  v_chosen tid[];
begin
  if claim.is_repeat then
    -- The only place that looks a token up; it reads the jobs in processing, and those are few.
    return query select j.* from public.jobs j where j.status = 'processing' and j.lease_token = claim.lease_token;
    if found then
      return;
    end if;
  end if;
  perform job_queue.promote_due_jobs(greatest(claim.max_jobs * 2, 100));
  perform job_queue.rescue_expired_leases(greatest(claim.max_jobs * 2, 100));
  if claim.job_types is null then
    v_chosen := array(
      select j.ctid from public.jobs j
      where j.status = 'queued' and j.waiting_for is null
      order by j.priority desc, j.run_at, j.created_at
      limit claim.max_jobs
      for no key update skip locked
    );
  else
    -- Each type is read for itself, as far as needed, and the best of all are taken; the surplus is unlocked at the end.
    v_chosen := array(
      select t.ctid
      from (select distinct unnest(claim.job_types) as job_type) wanted
      cross join lateral (
        select j.ctid, j.priority, j.run_at, j.created_at
        from public.jobs j
        where j.status = 'queued' and j.waiting_for is null and j.job_type = wanted.job_type
        order by j.priority desc, j.run_at, j.created_at
        limit claim.max_jobs
        for no key update skip locked
      ) t
      order by t.priority desc, t.run_at, t.created_at
      limit claim.max_jobs
    );
  end if;
  return query
    update public.jobs j
    set
      status = 'processing',
      started_at = clock_timestamp(),
      worker_id = claim.worker_id,
      lease_token = claim.lease_token,
      lease_expires_at = clock_timestamp() + make_interval(secs => least(claim.lease_seconds, j.timeout_seconds)),
      updated_at = clock_timestamp()
    where j.ctid = any (v_chosen)
    returning j.*;
end;
$$;

-- Refuses, naming the argument, what no claim can mean.
create function job_queue.check_claim(max_jobs int, lease_seconds int)
returns void
language plpgsql
immutable
set search_path = ''
as $$
begin
  if max_jobs is null or max_jobs not between 0 and 1000 then
    perform job_queue.refuse('JQ004', 'max_jobs: expected a whole number from 0 to 1000');
  elsif lease_seconds is null or lease_seconds not between 1 and 86400 then
    perform job_queue.refuse('JQ004', 'lease_seconds: expected a whole number from 1 to 86400');
  end if;
end;
$$;

-- Claims the next due jobs and returns them in order, or no row. Two callers never get the same job.
create function public.get_next_job(
  max_jobs int default 1,
  job_types text[] default null,
  worker_id text default null,
  lease_seconds int default 30
)
returns table (
  id uuid, job_type text, input_data jsonb, retry_count int, max_retries int, priority int, lease_token uuid,
  lease_expires_at timestamptz, steps jsonb, progress jsonb, timeout_seconds int, owner_id uuid, created_at timestamptz
)
language plpgsql
set search_path = ''
set statement_timeout = '5s'
as $$
begin
  perform job_queue.check_claim(get_next_job.max_jobs, get_next_job.lease_seconds);
  return query
    select
      c.id, c.job_type, c.input_data, c.retry_count, c.max_retries, c.priority, c.lease_token, c.lease_expires_at,
      case
        when c.step_count = 0 then '{}'
        else (select jsonb_object_agg(s.name, s.result) from public.job_steps s where s.job_id = c.id)
      end,
      c.progress, c.timeout_seconds, c.owner_id, c.created_at
    from job_queue.claim(
      get_next_job.max_jobs, get_next_job.job_types, get_next_job.worker_id, get_next_job.lease_seconds, gen_random_uuid(),
      false
    ) c
    order by c.priority desc, c.run_at, c.created_at;
end;
$$;

comment on function public.get_next_job is 'Claims the next due jobs and returns them, or no row.';
