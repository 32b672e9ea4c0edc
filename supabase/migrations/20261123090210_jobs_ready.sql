-- Which jobs a claim takes: in their order, as far as they fit.
--
-- What a job weighs comes twice. Its weight is how much of a worker it takes, and stands in job_types. Its bytes are
-- what it adds to the answer, and were counted when they went in: to claim is to read numbers.
--
-- A job that is too heavy for what the caller has left is passed by lighter ones behind it, but only for ten
-- seconds. From then on they wait with it until some worker has room, at the latest one that has run empty.
-- So neither waits for longer than runs last.

-- Locks the jobs that a claim takes, all of them suspects or none, and says where they are, in order. No other
-- is locked that does not have to be looked at. Those passed over cannot be written, see job_queue.unwritable.
-- is_cut: more were ready but did not fit.
create function job_queue.lock_jobs(
  max_jobs integer, job_types text[], paused text[], weights jsonb, is_idle boolean, capacity integer, max_bytes integer,
  passed_over tid[],
  out places tid[], out are_suspects boolean, out suspects_wait boolean, out is_cut boolean
)
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_ready record;
begin
  max_jobs := least(max_jobs, case when capacity > 0 then capacity end);
  places := '{}';
  are_suspects := false;
  suspects_wait := false;
  is_cut := false;
  if exists (select from public.jobs j where j.waiting_for = 'isolation') then
    if is_idle then
      places := job_queue.readable(job_queue.lock_suspects(max_jobs, job_types, paused, passed_over));
      are_suspects := places <> '{}';
    elsif job_queue.ask_for_isolation(job_types, paused) then
      suspects_wait := true;
      return;
    end if;
  end if;
  if are_suspects then
    places := job_queue.fitting(places, weights, capacity, max_bytes);
    return;
  end if;
  select * into v_ready
  from job_queue.lock_ready_jobs_that_fit(
    max_jobs, job_types, paused, weights, case when not is_idle then capacity end, passed_over
  );
  places := v_ready.places;
  is_cut := v_ready.is_cut;
  if v_ready.bytes > max_bytes or weights is not null then
    places := job_queue.fitting(job_queue.readable(places), weights, capacity, max_bytes);
    is_cut := is_cut or cardinality(places) < cardinality(v_ready.places);
  end if;
end $$;
comment on function job_queue.lock_jobs is 'Locks the jobs that a claim takes.';

-- Locks ready jobs without those that are too heavy for the capacity by themselves; null: none is.
create function job_queue.lock_ready_jobs_that_fit(
  max_jobs integer, job_types text[], paused text[], weights jsonb, capacity integer, passed_over tid[],
  out places tid[], out bytes bigint, out is_cut boolean
)
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_heavy text[];
  v_first public.jobs;
begin
  is_cut := false;
  if capacity = 0 then
    places := '{}';
    is_cut := true;
    return;
  end if;
  if capacity is not null and weights is not null then
    v_heavy := array(select w.key from jsonb_each_text(weights) w where w.value::integer > capacity);
  end if;
  if v_heavy <> '{}' then
    v_first := job_queue.first_ready_job(
      array(select t from unnest(v_heavy) t where job_types is null or t = any (job_types)), paused
    );
    is_cut := v_first.id is not null;
  end if;
  select l.places, l.bytes into places, bytes
  from job_queue.lock_ready_jobs(
    max_jobs, job_types, nullif(coalesce(paused, '{}') || coalesce(v_heavy, '{}'), '{}'), passed_over
  ) l;
  if v_first.id is not null and not job_queue.is_recent(v_first.updated_at, interval '10 seconds') then
    places := array(
      select j.ctid
      from public.jobs j
      where j.ctid = any (places) and job_queue.is_before(j, v_first)
      order by j.priority desc, j.run_at, j.created_at
    );
  end if;
end $$;
comment on function job_queue.lock_ready_jobs_that_fit is 'Locks the next ready jobs, none heavier than the capacity.';

-- As many of these jobs, from the first on, as fit together. The first always does.
create function job_queue.fitting(places tid[], weights jsonb, capacity integer, max_bytes integer) returns tid[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  return array(
    select f.place
    from (
      select j.ctid as place, row_number() over upward as "position",
             sum(job_queue.bytes_of(j)) over upward as bytes,
             sum(coalesce((weights ->> j.job_type)::integer, 1)) over upward as slots
      from public.jobs j
      where j.ctid = any (places)
      window upward as (order by j.priority desc, j.run_at, j.created_at rows unbounded preceding)
    ) f
    where f.position = 1 or (f.bytes <= max_bytes and (capacity is null or f.slots <= capacity))
    order by f.position
  );
end $$;
comment on function job_queue.fitting is 'The first of these jobs, as many as fit together.';

-- About what a claimed job adds to the answer.
create function job_queue.bytes_of(job public.jobs) returns bigint
language sql stable as $$
  select 512 + job.step_bytes + job.input_bytes + coalesce(pg_column_size(job.progress), 0)
$$;
comment on function job_queue.bytes_of is 'The bytes of a claimed job.';

-- These jobs without those whose input cannot be sent, which fail here, each by itself: they got into the table
-- past its trigger, and to read one of them would fail the claim of everybody.
create function job_queue.readable(places tid[]) returns tid[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_now timestamptz := clock_timestamp();
  v_unreadable tid[] := array(
    select j.ctid from public.jobs j where j.ctid = any (places) and j.input_bytes = 2147483647
  );
begin
  if v_unreadable = '{}' then
    return places;
  end if;
  with failed as (
    update public.jobs j
    set status = 'failed', waiting_for = null, completed_at = v_now, updated_at = v_now,
        error = 'the job cannot be read: its input_data is far too long to be sent'
    where j.ctid = any (v_unreadable)
    returning j.id, j.error
  )
  insert into public.job_failures (job_id, started_at, failed_at, error, is_attempt)
  select f.id, v_now, v_now, f.error, false from failed f;
  return array(
    select p.place from unnest(places) with ordinality as p (place, position)
    where p.place <> all (v_unreadable)
    order by p.position
  );
end $$;
comment on function job_queue.readable is 'These jobs without those that cannot be read, which fail.';

-- Locks the first ready jobs and returns where they are and what they weigh. Jobs that another claim has locked
-- are skipped, never waited for; those of a type to be left out are not even read.
create function job_queue.lock_ready_jobs(
  max_jobs integer, job_types text[], left_out text[], passed_over tid[], out places tid[], out bytes bigint
)
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if left_out is not null then
    job_types := job_queue.without(coalesce(job_types, job_queue.ready_types()), left_out);
  end if;
  if job_types is null then
    select coalesce(array_agg(r.place), '{}'), sum(r.bytes) into places, bytes
    from (
      select j.ctid as place, job_queue.bytes_of(j) as bytes
      from public.jobs j
      where j.status = 'queued' and j.waiting_for is null and j.ctid <> all (passed_over)
      order by j.priority desc, j.run_at, j.created_at
      limit max_jobs
      for no key update skip locked
    ) r;
    return;
  end if;
  select l.places, l.bytes into places, bytes from job_queue.lock_ready_jobs_of_types(max_jobs, job_types, passed_over) l;
end $$;
comment on function job_queue.lock_ready_jobs is 'Locks the next ready jobs, of the given types or of all.';

create function job_queue.without(job_types text[], left_out text[]) returns text[]
language sql immutable as $$
  select array(select t from unnest(job_types) t where t <> all (left_out))
$$;
comment on function job_queue.without is 'These types without those.';

-- Reads each type's own part of jobs_ready_by_type_idx as far as needed, merges, and locks the first of
-- all. Reading does not lock, so nothing is locked that is not claimed. When other claims hold so many
-- of those that fewer than max_jobs are left, it looks further, each time four times as far.
--
-- `= any (array[type])` with the type in the order by, because that order only jobs_ready_by_type_idx
-- has: with `= type` the planner may prefer jobs_ready_idx and filter, which is slow as soon as there
-- is a backlog of other types.
create function job_queue.lock_ready_jobs_of_types(
  max_jobs integer, job_types text[], passed_over tid[], out places tid[], out bytes bigint
)
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_types text[] := array(select distinct t from unnest(job_types) t where t is not null);
  v_window bigint := max_jobs;
  v_seen bigint;
  v_locked tid[];
  v_bytes bigint;
begin
  places := '{}';
  bytes := 0;
  loop
    with candidate as materialized (
      select r.*
      from unnest(v_types) as t (job_type)
      cross join lateral (
        select j.ctid as place, j.priority, j.run_at, j.created_at
        from public.jobs j
        where j.status = 'queued' and j.waiting_for is null and j.job_type = any (array[t.job_type])
          and j.ctid <> all (passed_over)
        order by j.job_type, j.priority desc, j.run_at, j.created_at
        limit v_window
      ) r
      order by r.priority desc, r.run_at, r.created_at
      limit v_window
    ), locked as materialized (
      select j.ctid as place, job_queue.bytes_of(j) as bytes
      from candidate c
      join public.jobs j on j.ctid = c.place
      where j.status = 'queued' and j.waiting_for is null and c.place <> all (places)
      order by c.priority desc, c.run_at, c.created_at
      limit max_jobs - cardinality(places)
      for no key update of j skip locked
    )
    select coalesce(array_agg(l.place), '{}'), coalesce(sum(l.bytes), 0), (select count(*) from candidate)
    into v_locked, v_bytes, v_seen
    from locked l;
    places := places || v_locked;
    bytes := bytes + v_bytes;
    exit when cardinality(places) >= max_jobs or v_seen < v_window;
    v_window := v_window * 4;
  end loop;
end $$;
comment on function job_queue.lock_ready_jobs_of_types is 'Locks the next ready jobs of the given types.';

-- The types that have ready jobs, paused ones too: one look into the index for each, however many jobs it has.
create function job_queue.ready_types() returns text[]
language sql stable set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off as $$
  with recursive ready as (
    (
      select j.job_type from public.jobs j
      where j.status = 'queued' and j.waiting_for is null
      order by j.job_type
      limit 1
    )
    union all
    select (
      select j.job_type from public.jobs j
      where j.status = 'queued' and j.waiting_for is null and j.job_type > r.job_type
      order by j.job_type
      limit 1
    )
    from ready r
    where r.job_type is not null
  )
  select array(select r.job_type from ready r where r.job_type is not null)
$$;
comment on function job_queue.ready_types is 'The types that have ready jobs.';

-- The first ready job of these types, or of all, without those left out; a row of nulls when there is none.
create function job_queue.first_ready_job(job_types text[], left_out text[]) returns public.jobs
language sql stable set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off as $$
  select h.job
  from unnest(job_queue.without(coalesce(job_types, job_queue.ready_types()), coalesce(left_out, '{}'))) as r (job_type)
  cross join lateral (
    select j as job, j.priority, j.run_at, j.created_at from public.jobs j
    where j.status = 'queued' and j.waiting_for is null and j.job_type = any (array[r.job_type])
    order by j.job_type, j.priority desc, j.run_at, j.created_at
    limit 1
  ) h
  order by h.priority desc, h.run_at, h.created_at
  limit 1
$$;
comment on function job_queue.first_ready_job is 'The ready job that is next.';

-- The order in which jobs are claimed.
create function job_queue.is_before(one public.jobs, other public.jobs) returns boolean
language sql immutable as $$
  select one.priority > other.priority
    or (one.priority = other.priority and (one.run_at, one.created_at) < (other.run_at, other.created_at))
$$;
comment on function job_queue.is_before is 'Whether a job is claimed before another.';

revoke all on all functions in schema job_queue from public;
grant execute on function
  job_queue.lock_jobs, job_queue.lock_ready_jobs_that_fit, job_queue.fitting, job_queue.bytes_of, job_queue.readable,
  job_queue.lock_ready_jobs, job_queue.without, job_queue.lock_ready_jobs_of_types, job_queue.ready_types,
  job_queue.first_ready_job, job_queue.is_before
to service_role;
