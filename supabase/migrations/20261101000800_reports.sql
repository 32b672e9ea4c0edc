-- The application's tables that generate_report writes to, for applications that have none yet. Existing tables stay as they are; only the
-- column the report's sections go to is added where it is missing.

do $$
begin
  if to_regclass('public.reports') is null then
    create table public.reports (
      id uuid primary key default gen_random_uuid(),
      project_id uuid,
      user_id uuid,
      title text,
      bullet_points text,
      generated_content text not null default '',
      sections_json jsonb,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now()
    );
    alter table public.reports enable row level security;
    grant select, insert, update, delete on public.reports to service_role;
    grant select, insert, update, delete on public.reports to authenticated;
    create policy reports_belong_to_their_user on public.reports
      to authenticated
      using (user_id = (select auth.uid()))
      with check (user_id = (select auth.uid()));
  end if;

  if to_regclass('public.report_images') is null then
    create table public.report_images (
      id uuid primary key default gen_random_uuid(),
      report_id uuid not null references public.reports (id) on delete cascade,
      user_id uuid,
      url text not null,
      description text not null default '',
      tag text,
      "group" text[] not null default '{}',
      number int,
      rotation int not null default 0,
      created_at timestamptz not null default now()
    );
    create index report_images_report_id_idx on public.report_images (report_id);
    alter table public.report_images enable row level security;
    grant select, insert, update, delete on public.report_images to service_role;
    grant select, insert, update, delete on public.report_images to authenticated;
    create policy report_images_belong_to_their_user on public.report_images
      to authenticated
      using (user_id = (select auth.uid()))
      with check (user_id = (select auth.uid()));
  end if;
end;
$$;

alter table public.reports add column if not exists sections_json jsonb;

-- Writes a finished report into the application's table, on behalf of a job whose lease the caller holds. Returns whether there is
-- such a report. Saying it twice is harmless. Refuses with JQ001, JQ002, JQ003, JQ005.
create function public.save_report(
  job_id uuid, lease_token uuid, report_id uuid, generated_content text, sections_json jsonb
)
returns boolean
language plpgsql
set search_path = ''
set statement_timeout = '5s'
as $$
declare
  v_job public.jobs := job_queue.locked_job(save_report.job_id, save_report.lease_token);
begin
  if v_job.cancel_requested_at is not null then
    perform job_queue.refuse('JQ001', format('job %s was cancelled', v_job.id), 'Stop working on it.');
  elsif v_job.status <> 'processing' then
    perform job_queue.refuse('JQ005', format('job %s is %s, not processing', v_job.id, v_job.status));
  end if;
  update public.reports r
  set generated_content = save_report.generated_content, sections_json = save_report.sections_json
  where r.id = save_report.report_id;
  return found;
end;
$$;

comment on function public.save_report is 'Writes a finished report into the application''s table, fenced by the job''s lease.';

revoke all on function public.save_report(uuid, uuid, uuid, text, jsonb) from public, anon, authenticated;
grant execute on function public.save_report(uuid, uuid, uuid, text, jsonb) to service_role;

notify pgrst, 'reload schema';
