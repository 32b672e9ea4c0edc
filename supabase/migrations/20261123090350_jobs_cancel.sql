-- Cancelling: a queued job at once, a running one by way of its worker.

-- Cancels a job and returns its status: 'cancelled', or 'processing' when its worker has been asked to
-- stop and will hear of it with its next heartbeat or step. Called by the app's server and by
-- signed-in users for their own jobs; another's job looks to them like none. Raises JQ003, JQ005.
create function public.cancel_job(job_id uuid) returns text
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if job_queue.is_trusted() then
    return job_queue.cancel(job_id, null);
  end if;
  return job_queue.cancel_for_user(job_id);
end $$;
comment on function public.cancel_job is 'Cancels a queued job at once and asks the worker of a running one to stop.';

-- Cancels a job of the signed-in user. Raises JQ003, JQ005.
create function job_queue.cancel_for_user(job_id uuid) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  return job_queue.cancel(job_id, job_queue.signed_in_user('cancel jobs'));
end $$;
comment on function job_queue.cancel_for_user is 'Cancels a job that belongs to auth.uid().';

-- Cancels a job; if an owner is given, only a job of theirs. Raises JQ003, JQ005.
create function job_queue.cancel(job_id uuid, owner uuid) returns text
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
declare
  v_now timestamptz := clock_timestamp();
  v_status text;
begin
  select j.status into v_status
  from public.jobs j
  where j.id = cancel.job_id and (owner is null or j.owner_id = owner)
  for no key update;
  case v_status
    when 'queued' then
      update public.jobs j
      set status = 'cancelled', waiting_for = null, cancel_requested_at = v_now, completed_at = v_now, updated_at = v_now
      where j.id = cancel.job_id;
      return 'cancelled';
    when 'processing' then
      update public.jobs j
      set cancel_requested_at = coalesce(j.cancel_requested_at, v_now), updated_at = v_now
      where j.id = cancel.job_id;
      return 'processing';
    else
      if v_status is null then
        raise exception 'there is no job %', job_id using errcode = 'JQ003';
      end if;
      raise exception 'job % is %: only a queued or processing job can be cancelled', job_id, v_status
        using errcode = 'JQ005';
  end case;
end $$;
comment on function job_queue.cancel is 'Cancels a job, whoever owns it or of one owner.';

revoke all on all functions in schema job_queue from public;
revoke all on function public.cancel_job from public, anon;
grant execute on function public.cancel_job, job_queue.cancel_for_user to authenticated, service_role;
grant execute on function job_queue.cancel to service_role;
