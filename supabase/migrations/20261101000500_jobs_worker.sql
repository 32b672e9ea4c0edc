-- What a worker calls while it runs: one call for many jobs wherever that saves trips.

-- How one claim ended: an element of finish_and_claim_jobs' results.
create type job_queue.result as (
  job_id uuid,
  lease_token uuid,
  outcome text,
  output_data jsonb,
  error_message text,
  retryable boolean,
  retry_after_seconds int
);

-- Ends the claims of a batch and returns the statuses reached, parallel to `results`; 'lost' where the lease was. Rows are locked in the
-- order of their ids, so two workers that finish the same jobs do not wait for each other. Refuses with JQ004.
--
-- The planner settings: the number of results is unknown to it, and with its guess it would hash the whole table.
create function job_queue.finish(results jsonb)
returns jsonb
language plpgsql
set search_path = ''
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
  v_count int;
  v_results job_queue.result[];
  v_bad int;
  v_ended int;
begin
  if jsonb_typeof(finish.results) is distinct from 'array' then
    perform job_queue.refuse('JQ004', 'results: expected an array of objects');
  end if;
  v_results := array(
    select r
    from jsonb_populate_recordset(null::job_queue.result, finish.results) r
  );
  v_count := cardinality(v_results);
  if v_count = 0 then
    return '[]';
  end if;
  select r.ordinality - 1 into v_bad
  from unnest(v_results) with ordinality r
  where (r.outcome in ('completed', 'failed', 'released', 'cancelled') and r.job_id is not null and r.lease_token is not null)
    is not true
  limit 1;
  if found then
    perform job_queue.refuse('JQ004', format(
      'results[%s]: expected job_id, lease_token and an outcome: completed, failed, released or cancelled', v_bad));
  end if;

  update public.jobs j
  set
    status = 'completed',
    output_data = r.output_data,
    error = null,
    completed_at = clock_timestamp(),
    lease_expires_at = null,
    updated_at = clock_timestamp()
  from (select * from unnest(v_results) u where u.outcome = 'completed' order by u.job_id) r
  where j.id = r.job_id and j.lease_token = r.lease_token and j.status = 'processing';
  get diagnostics v_ended = row_count;
  if v_ended = v_count then
    return to_jsonb(array_fill('completed'::text, array[v_count]));
  end if;

  perform job_queue.end_attempt(j.id, r.outcome, r.error_message, r.retryable, r.retry_after_seconds)
  from (select * from unnest(v_results) u where u.outcome <> 'completed' order by u.job_id) r
  join public.jobs j on j.id = r.job_id and j.lease_token = r.lease_token and j.status = 'processing';

  return (
    select jsonb_agg(coalesce(j.status, 'lost') order by r.ordinality)
    from unnest(v_results) with ordinality r
    left join public.jobs j on j.id = r.job_id and j.lease_token = r.lease_token
  );
end;
$$;

-- Finishes jobs and claims the next ones in one trip: the worker's main call.
--
-- The worker chooses lease_token, a fresh one for each claim. When an answer is lost it sends the same call again with is_repeat: what was
-- finished stays so, and the jobs the first call claimed are handed out again under the same lease. Returns
-- {"finished": a status per result, 'lost' where the lease was, "jobs": what was claimed, in order}. Refuses with JQ004.
create function public.finish_and_claim_jobs(
  results jsonb default '[]',
  max_jobs int default 0,
  job_types text[] default null,
  worker_id text default null,
  lease_seconds int default 30,
  lease_token uuid default null,
  is_repeat boolean default false
)
returns jsonb
language plpgsql
set search_path = ''
set statement_timeout = '5s'
as $$
declare
  v_token uuid := coalesce(finish_and_claim_jobs.lease_token, gen_random_uuid());
  v_finished jsonb;
  v_jobs jsonb := '[]';
begin
  perform job_queue.check_claim(finish_and_claim_jobs.max_jobs, finish_and_claim_jobs.lease_seconds);
  v_finished := job_queue.finish(finish_and_claim_jobs.results);
  if finish_and_claim_jobs.max_jobs > 0 then
    select coalesce(
      jsonb_agg(
        jsonb_build_object(
          'id', c.id, 'job_type', c.job_type, 'input_data', c.input_data, 'retry_count', c.retry_count,
          'max_retries', c.max_retries, 'lease_token', c.lease_token, 'timeout_seconds', c.timeout_seconds,
          'progress', c.progress,
          'steps', case
            when c.step_count = 0 then '{}'
            else (select jsonb_object_agg(s.name, s.result) from public.job_steps s where s.job_id = c.id)
          end
        )
        order by c.priority desc, c.run_at, c.created_at
      ),
      '[]'
    ) into v_jobs
    from job_queue.claim(
      finish_and_claim_jobs.max_jobs, finish_and_claim_jobs.job_types, finish_and_claim_jobs.worker_id,
      finish_and_claim_jobs.lease_seconds, v_token, finish_and_claim_jobs.is_repeat
    ) c;
  end if;
  return jsonb_build_object('finished', v_finished, 'jobs', v_jobs);
end;
$$;

comment on function public.finish_and_claim_jobs is 'Finishes jobs and claims the next ones in one trip.';

-- One sign of life for all jobs of a worker: [{"job_id", "lease_token", "progress"?}]. Renews their leases, shows their progress, and
-- returns how the worker stands with each, parallel to `jobs`: 'held', 'cancelled' (stop, and finish it so) or 'lost' (stop; nothing
-- written about it counts any more). Refuses with JQ004.
create function public.heartbeat_jobs(jobs jsonb, lease_seconds int default 30)
returns jsonb
language plpgsql
set search_path = ''
set statement_timeout = '5s'
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
  v_standings jsonb;
begin
  perform job_queue.check_claim(0, heartbeat_jobs.lease_seconds);
  if jsonb_typeof(heartbeat_jobs.jobs) is distinct from 'array' then
    perform job_queue.refuse('JQ004', 'jobs: expected an array of objects');
  end if;
  with beats as materialized (
    select b.*
    from rows from (
      jsonb_to_recordset(heartbeat_jobs.jobs) as (job_id uuid, lease_token uuid, progress jsonb)
    ) with ordinality as b (job_id, lease_token, progress, "position")
    order by b.job_id
  ),
  renewed as (
    update public.jobs j
    set
      lease_expires_at = least(
        clock_timestamp() + make_interval(secs => heartbeat_jobs.lease_seconds),
        j.started_at + make_interval(secs => j.timeout_seconds)
      ),
      progress = coalesce(b.progress, j.progress),
      updated_at = clock_timestamp()
    from beats b
    where j.id = b.job_id and j.lease_token = b.lease_token and j.status = 'processing'
    returning j.id, case
      when j.lease_expires_at <= clock_timestamp() then 'lost'
      when j.cancel_requested_at is not null then 'cancelled'
      else 'held'
    end as standing
  )
  select coalesce(jsonb_agg(coalesce(r.standing, 'lost') order by b."position"), '[]') into v_standings
  from beats b
  left join renewed r on r.id = b.job_id;
  return v_standings;
end;
$$;

comment on function public.heartbeat_jobs is 'Renews the leases of a worker''s jobs and returns how it stands with each.';

-- Keeps the result of a finished step, shows progress and renews the lease. The first result kept under a name stays. Returns how the
-- worker stands with the job; the step is kept even if that is 'cancelled'. Refuses with JQ002, JQ003, JQ004, JQ005.
create function public.save_job_step(
  job_id uuid,
  lease_token uuid,
  name text,
  result jsonb,
  progress jsonb default null,
  lease_seconds int default 30
)
returns text
language plpgsql
set search_path = ''
set statement_timeout = '5s'
as $$
declare
  most_bytes constant int := 4 * 1024 * 1024;
  v_job public.jobs := job_queue.locked_job(save_job_step.job_id, save_job_step.lease_token);
  v_is_new int;
begin
  perform job_queue.check_claim(0, save_job_step.lease_seconds);
  if v_job.status <> 'processing' then
    perform job_queue.refuse('JQ005', format('job %s is %s, not processing', v_job.id, v_job.status));
  elsif save_job_step.name is null or char_length(save_job_step.name) not between 1 and 200 then
    perform job_queue.refuse('JQ004', 'name: expected 1 to 200 characters');
  elsif save_job_step.result is null then
    perform job_queue.refuse('JQ004', 'result: expected a JSON value');
  elsif pg_column_size(save_job_step.result) > most_bytes then
    perform job_queue.refuse('JQ004', format('result: expected at most %s bytes', most_bytes));
  end if;
  insert into public.job_steps (job_id, name, result)
  values (v_job.id, save_job_step.name, save_job_step.result)
  on conflict do nothing;
  get diagnostics v_is_new = row_count;
  update public.jobs j
  set
    step_count = j.step_count + v_is_new,
    progress = coalesce(save_job_step.progress, j.progress),
    lease_expires_at = least(
      clock_timestamp() + make_interval(secs => save_job_step.lease_seconds),
      j.started_at + make_interval(secs => j.timeout_seconds)
    ),
    updated_at = clock_timestamp()
  where j.id = v_job.id
  returning * into v_job;
  return case
    when v_job.lease_expires_at <= clock_timestamp() then 'lost'
    when v_job.cancel_requested_at is not null then 'cancelled'
    else 'held'
  end;
end;
$$;

comment on function public.save_job_step is 'Keeps the result of a finished step and renews the lease.';
