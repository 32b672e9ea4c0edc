-- While a job runs: keeping the lease, telling how far it is, saving what was paid for.

-- Confirms that the job has started and renews its lease. Idempotent. Without a token (SQL editor) it
-- works on a job that is processing, and starts one that is queued.
-- Raises JQ001, JQ002, JQ003, JQ004, JQ005.
create function public.mark_job_processing(
  job_id uuid, lease_token uuid default null, lease_seconds integer default 30
) returns boolean
language plpgsql set search_path = '' as $$
declare
  v_job public.jobs;
begin
  perform job_queue.check_lease_seconds(lease_seconds);
  select * into v_job from public.jobs j where j.id = mark_job_processing.job_id for no key update;
  if not found then
    raise exception 'there is no job %', job_id using errcode = 'JQ003';
  end if;
  if lease_token is null and v_job.status = 'queued' then
    perform job_queue.start_job(job_id, lease_seconds);
    return true;
  end if;
  if lease_token is null and v_job.status <> 'processing' then
    raise exception 'job % is %: expected queued or processing', job_id, v_job.status using errcode = 'JQ005';
  end if;
  case job_queue.renew_lease(job_id, coalesce(lease_token, v_job.lease_token), null, lease_seconds)
    when 'held' then
      return true;
    when 'cancelled' then
      raise exception 'job % was cancelled: stop working on it', job_id using errcode = 'JQ001';
    else
      raise exception 'the lease on job % is lost: stop working on it', job_id using errcode = 'JQ002';
  end case;
end $$;
comment on function public.mark_job_processing is 'Confirms that a claimed job has started and renews its lease.';

-- Starts a queued job that its caller has locked, as a claim would.
create function job_queue.start_job(job_id uuid, lease_seconds integer) returns void
language plpgsql set search_path = '' as $$
declare
  v_now timestamptz := clock_timestamp();
begin
  update public.jobs j
  set status = 'processing',
      waiting_for = null,
      lease_token = gen_random_uuid(),
      lease_expires_at = job_queue.lease_end(v_now, v_now, lease_seconds, j.timeout_seconds),
      started_at = v_now,
      updated_at = v_now
  where j.id = start_job.job_id;
end $$;
comment on function job_queue.start_job is 'Starts one queued job without a worker.';

-- Renews the leases of the jobs a worker is running and stores how far they are.
--   jobs    [{"job_id", "lease_token", "progress"?}]
--   answer  an array parallel to it: "held", "cancelled" (stop, then report the job as cancelled) or
--           "lost" (stop, and report nothing)
-- Called by workers every few seconds. Raises JQ004.
create function public.heartbeat_jobs(jobs jsonb, lease_seconds integer default 30) returns jsonb
language plpgsql set search_path = '' set statement_timeout = '5s'
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off as $$
declare
  v_now timestamptz := clock_timestamp();
  v_answers jsonb;
begin
  perform job_queue.check_lease_seconds(lease_seconds);
  if jobs is null or jsonb_typeof(jobs) <> 'array' then
    raise exception 'jobs: expected an array of objects' using errcode = 'JQ004';
  end if;
  -- Locks in the order of id; see job_queue.apply_results for the form of the join.
  with beat as materialized (
    select b.*
    from rows from (jsonb_to_recordset(jobs) as (job_id uuid, lease_token uuid, progress jsonb))
      with ordinality as b (job_id, lease_token, progress, position)
    order by b.job_id
  ), renewed as (
    update public.jobs j
    set lease_expires_at = job_queue.lease_end(v_now, j.started_at, heartbeat_jobs.lease_seconds, j.timeout_seconds),
        progress = coalesce(b.progress, j.progress),
        updated_at = v_now
    from beat b
    where j.id = any (array[b.job_id])
      and j.lease_token = b.lease_token
      and j.lease_expires_at is not null
      and (j.timeout_seconds is null or v_now < j.started_at + make_interval(secs => j.timeout_seconds))
    returning b.position, case when j.cancel_requested_at is null then 'held' else 'cancelled' end as answer
  )
  select coalesce(jsonb_agg(coalesce(r.answer, 'lost') order by b.position), '[]') into v_answers
  from beat b left join renewed r on r.position = b.position;
  return v_answers;
end $$;
comment on function public.heartbeat_jobs is 'Renews the leases of running jobs and stores their progress.';

-- Keeps the result of a step, so that it need not be run again whatever happens to the worker, and
-- renews the lease. The first result of a name stays; saving it again is harmless.
-- Answers 'held', or 'cancelled' when the job should stop; the step is stored all the same.
-- Called by workers. Raises JQ002, JQ003, JQ004.
create function public.save_job_step(
  job_id uuid,
  lease_token uuid,
  name text,
  result jsonb,
  progress jsonb default null,
  lease_seconds integer default 30
) returns text
language plpgsql set search_path = '' as $$
declare
  v_answer text;
begin
  perform job_queue.check_lease_seconds(lease_seconds);
  if length(name) between 1 and 200 is not true then
    raise exception 'name: expected 1 to 200 characters' using errcode = 'JQ004';
  end if;
  v_answer := job_queue.renew_lease(job_id, lease_token, progress, lease_seconds);
  if v_answer = 'lost' then
    if not exists (select from public.jobs j where j.id = save_job_step.job_id) then
      raise exception 'there is no job %', job_id using errcode = 'JQ003';
    end if;
    raise exception 'the lease on job % is lost: stop working on it', job_id using errcode = 'JQ002';
  end if;
  -- A step without a result comes from PostgREST as null.
  insert into public.job_steps (job_id, name, result)
  values (save_job_step.job_id, save_job_step.name, coalesce(save_job_step.result, 'null'))
  on conflict do nothing;
  if found then
    update public.jobs j set step_count = j.step_count + 1, updated_at = clock_timestamp()
    where j.id = save_job_step.job_id;
  end if;
  return v_answer;
end $$;
comment on function public.save_job_step is 'Keeps the result of a finished step of a job and renews its lease.';

-- heartbeat_jobs for one job: held, cancelled or lost.
create function job_queue.renew_lease(job_id uuid, lease_token uuid, progress jsonb, lease_seconds integer) returns text
language plpgsql set search_path = '' as $$
begin
  return public.heartbeat_jobs(
    jsonb_build_array(jsonb_build_object('job_id', job_id, 'lease_token', lease_token, 'progress', progress)),
    lease_seconds
  ) ->> 0;
end $$;
comment on function job_queue.renew_lease is 'Renews one lease: held, cancelled or lost.';

-- Holds the job for the rest of the transaction, so that what a worker writes elsewhere is fenced by its
-- lease too. For functions of the application that handlers call. Raises JQ002, JQ003.
create function job_queue.check_lease(job_id uuid, lease_token uuid) returns void
language plpgsql set search_path = '' as $$
declare
  v_job public.jobs;
begin
  select * into v_job from public.jobs j where j.id = check_lease.job_id for no key update;
  if not found then
    raise exception 'there is no job %', job_id using errcode = 'JQ003';
  end if;
  if v_job.status <> 'processing' or v_job.lease_token is distinct from check_lease.lease_token then
    raise exception 'the lease on job % is lost: stop working on it', job_id using errcode = 'JQ002';
  end if;
end $$;
comment on function job_queue.check_lease is 'Raises unless the job is held under the token; keeps it so until the transaction ends.';

revoke all on all functions in schema job_queue from public;
revoke all on function public.mark_job_processing, public.heartbeat_jobs, public.save_job_step
from public, anon, authenticated;
grant execute on function public.mark_job_processing, public.heartbeat_jobs, public.save_job_step to service_role;
grant execute on function job_queue.start_job, job_queue.renew_lease, job_queue.check_lease to service_role;
