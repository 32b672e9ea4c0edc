-- Which job types workers ask for, so that a type that nobody runs, or nobody can run now, is told from one that waits
-- for its turn.

create table job_queue.workers (
  worker_id text primary key,
  job_types text[],
  unavailable jsonb not null default '{}',
  seen_at timestamptz not null default clock_timestamp()
);
comment on table job_queue.workers is 'Workers that asked for jobs within the last hour.';
comment on column job_queue.workers.job_types is 'which types they run; null: all';
comment on column job_queue.workers.unavailable is 'types they know but do not run now, and why';
alter table job_queue.workers enable row level security;
revoke all on job_queue.workers from public, anon, authenticated;
grant select, insert, update on job_queue.workers to service_role;

-- Remembers what a worker asks for, once a minute for each, and at once what it cannot run. Claims call it: mostly it is
-- one look by primary key, and it waits for nobody.
create function job_queue.note_worker(worker_id text, job_types text[], unavailable jsonb default null) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
begin
  if worker_id is null or exists (
    select from job_queue.workers w
    where w.worker_id = note_worker.worker_id
      and job_queue.is_recent(w.seen_at, interval '1 minute')
      and w.unavailable = coalesce(note_worker.unavailable, '{}')
  ) or not pg_try_advisory_xact_lock(hashtextextended('job_queue.worker ' || note_worker.worker_id, 0)) then
    return;
  end if;
  insert into job_queue.workers as w (worker_id, job_types, unavailable)
  values (note_worker.worker_id, note_worker.job_types, coalesce(note_worker.unavailable, '{}'))
  on conflict on constraint workers_pkey do update
  set job_types = excluded.job_types, unavailable = excluded.unavailable, seen_at = excluded.seen_at;
end $$;
comment on function job_queue.note_worker is 'Remembers which job types a worker asks for.';

-- Which types workers asked for within the last ten minutes; null when no worker did, or one that runs every type.
create function job_queue.types_of_workers() returns text[]
language sql stable set search_path = pg_catalog, pg_temp as $$
  select case
    when count(*) filter (where w.job_types is null) = 0
      then (select array_agg(distinct t) from job_queue.workers r, unnest(r.job_types) t
            where job_queue.is_recent(r.seen_at, interval '10 minutes'))
  end
  from job_queue.workers w
  where job_queue.is_recent(w.seen_at, interval '10 minutes')
$$;
comment on function job_queue.types_of_workers is 'Which types workers asked for lately; null when that is not known.';

-- Types that cannot be run now, and why, as the worker says that was heard of last among those that know the type.
create function job_queue.unavailable_types() returns table (job_type text, reason text)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select l.job_type, l.reason
  from (
    select distinct on (s.job_type) s.job_type, s.reason
    from (
      select w.seen_at, u.key as job_type, u.value as reason
      from job_queue.workers w, jsonb_each_text(w.unavailable) u
      where job_queue.is_recent(w.seen_at, interval '10 minutes')
      union all
      select w.seen_at, t, null from job_queue.workers w, unnest(w.job_types) t
      where job_queue.is_recent(w.seen_at, interval '10 minutes')
    ) s
    order by s.job_type, s.seen_at desc, s.reason nulls last
  ) l
  where l.reason is not null
$$;
comment on function job_queue.unavailable_types is 'Which types cannot be run now, and why.';

revoke all on all functions in schema job_queue from public;
grant execute on function job_queue.note_worker, job_queue.types_of_workers, job_queue.unavailable_types to service_role;
