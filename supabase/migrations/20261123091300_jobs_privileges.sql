-- What is granted to signed-in users, in one place, and how an operator learns of what was granted besides.

-- Gives users their privileges on the queue's tables and takes every other from users and visitors. Called here, and
-- by the owner of the database when somebody has granted more.
create function job_queue.reset_privileges() returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_function regprocedure;
begin
  revoke all on public.jobs, public.job_steps, public.job_failures, public.job_types, public.visible_jobs,
    public.failed_jobs, public.running_jobs from public, anon, authenticated;
  -- Without what belongs to the workers: tokens, leases and the caller's idempotency keys. An API client
  -- therefore names the columns it wants; `select *` is refused to users.
  grant select (
    id, status, job_type, input_data, output_data, error, created_at, updated_at, started_at, completed_at,
    retry_count, max_retries, priority, run_at, waiting_for, timeout_seconds, deadline_at, owner_id,
    cancel_requested_at, progress, step_count
  ) on public.jobs to authenticated;
  -- That a step is done and when, not what it gave: that is the worker's own matter.
  grant select (job_id, name, started_at, finished_at, runs) on public.job_steps to authenticated;
  grant select (job_id, id, started_at, failed_at, duration, error) on public.job_failures to authenticated;
  grant select on public.job_types, public.visible_jobs to authenticated;
  foreach v_function in array job_queue.public_functions() loop
    execute format('revoke all on function %s from public, anon, authenticated', v_function);
  end loop;
  grant execute on function public.enqueue_job, public.enqueue_jobs, public.cancel_job, public.retry_job to authenticated;
end $$;
comment on function job_queue.reset_privileges is 'Gives users their privileges and no others.';

-- By name: an application has functions in public too.
create function job_queue.public_functions() returns regprocedure[]
language sql stable set search_path = pg_catalog, pg_temp as $$
  select array_agg(p.oid::regprocedure) from pg_catalog.pg_proc p
  where p.pronamespace = 'public'::regnamespace
    and p.proname = any (array[
      'abandon_jobs', 'cancel_job', 'check_job_queue', 'cleanup_old_jobs', 'dispatch_workers', 'enqueue_job', 'enqueue_jobs',
      'find_report', 'find_report_reply', 'finish_and_claim_jobs', 'get_next_job', 'heartbeat_jobs', 'job_queue_health',
      'job_queue_metrics', 'mark_job_completed', 'mark_job_failed', 'mark_job_processing', 'pause_job_type',
      'release_job', 'remove_job_queue_setup', 'rescue_expired_jobs', 'resume_job_type', 'retry_failed_jobs', 'retry_job',
      'save_job_step', 'save_report', 'setup_job_queue', 'start_job_step', 'tend_job_queue'
    ])
$$;
comment on function job_queue.public_functions is 'The functions of the queue in public.';

-- Privileges on the queue's tables and functions that users or visitors have besides their own. They open nothing, but
-- while a user has them public.jobs, job_steps and job_failures show that user no rows; visible_jobs does.
create function job_queue.check_grants()
returns table (part text, fine text, problem text, remedy text)
language sql stable set search_path = pg_catalog, pg_temp as $$
  with given as (
    select c.oid::regclass::text as name
    from pg_catalog.pg_class c, aclexplode(c.relacl) a
    where c.oid = any (array[
        'public.jobs', 'public.job_steps', 'public.job_failures', 'public.job_types', 'public.visible_jobs',
        'public.failed_jobs', 'public.running_jobs'
      ]::regclass[])
      and a.grantee in (0, 'anon'::regrole, 'authenticated'::regrole)
      and not (
        a.grantee = 'authenticated'::regrole and a.privilege_type = 'SELECT'
        and c.oid = any (array['public.job_types', 'public.visible_jobs']::regclass[])
      )
    union
    select f.name::text
    from unnest(job_queue.public_functions()) as f (name)
    join pg_catalog.pg_proc p on p.oid = f.name, aclexplode(p.proacl) a
    where a.grantee in (0, 'anon'::regrole, 'authenticated'::regrole)
      and not (
        a.grantee = 'authenticated'::regrole and p.proname in ('enqueue_job', 'enqueue_jobs', 'cancel_job', 'retry_job')
      )
  )
  select 'grants', 'users and visitors have no privileges besides their own',
         (
           select 'users or visitors were granted privileges on ' || string_agg(g.name, ', ' order by g.name) from given g
         ),
         'select job_queue.reset_privileges(): they open nothing, but users do not see their rows of jobs, job_steps and job_failures'
$$;
comment on function job_queue.check_grants is 'Whether users or visitors were granted what is not theirs.';

select job_queue.reset_privileges();
revoke all on all functions in schema job_queue from public;

notify pgrst, 'reload schema';
