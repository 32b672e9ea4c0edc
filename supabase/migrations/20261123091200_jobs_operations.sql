-- For the people who run the queue.

-- No job of the type is claimed until it is resumed; those that run go on. Its jobs stay as they are, however
-- many, and claims do not even read them. Answers 'paused', and which types there are when this is none of them: it is
-- paused all the same, for jobs to come. Called from the SQL editor and with the service key. Raises JQ004.
create function public.pause_job_type(job_type text) returns text
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_known text[] := job_queue.known_types();
begin
  if octet_length(job_type) between 1 and 200 is not true then
    raise exception 'job_type: expected 1 to 200 bytes' using errcode = 'JQ004';
  end if;
  insert into public.job_types as t (job_type, paused_at) values (pause_job_type.job_type, clock_timestamp())
  on conflict on constraint job_types_pkey do update set paused_at = coalesce(t.paused_at, excluded.paused_at);
  if job_type = any (v_known) then
    return 'paused';
  end if;
  raise notice 'there is no job type %', job_type;
  return format(
    'paused, but nothing else knows the type %s: no job has it, no worker runs it. Known types: %s',
    job_type, coalesce(nullif(array_to_string(v_known, ', '), ''), 'none')
  );
end $$;
comment on function public.pause_job_type is 'Lets no job of a type be claimed.';

-- Lets the type's jobs be claimed again, which wakes a worker. Answers 'resumed', or that the type was not paused.
-- Called from the SQL editor and with the service key.
create function public.resume_job_type(job_type text) returns text
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_paused text[] := job_queue.paused_types();
begin
  update public.job_types t set paused_at = null where t.job_type = resume_job_type.job_type and t.paused_at is not null;
  if found then
    return 'resumed';
  end if;
  return format(
    'the type %s was not paused. Paused types: %s',
    job_type, coalesce(nullif(array_to_string(v_paused, ', '), ''), 'none')
  );
end $$;
comment on function public.resume_job_type is 'Lets jobs of a paused type be claimed again.';

-- The types that something knows: a setting, a job that waits, runs or failed lately, or a worker.
create function job_queue.known_types() returns text[]
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
  return array(
    select t.job_type from public.job_types t
    union select h.job_type from job_queue.health_by_type() h
    union select unnest(w.job_types) from job_queue.workers w
    union select unnest(job_queue.ended_types())
    order by 1
  );
end $$;
comment on function job_queue.known_types is 'The types that a setting, a job or a worker knows.';

-- The types of jobs that ended, as far as the latest 10,000 tell.
create function job_queue.ended_types() returns text[]
language sql stable set search_path = pg_catalog, pg_temp set enable_seqscan = off set enable_bitmapscan = off as $$
  select array_agg(distinct e.job_type)
  from (
    select j.job_type from public.jobs j
    where j.status in ('completed', 'cancelled')
    order by j.completed_at desc
    limit 10000
  ) e
$$;
comment on function job_queue.ended_types is 'The types of the jobs that ended last.';

-- Those of some types that no worker has asked for lately, although workers were heard of. Paused types are left out,
-- and those that cannot be run now.
create function job_queue.unknown_types(job_types text[]) returns text[]
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select coalesce(array_agg(u.job_type order by u.job_type), '{}')
  from unnest(job_types) as u (job_type), job_queue.types_of_workers() as w (types)
  where w.types is not null and u.job_type <> all (w.types)
    and not exists (select from public.job_types t where t.job_type = u.job_type and t.paused_at is not null)
    and u.job_type not in (select n.job_type from job_queue.unavailable_types() n)
$$;
comment on function job_queue.unknown_types is 'Which of some types no worker runs.';

-- The release that this schema belongs to; each release's migrations replace it.
create function job_queue.version() returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$ select '0.1.0' $$;
comment on function job_queue.version is 'The release that this schema belongs to.';

-- How the queue is, for people and for whatever watches it. Looks at no more than 10,000 jobs of each kind, so
-- that it is cheap however many there are: a number that is that high means "at least".
--   types                 [{"job_type", "is_paused", "ready", "oldest_ready_seconds", "waiting", "retrying",
--                           "isolated", "running", "failed_last_hour", "last_error"}], isolated being those that
--                           wait for a worker that has nothing else, because theirs died
--   not_run               types with jobs that wait, of which no worker has asked for any within ten minutes
--   unavailable           {type: reason} of types that workers know but cannot run now, as without a key
--   failed_parts          [{"part", "error", "failing_seconds", "failures", "remedy"}]: what tend_job_queue cannot do
--   stuck                 running jobs whose lease has ended: a worker died and nobody has come since
--   completed_per_minute  over the last five minutes, or over the last 10,000 jobs if there were more
--   workers               that run jobs now or have completed some in that time
--   last_tick_at          when tend_job_queue was called last
--   last_wake_up          {"at", "status", "error"}: when a worker was called last, and what it answered
--   version               of the schema
--   at                    the database's clock
-- Called from the SQL editor and with the service key.
create function public.job_queue_health() returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  return job_queue.health();
end $$;
comment on function public.job_queue_health is 'How deep the queue is, who works, what fails, and when the clock and the workers were last heard of.';

create function job_queue.health() returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = on as $$
declare
  v_types jsonb := (select coalesce(jsonb_agg(t order by t.job_type), '[]') from job_queue.health_by_type() t);
  v_now timestamptz := clock_timestamp();
  v_completed record;
begin
  select count(*) as jobs, array_agg(distinct c.worker_id) as workers,
         case when count(*) < 10000 then 5 else greatest(0.001, extract(epoch from v_now - min(c.completed_at)) / 60) end as minutes
  into v_completed
  from (
    select j.worker_id, j.completed_at from public.jobs j
    where j.status in ('completed', 'cancelled') and j.completed_at between v_now - interval '5 minutes' and v_now
    order by j.completed_at desc
    limit 10000
  ) c;
  return jsonb_build_object(
    'types', v_types,
    'not_run', job_queue.unknown_types(array(
      select t ->> 'job_type' from jsonb_array_elements(v_types) t
      where (t ->> 'ready')::bigint + (t ->> 'waiting')::bigint > 0
    )),
    'unavailable', (
      select coalesce(jsonb_object_agg(u.job_type, u.reason), '{}') from job_queue.unavailable_types() u
    ),
    'failed_parts', (
      select coalesce(jsonb_agg(jsonb_build_object(
        'part', f.part, 'error', f.error, 'failing_seconds', extract(epoch from job_queue.age(f.failing_since))::integer,
        'failures', f.failures, 'remedy', job_queue.remedy_of_part(f.part)
      ) order by f.part), '[]')
      from job_queue.failed_parts f
    ),
    'stuck', (
      select count(*) from (
        select from public.jobs j where j.status = 'processing' and j.lease_expires_at < v_now limit 10000
      ) s
    ),
    'completed_per_minute', round(v_completed.jobs / v_completed.minutes, 1),
    'workers', (
      select count(distinct w.worker_id) from (
        select r.worker_id from job_queue.running_jobs(10000) r
        union all
        select unnest(v_completed.workers)
      ) w
    ),
    'last_tick_at', (select s.tended_at from job_queue.settings s),
    'last_wake_up', (
      select jsonb_build_object('at', w.posted_at, 'status', a.status_code, 'error', a.error_msg)
      from (select * from job_queue.wake_ups order by id desc limit 1) w
      cross join job_queue.last_answer() a
    ),
    'version', job_queue.version(),
    'at', v_now
  );
end $$;
comment on function job_queue.health is 'What job_queue_health answers.';

create function job_queue.health_by_type()
returns table (
  job_type text, is_paused boolean, ready bigint, oldest_ready_seconds integer, waiting bigint, retrying bigint,
  isolated bigint, running bigint, failed_last_hour bigint, last_error text
)
language plpgsql stable set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_column
declare
  v_now timestamptz := clock_timestamp();
begin
  return query
  with ready as (
    select r.job_type, c.jobs, head.ready_since
    from unnest(job_queue.ready_types()) as r (job_type)
    cross join lateral (
      select count(*) as jobs from (
        select from public.jobs j
        where j.status = 'queued' and j.waiting_for is null and j.job_type = any (array[r.job_type])
        limit 10000
      ) j
    ) c
    cross join lateral (
      select greatest(j.run_at, j.created_at) as ready_since from public.jobs j
      where j.status = 'queued' and j.waiting_for is null and j.job_type = any (array[r.job_type])
      order by j.job_type, j.priority desc, j.run_at, j.created_at
      limit 1
    ) head
  ), waiting as (
    select w.job_type, count(*) as jobs, count(*) filter (where w.waiting_for = 'retry') as retries
    from (
      select j.job_type, j.waiting_for from public.jobs j
      where j.waiting_for in ('time', 'retry')
      order by j.run_at
      limit 10000
    ) w
    group by w.job_type
  ), isolated as (
    select i.job_type, count(*) as jobs
    from (select j.job_type from public.jobs j where j.waiting_for = 'isolation' limit 10000) i
    group by i.job_type
  ), running as (
    select r.job_type, count(*) as jobs from job_queue.running_jobs(10000) r group by r.job_type
  ), failed as (
    select f.job_type, count(*) as jobs, (array_agg(f.error order by f.completed_at desc))[1] as error
    from (
      select j.job_type, j.error, j.completed_at from public.jobs j
      where j.status = 'failed' and j.completed_at between v_now - interval '1 hour' and v_now
      order by j.completed_at desc
      limit 10000
    ) f
    group by f.job_type
  ), paused as (
    select t.job_type from public.job_types t where t.paused_at is not null
  )
  select n.job_type, p.job_type is not null, coalesce(r.jobs, 0),
         extract(epoch from greatest(interval '0', v_now - r.ready_since))::integer,
         coalesce(w.jobs, 0), coalesce(w.retries, 0), coalesce(i.jobs, 0), coalesce(b.jobs, 0), coalesce(f.jobs, 0), f.error
  from (
    select job_type from ready union select job_type from waiting union select job_type from isolated
    union select job_type from running
    union select job_type from failed union select job_type from paused
  ) n
  left join ready r on r.job_type = n.job_type
  left join waiting w on w.job_type = n.job_type
  left join isolated i on i.job_type = n.job_type
  left join running b on b.job_type = n.job_type
  left join failed f on f.job_type = n.job_type
  left join paused p on p.job_type = n.job_type;
end $$;
comment on function job_queue.health_by_type is 'Depth and failures by type.';

create function job_queue.running_jobs(max_jobs integer) returns table (job_type text, worker_id text)
language sql stable set search_path = pg_catalog, pg_temp set enable_seqscan = off set enable_bitmapscan = off as $$
  select j.job_type, j.worker_id from public.jobs j
  where j.status = 'processing'
  order by j.lease_expires_at desc
  limit max_jobs
$$;
comment on function job_queue.running_jobs is 'Jobs that workers hold.';

-- Jobs that failed for good, the 1,000 latest, each with all its failed runs: select retry_failed_jobs(…) queues
-- them again.
create view public.failed_jobs with (security_invoker = true) as
select j.id, j.job_type, j.completed_at as failed_at, j.error, j.retry_count, j.worker_id, j.owner_id, j.input_data,
       (
         select jsonb_agg(
           jsonb_build_object(
             'failed_at', f.failed_at, 'worker_id', f.worker_id, 'duration', f.duration, 'error', f.error,
             'is_attempt', f.is_attempt, 'company', f.company
           )
           order by f.id
         )
         from public.job_failures f
         where f.job_id = j.id
       ) as history
from (
  select * from public.jobs
  where status = 'failed'
  order by completed_at desc
  limit 1000
) j
order by j.completed_at desc;
comment on view public.failed_jobs is 'The latest 1,000 jobs that failed for good, with their failed runs.';

-- Jobs that workers hold, at most 1,000: first those whose lease has ended, which the next claim takes back.
create view public.running_jobs with (security_invoker = true) as
select j.id, j.job_type, j.worker_id, j.started_at, greatest(interval '0', now() - j.started_at) as running_for, j.progress,
       j.lease_expires_at < now() as is_stuck, j.lease_expires_at, j.deadline_at, j.cancel_requested_at, j.retry_count
from public.jobs j
where j.status = 'processing'
order by j.lease_expires_at
limit 1000;
comment on view public.running_jobs is 'Up to 1,000 jobs that workers hold, the stuck ones first.';

-- job_queue_health in the text format of Prometheus; the function gives it to whoever scrapes it.
create function public.job_queue_metrics() returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_health jsonb := public.job_queue_health();
  v_lines text;
begin
  select string_agg(m.lines, chr(10) order by m.position) into v_lines
  from (
    select 1 as position, '# HELP job_queue_jobs Jobs by type and state, counted up to 10000.' || chr(10)
           || '# TYPE job_queue_jobs gauge' as lines
    union all
    select 2, format('job_queue_jobs{job_type="%s",state="%s"} %s', job_queue.label(t.type ->> 'job_type'), s.state, t.type ->> s.state)
    from jsonb_array_elements(v_health -> 'types') as t (type)
    cross join unnest(array['ready', 'waiting', 'retrying', 'isolated', 'running', 'failed_last_hour']) as s (state)
    union all
    select 3, '# HELP job_queue_oldest_ready_seconds How long the next job of a type has been ready.' || chr(10)
           || '# TYPE job_queue_oldest_ready_seconds gauge'
    union all
    select 4, format('job_queue_oldest_ready_seconds{job_type="%s"} %s', job_queue.label(t.type ->> 'job_type'), t.type ->> 'oldest_ready_seconds')
    from jsonb_array_elements(v_health -> 'types') as t (type)
    where t.type ->> 'oldest_ready_seconds' is not null
    union all
    select 5, format('# HELP job_queue_%1$s %2$s' || chr(10) || '# TYPE job_queue_%1$s gauge' || chr(10) || 'job_queue_%1$s %3$s', g.name, g.help, v_health ->> g.name)
    from (values
      ('stuck', 'Running jobs whose lease has ended.'),
      ('completed_per_minute', 'Jobs completed per minute of the last five.'),
      ('workers', 'Workers heard of in the last five minutes.')
    ) as g (name, help)
    union all
    select 6, '# HELP job_queue_last_tick_seconds Time since tend_job_queue was called.' || chr(10)
           || '# TYPE job_queue_last_tick_seconds gauge' || chr(10)
           || 'job_queue_last_tick_seconds ' || extract(epoch from job_queue.age((v_health ->> 'last_tick_at')::timestamptz))::integer
    where v_health ->> 'last_tick_at' is not null
  ) m;
  return v_lines || chr(10);
end $$;
comment on function public.job_queue_metrics is 'The health of the queue as Prometheus reads it.';

-- Prometheus's way to write any text between quotes.
create function job_queue.label(value text) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select replace(replace(replace(value, '\', '\\'), '"', '\"'), chr(10), '\n')
$$;
comment on function job_queue.label is 'The value of a label for Prometheus.';

revoke all on all functions in schema job_queue from public;
revoke all on function
  public.pause_job_type, public.resume_job_type, public.job_queue_health, public.job_queue_metrics
from public, anon, authenticated;
grant execute on function
  public.pause_job_type, public.resume_job_type, public.job_queue_health, public.job_queue_metrics, job_queue.label, job_queue.version,
  job_queue.health, job_queue.known_types, job_queue.ended_types, job_queue.unknown_types
to service_role;
revoke all on public.failed_jobs, public.running_jobs from public, anon, authenticated;
grant select on public.failed_jobs, public.running_jobs to service_role;
