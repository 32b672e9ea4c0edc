-- Who may do what. Supabase grants nothing on new tables and functions any more, and Postgres lets everybody execute new functions: both
-- are said here. anon may do nothing.

alter table public.jobs enable row level security;
alter table public.job_steps enable row level security;
alter table public.job_types enable row level security;

revoke all on public.jobs, public.job_steps, public.job_types from public, anon, authenticated, service_role;
grant select, insert, update, delete on public.jobs, public.job_steps, public.job_types to service_role;

-- A signed-in user sees their own jobs, without what belongs to workers.
grant select (
  id, status, job_type, input_data, output_data, error, created_at, updated_at, started_at, completed_at, retry_count,
  max_retries, priority, run_at, waiting_for, progress, owner_id, cancel_requested_at
) on public.jobs to authenticated;
create policy jobs_are_seen_by_their_owner on public.jobs
  for select to authenticated
  using (owner_id = (select auth.uid()));

grant usage on schema job_queue to service_role;
revoke all on all functions in schema job_queue from public, anon, authenticated;
grant execute on all functions in schema job_queue to service_role;

do $$
declare
  v_function regprocedure;
begin
  for v_function in
    select p.oid::regprocedure
    from pg_catalog.pg_proc p
    where p.pronamespace = 'public'::regnamespace
      and p.proname in (
        'enqueue_job', 'enqueue_jobs', 'get_next_job', 'mark_job_processing', 'mark_job_completed', 'mark_job_failed',
        'release_job', 'retry_failed_jobs', 'cleanup_old_jobs', 'cancel_job', 'heartbeat_jobs', 'save_job_step',
        'finish_and_claim_jobs'
      )
  loop
    execute format('revoke all on function %s from public, anon, authenticated', v_function);
    execute format('grant execute on function %s to service_role', v_function);
  end loop;
end;
$$;
grant execute on function
  public.enqueue_job(text, jsonb, int, int, timestamptz, int, text, int, uuid),
  public.enqueue_jobs(jsonb),
  public.cancel_job(uuid)
to authenticated;

notify pgrst, 'reload schema';
