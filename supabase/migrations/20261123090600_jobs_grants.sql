-- Who may touch the tables. The service role, which workers and the app's server use, passes row-level
-- security; a signed-in user reads their own jobs; anyone else nothing. Nobody but the service
-- role writes: users go through enqueue_job and cancel_job.
--
-- Privileges may be granted in bulk by somebody who mends something else ("grant all on all tables in schema public
-- to authenticated"). Then nothing more may be seen or done: rows are hidden by policies and not by privileges, and
-- where some columns are not for users, the policy shows them nothing once they have the privilege to read those.
-- What is granted to users stands in the migration jobs_privileges.

grant select, insert, update, delete on public.jobs, public.job_steps, public.job_failures, public.job_types
to service_role;

-- Whether the caller was not granted what is the workers' alone. As its caller, whose privileges it asks for.
create function job_queue.has_own_columns_only(table_name text, hidden_column text) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select not has_column_privilege(table_name, hidden_column, 'select')
$$;
comment on function job_queue.has_own_columns_only is 'Whether a column that is not for users is closed to the caller.';

-- Ids of the signed-in user's jobs: the policies below look by index for the rows of these.
create function job_queue.ids_of_user() returns uuid[]
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select array(select j.id from public.jobs j where j.owner_id = (select auth.uid()))
$$;
comment on function job_queue.ids_of_user is 'Ids of the jobs of the signed-in user.';

create policy "owners read their jobs" on public.jobs
  for select to authenticated using (
    owner_id = (select auth.uid()) and (select job_queue.has_own_columns_only('public.jobs', 'lease_token'))
  );

create policy "owners see the steps of their jobs" on public.job_steps
  for select to authenticated using (
    job_id = any ((select job_queue.ids_of_user())::uuid[])
    and (select job_queue.has_own_columns_only('public.job_steps', 'result'))
  );

create policy "owners see the failures of their jobs" on public.job_failures
  for select to authenticated using (
    job_id = any ((select job_queue.ids_of_user())::uuid[])
    and (select job_queue.has_own_columns_only('public.job_failures', 'worker_id'))
  );

create policy "users see the types open to them" on public.job_types
  for select to authenticated using (open_to_users);

-- Row-level security knows no truncate.
create function job_queue.refuse_truncate() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if not job_queue.is_trusted() then
    raise exception 'permission denied for table %', tg_table_name using errcode = 'insufficient_privilege';
  end if;
  return null;
end $$;
comment on function job_queue.refuse_truncate() is 'Raises 42501 unless the application truncates.';

create trigger jobs_refuse_truncate before truncate on public.jobs
  for each statement execute function job_queue.refuse_truncate();
create trigger job_steps_refuse_truncate before truncate on public.job_steps
  for each statement execute function job_queue.refuse_truncate();
create trigger job_failures_refuse_truncate before truncate on public.job_failures
  for each statement execute function job_queue.refuse_truncate();
create trigger job_types_refuse_truncate before truncate on public.job_types
  for each statement execute function job_queue.refuse_truncate();

revoke all on all functions in schema job_queue from public;
grant execute on function job_queue.has_own_columns_only, job_queue.ids_of_user to authenticated, service_role;
