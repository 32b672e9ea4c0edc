-- While a job runs: keeping the lease, telling how far it is, saving what was paid for.

-- Confirms that the job has started and renews its lease. Idempotent. Without a token (SQL editor) it
-- works on a job that is processing, and starts one that is queued.
-- Raises JQ001, JQ002, JQ003, JQ004, JQ005.
create function public.mark_job_processing(
  job_id uuid, lease_token uuid default null, lease_seconds integer default 30
) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_job public.jobs;
begin
  perform job_queue.check_lease_seconds(lease_seconds);
  v_job := job_queue.lock_job(job_id);
  if lease_token is null then
    perform job_queue.check_by_hand(v_job, '{queued,processing}');
    if v_job.status = 'queued' then
      perform job_queue.start_job(job_id, lease_seconds);
      return true;
    end if;
  end if;
  if job_queue.renew_lease(job_id, coalesce(lease_token, v_job.lease_token), null, lease_seconds) = 'cancelled' then
    raise exception 'job % was cancelled: stop working on it', job_id using errcode = 'JQ001';
  end if;
  return true;
end $$;
comment on function public.mark_job_processing is 'Confirms that a claimed job has started and renews its lease.';

-- Starts a queued job that its caller has locked, as a claim would; one that waits, before its time.
create function job_queue.start_job(job_id uuid, lease_seconds integer) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
declare
  v_now timestamptz := clock_timestamp();
  v_deadline timestamptz := (
    select job_queue.deadline(v_now, j.timeout_seconds, t.timeout_seconds, j.owner_id)
    from public.jobs j left join public.job_types t on t.job_type = j.job_type
    where j.id = start_job.job_id
  );
begin
  update public.jobs j
  set status = 'processing',
      waiting_for = null,
      run_at = least(j.run_at, v_now),
      worker_id = null,
      lease_token = gen_random_uuid(),
      lease_expires_at = job_queue.lease_end(v_now, lease_seconds, v_deadline),
      deadline_at = v_deadline,
      steps_at_claim = j.step_count,
      is_alone = false,
      started_at = v_now,
      updated_at = v_now
  where j.id = start_job.job_id;
end $$;
comment on function job_queue.start_job is 'Starts one queued job without a worker.';

-- Renews the leases of the jobs a worker is running and stores how far they are.
--   jobs    [{"job_id", "lease_token", "progress"?}]
--   answer  an array parallel to it: "held", "cancelled" (stop, then report the job as cancelled) or
--           "lost" (stop, and report nothing)
-- Of the jobs named here those that are over their deadline have timed out: that ends their runs. Whoever calls also
-- rescues jobs whose lease has ended, so that they need not wait for a claim. Progress of more than 16 KiB of text is
-- not stored, and costs no lease.
-- Called by workers every few seconds. Raises JQ004.
create function public.heartbeat_jobs(jobs jsonb, lease_seconds integer default 30) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp set statement_timeout = '5s' set enable_seqscan = off as $$
declare
  v_answers jsonb := job_queue.renew_leases(jobs, lease_seconds);
  v_now timestamptz := clock_timestamp();
  v_deferred text;
begin
  if v_answers ? 'lost' then
    perform job_queue.time_out(jobs);
  end if;
  if exists (select from public.jobs j where j.status = 'processing' and j.lease_expires_at <= v_now) then
    v_deferred := job_queue.check_at_once();
    perform job_queue.rescue_jobs(100);
    perform job_queue.check_at_end(v_deferred);
  end if;
  return v_answers;
end $$;
comment on function public.heartbeat_jobs is 'Renews the leases of running jobs and stores their progress.';

-- The renewal itself, and the answer. A job that cannot be written keeps the lease it has. Raises JQ004.
create function job_queue.renew_leases(jobs jsonb, lease_seconds integer) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off as $$
declare
  v_now timestamptz := clock_timestamp();
  v_job jsonb;
  v_deferred text;
begin
  perform job_queue.check_lease_seconds(lease_seconds);
  if jobs is null or jsonb_typeof(jobs) <> 'array' then
    raise exception 'jobs: expected an array of objects' using errcode = 'JQ004';
  end if;
  v_deferred := job_queue.check_at_once();
  begin
    perform job_queue.renew(jobs, lease_seconds, v_now);
  exception when others then
    if not job_queue.is_about_a_row(sqlstate) then
      raise;
    end if;
    for v_job in select j.value from jsonb_array_elements(jobs) j loop
      begin
        perform job_queue.renew(jsonb_build_array(v_job), lease_seconds, v_now);
      exception when others then
        if not job_queue.is_about_a_row(sqlstate) then
          raise;
        end if;
        perform job_queue.note_failed_part('renew leases', sqlerrm);
      end;
    end loop;
  end;
  perform job_queue.check_at_end(v_deferred);
  return (
    select coalesce(jsonb_agg(
      case
        when job_queue.is_held(j, b.lease_token, v_now) is not true then 'lost'
        when j.cancel_requested_at is null then 'held'
        else 'cancelled'
      end
      order by b.position
    ), '[]')
    from rows from (jsonb_to_recordset(jobs) as (job_id uuid, lease_token uuid))
      with ordinality as b (job_id, lease_token, position)
    left join public.jobs j on j.id = any (array[b.job_id])
  );
end $$;
comment on function job_queue.renew_leases is 'Renews leases and says of each job: held, cancelled or lost.';

-- Renews these leases and stores the progress. It waits for nobody: a job that someone keeps locked must not cost the
-- others their leases. Such a job is not renewed and its answer is the state before; nobody can rescue it meanwhile.
create function job_queue.renew(jobs jsonb, lease_seconds integer, now timestamptz) returns void
language plpgsql set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off as $$
declare
  v_locked uuid[];
begin
  -- See job_queue.apply_results for the form of the join.
  v_locked := array(
    select j.id
    from jsonb_to_recordset(jobs) as b (job_id uuid, lease_token uuid)
    join public.jobs j on j.id = any (array[b.job_id])
    where job_queue.is_held(j, b.lease_token, renew.now)
    for no key update of j skip locked
  );
  update public.jobs j
  set lease_expires_at = job_queue.lease_end(renew.now, renew.lease_seconds, j.deadline_at),
      progress = case
        when job_queue.text_bytes(b.progress, 16384) <= 16384 then b.progress
        else j.progress
      end,
      updated_at = renew.now
  from jsonb_to_recordset(jobs) as b (job_id uuid, lease_token uuid, progress jsonb)
  where j.id = any (array[b.job_id]) and j.lease_token = b.lease_token and b.job_id = any (v_locked);
end $$;
comment on function job_queue.renew is 'Renews leases and stores progress.';

-- Records that a step of a job begins, so that one that never ends can be told from one that was never
-- begun, and renews the lease. Called again under the same token it changes nothing; nor does it for a
-- step that is finished. Answers 'held'; 'again' when an earlier run of the job began the step and never
-- finished it, so that it may have had its effect; or 'cancelled' when the job should stop: then nothing is
-- recorded, and the step must not begin. Called by workers. Raises JQ002, JQ003, JQ004.
create function public.start_job_step(
  job_id uuid, lease_token uuid, name text, lease_seconds integer default 30
) returns text
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
declare
  v_answer text;
begin
  perform job_queue.check_step_name(name);
  v_answer := job_queue.renew_lease(job_id, lease_token, null, lease_seconds);
  if v_answer = 'cancelled' then
    return v_answer;
  end if;
  insert into public.job_steps as s (job_id, name, lease_token)
  values (start_job_step.job_id, start_job_step.name, start_job_step.lease_token)
  on conflict on constraint job_steps_pkey do update
  set runs = s.runs + 1, started_at = clock_timestamp(), lease_token = excluded.lease_token
  where s.finished_at is null and s.lease_token is distinct from excluded.lease_token;
  return (
    select case when s.runs > 1 and s.finished_at is null then 'again' else 'held' end
    from public.job_steps s
    where s.job_id = start_job_step.job_id and s.name = start_job_step.name
  );
end $$;
comment on function public.start_job_step is 'Records that a step of a job begins and renews its lease.';

-- Keeps the result of a step, so that it need not be run again whatever happens to the worker, and
-- renews the lease. The first result of a name stays, and saving it again is harmless; with replace the
-- last one stays, for a step whose kept result a newer version of the handler cannot read.
-- Answers 'held', or 'cancelled' when the job should stop; the step is stored all the same.
-- Called by workers. Raises JQ002, JQ003, JQ004.
create function public.save_job_step(
  job_id uuid,
  lease_token uuid,
  name text,
  result jsonb,
  progress jsonb default null,
  lease_seconds integer default 30,
  replace boolean default false
) returns text
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
declare
  v_answer text;
  v_before public.job_steps;
  v_bytes integer;
begin
  perform job_queue.check_step_name(name);
  if job_queue.text_bytes(progress, 16384) > 16384 then
    raise exception 'progress: expected at most 16384 bytes of text, got %',
      job_queue.bytes_in_words(job_queue.text_bytes(progress, 16384))
      using errcode = 'JQ004', hint = 'progress is for people to look at';
  end if;
  v_answer := job_queue.renew_lease(job_id, lease_token, progress, lease_seconds);
  select * into v_before from public.job_steps s
  where s.job_id = save_job_step.job_id and s.name = save_job_step.name and s.finished_at is not null;
  if found and not replace then
    return v_answer;
  end if;
  insert into public.job_steps as s (job_id, name, result, finished_at, lease_token)
  -- A result that is missing comes from PostgREST as null.
  values (
    save_job_step.job_id, save_job_step.name, coalesce(save_job_step.result, 'null'), clock_timestamp(),
    save_job_step.lease_token
  )
  on conflict on constraint job_steps_pkey do update
  set result = excluded.result, finished_at = excluded.finished_at, lease_token = excluded.lease_token
  returning s.result_bytes into v_bytes;
  update public.jobs j
  set step_count = j.step_count + (v_before.name is null)::integer,
      step_bytes = j.step_bytes + v_bytes - coalesce(v_before.result_bytes, 0),
      updated_at = clock_timestamp()
  where j.id = save_job_step.job_id;
  return v_answer;
end $$;
comment on function public.save_job_step is 'Keeps the result of a finished step of a job and renews its lease.';

-- Raises JQ004.
create function job_queue.check_step_name(name text) returns void
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  if length(name) between 1 and 200 is not true then
    raise exception 'name: expected 1 to 200 characters' using errcode = 'JQ004';
  end if;
end $$;
comment on function job_queue.check_step_name is 'Refuses a name that no step can have.';

-- Renews one lease, holds the job for the rest of the transaction, and says: held or cancelled. After the deadline it
-- raises, because its caller wants to store something or to go on: the run then ends when its worker says that it
-- failed, or with its lease, thirty seconds after the deadline at the latest.
-- Raises JQ002, JQ003, JQ004.
create function job_queue.renew_lease(job_id uuid, lease_token uuid, progress jsonb, lease_seconds integer) returns text
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_job public.jobs := job_queue.lock_job(job_id);
  v_answer text;
begin
  v_answer := job_queue.renew_leases(
    jsonb_build_array(jsonb_build_object('job_id', job_id, 'lease_token', lease_token, 'progress', progress)),
    lease_seconds
  ) ->> 0;
  if v_answer = 'lost' then
    perform job_queue.refuse_run(v_job, lease_token);
  end if;
  return v_answer;
end $$;
comment on function job_queue.renew_lease is 'Renews one lease: held or cancelled.';

-- Holds the job for the rest of the transaction, so that what a worker writes elsewhere is fenced by its
-- lease too. For functions of the application that handlers call. Raises JQ002, JQ003.
create function job_queue.check_lease(job_id uuid, lease_token uuid) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_job public.jobs := job_queue.lock_job(job_id);
begin
  if job_queue.is_held(v_job, lease_token, clock_timestamp()) is not true then
    perform job_queue.refuse_run(v_job, lease_token);
  end if;
end $$;
comment on function job_queue.check_lease is 'Raises unless the job is held under the token; keeps it so until the transaction ends.';

revoke all on all functions in schema job_queue from public;
revoke all on function
  public.mark_job_processing, public.heartbeat_jobs, public.start_job_step, public.save_job_step
from public, anon, authenticated;
grant execute on function
  public.mark_job_processing, public.heartbeat_jobs, public.start_job_step, public.save_job_step
to service_role;
grant execute on function
  job_queue.start_job, job_queue.renew_leases, job_queue.renew, job_queue.check_step_name, job_queue.renew_lease,
  job_queue.check_lease
to service_role;
