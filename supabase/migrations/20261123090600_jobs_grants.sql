-- Who may touch the tables. The service role, which workers and the app's server use, passes row-level
-- security; a signed-in user reads their own jobs; anyone else nothing. Nobody but the service
-- role writes: users go through enqueue_job and cancel_job.

grant select, insert, update, delete on public.jobs, public.job_steps, public.job_failures, public.job_types
to service_role;

-- Without what belongs to the workers: tokens, leases and the caller's idempotency keys. An API client
-- therefore names the columns it wants; `select *` is refused to users.
grant select (
  id, status, job_type, input_data, output_data, error, created_at, updated_at, started_at, completed_at,
  retry_count, max_retries, priority, run_at, waiting_for, timeout_seconds, deadline_at, owner_id,
  cancel_requested_at, progress, step_count
) on public.jobs to authenticated;
create policy "owners read their jobs" on public.jobs
  for select to authenticated using (owner_id = (select auth.uid()));

-- That a step is done and when, not what it gave: that is the worker's own matter.
grant select (job_id, name, started_at, finished_at, runs) on public.job_steps to authenticated;
create policy "owners see the steps of their jobs" on public.job_steps
  for select to authenticated using (
    exists (select from public.jobs j where j.id = job_id and j.owner_id = (select auth.uid()))
  );

grant select (job_id, id, started_at, failed_at, duration, error) on public.job_failures to authenticated;
create policy "owners see the failures of their jobs" on public.job_failures
  for select to authenticated using (
    exists (select from public.jobs j where j.id = job_id and j.owner_id = (select auth.uid()))
  );

grant select on public.job_types to authenticated;
create policy "users see the types open to them" on public.job_types
  for select to authenticated using (open_to_users);

notify pgrst, 'reload schema';
