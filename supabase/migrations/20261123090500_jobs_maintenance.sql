-- What an operator or a schedule calls.

-- Puts failed jobs back into the queue, ready at once, with a fresh retry allowance and their saved steps;
-- the longest failed first. Returns how many. Only these ids or types, or those that failed in the given time,
-- if given. Called from the SQL editor and by the app's server; call again while it returns max_jobs. Raises JQ004.
create function public.retry_failed_jobs(
  job_ids uuid[] default null, job_types text[] default null, max_jobs integer default 10000,
  failed_from timestamptz default null, failed_until timestamptz default null
) returns integer
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
declare
  v_now timestamptz := clock_timestamp();
  v_chosen tid[];
  v_retried integer;
begin
  perform job_queue.check_max_jobs(max_jobs);
  if job_ids is null then
    v_chosen := array(
      select f.ctid
      from public.jobs f
      where f.status = 'failed'
        and f.completed_at >= coalesce(failed_from, '-infinity')
        and f.completed_at <= coalesce(failed_until, 'infinity')
        and (retry_failed_jobs.job_types is null or f.job_type = any (retry_failed_jobs.job_types))
      order by f.completed_at
      limit retry_failed_jobs.max_jobs
      for no key update skip locked
    );
  else
    -- By primary key: there may be a great many failed jobs besides these.
    v_chosen := array(
      select f.ctid
      from public.jobs f
      where f.id = any (retry_failed_jobs.job_ids)
        and f.status = 'failed'
        and f.completed_at >= coalesce(failed_from, '-infinity')
        and f.completed_at <= coalesce(failed_until, 'infinity')
        and (retry_failed_jobs.job_types is null or f.job_type = any (retry_failed_jobs.job_types))
      limit retry_failed_jobs.max_jobs
      for no key update skip locked
    );
  end if;
  update public.jobs j
  set status = 'queued', retry_count = 0, cancel_requested_at = null, completed_at = null,
      lease_token = null, run_at = v_now, updated_at = v_now,
      suspicion = 0, free_losses = 0, free_hand_overs = 0, free_releases = 0
  where j.ctid = any (v_chosen);
  get diagnostics v_retried = row_count;
  return v_retried;
end $$;
comment on function public.retry_failed_jobs is 'Queues failed jobs again with a fresh retry allowance and returns how many.';

-- How long jobs of a type are kept once they have ended.
alter table public.job_types
  add column keep_days integer,
  add column keep_failed_days integer,
  add constraint job_types_retention_is_possible check (keep_days between 0 and 36500 and keep_failed_days between 0 and 36500);
comment on column public.job_types.keep_days is
  'after how many days its completed and cancelled jobs are deleted; null: as the queue is set up';
comment on column public.job_types.keep_failed_days is
  'after how many days its failed jobs are deleted; null: they stay, to be looked into and retried';

-- Deletes completed and cancelled jobs that ended more than days_to_keep days ago, with their steps; the
-- oldest first. What job_types says about a type goes before days_to_keep; failed jobs are deleted only where it says
-- so. Jobs that rows of other tables refer to stay, and a notice says whose. Returns how many were deleted.
-- Works in batches and stops at max_jobs or after 4 seconds, so that it never meets the API's time
-- limit; call again while it returns something. Called from the SQL editor. Raises JQ004.
create function public.cleanup_old_jobs(days_to_keep integer default 30, max_jobs integer default 10000) returns integer
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_until timestamptz := clock_timestamp() + interval '4 seconds';
  v_ended record;
  v_failed record;
  v_deferred text;
begin
  perform job_queue.check_max_jobs(max_jobs);
  if days_to_keep between 0 and 36500 is not true then
    raise exception 'days_to_keep: expected 0 to 36500' using errcode = 'JQ004';
  end if;
  -- What refers to a job and is checked at the end of the transaction only would have nothing deleted at all.
  v_deferred := job_queue.check_at_once();
  select * into v_ended from job_queue.delete_old_jobs('ended', days_to_keep, max_jobs, v_until, null, null);
  select * into v_failed from job_queue.delete_old_jobs('failed', null, max_jobs - v_ended.deleted, v_until, null, null);
  perform job_queue.check_at_end(v_deferred);
  if v_ended.kept_by is not null or v_failed.kept_by is not null then
    raise notice 'some old jobs are kept: %', coalesce(v_ended.kept_by, v_failed.kept_by);
  end if;
  return v_ended.deleted + v_failed.deleted;
end $$;
comment on function public.cleanup_old_jobs is 'Deletes jobs that ended long ago and returns how many.';

-- Deletes jobs that are past their time, 'ended' (completed or cancelled) or 'failed' ones, up to a number and a
-- moment. Goes on after the given job in the order of their ends, and returns the last it looked at, or nulls when it
-- has seen all; how many it deleted; and why some stayed, or null. It looks at a thousand at a time, however few of
-- them are old enough for their type.
create function job_queue.delete_old_jobs(
  kind text, days_to_keep integer, max_jobs integer, until timestamptz,
  inout after_end timestamptz, inout after_id uuid, out deleted integer, out kept_by text
)
language plpgsql set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set plan_cache_mode = force_custom_plan as $$
declare
  v_now timestamptz := clock_timestamp();
  -- No job that ended later is past its time, whatever its type.
  v_days integer := (
    select least(days_to_keep, min(case kind when 'failed' then t.keep_failed_days else t.keep_days end)) from public.job_types t
  );
  v_looked_at bigint;
  v_old uuid[];
  v_batch record;
begin
  deleted := 0;
  if v_days is null then
    return;
  end if;
  loop
    -- The states are written out, because the partial index of each is found by them.
    execute format($old$
      select count(*), array_agg(o.id order by o.completed_at, o.id) filter (where o.is_old),
             (array_agg(o.completed_at order by o.completed_at desc, o.id desc))[1],
             (array_agg(o.id order by o.completed_at desc, o.id desc))[1]
      from (
        select j.id, j.completed_at,
               coalesce(j.completed_at < $1 - make_interval(days => coalesce(t.%1$I, $2)), false) as is_old
        from (
          select j.id, j.completed_at, j.job_type from public.jobs j
          where j.status %2$s and j.completed_at < $1 - make_interval(days => $3)
            and j.completed_at >= coalesce($4, '-infinity')
            and ($4 is null or (j.completed_at, j.id) > ($4, $5))
          order by j.completed_at, j.id
          limit least(1000, $6)
        ) j
        left join public.job_types t on t.job_type = j.job_type
      ) o
    $old$,
      case kind when 'failed' then 'keep_failed_days' else 'keep_days' end,
      case kind when 'failed' then '= ''failed''' else 'in (''completed'', ''cancelled'')' end)
    into v_looked_at, v_old, after_end, after_id
    using v_now, days_to_keep, v_days, after_end, after_id, max_jobs - deleted;
    v_batch := job_queue.delete_jobs(v_old);
    deleted := deleted + v_batch.deleted;
    kept_by := coalesce(v_batch.kept_by, kept_by);
    exit when v_looked_at = 0 or deleted >= max_jobs or clock_timestamp() > until;
  end loop;
end $$;
comment on function job_queue.delete_old_jobs is 'Deletes jobs that are past their time.';

-- Deletes finished jobs. Passes over those that somebody else is at, and over those that rows of other tables refer
-- to; if it passed over any of those it says why. The one place where jobs are deleted.
create function job_queue.delete_jobs(ids uuid[], out deleted integer, out kept_by text)
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
declare
  v_id uuid;
begin
  deleted := 0;
  if ids is null then
    return;
  end if;
  begin
    execute format($delete$
      delete from public.jobs d
      where d.id = any (array(
        select j.id from public.jobs j
        where j.id = any ($1) and j.status in ('completed', 'cancelled', 'failed') %s
        for update skip locked
      ))
    $delete$, job_queue.not_referred_to()) using ids;
    get diagnostics deleted = row_count;
    if deleted < cardinality(ids) then
      kept_by := job_queue.referring_tables();
    end if;
    return;
  exception when others then
    -- Something that no foreign key shows: a trigger, a reference at second hand, a table that is closed to the caller.
    deleted := 0;
  end;
  foreach v_id in array ids loop
    begin
      delete from public.jobs j where j.id = v_id and j.status in ('completed', 'cancelled', 'failed');
      deleted := deleted + found::integer;
    exception when others then
      kept_by := sqlerrm;
    end;
  end loop;
end $$;
comment on function job_queue.delete_jobs is 'Deletes finished jobs but those that others refer to.';

-- Foreign keys to jobs that forbid to delete what they refer to.
create function job_queue.references_to_jobs() returns table (table_name text, column_name name)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select c.conrelid::regclass::text, a.attname
  from pg_catalog.pg_constraint c
  join pg_catalog.pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
  where c.contype = 'f' and c.confrelid = 'public.jobs'::regclass and c.confdeltype in ('a', 'r')
$$;
comment on function job_queue.references_to_jobs is 'Foreign keys that keep jobs from being deleted.';

-- The condition that no row of another table keeps a job j from being deleted.
create function job_queue.not_referred_to() returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select coalesce(string_agg(format('and not exists (select from %s r where r.%I = j.id)', r.table_name, r.column_name), ' '), '')
  from job_queue.references_to_jobs() r
$$;
comment on function job_queue.not_referred_to is 'A condition in SQL: nobody refers to the job j.';

create function job_queue.referring_tables() returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select 'rows of ' || string_agg(distinct r.table_name, ', ') || ' refer to them' from job_queue.references_to_jobs() r
$$;
comment on function job_queue.referring_tables is 'Whose rows may keep jobs from being deleted; null when nobody''s.';

-- Rescues up to max_jobs jobs whose lease has ended, the longest ended first, wakes a worker for them, and returns how
-- many. Claims and heartbeats rescue too; this is for a time when no worker does either. Called by a schedule.
-- Raises JQ004.
create function public.rescue_expired_jobs(max_jobs integer default 1000) returns integer
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_rescued integer;
  v_deferred text;
begin
  perform job_queue.check_max_jobs(max_jobs);
  v_deferred := job_queue.check_at_once();
  v_rescued := job_queue.rescue_jobs(max_jobs);
  perform job_queue.check_at_end(v_deferred);
  if v_rescued > 0 then
    perform job_queue.wake_worker();
  end if;
  return v_rescued;
end $$;
comment on function public.rescue_expired_jobs is 'Ends the attempts of workers whose lease has ended and returns how many.';

-- Raises JQ004.
create function job_queue.check_max_jobs(max_jobs integer) returns void
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  if max_jobs between 1 and 10000 is not true then
    raise exception 'max_jobs: expected 1 to 10000' using errcode = 'JQ004';
  end if;
end $$;
comment on function job_queue.check_max_jobs is 'Refuses a batch too large for one call.';

revoke all on all functions in schema job_queue from public;
revoke all on function public.retry_failed_jobs, public.cleanup_old_jobs, public.rescue_expired_jobs
from public, anon, authenticated;
grant execute on function
  public.retry_failed_jobs, public.cleanup_old_jobs, public.rescue_expired_jobs, job_queue.check_max_jobs,
  job_queue.delete_old_jobs, job_queue.delete_jobs, job_queue.not_referred_to, job_queue.referring_tables,
  job_queue.references_to_jobs
to service_role;
