-- What a clock does for the queue every few seconds. A tick has parts, and each fails for itself: what keeps one from
-- working, an application's trigger or foreign key perhaps, neither stops the others nor undoes them. What failed is
-- written down until it works again, for check_job_queue and job_queue_health to tell.
--
-- Each part has a second. The limit of a statement cannot be changed while it runs, so a part works in batches and
-- looks at the clock in between, and no lock is waited for longer than that.

create table job_queue.failed_parts (
  part text primary key,
  error text not null,
  failing_since timestamptz not null default clock_timestamp(),
  failed_at timestamptz not null default clock_timestamp(),
  failures integer not null default 1
);
comment on table job_queue.failed_parts is
  'Parts of a tick that failed when they were tried last, and of what workers call.';
comment on column job_queue.failed_parts.failures is 'how many times in a row';

-- Where the deletion of old jobs has come to, and why some stayed. It goes on from there with the next tick and
-- begins again after the last, so that what has to stay is not in the way of what has to go.
create table job_queue.cleanups (
  kind text primary key,
  after_end timestamptz,
  after_id uuid,
  kept_at timestamptz,
  kept_by text,
  constraint cleanups_kind_is_known check (kind in ('ended', 'failed'))
);
comment on table job_queue.cleanups is 'How far old jobs are deleted, and why some stayed.';
insert into job_queue.cleanups (kind) values ('ended'), ('failed');

alter table job_queue.failed_parts enable row level security;
alter table job_queue.cleanups enable row level security;
revoke all on job_queue.failed_parts, job_queue.cleanups from public, anon, authenticated;

-- Everything that has to happen although nobody claims: makes ready what is due, rescues, wakes workers, deletes
-- what is old. Called by pg_cron, or by any other clock. Never fails for what a part meets.
-- Returns {"woken", "deleted"}: requests posted and jobs deleted.
create function public.tend_job_queue() returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_tended jsonb;
  -- What an application checks at the end of a transaction only, a part has to meet while it can still pass it over; and
  -- what is deleted with a job may be checked so as well. As the caller, whose own triggers may be waiting.
  v_deferred text := job_queue.check_at_once();
begin
  v_tended := job_queue.tend();
  perform job_queue.check_at_end(v_deferred);
  return v_tended;
end $$;
comment on function public.tend_job_queue is 'What a clock does for the queue every few seconds.';

create function job_queue.tend() returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '1s' as $$
declare
  v_woken integer;
  v_deleted integer;
begin
  -- Another tick that is at it writes the same.
  update job_queue.settings s set tended_at = clock_timestamp()
  where s.is_only_row = any (array(select l.is_only_row from job_queue.settings l for no key update skip locked));
  perform job_queue.tend_part('promote');
  perform job_queue.tend_part('set leases back');
  perform job_queue.tend_part('rescue');
  v_woken := job_queue.tend_part('wake');
  v_deleted := job_queue.tend_part('clean up');
  perform job_queue.tend_part('prune');
  perform job_queue.tend_part('prune pg_cron');
  return jsonb_build_object('woken', v_woken, 'deleted', v_deleted);
end $$;
comment on function job_queue.tend is 'One tick: every part of it, whatever the others do.';

-- Does one part and returns how much of it; 0 when it failed.
create function job_queue.tend_part(part text) returns integer
language plpgsql set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off as $$
declare
  v_began timestamptz := clock_timestamp();
  v_done integer;
begin
  v_done := case part
    when 'promote' then job_queue.repeat_for_a_second('job_queue.promote_due_jobs')
    when 'set leases back' then job_queue.set_leases_back()
    when 'rescue' then job_queue.repeat_for_a_second('job_queue.rescue_jobs')
    when 'wake' then job_queue.wake_workers(case when job_queue.is_neglected() then 0 end)
    when 'clean up' then job_queue.clean_up()
    when 'prune' then job_queue.prune()
    when 'prune pg_cron' then job_queue.prune_cron_runs()
  end;
  -- Unless it has just passed over a job, and told so.
  if exists (select from job_queue.failed_parts f where f.part = tend_part.part and f.failed_at < v_began) then
    delete from job_queue.failed_parts f where f.part = tend_part.part;
  end if;
  return v_done;
exception when others then
  raise warning 'tend_job_queue could not %: %', part, sqlerrm using hint = 'select * from check_job_queue()';
  perform job_queue.note_failed_part(part, sqlerrm);
  return 0;
end $$;
comment on function job_queue.tend_part is 'Does one part of a tick.';

-- Waits for nobody who is writing the same: claims call it too.
create function job_queue.note_failed_part(part text, error text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  update job_queue.failed_parts f
  set error = left(note_failed_part.error, 300), failed_at = clock_timestamp(), failures = f.failures + 1
  where f.part = any (array(
    select l.part from job_queue.failed_parts l where l.part = note_failed_part.part for no key update skip locked
  ));
  if not found then
    insert into job_queue.failed_parts (part, error) values (note_failed_part.part, left(note_failed_part.error, 300))
    on conflict on constraint failed_parts_pkey do nothing;
  end if;
exception when lock_not_available then
  -- Another tick is writing the same.
end $$;
comment on function job_queue.note_failed_part is 'Writes down that a part of a tick, or of what workers call, failed.';

-- Calls a function that handles up to so many rows and returns how many, until none is left, a thousand are done or
-- a second is over.
create function job_queue.repeat_for_a_second(name regproc) returns integer
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_until timestamptz := clock_timestamp() + interval '1 second';
  v_batch integer;
  v_done integer := 0;
begin
  loop
    execute format('select %s(100)', name) into v_batch;
    v_done := v_done + v_batch;
    exit when v_batch < 100 or v_done >= 1000 or clock_timestamp() > v_until;
  end loop;
  return v_done;
end $$;
comment on function job_queue.repeat_for_a_second is 'Handles rows in batches for a second at most.';

-- A lease that was taken before the clock was set back begins anew: it would keep a dead worker's job for as long as
-- the clock went back. Returns how many.
create function job_queue.set_leases_back() returns integer
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_now timestamptz := clock_timestamp();
  v_set_back integer;
begin
  update public.jobs j
  set lease_expires_at = j.lease_expires_at - (j.updated_at - v_now),
      deadline_at = j.deadline_at - (j.updated_at - v_now),
      started_at = j.started_at - (j.updated_at - v_now),
      updated_at = v_now
  where j.ctid = any (array(
    select l.ctid from public.jobs l
    where l.status = 'processing' and l.lease_expires_at > v_now and l.updated_at > v_now + interval '1 second'
    limit 1000
    for no key update skip locked
  ));
  get diagnostics v_set_back = row_count;
  return v_set_back;
end $$;
comment on function job_queue.set_leases_back is 'Begins leases anew that were taken ahead of the clock.';

-- Deletes what is past its time, for a second. Nothing where nothing was set up: somebody calls all the same, and
-- finished jobs stay.
create function job_queue.clean_up() returns integer
language plpgsql set search_path = pg_catalog, pg_temp set enable_sort = on as $$
declare
  v_until timestamptz := clock_timestamp() + interval '1 second';
  v_days integer := (select s.days_to_keep from job_queue.settings s);
  v_cleanup job_queue.cleanups;
  v_result record;
  v_deleted integer := 0;
begin
  if v_days is null then
    return 0;
  end if;
  for v_cleanup in select * from job_queue.cleanups c order by c.kind for update skip locked loop
    select * into v_result from job_queue.delete_old_jobs(
      v_cleanup.kind, case v_cleanup.kind when 'ended' then v_days end, 1000000, v_until,
      v_cleanup.after_end, v_cleanup.after_id
    );
    v_deleted := v_deleted + v_result.deleted;
    update job_queue.cleanups c
    set after_end = v_result.after_end, after_id = v_result.after_id,
        kept_at = case when v_result.kept_by is not null then clock_timestamp() else c.kept_at end,
        kept_by = coalesce(v_result.kept_by, c.kept_by)
    where c.kind = v_cleanup.kind
      and (v_result.kept_by is not null or (c.after_end, c.after_id) is distinct from (v_result.after_end, v_result.after_id));
  end loop;
  return v_deleted;
end $$;
comment on function job_queue.clean_up is 'Deletes old jobs for a second and returns how many.';

-- Forgets wake-ups of over an hour ago but the last, and those ahead of the clock, which was set back; workers that
-- were not heard of for as long; and what workers' calls met, when it was not met again for a minute.
create function job_queue.prune() returns integer
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_pruned integer;
begin
  delete from job_queue.wake_ups w
  where not job_queue.is_recent(w.posted_at, interval '1 hour')
    and w.id < (select max(newest.id) from job_queue.wake_ups newest);
  get diagnostics v_pruned = row_count;
  delete from job_queue.workers w where not job_queue.is_recent(w.seen_at, interval '1 hour');
  delete from job_queue.failed_parts f
  where f.part in ('claim', 'finish', 'renew leases', 'begin in time') and not job_queue.is_recent(f.failed_at, interval '1 minute');
  return v_pruned;
end $$;
comment on function job_queue.prune is 'Forgets wake-ups and workers of long ago.';

-- pg_cron keeps a row of every run for ever. Of ours, those of the last day; every ten minutes, because
-- finding them means reading them all.
create function job_queue.prune_cron_runs() returns integer
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_pruned integer;
begin
  update job_queue.settings s set cron_pruned_at = clock_timestamp()
  where s.is_only_row and not job_queue.is_recent(s.cron_pruned_at, interval '10 minutes');
  if not found or to_regclass('cron.job_run_details') is null then
    return 0;
  end if;
  execute format($prune$
    delete from %1$s.job_run_details d
    where d.runid = any (array(
      select old.runid
      from %1$s.job_run_details old
      where old.jobid = any (array(select j.jobid from %1$s.job j where j.jobname = 'tend-job-queue'))
        and old.start_time < now() - interval '1 day'
      limit 5000
    ))
  $prune$, to_regnamespace('cron'));
  get diagnostics v_pruned = row_count;
  return v_pruned;
end $$;
comment on function job_queue.prune_cron_runs is 'Deletes what pg_cron recorded about runs of tend_job_queue over a day ago.';

revoke all on all functions in schema job_queue from public;
revoke all on function public.tend_job_queue from public, anon, authenticated;
grant execute on function public.tend_job_queue, job_queue.tend, job_queue.note_failed_part to service_role;
