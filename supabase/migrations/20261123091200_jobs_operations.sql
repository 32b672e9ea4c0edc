-- For the people who run the queue.

-- No job of the type is claimed until it is resumed; those that run go on. Its jobs stay as they are, however
-- many, and claims do not even read them. Called from the SQL editor and with the service key. Raises JQ004.
create function public.pause_job_type(job_type text) returns void
language plpgsql set search_path = '' as $$
begin
  if octet_length(job_type) between 1 and 200 is not true then
    raise exception 'job_type: expected 1 to 200 bytes' using errcode = 'JQ004';
  end if;
  insert into public.job_types as t (job_type, paused_at) values (pause_job_type.job_type, clock_timestamp())
  on conflict on constraint job_types_pkey do update set paused_at = coalesce(t.paused_at, excluded.paused_at);
end $$;
comment on function public.pause_job_type is 'Lets no job of a type be claimed.';

-- Lets the type's jobs be claimed again, and wakes a worker. Called from the SQL editor and with the service key.
create function public.resume_job_type(job_type text) returns void
language plpgsql set search_path = '' as $$
begin
  update public.job_types t set paused_at = null where t.job_type = resume_job_type.job_type;
  perform job_queue.wake_worker();
end $$;
comment on function public.resume_job_type is 'Lets jobs of a paused type be claimed again.';

revoke all on function public.pause_job_type, public.resume_job_type from public, anon, authenticated;
grant execute on function public.pause_job_type, public.resume_job_type to service_role;

notify pgrst, 'reload schema';
