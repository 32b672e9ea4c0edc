-- The application's tables that generate_report writes to. An application that already has them keeps its
-- own; only what save_report needs is added.

create function job_queue.set_updated_at() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  new.updated_at := clock_timestamp();
  return new;
end $$;
comment on function job_queue.set_updated_at() is 'Keeps updated_at true.';
revoke all on function job_queue.set_updated_at() from public;

-- Whether the signed-in user belongs to a project. Only the application knows: it replaces this function, and
-- then a project's members have its reports together. Null, as here, means that it has not said: users have
-- the reports that carry their own user_id, and no others.
--
-- Without a setting of its own, so that Postgres sees that it says nothing and finds a user's reports by index.
create function job_queue.is_project_member(project_id uuid) returns boolean
language sql stable
return null::boolean;
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
    using (report_id = any (array(select r.id from public.reports r)))
    with check (exists (select from public.reports r where r.id = report_id));
end $$;

-- The worker writes the finished report; an application's own table may not have said so.
grant select, update on public.reports to service_role;

-- What a report's text was when its job was enqueued, and what the job made of it: so that a person's work is
-- told from what is there to be replaced. The text itself is compared, because not every application's table
-- has an updated_at, and where there is one it also moves when nothing but a title is changed. It also says which
-- jobs are about the same report.
create table job_queue.report_jobs (
  job_id uuid primary key references public.jobs (id) on delete cascade,
  report_id uuid not null,
  enqueued_over bytea,
  saved bytea,
  enqueued_in xid8,
  row_version text
);
comment on table job_queue.report_jobs is 'Which jobs are to write which report, and digests of what was there and of what they wrote.';
comment on column job_queue.report_jobs.enqueued_in is 'the transaction, in which the digest of one row_version is taken once';
create index report_jobs_report_idx on job_queue.report_jobs (report_id, enqueued_in);
alter table job_queue.report_jobs enable row level security;
revoke all on job_queue.report_jobs from public, anon, authenticated;
grant select, insert, update on job_queue.report_jobs to service_role;

-- A digest of what a report says; null when it says nothing.
create function job_queue.report_digest(generated_content text, sections_json jsonb) returns bytea
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case
    when btrim(coalesce(generated_content, ''), E' \t\r\n') <> '' or coalesce(sections_json, 'null') not in ('null', '{}', '[]')
      then sha256(convert_to(coalesce(generated_content, '') || E'\n' || coalesce(sections_json::text, ''), 'UTF8'))
  end
$$;
comment on function job_queue.report_digest is 'A digest of what a report says; null when it says nothing.';

-- Remembers what the report of a new job says. As its owner, because whoever may enqueue need not be able
-- to read reports; and without ever failing, because a job is enqueued whatever the application's table
-- looks like. Of many jobs enqueued together about one report only the first takes the digest, which costs as much
-- as the report is long.
create function job_queue.remember_report() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
declare
  v_report_id uuid;
  v_version text;
  v_digest bytea;
begin
  v_report_id := (new.input_data ->> 'reportId')::uuid;
  if v_report_id is null then
    return null;
  end if;
  select r.xmin || r.ctid::text into v_version from public.reports r where r.id = v_report_id;
  select o.enqueued_over into v_digest
  from job_queue.report_jobs o
  where o.report_id = v_report_id and o.enqueued_in = pg_current_xact_id() and o.row_version = v_version
  limit 1;
  if not found then
    select job_queue.report_digest(r.generated_content::text, to_jsonb(r.sections_json)) into v_digest
    from public.reports r where r.id = v_report_id;
  end if;
  insert into job_queue.report_jobs (job_id, report_id, enqueued_over, enqueued_in, row_version)
  values (new.id, v_report_id, v_digest, pg_current_xact_id(), v_version);
  return null;
exception when others then
  return null;
end $$;
comment on function job_queue.remember_report() is 'Remembers what the report of a new job says.';
revoke all on function job_queue.remember_report() from public;

create trigger jobs_remember_report after insert on public.jobs
  for each row when (new.job_type = 'generate_report')
  execute function job_queue.remember_report();

-- Stores a finished report, if the caller still holds the job it was made by: a late worker does not
-- overwrite a newer one's report. Called by the generate_report handler; a repeated call does no harm. Answers
--   saved       the report is there
--   missing     there is no such report: it was deleted, or never was
--   edited      it says something that was not there when the job was enqueued and that no job wrote
--   superseded  a job that was enqueued later has written it
-- Unless it is saved nothing is changed, which is no error: the result is in the job as well.
-- Raises JQ002, JQ003.
create function public.save_report(
  job_id uuid, lease_token uuid, report_id uuid, generated_content text, sections_json jsonb
) returns text
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_digest bytea;
  v_obstacle text;
begin
  perform job_queue.check_lease(job_id, lease_token);
  select job_queue.report_digest(r.generated_content::text, to_jsonb(r.sections_json)) into v_digest
  from public.reports r where r.id = save_report.report_id
  for no key update;
  if not found then
    return 'missing';
  end if;
  v_obstacle := job_queue.report_obstacle(job_id, report_id, v_digest);
  if v_obstacle is not null then
    return v_obstacle;
  end if;
  update public.reports r
  set generated_content = save_report.generated_content, sections_json = save_report.sections_json
  where r.id = save_report.report_id
  -- As it is stored: a trigger of the application may have changed it.
  returning job_queue.report_digest(r.generated_content::text, to_jsonb(r.sections_json)) into v_digest;
  insert into job_queue.report_jobs (job_id, report_id, saved)
  values (save_report.job_id, save_report.report_id, v_digest)
  on conflict on constraint report_jobs_pkey do update set saved = excluded.saved;
  return 'saved';
end $$;
comment on function public.save_report is 'Stores a finished report if the caller still holds its job and nobody has edited it.';

-- Why a job must not overwrite a report that says this: edited or superseded; null when it may.
create function job_queue.report_obstacle(job_id uuid, report_id uuid, digest bytea) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select case
    when digest is null then null
    when exists (
      select from job_queue.report_jobs o
      where o.job_id = report_obstacle.job_id and digest in (o.enqueued_over, o.saved)
    ) then null
    else (
      select case when bool_or(later.id is not null) then 'superseded' when count(*) = 0 then 'edited' end
      from job_queue.report_jobs w
      left join public.jobs own on own.id = report_obstacle.job_id
      left join public.jobs later
        on later.id = w.job_id and (later.created_at, later.id) > (own.created_at, own.id)
      where w.report_id = report_obstacle.report_id and w.saved = digest
    )
  end
$$;
comment on function job_queue.report_obstacle is 'Why a job must not overwrite a report; null when it may.';

-- The reply that another job about the same report keeps for a question, the latest if there are several; null
-- when there is none. A step of generate_report keeps the fingerprint of its question, and the reply, unless that
-- came later and is kept by the step that fetched it.
-- Called by the generate_report handler.
create function public.find_report_reply(job_id uuid, fingerprint text) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
  select coalesce(s.result #> '{sent,reply}', a.result #> '{sent,reply}')
  from job_queue.report_jobs own
  join job_queue.report_jobs other on other.report_id = own.report_id and other.job_id <> own.job_id
  join public.job_steps s on s.job_id = other.job_id
  left join public.job_steps a on a.job_id = s.job_id and a.name = s.name || '/answer'
  where own.job_id = find_report_reply.job_id and s.result ->> 'fingerprint' = find_report_reply.fingerprint
    and coalesce(s.result #> '{sent,reply}', a.result #> '{sent,reply}') is not null
  order by s.finished_at desc
  limit 1
$$;
comment on function public.find_report_reply is 'The reply that another job about the same report keeps for a question.';

-- The report that a job has made, for documents of it: by the job, or the latest that is finished about a report. Null
-- when there is no such job; one that is not finished comes without a report. Called by the export_document handler.
-- is_edited says that the row of reports holds something else than what that job wrote.
create function public.find_report(report_id uuid, report_job_id uuid) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
declare
  v_job record;
  v_digest bytea;
begin
  select j.status, j.output_data, o.report_id, o.saved into v_job
  from public.jobs j
  left join job_queue.report_jobs o on o.job_id = j.id
  where j.job_type = 'generate_report'
    and j.id in (
      select find_report.report_job_id
      union all
      select about.job_id from job_queue.report_jobs about where about.report_id = find_report.report_id
    )
  order by j.status = 'completed' desc, j.status in ('queued', 'processing') desc, j.created_at desc, j.id desc
  limit 1;
  if not found then
    return null;
  end if;
  begin
    select job_queue.report_digest(r.generated_content::text, to_jsonb(r.sections_json)) into v_digest
    from public.reports r where r.id = v_job.report_id;
  exception when others then
    -- The application's table looks otherwise: nothing was saved there.
    v_digest := v_job.saved;
  end;
  return jsonb_build_object(
    'status', v_job.status,
    'report', case when v_job.status = 'completed' then v_job.output_data end,
    'is_edited', v_job.saved is not null and v_job.saved is distinct from v_digest
  );
end $$;
comment on function public.find_report is 'The report that a job has made, or the latest about a report.';

revoke all on function
  public.save_report, public.find_report_reply, public.find_report, job_queue.report_digest, job_queue.report_obstacle
from public, anon, authenticated;
grant execute on function
  public.save_report, public.find_report_reply, public.find_report, job_queue.report_digest, job_queue.report_obstacle
to service_role;

notify pgrst, 'reload schema';
