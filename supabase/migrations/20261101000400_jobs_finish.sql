-- Finishing: how a claim ends, one job at a time or a batch of them, and how a queued or running job is cancelled.

-- How long a job waits after its nth failure: 10 s doubled each time up to 15 min, and of that a random part
-- between half and all, so that jobs that failed together do not come back together.
create function job_queue.retry_delay(retry_count int)
returns interval
language sql
volatile
set search_path = ''
as $$
  select make_interval(secs => least(10 * 2 ^ least(retry_count, 20), 900) * (0.5 + random() / 2));
$$;

-- Locks the job and returns it, if the token is that of its latest claim or none is given. Every function that writes about one job
-- begins with it. Refuses with JQ003 and JQ002.
create function job_queue.locked_job(job_id uuid, lease_token uuid)
returns public.jobs
language plpgsql
set search_path = ''
as $$
declare
  v_job public.jobs;
begin
  select * into v_job from public.jobs j where j.id = locked_job.job_id for no key update;
  if not found then
    perform job_queue.refuse('JQ003', format('there is no job %s', coalesce(locked_job.job_id::text, 'null')));
  end if;
  if locked_job.lease_token is not null and locked_job.lease_token is distinct from v_job.lease_token then
    perform job_queue.refuse('JQ002', format('the lease on job %s was lost', locked_job.job_id),
      'Stop working on it; another claim or the end of the job has taken its place.');
  end if;
  return v_job;
end;
$$;

-- Ends the claim of a job in processing without a result and returns the job's new status. Outcomes: 'failed', 'released' (handed
-- back unharmed), 'cancelled'. A job whose cancellation was asked for is not tried again.
create function job_queue.end_attempt(
  job_id uuid, outcome text, error_message text, retryable boolean, retry_after_seconds int
)
returns text
language plpgsql
set search_path = ''
as $$
declare
  v_status text;
begin
  update public.jobs j
  set
    status = next.status,
    retry_count = case when end_attempt.outcome = 'failed' and next.status = 'queued' then j.retry_count + 1 else j.retry_count end,
    waiting_for = case when end_attempt.outcome = 'failed' and next.status = 'queued' then 'retry' end,
    run_at = case
      when end_attempt.outcome = 'failed' and next.status = 'queued' then clock_timestamp()
        + coalesce(make_interval(secs => end_attempt.retry_after_seconds), job_queue.retry_delay(j.retry_count))
      else j.run_at
    end,
    error = coalesce(left(end_attempt.error_message, 10000), j.error),
    completed_at = case when next.status <> 'queued' then clock_timestamp() end,
    lease_expires_at = null,
    updated_at = clock_timestamp()
  from (
    select case
      when end_attempt.outcome = 'cancelled' or c.cancel_requested_at is not null then 'cancelled'
      when end_attempt.outcome = 'released' then 'queued'
      when coalesce(end_attempt.retryable, true) and c.retry_count < c.max_retries then 'queued'
      else 'failed'
    end as status
    from public.jobs c
    where c.id = end_attempt.job_id
  ) next
  where j.id = end_attempt.job_id and j.status = 'processing'
  returning j.status into v_status;
  return v_status;
end;
$$;

-- The worker confirms that it started a job, and its lease is renewed. Without a token it also starts a queued job by hand.
-- Refuses with JQ001, JQ002, JQ003, JQ005.
create function public.mark_job_processing(job_id uuid, lease_token uuid default null, lease_seconds int default 30)
returns boolean
language plpgsql
set search_path = ''
set statement_timeout = '5s'
as $$
declare
  v_job public.jobs := job_queue.locked_job(mark_job_processing.job_id, mark_job_processing.lease_token);
begin
  perform job_queue.check_claim(1, mark_job_processing.lease_seconds);
  if v_job.cancel_requested_at is not null then
    perform job_queue.refuse('JQ001', format('job %s was cancelled', v_job.id), 'Stop working on it.');
  elsif v_job.status = 'queued' and mark_job_processing.lease_token is null then
    v_job.started_at := clock_timestamp();
    v_job.lease_token := gen_random_uuid();
  elsif v_job.status <> 'processing' then
    perform job_queue.refuse('JQ005', format('job %s is %s, not processing', v_job.id, v_job.status));
  end if;
  update public.jobs j
  set
    status = 'processing',
    waiting_for = null,
    started_at = v_job.started_at,
    lease_token = v_job.lease_token,
    lease_expires_at = least(
      clock_timestamp() + make_interval(secs => mark_job_processing.lease_seconds),
      v_job.started_at + make_interval(secs => v_job.timeout_seconds)
    ),
    updated_at = clock_timestamp()
  where j.id = v_job.id;
  return true;
end;
$$;

comment on function public.mark_job_processing is 'Confirms that a job was started and renews its lease.';

-- Stores a job's result: final. Saying it twice is harmless. Refuses with JQ002, JQ003, JQ005.
create function public.mark_job_completed(job_id uuid, output_data jsonb default null, lease_token uuid default null)
returns boolean
language plpgsql
set search_path = ''
set statement_timeout = '5s'
as $$
declare
  v_job public.jobs := job_queue.locked_job(mark_job_completed.job_id, mark_job_completed.lease_token);
begin
  if v_job.status = 'completed' and mark_job_completed.lease_token is not null then
    return true;
  elsif v_job.status <> 'processing' then
    perform job_queue.refuse('JQ005', format('job %s is %s, not processing', v_job.id, v_job.status));
  end if;
  update public.jobs j
  set
    status = 'completed',
    output_data = mark_job_completed.output_data,
    error = null,
    completed_at = clock_timestamp(),
    lease_expires_at = null,
    updated_at = clock_timestamp()
  where j.id = v_job.id;
  return true;
end;
$$;

comment on function public.mark_job_completed is 'Stores the result of a job in processing; final.';

-- Records why an attempt failed. With retries left, and unless retryable is false, the job waits for its backoff, or for
-- retry_after_seconds, and is tried again; otherwise it is failed. Saying it twice is harmless. Refuses with JQ002 to JQ005.
create function public.mark_job_failed(
  job_id uuid,
  error_message text,
  lease_token uuid default null,
  retryable boolean default true,
  retry_after_seconds int default null
)
returns boolean
language plpgsql
set search_path = ''
set statement_timeout = '5s'
as $$
declare
  v_job public.jobs := job_queue.locked_job(mark_job_failed.job_id, mark_job_failed.lease_token);
begin
  if mark_job_failed.retry_after_seconds not between 0 and 31536000 then
    perform job_queue.refuse('JQ004', 'retry_after_seconds: expected a whole number from 0 to 31536000');
  elsif v_job.status in ('queued', 'failed', 'cancelled') and mark_job_failed.lease_token is not null then
    return true;
  elsif v_job.status <> 'processing' then
    perform job_queue.refuse('JQ005', format('job %s is %s, not processing', v_job.id, v_job.status));
  end if;
  perform job_queue.end_attempt(
    v_job.id, 'failed', mark_job_failed.error_message, mark_job_failed.retryable, mark_job_failed.retry_after_seconds
  );
  return true;
end;
$$;

comment on function public.mark_job_failed is 'Records a failed attempt: the job is tried again later, or failed.';

-- Hands a job in processing back as it was: ready at once, no attempt lost, its steps kept. Refuses with JQ002, JQ003, JQ005.
create function public.release_job(job_id uuid, lease_token uuid default null)
returns boolean
language plpgsql
set search_path = ''
set statement_timeout = '5s'
as $$
declare
  v_job public.jobs := job_queue.locked_job(release_job.job_id, release_job.lease_token);
begin
  if v_job.status in ('queued', 'cancelled') and release_job.lease_token is not null then
    return true;
  elsif v_job.status <> 'processing' then
    perform job_queue.refuse('JQ005', format('job %s is %s, not processing', v_job.id, v_job.status));
  end if;
  perform job_queue.end_attempt(v_job.id, 'released', null, null, null);
  return true;
end;
$$;

comment on function public.release_job is 'Hands a job back unharmed: ready at once, no attempt lost.';

-- Cancels a job and returns its status: 'cancelled', or 'processing' when its worker is told with its next sign of life. A
-- signed-in user cancels their own jobs; others do not exist for them. Refuses with JQ003, and JQ005 for a final job.
create function public.cancel_job(job_id uuid)
returns text
language plpgsql
security definer
set search_path = ''
set statement_timeout = '5s'
as $$
declare
  v_user uuid := job_queue.calling_user();
  v_status text;
begin
  if v_user is not null and not exists (
    select from public.jobs j where j.id = cancel_job.job_id and j.owner_id = v_user
  ) then
    perform job_queue.refuse('JQ003', format('there is no job %s', coalesce(cancel_job.job_id::text, 'null')));
  end if;
  v_status := (job_queue.locked_job(cancel_job.job_id, null)).status;
  if v_status = 'queued' then
    update public.jobs j
    set status = 'cancelled', waiting_for = null, completed_at = clock_timestamp(), updated_at = clock_timestamp()
    where j.id = cancel_job.job_id;
    return 'cancelled';
  elsif v_status = 'processing' then
    update public.jobs j
    set cancel_requested_at = coalesce(j.cancel_requested_at, clock_timestamp()), updated_at = clock_timestamp()
    where j.id = cancel_job.job_id;
    return 'processing';
  end if;
  perform job_queue.refuse('JQ005', format('job %s is already %s', cancel_job.job_id, v_status));
end;
$$;

comment on function public.cancel_job is 'Cancels a queued job at once; tells the worker of a running one to stop.';
