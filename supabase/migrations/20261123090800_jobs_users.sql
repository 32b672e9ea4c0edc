-- What belongs to signed-in users: how they see and retry their jobs, what their jobs may touch, and how they hear
-- that a job has moved on. How many they may have stands in the next migration.

-- The jobs of the signed-in user, without what belongs to the workers. It reads with its owner's rights and not with
-- the user's: whatever privileges on the table a user was given meanwhile, they show no more than this.
create view job_queue.jobs_of_user with (security_barrier = true) as
select
  id, status, job_type, input_data, output_data, error, created_at, updated_at, started_at, completed_at,
  retry_count, max_retries, priority, run_at, waiting_for, timeout_seconds, deadline_at, owner_id,
  cancel_requested_at, progress, step_count
from public.jobs
where owner_id = (select auth.uid());
comment on view job_queue.jobs_of_user is 'The jobs of the signed-in user.';
revoke all on job_queue.jobs_of_user from public, anon, authenticated;
grant select on job_queue.jobs_of_user to authenticated, service_role;

-- Jobs without tokens, leases and workers, so that users may select everything of it. Row-level security of the table
-- decides who sees which. Where it shows a user nothing, because they were granted the columns of the workers, the
-- second part does. The first has no condition, or Postgres would not read it in the order that is asked for.
create view public.visible_jobs with (security_invoker = true) as
select
  id, status, job_type, input_data, output_data, error, created_at, updated_at, started_at, completed_at,
  retry_count, max_retries, priority, run_at, waiting_for, timeout_seconds, deadline_at, owner_id,
  cancel_requested_at, progress, step_count
from public.jobs
union all
select * from job_queue.jobs_of_user
where (select not job_queue.is_trusted() and not job_queue.has_own_columns_only('public.jobs', 'lease_token'));
comment on view public.visible_jobs is 'The jobs that the caller may see, without tokens, leases and workers.';
revoke all on public.visible_jobs from public, anon, authenticated, service_role;
grant select on public.visible_jobs to service_role;

-- Puts a failed or cancelled job back into the queue with a fresh retry allowance and its saved steps, and
-- returns its status. A job that is queued or running already is left alone, so saying it twice is harmless.
-- Called by operators, the app's server, and users for their own jobs. Raises JQ003, JQ005, JQ006.
create function public.retry_job(job_id uuid) returns text
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if job_queue.is_trusted() then
    return job_queue.retry(job_id, null);
  end if;
  return job_queue.retry_for_user(job_id);
end $$;
comment on function public.retry_job is 'Puts a failed or cancelled job back into the queue.';

-- Retries a job of the signed-in user, if they might enqueue it today. Raises JQ003, JQ005, JQ006.
create function job_queue.retry_for_user(job_id uuid) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_user uuid := job_queue.signed_in_user('retry jobs');
  v_job public.jobs;
begin
  perform job_queue.lock_user(v_user);
  select * into v_job from public.jobs j where j.id = retry_for_user.job_id and j.owner_id = v_user;
  if v_job.status in ('failed', 'cancelled') then
    if not exists (select from public.job_types t where t.job_type = v_job.job_type and t.open_to_users) then
      raise exception 'job % is of a type that is not open to signed-in users', job_id
        using errcode = 'JQ005', hint = 'retry it from the server, or open its type in job_types';
    end if;
    perform job_queue.check_waiting(v_user, v_job.job_type, 1);
  end if;
  return job_queue.retry(job_id, v_user);
end $$;
comment on function job_queue.retry_for_user is 'Retries a job that belongs to auth.uid().';

-- Retries a job; if an owner is given, only a job of theirs. Raises JQ003, JQ005.
create function job_queue.retry(job_id uuid, owner uuid) returns text
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
declare
  v_now timestamptz := clock_timestamp();
  v_status text;
begin
  select j.status into v_status
  from public.jobs j
  where j.id = retry.job_id and (owner is null or j.owner_id = owner)
  for no key update;
  case v_status
    when 'failed', 'cancelled' then
      update public.jobs j
      set status = 'queued', retry_count = 0, cancel_requested_at = null, completed_at = null,
          lease_token = null, run_at = v_now, updated_at = v_now,
          suspicion = 0, free_losses = 0, free_hand_overs = 0, free_releases = 0
      where j.id = retry.job_id;
      return 'queued';
    when 'queued', 'processing' then
      return v_status;
    else
      if v_status is null then
        raise exception 'there is no job %', job_id using errcode = 'JQ003';
      end if;
      raise exception 'job % is %: only a failed or cancelled job can be retried', job_id, v_status
        using errcode = 'JQ005';
  end case;
end $$;
comment on function job_queue.retry is 'Puts a failed or cancelled job back into the queue, whoever owns it or of one owner.';

-- Workers read and write with the service key, whoever enqueued. So what a user's job names must be the
-- user's to read or write, and that is looked up here with the user's own rights. Raises JQ004.
create function job_queue.check_user_input(items jsonb, path text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_position bigint;
  v_problem text;
begin
  select e.position, e.problem into v_position, v_problem
  from (
    select i.position,
           job_queue.problem_of_user_input(i.item ->> 'job_type', coalesce(i.item -> 'input_data', '{}')) as problem
    from jsonb_array_elements(items) with ordinality as i (item, position)
  ) e
  where e.problem is not null
  order by e.position
  limit 1;
  if v_problem is not null then
    raise exception '%', format(path, v_position - 1) || v_problem
      using errcode = 'JQ004', hint = 'a job may touch what its user may, and nothing else';
  end if;
end $$;
comment on function job_queue.check_user_input is 'Refuses jobs of users that name what is not theirs.';

-- What in the input is not the signed-in user's to name, or null. Runs with their rights. An application whose
-- own types are open to users replaces it, and asks for generate_report as here.
create function job_queue.problem_of_user_input(job_type text, input_data jsonb) returns text
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  return case job_type when 'generate_report' then job_queue.problem_of_report_input(input_data) end;
end $$;
comment on function job_queue.problem_of_user_input is
  'What a user may not name in a job of this type; null when nothing. For the application to replace.';

-- A report is written only into a row that the user may change, from photos in Storage that the user may read. No
-- more photos are looked up than a report may have.
create function job_queue.problem_of_report_input(input_data jsonb) returns text
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_report_id text := input_data ->> 'reportId';
  v_field text;
  v_images jsonb;
  v_index bigint;
begin
  foreach v_field in array array['images', 'imagesWithNumbering'] loop
    v_images := case jsonb_typeof(input_data -> v_field) when 'array' then input_data -> v_field else '[]' end;
    if jsonb_array_length(v_images) > 200 then
      return format('input_data.%s: expected at most 200 images, got %s', v_field, jsonb_array_length(v_images));
    end if;
    v_index := job_queue.unreadable_image(v_images);
    if v_index is not null then
      return format('input_data.%s[%s].path: expected a photo in Storage that you may read', v_field, v_index);
    end if;
  end loop;
  if to_regclass('public.reports') is not null and input_data #> '{options,writeReport}' is distinct from 'false' then
    if v_report_id ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' is not true then
      return 'input_data.reportId: expected a uuid';
    elsif not job_queue.may_change_report(v_report_id::uuid) then
      return 'input_data.reportId: expected a report that you may change';
    end if;
  end if;
  return null;
end $$;
comment on function job_queue.problem_of_report_input is 'What in the input of a report is not the user''s to name; null when nothing.';

-- Locking a row asks for the right to update it, row-level security included, and changes nothing.
create function job_queue.may_change_report(report_id uuid) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform from public.reports r where r.id = may_change_report.report_id for key share;
  return found;
exception
  when insufficient_privilege then return false;
end $$;
comment on function job_queue.may_change_report is 'Whether the caller may change the report.';

-- Whoever reads a path must read the same: what is trimmed, decoded or taken for `.`, `/` or a backslash somewhere on the
-- way could name another object than the one that was looked up. The worker's src/storage.rs has the same rule, and both
-- have tests/fixtures/storage_paths.json.
create function job_queue.is_storage_path(path text) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select octet_length(path) between 1 and 1024
    and path !~ '(^|/)\.{0,2}(/|$)'
    and path !~ '^[ \u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000]'
    and path !~ '[ \u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000]$'
    and path !~ '[\u0001-\u001F\u007F-\u009F]'
    and path !~ '[\\\u200B\u2024-\u2026\u2044\u2060\u2215\u2216\u29F5\u29F8\u29F9\uFE52\uFE68\uFEFF\uFF0E\uFF0F\uFF3C]'
    and path !~* '%(2e|2f|5c)'
$$;
comment on function job_queue.is_storage_path is 'Whether everybody reads this path of an object in Storage in the same way.';

-- The first of some images that names an object in Storage which the caller may not read, counted from 0; null when
-- there is none.
create function job_queue.unreadable_image(images jsonb) returns bigint
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_index bigint := (
    select min(i.position) - 1 from jsonb_array_elements(images) with ordinality as i (image, position)
    where i.image ->> 'bucket' is not null or i.image ->> 'path' is not null
  );
begin
  if v_index is not null and to_regclass('storage.objects') is not null then
    execute format($unreadable$
      select min(i.position) - 1 from jsonb_array_elements($1) with ordinality as i (image, position)
      where (i.image ->> 'bucket' is not null or i.image ->> 'path' is not null)
        and not exists (
          select from %s.objects o where o.bucket_id = i.image ->> 'bucket' and o.name = i.image ->> 'path'
            and job_queue.is_storage_path(o.name)
        )
    $unreadable$, to_regnamespace('storage')) into v_index using images;
  end if;
  return v_index;
exception
  when insufficient_privilege then
    return v_index;
end $$;
comment on function job_queue.unreadable_image is 'The first image in Storage that the caller may not read.';

-- Tells the owner, if the project has Realtime, that a job has moved on: on the private topic job:<id>, which
-- the policy below keeps to the owner. Input, output and errors do not travel: whoever listens reads
-- them from visible_jobs. realtime.send turns its own errors into warnings, so no job fails for them.
create function job_queue.broadcast_job() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if to_regprocedure('realtime.send(jsonb,text,text,boolean)') is not null then
    execute format('select %s.send($1, $2, $3, true)', to_regnamespace('realtime')) using
      jsonb_build_object('id', new.id, 'status', new.status, 'progress', new.progress), 'job', 'job:' || new.id;
  end if;
  return null;
end $$;
comment on function job_queue.broadcast_job() is 'Sends status and progress of an owned job to its Realtime topic.';

create trigger jobs_broadcast after update of status, progress on public.jobs
  for each row when (
    new.owner_id is not null
    and (new.status <> old.status or new.progress is distinct from old.progress)
  )
  execute function job_queue.broadcast_job();

do $$
begin
  if to_regclass('realtime.messages') is null then
    return;
  end if;
  create policy "owners listen to their jobs" on realtime.messages
    for select to authenticated using (
      extension = 'broadcast' and exists (
        select from job_queue.jobs_of_user j
        where j.id = (
          select case
            when realtime.topic() ~ '^job:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
            then substr(realtime.topic(), 5)::uuid
          end
        )
      )
    );
end $$;

revoke all on all functions in schema job_queue from public;
revoke all on function public.retry_job from public, anon, authenticated;
grant execute on function public.retry_job to authenticated, service_role;
-- What runs with a user's own rights, and the doors to what does not.
grant execute on function
  job_queue.retry_for_user, job_queue.check_user_input, job_queue.problem_of_user_input, job_queue.problem_of_report_input,
  job_queue.may_change_report, job_queue.unreadable_image, job_queue.is_storage_path
to authenticated, service_role;
grant execute on function job_queue.retry to service_role;

notify pgrst, 'reload schema';
