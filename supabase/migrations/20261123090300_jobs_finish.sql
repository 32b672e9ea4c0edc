-- The end of an attempt.

-- What a worker does in one trip: reports how its last jobs went and claims the next ones.
--   results   [{"job_id", "lease_token",
--               "outcome": "completed" | "failed" | "timed_out" | "released" | "handed_over" | "cancelled",
--               "output_data"?, "error_message"?, "retryable"?, "retry_after_seconds"?,
--               "error_stack"?: where a failed run threw, for operators. An "error_message" of a released job says what
--               it waits for,
--               "was_given_time"?: false when a job that is handed over had less than half an isolate's time,
--               "is_counted"?: false when a released job was not begun, or waits for what its type lacks,
--               "is_late"?: true when a released job was not begun because its claim took as long as it may run,
--               "was_in_time"?: true when the run ended before its deadline, or was not begun. Then it may be said as
--               long as the lease lasts}]
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
-- call again with a repetition of 1, then 2, and so on: what was finished stays finished, and jobs that were claimed
-- under that token are returned and not claimed twice, in whatever order the calls arrive. Their runs begin anew with
-- each repetition, because their worker knew nothing of them yet; a call that is delivered twice, or late, moves
-- nothing. Raises JQ004.
--
-- json and not jsonb: the answer is only read as text, and building jsonb took longer than claiming.
create function public.finish_and_claim_jobs(
  results jsonb default '[]',
  max_jobs integer default 0,
  job_types text[] default null,
  worker_id text default null,
  lease_seconds integer default 30,
  lease_token uuid default null,
  repetition integer default 0,
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
  if repetition >= 0 is not true then
    raise exception 'repetition: expected 0 or more' using errcode = 'JQ004';
  end if;
  if repetition > 0 and max_jobs > 0 and lease_token is null then
    raise exception 'lease_token: expected the token of the claim that is repeated' using errcode = 'JQ004';
  end if;
  if jsonb_typeof(unavailable) <> 'object' then
    raise exception 'unavailable: expected an object of reasons by type' using errcode = 'JQ004';
  end if;
  v_finished := job_queue.finish_each_job(results);
  if 'lost' = any (v_finished) then
    perform job_queue.time_out(results);
  end if;
  if max_jobs = 0 then
    return json_build_object('finished', v_finished, 'jobs', '[]'::json, 'look_again_ms', null);
  end if;
  perform job_queue.note_worker(worker_id, job_types, unavailable);
  select * into v_claim
  from job_queue.claim_jobs(
    finish_and_claim_jobs.max_jobs, finish_and_claim_jobs.job_types, finish_and_claim_jobs.worker_id,
    finish_and_claim_jobs.lease_seconds, coalesce(finish_and_claim_jobs.lease_token, gen_random_uuid()),
    finish_and_claim_jobs.repetition, finish_and_claim_jobs.is_idle, finish_and_claim_jobs.capacity,
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
    perform job_queue.open_claim(v_token, 1);
  end loop;
  v_finished := job_queue.finish_each_job(results);
  perform job_queue.finish_each_job((
    select coalesce(jsonb_agg(jsonb_build_object('job_id', j.id, 'lease_token', j.lease_token, 'outcome', 'released', 'is_counted', false
    )), '[]')
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

-- Records why an attempt failed; after its deadline, that it timed out. With retries left and unless retryable is false the job is queued again,
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
-- delay_seconds, but at least one: a job that waits for something else can rest that long. After 300 releases
-- in a row without a new step the next is a failed attempt. After its deadline the run has timed out instead.
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

-- Finishes one job, with the token of the call or, without one, with the token the job has. After the deadline a result
-- is refused, and with it everything that the call did; whatever else is said then asks for nothing to be stored, so
-- that the run can be ended as timed out.
-- Raises what finish_jobs can only say: JQ003, JQ002, and JQ001 or JQ005 when the job has ended
-- in a state other than those expected.
create function job_queue.finish_job(job_id uuid, lease_token uuid, result jsonb, expected text[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_job public.jobs := job_queue.lock_job(job_id);
  v_results jsonb := jsonb_build_array(
    result || jsonb_build_object('job_id', job_id, 'lease_token', coalesce(lease_token, v_job.lease_token))
  );
  v_status text;
begin
  if lease_token is null then
    perform job_queue.check_by_hand(v_job, '{processing}');
  end if;
  v_status := (job_queue.finish_jobs(v_results))[1];
  if v_status = 'lost' and result ->> 'outcome' <> 'completed' then
    perform job_queue.time_out(v_results);
    v_status := (job_queue.statuses_of_results(v_results))[1];
  end if;
  if v_status = 'lost' then
    perform job_queue.refuse_run(v_job, lease_token);
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

-- Raises JQ002, and with a run that is out of time says how it ends: nothing about it is written with a refusal.
create function job_queue.refuse_run(job public.jobs, lease_token uuid) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if job_queue.is_under(job, lease_token) then
    raise exception 'this run of job % is out of time: stop working on it', job.id
      using errcode = 'JQ002',
        hint = format('mark_job_failed ends it as timed out; else its lease does, at %s', job.lease_expires_at);
  end if;
  raise exception 'the lease on job % is lost: stop working on it', job.id using errcode = 'JQ002';
end $$;
comment on function job_queue.refuse_run is 'Says that a run is no longer its caller''s.';

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
    raise exception 'this run of job % is out of time: rescue_expired_jobs() ends it when its lease is over', job.id
      using errcode = 'JQ005', hint = format('the lease ends at %s', job.lease_expires_at);
  end if;
end $$;
comment on function job_queue.check_by_hand is 'Refuses a job in the wrong state.';

revoke all on all functions in schema job_queue from public;
revoke all on function
  public.finish_and_claim_jobs, public.abandon_jobs, public.mark_job_completed, public.mark_job_failed, public.release_job
from public, anon, authenticated;
grant execute on function
  public.finish_and_claim_jobs, public.abandon_jobs, public.mark_job_completed, public.mark_job_failed, public.release_job
to service_role;
grant execute on function job_queue.finish_job, job_queue.refuse_run, job_queue.lock_job, job_queue.check_by_hand to service_role;
