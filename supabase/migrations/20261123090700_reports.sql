-- The application's tables that generate_report writes to. An application that already has them keeps its
-- own; only what save_report needs is added.

create function job_queue.set_updated_at() returns trigger
language plpgsql set search_path = '' as $$
begin
  new.updated_at := clock_timestamp();
  return new;
end $$;
comment on function job_queue.set_updated_at() is 'Keeps updated_at true.';
revoke all on function job_queue.set_updated_at() from public;

-- Whether the signed-in user belongs to a project. Only the application knows: it replaces this function, and
-- then a project's members have its reports together. Null, as here, means that it has not said: users have
-- the reports that carry their own user_id, and no others.
create function job_queue.is_project_member(project_id uuid) returns boolean
language sql stable as $$ select null::boolean $$;
comment on function job_queue.is_project_member is
  'Whether the signed-in user belongs to the project. For the application to replace.';
revoke all on function job_queue.is_project_member from public;
grant execute on function job_queue.is_project_member to authenticated, service_role;

do $$
begin
  if to_regclass('public.reports') is not null then
    alter table public.reports add column if not exists sections_json jsonb;
    return;
  end if;

  create table public.reports (
    id uuid primary key default gen_random_uuid(),
    title text,
    project_id uuid,
    user_id uuid,
    bullet_points text,
    generated_content text,
    sections_json jsonb,
    delivered_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
  );
  comment on table public.reports is 'Field-review reports: what the engineer noted and what was made of it.';
  create index reports_user_idx on public.reports (user_id);
  create trigger reports_set_updated_at before update on public.reports
    for each row execute function job_queue.set_updated_at();
  alter table public.reports enable row level security;
  revoke all on public.reports from public, anon, authenticated;
  grant select, insert, update, delete on public.reports to service_role, authenticated;
  create policy "users have their own reports and those of their projects" on public.reports
    for all to authenticated
    using (user_id = (select auth.uid()) or job_queue.is_project_member(project_id))
    with check (
      (user_id = (select auth.uid()) or job_queue.is_project_member(project_id))
      -- Nobody puts a report of their own into the project of others.
      and (project_id is null or job_queue.is_project_member(project_id) is not false)
    );

  -- Only beside reports that are known to look like this.
  if to_regclass('public.report_images') is not null then
    return;
  end if;
  create table public.report_images (
    id uuid primary key default gen_random_uuid(),
    report_id uuid not null references public.reports (id) on delete cascade,
    user_id uuid,
    url text,
    description text,
    tag text,
    "group" text[],
    number integer,
    rotation numeric,
    created_at timestamptz not null default now()
  );
  comment on table public.report_images is 'The photographs of a report.';
  create index report_images_report_idx on public.report_images (report_id);
  alter table public.report_images enable row level security;
  revoke all on public.report_images from public, anon, authenticated;
  grant select, insert, update, delete on public.report_images to service_role, authenticated;
  create policy "users have the images of the reports they have" on public.report_images
    for all to authenticated
    using (exists (select from public.reports r where r.id = report_id))
    with check (exists (select from public.reports r where r.id = report_id));
end $$;

-- The worker writes the finished report; an application's own table may not have said so.
grant select, update on public.reports to service_role;

-- Stores a finished report, if the caller still holds the job it was made by: a late worker does not
-- overwrite a newer one's report. False when there is no such report, which is no error: the result
-- is in the job as well. Called by the generate_report handler. Raises JQ002, JQ003.
create function public.save_report(
  job_id uuid, lease_token uuid, report_id uuid, generated_content text, sections_json jsonb
) returns boolean
language plpgsql set search_path = '' as $$
begin
  perform job_queue.check_lease(job_id, lease_token);
  update public.reports r
  set generated_content = save_report.generated_content, sections_json = save_report.sections_json
  where r.id = save_report.report_id;
  return found;
end $$;
comment on function public.save_report is 'Stores a finished report if the caller still holds its job.';

revoke all on function public.save_report from public, anon, authenticated;
grant execute on function public.save_report to service_role;

notify pgrst, 'reload schema';
