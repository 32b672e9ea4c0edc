-- Suspects: jobs whose worker died while it held them. One of them may have killed it.
--
-- They wait in isolation, apart from the ready jobs, for a worker that has nothing else. It gets those whose
-- worker died once, together, or one whose worker died again, alone; and until they have ended it claims
-- nothing more. So whatever they do, they do to each other or to themselves.
--
-- A suspect keeps its place in the line: a worker that has nothing else takes suspects when the first of them
-- comes before the first ready job, by priority, due time and age; others that may run beside it come along.
-- Neither kind can so keep the other waiting for longer than it would if there were no isolation. A busy worker
-- passes suspects by. But when the first in the line is one that has waited for five seconds, a busy worker that
-- claims is asked to run empty: one every five seconds.

-- Locks the suspects that come before the first ready job: one that has to run alone, or those that need not, up
-- to max_jobs. Those that another claim has locked are skipped.
create function job_queue.lock_suspects(
  max_jobs integer, job_types text[], paused text[], passed_over tid[]
) returns tid[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_types text[] := job_queue.isolated_types(job_types, paused);
  v_first public.jobs;
  v_places tid[];
  v_window bigint := max_jobs;
begin
  loop
    v_places := array(select s.place from job_queue.suspects(v_types, v_window, passed_over) s order by s.position);
    select j.* into v_first
    from public.jobs j
    where j.ctid = any (v_places) and j.waiting_for = 'isolation'
    order by j.priority desc, j.run_at, j.created_at
    limit 1
    for no key update of j skip locked;
    exit when found or cardinality(v_places) < v_window;
    v_window := v_window * 4;
  end loop;
  if v_first.id is null or job_queue.is_before(job_queue.first_ready_job(job_types, paused), v_first) then
    return array[]::tid[];
  end if;
  return array(
    select j.ctid
    from public.jobs j
    where j.ctid = any (v_places) and j.waiting_for = 'isolation'
      and (j.id = v_first.id or (j.suspicion = 1 and v_first.suspicion = 1))
    order by j.priority desc, j.run_at, j.created_at
    limit max_jobs
    for no key update of j skip locked
  );
end $$;
comment on function job_queue.lock_suspects is 'Locks the suspects that a worker may be given that has nothing else.';

-- Whether the caller, who is busy, is to run empty for the sake of a suspect. Then nobody else is asked for the
-- next five seconds: the suspect waits anew.
create function job_queue.ask_for_isolation(job_types text[], paused text[]) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_now timestamptz := clock_timestamp();
  v_first public.jobs;
begin
  select j.* into v_first from public.jobs j
  where j.ctid = any (array(select s.place from job_queue.suspects(job_queue.isolated_types(job_types, paused), 1) s));
  if v_first.id is null or job_queue.is_recent(v_first.updated_at, interval '5 seconds')
    or job_queue.is_before(job_queue.first_ready_job(job_types, paused), v_first) then
    return false;
  end if;
  update public.jobs j set updated_at = v_now
  where j.ctid = any (array(
    select s.ctid from public.jobs s
    where s.id = any (array[v_first.id]) and s.waiting_for = 'isolation' and s.updated_at = v_first.updated_at
    for no key update skip locked
  ));
  return found;
end $$;
comment on function job_queue.ask_for_isolation is 'Whether a busy worker is to run empty for a suspect.';

-- Where the first suspects of these types are that are due, in their order.
create function job_queue.suspects(
  job_types text[], max_jobs bigint, passed_over tid[] default '{}'
) returns table (place tid, "position" bigint)
language sql volatile set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off as $$
  select s.place, row_number() over (order by s.priority desc, s.run_at, s.created_at)
  from unnest(job_types) as t (job_type)
  cross join lateral (
    select j.ctid as place, j.priority, j.run_at, j.created_at
    from public.jobs j
    where j.waiting_for = 'isolation' and j.job_type = any (array[t.job_type]) and j.run_at <= clock_timestamp()
      and j.ctid <> all (passed_over)
    order by j.job_type, j.priority desc, j.run_at, j.created_at
    limit max_jobs
  ) s
  order by s.priority desc, s.run_at, s.created_at
  limit max_jobs
$$;
comment on function job_queue.suspects is 'The first suspects of these types.';

-- The types among these, or among all, that have suspects and are not paused: one look into the index for each.
create function job_queue.isolated_types(job_types text[] default null, paused text[] default null) returns text[]
language sql stable set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off as $$
  with recursive isolated as (
    (select j.job_type from public.jobs j where j.waiting_for = 'isolation' order by j.job_type limit 1)
    union all
    select (
      select j.job_type from public.jobs j
      where j.waiting_for = 'isolation' and j.job_type > i.job_type
      order by j.job_type
      limit 1
    )
    from isolated i
    where i.job_type is not null
  )
  select array(
    select i.job_type from isolated i
    where i.job_type is not null
      and (isolated_types.job_types is null or i.job_type = any (isolated_types.job_types))
      and i.job_type <> all (coalesce(paused, '{}'))
  )
$$;
comment on function job_queue.isolated_types is 'The types that have suspects.';

revoke all on all functions in schema job_queue from public;
grant execute on function
  job_queue.lock_suspects, job_queue.ask_for_isolation, job_queue.suspects, job_queue.isolated_types
to service_role;
