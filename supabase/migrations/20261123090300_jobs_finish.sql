-- The end of an attempt.

-- What a worker does in one trip: reports how its last jobs went and claims the next ones.
--   results   [{"job_id", "lease_token",
--               "outcome": "completed" | "failed" | "released" | "handed_over" | "cancelled",
--               "output_data"?, "error_message"?, "retryable"?, "retry_after_seconds"?,
--               "error_stack"?: where a failed run threw, for operators. An "error_message" of a released job says what
--               it waits for,
--               "was_given_time"?: false when a job that is handed over had less than half an isolate's time}]
--   is_idle   whether the worker holds nothing besides these results and expects no other claim's answer. Only
--             then it is given suspects, or a job that weighs more than its capacity
--   capacity  how much weight it has room for; null: weights do not count
--   unavailable  {type: reason} of types that the worker knows but does not run now
--   max_bytes how much text the claimed jobs may be together; one job may be more
--   answer    {"finished": [the job's status after it, or "lost" when it was no longer this worker's],
--              "jobs": [the claimed jobs, in the order to run them],
--              "are_suspects": whether all of these are suspects: claim nothing more until they have ended,
--              "suspects_wait": whether to run empty, because a suspect waits for that,
--              "is_cut": whether more are ready, which did not fit capacity or max_bytes,
--              "weights": {type: weight} of types that do not weigh 1, or null,
--              "look_again_ms": after how long to ask once more before ending, or null}
-- The worker chooses lease_token, one per claim. When the answer to a call was lost it sends the same
-- call again with is_repeat: what was finished stays finished, and jobs that were claimed under that
-- token are returned and not claimed twice, in whatever order the two arrive. Raises JQ004.
--
-- json and not jsonb: the answer is only read as text, and building jsonb took longer than claiming.
create function public.finish_and_claim_jobs(
  results jsonb default '[]',
  max_jobs integer default 0,
  job_types text[] default null,
  worker_id text default null,
  lease_seconds integer default 30,
  lease_token uuid default null,
  is_repeat boolean default false,
  is_idle boolean default false,
  capacity integer default null,
  max_bytes integer default 4194304,
  unavailable jsonb default null
) returns json
language plpgsql set search_path = pg_catalog, pg_temp set statement_timeout = '5s' as $$
declare
  v_finished text[];
  v_claim record;
  v_jobs json;
  v_look_again_ms integer;
begin
  if max_jobs between 0 and 1000 is not true then
    raise exception 'max_jobs: expected 0 to 1000' using errcode = 'JQ004';
  end if;
  if is_repeat and max_jobs > 0 and lease_token is null then
    raise exception 'lease_token: expected the token of the claim that is repeated' using errcode = 'JQ004';
  end if;
  if jsonb_typeof(unavailable) <> 'object' then
    raise exception 'unavailable: expected an object of reasons by type' using errcode = 'JQ004';
  end if;
  v_finished := job_queue.finish_jobs(results);
  if max_jobs = 0 then
    return json_build_object('finished', v_finished, 'jobs', '[]'::json, 'look_again_ms', null);
  end if;
  perform job_queue.note_worker(worker_id, job_types, unavailable);
  select * into v_claim
  from job_queue.claim_jobs(
    finish_and_claim_jobs.max_jobs, finish_and_claim_jobs.job_types, finish_and_claim_jobs.worker_id,
    finish_and_claim_jobs.lease_seconds, coalesce(finish_and_claim_jobs.lease_token, gen_random_uuid()),
    finish_and_claim_jobs.is_repeat, finish_and_claim_jobs.is_idle, finish_and_claim_jobs.capacity,
    finish_and_claim_jobs.max_bytes
  );
  select json_agg(c) into v_jobs
  from (
    select j.id, j.job_type, j.input_data, j.retry_count, j.max_retries, j.lease_token, j.progress,
           job_queue.run_seconds(j.started_at, j.deadline_at) as timeout_seconds,
           case when j.step_count = 0 then '{}' else job_queue.saved_steps(j.id) end as steps
    from unnest(v_claim.jobs) j
  ) c;
  if cardinality(v_claim.jobs) < max_jobs then
    v_look_again_ms := job_queue.worker_looks_again_ms();
  end if;
  return json_build_object(
    'finished', v_finished, 'jobs', coalesce(v_jobs, '[]'), 'are_suspects', v_claim.are_suspects,
    'suspects_wait', coalesce(v_claim.suspects_wait, false), 'is_cut', v_claim.is_cut, 'weights', v_claim.weights,
    'look_again_ms', v_look_again_ms
  );
end $$;
comment on function public.finish_and_claim_jobs is 'Reports how jobs went and claims the next ones, in one trip.';

-- The last words of a worker that has crashed: how its jobs went, and the tokens of claims whose answers it
-- will never read. What was claimed under those is released, and what is yet to be claimed is not. Saying
-- it twice is harmless. Raises JQ004.
create function public.abandon_jobs(results jsonb default '[]', lease_tokens uuid[] default '{}') returns text[]
language plpgsql set search_path = pg_catalog, pg_temp set statement_timeout = '5s' set enable_seqscan = off as $$
declare
  v_token uuid;
  v_finished text[];
begin
  foreach v_token in array lease_tokens loop
    perform job_queue.open_claim(v_token, true);
  end loop;
  v_finished := job_queue.finish_jobs(results);
  perform job_queue.finish_jobs((
    select coalesce(jsonb_agg(jsonb_build_object('job_id', j.id, 'lease_token', j.lease_token, 'outcome', 'released')), '[]')
    from public.jobs j
    where j.status = 'processing' and j.lease_token = any (abandon_jobs.lease_tokens)
  ));
  return v_finished;
end $$;
comment on function public.abandon_jobs is 'Reports how the jobs of a crashed worker went and releases what it had just claimed.';

-- Stores the result of a job and makes it final. True also when this claim has already done so.
-- Called by workers; without a token (SQL editor) it works on any job that is processing.
-- Raises JQ001, JQ002, JQ003, JQ005.
create function public.mark_job_completed(
  job_id uuid, output_data jsonb default null, lease_token uuid default null
) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform job_queue.finish_job(
    job_id, lease_token, jsonb_build_object('outcome', 'completed', 'output_data', output_data), '{completed}'
  );
  return true;
end $$;
comment on function public.mark_job_completed is 'Stores the result of a job and makes it final.';

-- Records why an attempt failed. With retries left and unless retryable is false the job is queued again,
-- after retry_after_seconds or else the queue's own backoff; otherwise it is failed for good. A job that
-- was asked to be cancelled is cancelled. True also when this claim has already reported a failure.
-- Called by workers; without a token (SQL editor) it works on any job that is processing.
-- Raises JQ002, JQ003, JQ004, JQ005.
create function public.mark_job_failed(
  job_id uuid,
  error_message text,
  lease_token uuid default null,
  retryable boolean default true,
  retry_after_seconds integer default null
) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if retry_after_seconds < 0 then
    raise exception 'retry_after_seconds: expected 0 or more' using errcode = 'JQ004';
  end if;
  perform job_queue.finish_job(
    job_id, lease_token,
    jsonb_build_object(
      'outcome', 'failed', 'error_message', error_message, 'retryable', retryable,
      'retry_after_seconds', retry_after_seconds
    ),
    '{queued,failed,cancelled}'
  );
  return true;
end $$;
comment on function public.mark_job_failed is 'Records why an attempt failed and queues the job again if retries are left.';

-- Hands a job back unharmed: the attempt does not count. It is ready at once, in its old place, or after
-- delay_seconds, but at least one: a job that waits for something else can rest that long. After 300 rests in a
-- row without a new step the next is a failed attempt.
-- Called by workers that have to stop; without a token (SQL editor) it works on any job that is processing.
-- Raises JQ002, JQ003, JQ004, JQ005.
create function public.release_job(
  job_id uuid, lease_token uuid default null, delay_seconds integer default null
) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if delay_seconds < 0 then
    raise exception 'delay_seconds: expected 0 or more' using errcode = 'JQ004';
  end if;
  perform job_queue.finish_job(
    job_id, lease_token, jsonb_build_object('outcome', 'released', 'retry_after_seconds', delay_seconds),
    '{queued,failed,cancelled}'
  );
  return true;
end $$;
comment on function public.release_job is 'Hands a job back to the queue without counting the attempt.';

-- Finishes one job, with the token of the call or, without one, with the token the job has.
-- Raises what finish_jobs can only say: JQ003, JQ002, and JQ001 or JQ005 when the job has ended
-- in a state other than those expected.
create function job_queue.finish_job(job_id uuid, lease_token uuid, result jsonb, expected text[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_job public.jobs := job_queue.lock_job(job_id);
  v_status text;
begin
  if lease_token is null then
    perform job_queue.check_by_hand(v_job, '{processing}');
  end if;
  v_status := (job_queue.finish_jobs(jsonb_build_array(
    result || jsonb_build_object('job_id', job_id, 'lease_token', coalesce(lease_token, v_job.lease_token))
  )))[1];
  if v_status = 'lost' then
    raise exception 'the lease on job % is lost: stop working on it', job_id using errcode = 'JQ002';
  end if;
  if v_status <> all (expected) then
    raise exception 'this run of job % has already ended: the job is %', job_id, v_status
      using errcode = case v_status when 'cancelled' then 'JQ001' else 'JQ005' end;
  end if;
  if v_status = 'queued' then
    perform job_queue.wake_worker();
  end if;
end $$;
comment on function job_queue.finish_job is 'Finishes one job or says why not.';

-- Holds a job for the rest of the transaction. Raises JQ003.
create function job_queue.lock_job(job_id uuid) returns public.jobs
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
declare
  v_job public.jobs;
begin
  select * into v_job from public.jobs j where j.id = lock_job.job_id for no key update;
  if not found then
    raise exception 'there is no job %', job_id using errcode = 'JQ003';
  end if;
  return v_job;
end $$;
comment on function job_queue.lock_job is 'Locks a job and returns it.';

-- For calls without a token, as from the SQL editor. Raises JQ005.
create function job_queue.check_by_hand(job public.jobs, expected text[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if job.status <> all (expected) then
    raise exception 'job % is %: expected %', job.id, job.status, array_to_string(expected, ' or ')
      using errcode = 'JQ005';
  end if;
  if job.status = 'processing' and job.deadline_at <= clock_timestamp() then
    raise exception 'this run of job % is out of time: rescue_expired_jobs() ends it', job.id using errcode = 'JQ005';
  end if;
end $$;
comment on function job_queue.check_by_hand is 'Refuses a job in the wrong state.';

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
  v_finished := job_queue.apply_results(results);
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
    when outcome in ('completed', 'failed', 'released', 'handed_over', 'cancelled') is not true
      then 'outcome: expected completed, failed, released, handed_over or cancelled'
    when retry_after_seconds < 0 then 'retry_after_seconds: expected 0 or more'
    when pg_column_size(output_data) > 400 and job_queue.text_bytes(output_data, 4194304) > 4194304
      then 'output_data: expected at most 4194304 bytes of text, got '
        || job_queue.bytes_in_words(job_queue.text_bytes(output_data, 4194304))
  end
$$;
comment on function job_queue.problem_of_result is 'What is wrong with a result; null when nothing is.';

-- Writes the results to those jobs that are held under their tokens and whose time is not up, and
-- returns their new states in the order given; the others are missing from it.
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
      retryable boolean, retry_after_seconds integer, was_given_time boolean, error_stack text
    )) with ordinality as r (
      job_id, lease_token, outcome, output_data, error_message, retryable, retry_after_seconds, was_given_time,
      error_stack, position
    )
    order by r.job_id
  ), finished as (
    update public.jobs j
    set lease_expires_at = null, updated_at = v_now,
        progress = job_queue.progress_at_end(j.progress, r.outcome),
        (
          status, waiting_for, run_at, retry_count, output_data, error, completed_at,
          suspicion, free_losses, free_hand_overs, free_rests
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
               when n.outcome = 'failed' and n.status <> 'cancelled' then job_queue.error_of_result(r.outcome, r.error_message)
               when n.status = 'queued' and n.outcome = 'released' and r.outcome = 'released'
                 then coalesce(left(r.error_message, 8000), j.error)
               else j.error end,
             case when n.status <> 'queued' then v_now end,
             case when n.is_in_vain and (r.outcome = 'handed_over' or not n.is_rest) then j.suspicion else 0 end,
             case when n.is_in_vain then j.free_losses else 0 end,
             case when n.is_in_vain then j.free_hand_overs + (r.outcome = 'handed_over')::integer else 0 end,
             case when n.is_in_vain then j.free_rests + (r.outcome = 'released' and n.is_rest)::integer else 0 end
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
            select job_queue.settled_outcome(j, r.outcome, r.retry_after_seconds, r.was_given_time) as outcome offset 0
          ) o
        ) s
        offset 0
      ) n
    )
    from result r
    where j.id = any (array[r.job_id])
      and job_queue.is_held(j, r.lease_token, v_now)
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
  return coalesce(v_finished, '{}');
end $$;
comment on function job_queue.apply_results is 'Writes results to the jobs held under their tokens.';

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

-- A run that was handed over counts as released when it has saved a step since its claim. When it has not, it has
-- failed: the job would be handed over for ever. Unless it had too little time for a step, which is believed
-- twice in a row. Nor may a job rest for ever: a report whose answers Grok defers looks for them for an hour, after
-- 5 seconds and then after a third of their age up to a minute, which is 70 rests; 300 leave room for
-- pauses that Grok asks for.
create function job_queue.settled_outcome(
  job public.jobs, outcome text, retry_after_seconds integer, was_given_time boolean
) returns text
language sql immutable as $$
  select case
    when outcome not in ('handed_over', 'released') then outcome
    when job.step_count > job.steps_at_claim then 'released'
    when outcome = 'handed_over' and (coalesce(was_given_time, true) or job.free_hand_overs >= 2) then 'failed'
    when outcome = 'released' and retry_after_seconds is not null and job.free_rests >= 300 then 'failed'
    else 'released'
  end
$$;
comment on function job_queue.settled_outcome is 'The outcome of a run, hand-overs and rests judged by its progress.';

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
create function job_queue.error_of_result(outcome text, error_message text) returns text
language sql immutable as $$
  select case outcome
    when 'handed_over' then 'handed over without a new step'
    when 'released' then 'rested 300 times in a row without a new step'
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
revoke all on function
  public.finish_and_claim_jobs, public.abandon_jobs, public.mark_job_completed, public.mark_job_failed, public.release_job
from public, anon, authenticated;
grant execute on function
  public.finish_and_claim_jobs, public.abandon_jobs, public.mark_job_completed, public.mark_job_failed, public.release_job
to service_role;
grant execute on function
  job_queue.finish_job, job_queue.lock_job, job_queue.check_by_hand, job_queue.finish_jobs, job_queue.check_results,
  job_queue.problem_of_result, job_queue.apply_results, job_queue.statuses_of_results, job_queue.settled_outcome,
  job_queue.progress_at_end, job_queue.error_of_result, job_queue.status_after_attempt, job_queue.retry_delay
to service_role;
