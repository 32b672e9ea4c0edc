-- What workers report about their jobs, and what becomes of those.

-- Ends the attempts of jobs, each fenced by its lease token, and returns the status of each after it,
-- in the order given: "lost" for a job that is no longer held under that token. A job that the same
-- claim has already finished is left alone and its status returned. Raises JQ004.
create function job_queue.finish_jobs(results jsonb) returns text[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_finished text[];
begin
  if results = '[]' then
    return array[]::text[];
  end if;
  if results is null or jsonb_typeof(results) <> 'array' then
    raise exception 'results: expected an array of objects' using errcode = 'JQ004';
  end if;
  v_finished := case
    when results @? '$[*] ? (@.outcome != "completed")' then job_queue.apply_results(results)
    else job_queue.complete_jobs(results)
  end;
  if cardinality(v_finished) < jsonb_array_length(results) then
    perform job_queue.check_results(results);
    return job_queue.statuses_of_results(results);
  end if;
  return v_finished;
end $$;
comment on function job_queue.finish_jobs is 'Ends the attempts of jobs and returns the status of each.';

-- Raises JQ004 for a result that makes no sense. Asked only when not every result was applied: those that
-- make no sense are not, and to read all results twice would cost every report.
create function job_queue.check_results(results jsonb) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_position bigint;
  v_problem text;
begin
  select r.position, job_queue.problem_of_result(r.job_id, r.lease_token, r.outcome, r.retry_after_seconds, r.output_data)
  into v_position, v_problem
  from rows from (jsonb_to_recordset(results) as (
    job_id uuid, lease_token uuid, outcome text, retry_after_seconds integer, output_data jsonb
  )) with ordinality as r (job_id, lease_token, outcome, retry_after_seconds, output_data, position)
  where job_queue.problem_of_result(r.job_id, r.lease_token, r.outcome, r.retry_after_seconds, r.output_data) is not null
  order by r.position
  limit 1;
  if found then
    raise exception 'results[%].%', v_position - 1, v_problem using errcode = 'JQ004';
  end if;
end $$;
comment on function job_queue.check_results is 'Refuses results that make no sense.';

-- What is wrong with a result, or null. A number of 16 bytes can be a text of 131,072, so what takes fewer than
-- 400 bytes is not measured: it is no more than 4 MiB.
create function job_queue.problem_of_result(
  job_id uuid, lease_token uuid, outcome text, retry_after_seconds integer, output_data jsonb
) returns text
language sql stable as $$
  select case
    when job_id is null then 'job_id: expected the id of a job'
    when lease_token is null then 'lease_token: expected the token of the claim'
    when outcome in ('completed', 'failed', 'timed_out', 'released', 'handed_over', 'cancelled') is not true
      then 'outcome: expected completed, failed, timed_out, released, handed_over or cancelled'
    when retry_after_seconds < 0 then 'retry_after_seconds: expected 0 or more'
    when pg_column_size(output_data) > 400 and job_queue.text_bytes(output_data, 4194304) > 4194304
      then 'output_data: expected at most 4194304 bytes of text, got '
        || job_queue.bytes_in_words(job_queue.text_bytes(output_data, 4194304))
  end
$$;
comment on function job_queue.problem_of_result is 'What is wrong with a result; null when nothing is.';

-- What apply_results does when every result is completed, as most reports are: nothing is left to judge, and an
-- exchange takes a twentieth less.
create function job_queue.complete_jobs(results jsonb) returns text[]
language plpgsql set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off as $$
declare
  v_now timestamptz := clock_timestamp();
  v_finished text[];
begin
  with result as materialized (
    select r.*
    from rows from (jsonb_to_recordset(results) as (
      job_id uuid, lease_token uuid, outcome text, output_data jsonb, retry_after_seconds integer, was_in_time boolean
    )) with ordinality as r (job_id, lease_token, outcome, output_data, retry_after_seconds, was_in_time, position)
    order by r.job_id
  ), finished as (
    update public.jobs j
    set status = 'completed', waiting_for = null, output_data = r.output_data, error = null, completed_at = v_now,
        lease_expires_at = null, updated_at = v_now, progress = job_queue.progress_at_end(j.progress, r.outcome),
        suspicion = 0, free_losses = 0, free_hand_overs = 0, free_releases = 0
    from result r
    where j.id = any (array[r.job_id])
      and job_queue.may_end(j, r.lease_token, v_now, r.outcome, r.was_in_time)
      and r.outcome = 'completed'
      and job_queue.problem_of_result(r.job_id, r.lease_token, r.outcome, r.retry_after_seconds, r.output_data) is null
    returning j.status, r.position
  )
  select array_agg(f.status order by f.position) into v_finished from finished f;
  return coalesce(v_finished, '{}');
end $$;
comment on function job_queue.complete_jobs is 'Writes results to the jobs held under their tokens, when all are completed.';

-- Writes the results to those jobs whose runs they may end, see job_queue.may_end, and returns their new states in the
-- order given; the others are missing from it.
--
-- Rows are locked by the update itself, in the order of id, because the join can only run from the
-- sorted results to the primary key: `= any (array[...])` cannot be hashed or merged, and the settings
-- rule out reading the table. With a plain `=`, a session that made its plan while the table was small
-- goes on to merge every report with the whole primary key. `offset 0` keeps expressions from being merged into
-- all that use them, where they would be evaluated again.
create function job_queue.apply_results(results jsonb) returns text[]
language plpgsql set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off as $$
declare
  v_now timestamptz := clock_timestamp();
  v_finished text[];
  v_failed uuid[];
  v_stacks text[];
begin
  with result as materialized (
    select r.*
    from rows from (jsonb_to_recordset(results) as (
      job_id uuid, lease_token uuid, outcome text, output_data jsonb, error_message text,
      retryable boolean, retry_after_seconds integer, was_given_time boolean, is_counted boolean, was_in_time boolean,
      error_stack text, is_late boolean
    )) with ordinality as r (
      job_id, lease_token, outcome, output_data, error_message, retryable, retry_after_seconds, was_given_time,
      is_counted, was_in_time, error_stack, is_late, position
    )
    order by r.job_id
  ), finished as (
    update public.jobs j
    set lease_expires_at = null, updated_at = v_now,
        progress = job_queue.progress_at_end(j.progress, r.outcome),
        (
          status, waiting_for, run_at, retry_count, output_data, error, completed_at,
          suspicion, free_losses, free_hand_overs, free_releases
        ) = (
      select n.status,
             case
               when n.is_retry then 'retry' when n.is_rest then 'time'
               when n.status = 'queued' and n.is_in_vain and j.suspicion > 0 then 'isolation' end,
             case
               when n.is_retry and r.retry_after_seconds is null then
                 v_now + job_queue.retry_delay(j.job_type, j.retry_count)
               when n.is_retry then v_now + make_interval(secs => r.retry_after_seconds)
               when n.is_rest then v_now + make_interval(secs => greatest(1, r.retry_after_seconds))
               else j.run_at end,
             j.retry_count + n.is_retry::integer,
             case when n.status = 'completed' then r.output_data end,
             case
               when n.outcome = 'completed' then null
               when n.outcome = 'failed' and n.status <> 'cancelled' then job_queue.error_of_result(j, r.outcome, r.error_message)
               when n.status = 'queued' and n.outcome = 'released' and r.outcome = 'released'
                 then coalesce(left(r.error_message, 8000), j.error)
               else j.error end,
             case when n.status <> 'queued' then v_now end,
             -- Whoever came so far as to ask for a rest is none.
             case
               when n.is_in_vain and (r.outcome = 'handed_over' or not n.is_rest or r.is_late) then j.suspicion
               else 0 end,
             case when n.is_in_vain then j.free_losses else 0 end,
             case when n.is_in_vain then j.free_hand_overs + (r.outcome = 'handed_over')::integer else 0 end,
             case
               when n.is_in_vain then j.free_releases + (r.outcome = 'released' and coalesce(r.is_counted, true))::integer
               else 0 end
      from (
        select s.status, s.outcome, s.status = 'queued' and s.outcome = 'failed' as is_retry,
               s.status = 'queued' and s.outcome = 'released' and r.retry_after_seconds is not null as is_rest,
               -- It goes on, and nothing was gained.
               s.status = 'queued' and s.outcome = 'released' and j.step_count = j.steps_at_claim as is_in_vain
        from (
          select o.outcome, job_queue.status_after_attempt(
                   o.outcome, j.cancel_requested_at, j.retry_count, j.max_retries, coalesce(r.retryable, true)
                 ) as status
          from (
            select job_queue.settled_outcome(j, r.outcome, r.was_given_time, r.is_counted) as outcome offset 0
          ) o
        ) s
        offset 0
      ) n
    )
    from result r
    where j.id = any (array[r.job_id])
      and job_queue.may_end(j, r.lease_token, v_now, r.outcome, r.was_in_time)
      and job_queue.problem_of_result(r.job_id, r.lease_token, r.outcome, r.retry_after_seconds, r.output_data) is null
    returning j.status, r.position,
              case when j.status = 'failed' or j.waiting_for = 'retry' then j.id end as failed_id,
              left(r.error_stack, 2000) as stack
  )
  select array_agg(f.status order by f.position), array_agg(f.failed_id) filter (where f.failed_id is not null),
         array_agg(f.stack) filter (where f.failed_id is not null)
  into v_finished, v_failed, v_stacks from finished f;
  if v_failed is not null then
    insert into public.job_failures (job_id, worker_id, started_at, failed_at, error, stack)
    select j.id, j.worker_id, j.started_at, v_now, j.error, f.stack
    from unnest(v_failed, v_stacks) as f (job_id, stack)
    join public.jobs j on j.id = any (array[f.job_id]);
  end if;
  if results @? '$[*] ? (@.is_late == true && @.outcome == "released")' then
    perform job_queue.note_late_claim(results);
  end if;
  return coalesce(v_finished, '{}');
end $$;
comment on function job_queue.apply_results is 'Writes results to the jobs held under their tokens.';

-- Tells operators that a job was not begun, because its claim took as long as it may run.
create function job_queue.note_late_claim(results jsonb) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform job_queue.note_failed_part('begin in time', coalesce((
    select r.value ->> 'error_message' from jsonb_array_elements(results) r
    where r.value @> '{"is_late": true, "outcome": "released"}' and r.value ->> 'error_message' is not null limit 1
  ), 'a claim took as long as a job may run'));
end $$;
comment on function job_queue.note_late_claim is 'Tells of a job that was not begun, because its claim took too long.';

-- The answer to a report of which not every result was applied. A claim's token stays on the job that
-- it ended, which tells a repeated report from one that comes too late.
create function job_queue.statuses_of_results(results jsonb) returns text[]
language sql stable set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
  select array_agg(
    case when j.lease_token = r.lease_token and j.status <> 'processing' then j.status else 'lost' end
    order by r.position
  )
  from rows from (jsonb_to_recordset(results) as (job_id uuid, lease_token uuid))
    with ordinality as r (job_id, lease_token, position)
  left join public.jobs j on j.id = any (array[r.job_id])
$$;
comment on function job_queue.statuses_of_results is 'The status each reported job has, or lost.';

-- Ends those of these runs that are over their deadline, each named by "job_id" and "lease_token". Whoever says anything
-- else about a run after its deadline lives and was too late: the run has timed out. Like every heartbeat it waits for no
-- lock; a run that someone keeps locked is left to its lease.
create function job_queue.time_out(runs jsonb) returns void
language plpgsql set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off as $$
declare
  v_now timestamptz := clock_timestamp();
  v_overdue jsonb;
begin
  select jsonb_agg(jsonb_build_object('job_id', o.id, 'lease_token', o.lease_token, 'outcome', 'timed_out'))
  into v_overdue
  from (
    select j.id, j.lease_token
    from jsonb_to_recordset(runs) as r (job_id uuid, lease_token uuid)
    join public.jobs j on j.id = any (array[r.job_id])
    where job_queue.is_under(j, r.lease_token) and j.deadline_at <= v_now
    for no key update of j skip locked
  ) o;
  if v_overdue is not null then
    perform job_queue.finish_each_job(v_overdue);
  end if;
end $$;
comment on function job_queue.time_out is 'Ends those of these runs that are over their deadline.';

-- A run that was handed over counts as released when it has saved a step since its claim. When it has not, it has
-- failed: the job would be handed over for ever. Unless it had too little time for a step, which is believed
-- twice in a row. Nor may a job rest or be released for ever: a report whose answers Grok defers looks for them for an
-- hour, after 5 seconds and then after a third of their age up to a minute, which is 70 rests; 300 leave room for pauses
-- that Grok asks for, and for crashes of others.
create function job_queue.settled_outcome(
  job public.jobs, outcome text, was_given_time boolean, is_counted boolean
) returns text
language sql immutable as $$
  select case
    when outcome = 'timed_out' then 'failed'
    when outcome not in ('handed_over', 'released') then outcome
    when job.step_count > job.steps_at_claim then 'released'
    when outcome = 'handed_over' and (coalesce(was_given_time, true) or job.free_hand_overs >= 2) then 'failed'
    when outcome = 'released' and coalesce(is_counted, true) and job.free_releases >= 300 then 'failed'
    else 'released'
  end
$$;
comment on function job_queue.settled_outcome is 'The outcome of a run, hand-overs and releases judged by its progress.';

-- What a job shows as its progress after a run: one that had nothing to count and is done is one of one, not
-- nothing of nothing.
create function job_queue.progress_at_end(progress jsonb, outcome text) returns jsonb
language sql immutable as $$
  select case
    when outcome = 'completed' and progress -> 'total' = '0' then progress || '{"done": 1, "total": 1}'
    else progress
  end
$$;
comment on function job_queue.progress_at_end is 'The progress that a job shows after a run.';

-- What the job shows as its error after a failed run.
create function job_queue.error_of_result(job public.jobs, outcome text, error_message text) returns text
language sql immutable as $$
  select case outcome
    when 'timed_out' then
      'timed out' || coalesce(' after ' || job_queue.run_seconds(job.started_at, job.deadline_at) || ' seconds', '')
    when 'handed_over' then 'handed over without a new step'
    when 'released' then
      'released 300 times in a row without a new step' || coalesce(': ' || left(error_message, 7000), '')
    else left(coalesce(error_message, 'the worker gave no reason'), 8000)
  end
$$;
comment on function job_queue.error_of_result is 'The error of a failed run.';

-- Which status an outcome leads to.
create function job_queue.status_after_attempt(
  outcome text, cancel_requested_at timestamptz, retry_count integer, max_retries integer, retryable boolean
) returns text
language sql immutable as $$
  select case
    when outcome in ('completed', 'cancelled') then outcome
    when outcome = 'released' and cancel_requested_at is null then 'queued'
    else job_queue.status_after_failure(cancel_requested_at, retry_count, max_retries, retryable)
  end
$$;
comment on function job_queue.status_after_attempt is 'The status that an outcome leads to.';

-- How long to wait before the retry after retry_count others: a random time up to a bound that grows from
-- retry to retry, as job_types says about the type. All of it is random, so that jobs that failed
-- together come back far apart.
create function job_queue.retry_delay(job_type text, retry_count integer) returns interval
language plpgsql volatile set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
declare
  v_type public.job_types;
begin
  select * into v_type from public.job_types t where t.job_type = retry_delay.job_type;
  return make_interval(secs => random() * least(
    coalesce(v_type.retry_cap_seconds, 900)::double precision,
    coalesce(v_type.retry_base_seconds, 10)::double precision
      * coalesce(v_type.retry_factor, 2)::double precision ^ least(retry_count, 100)
  ));
end $$;
comment on function job_queue.retry_delay is 'The backoff before the next retry, with full jitter.';

revoke all on all functions in schema job_queue from public;
grant execute on function
  job_queue.finish_jobs, job_queue.check_results, job_queue.problem_of_result, job_queue.complete_jobs,
  job_queue.apply_results, job_queue.statuses_of_results, job_queue.settled_outcome, job_queue.error_of_result,
  job_queue.status_after_attempt, job_queue.retry_delay, job_queue.progress_at_end, job_queue.time_out,
  job_queue.note_late_claim
to service_role;
