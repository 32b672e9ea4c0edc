-- Waking workers. A worker is an edge function: somebody has to call it.
--
-- Whatever makes a job ready wakes a worker at once, through pg_net, which sends after the commit. pg_cron
-- calls tend_job_queue every few seconds as the safety net: it wakes as many workers as the queue is deep
-- for, and does what has to be done although nobody claims. A wake-up may be lost anywhere; that costs
-- time until the next call of tend_job_queue, and nothing else.
--
-- setup_job_queue, in the next migration, sets all of this up. Until then nothing is posted.

create table job_queue.settings (
  is_only_row boolean primary key default true check (is_only_row),
  interval_seconds integer not null,
  max_workers integer not null,
  jobs_per_worker integer not null,
  days_to_keep integer not null,
  region text,
  tended_at timestamptz,
  cron_pruned_at timestamptz
);
comment on table job_queue.settings is 'How workers are woken: one row, or none where setup_job_queue was not called.';
comment on column job_queue.settings.jobs_per_worker is 'how many jobs one worker runs at a time: its QUEUE_CONCURRENCY';
comment on column job_queue.settings.days_to_keep is 'after how many days completed and cancelled jobs are deleted';
comment on column job_queue.settings.region is 'where the function should run; null: nearest to the database';
comment on column job_queue.settings.tended_at is 'when tend_job_queue was called last';

-- One row per wake-up of the last hour. Plain inserts without a unique key besides the identity: those who
-- enqueue at the same time neither wait for each other nor see each other's.
create table job_queue.wake_ups (
  id bigint generated always as identity primary key,
  posted_at timestamptz not null default clock_timestamp(),
  transaction_id xid8 not null default pg_current_xact_id(),
  request_id bigint not null
);
comment on table job_queue.wake_ups is 'Requests to workers, newest last.';
comment on column job_queue.wake_ups.request_id is 'of pg_net: net._http_response.id';

alter table job_queue.settings enable row level security;
alter table job_queue.wake_ups enable row level security;
revoke all on job_queue.settings, job_queue.wake_ups from public, anon, authenticated;

-- Makes ready what is due, rescues what dead workers hold, and wakes as many workers as the queue is deep
-- for. Returns how many requests it posted: 0 when nothing is due, when all workers that may run are busy,
-- or when setup_job_queue was not called. Called by workers, with max_posts 1 by one that has to stop while there
-- is work. Raises 55000 when nothing can be posted.
--
-- No function in public runs with its owner's rights: privileges there may be granted to anyone in bulk. What needs
-- them is behind it, in the queue's own schema.
create function public.dispatch_workers(max_posts integer default null) returns integer
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform job_queue.ready_due_jobs();
  return job_queue.wake_workers(max_posts);
end $$;
comment on function public.dispatch_workers is 'Wakes workers if jobs are due and returns how many it called.';

-- Wakes as many workers as the queue is deep for, and returns how many. Raises 55000.
create function job_queue.wake_workers(max_posts integer) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_posts integer;
begin
  v_posts := least(job_queue.workers_to_wake(), max_posts);
  for post in 1 .. v_posts loop
    perform job_queue.post_wake_up();
  end loop;
  return coalesce(v_posts, 0);
end $$;
comment on function job_queue.wake_workers is 'Wakes as many workers as the queue is deep for.';

-- What claims do, for a time when nobody claims.
create function job_queue.ready_due_jobs() returns void
language plpgsql set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off as $$
declare
  v_deferred text := job_queue.check_at_once();
begin
  perform job_queue.make_ready(1000);
  perform job_queue.check_at_end(v_deferred);
end $$;
comment on function job_queue.ready_due_jobs is 'Makes ready what has waited long enough or was held by a dead worker.';

-- How many workers to wake: at least one when a job is ready and the running ones are not full, for a worker
-- that waits for a slow job is not looking for others; more when there is enough for more. None when the
-- queue is not set up. Counts by weight; who holds suspects is full, and one that has to run alone fills a worker.
-- Reads no more jobs than all workers together may run.
create function job_queue.workers_to_wake() returns integer
language plpgsql stable set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off as $$
declare
  v_now timestamptz := clock_timestamp();
  v_settings job_queue.settings;
  v_capacity integer;
  v_running bigint;
  v_workers integer;
  v_ready integer;
begin
  select * into v_settings from job_queue.settings;
  if not found then
    return 0;
  end if;
  v_capacity := v_settings.max_workers * v_settings.jobs_per_worker;
  select coalesce(sum(w.slots), 0), count(w.worker_id) into v_running, v_workers
  from (
    select r.worker_id,
           case when bool_or(r.suspicion > 0) then v_settings.jobs_per_worker
                else sum(job_queue.slots(r.job_type, v_settings.jobs_per_worker)) end as slots
    from (
      select j.worker_id, j.job_type, j.suspicion from public.jobs j
      where j.status = 'processing' and j.lease_expires_at > v_now
      limit v_capacity
    ) r
    group by r.worker_id
  ) w;
  v_ready := job_queue.ready_slots(greatest(0, v_capacity - v_running)::integer, v_settings.jobs_per_worker);
  if v_ready = 0 then
    return 0;
  end if;
  return greatest(1, ceil((v_running + v_ready)::numeric / v_settings.jobs_per_worker) - v_workers);
end $$;
comment on function job_queue.workers_to_wake is 'How many workers to wake now.';

-- How much of a worker a job of this type takes.
create function job_queue.slots(job_type text, jobs_per_worker integer) returns integer
language sql stable set search_path = pg_catalog, pg_temp as $$
  select coalesce((
    select least(t.weight, slots.jobs_per_worker) from public.job_types t where t.job_type = slots.job_type
  ), 1)
$$;
comment on function job_queue.slots is 'The weight of a job of this type, at most a whole worker.';

create function job_queue.paused_types() returns text[]
language sql stable set search_path = pg_catalog, pg_temp as $$
  select array(select t.job_type from public.job_types t where t.paused_at is not null order by 1)
$$;
comment on function job_queue.paused_types is 'The types of which no job is claimed.';

-- How much room jobs need that could be claimed, of types that are not paused, up to a limit.
create function job_queue.ready_slots(max_slots integer, jobs_per_worker integer) returns integer
language sql stable set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off as $$
  select least(max_slots, coalesce(sum(c.slots), 0))::integer
  from (
    select j.slots
    from unnest(job_queue.without(job_queue.ready_types(), job_queue.paused_types())) as r (job_type)
    cross join lateral (select job_queue.slots(r.job_type, jobs_per_worker) as slots offset 0) w
    cross join lateral (
      select w.slots from public.jobs j
      where j.status = 'queued' and j.waiting_for is null and j.job_type = any (array[r.job_type])
      limit max_slots
    ) j
    union all
    select case j.suspicion when 2 then jobs_per_worker else w.slots end
    from unnest(job_queue.isolated_types(null, job_queue.paused_types())) as r (job_type)
    cross join lateral (select job_queue.slots(r.job_type, jobs_per_worker) as slots offset 0) w
    cross join lateral (
      select j.suspicion from public.jobs j
      where j.waiting_for = 'isolation' and j.job_type = any (array[r.job_type])
      limit max_slots
    ) j
    limit max_slots
  ) c
$$;
comment on function job_queue.ready_slots is 'How much room the jobs need that could be claimed, up to a limit.';

-- Posts one request. It carries the worker token, which opens the function and nothing else: whoever may
-- read pg_net's tables sees it. Raises 55000 when something is missing that setup_job_queue had found.
--
-- What belongs to an extension is named in dynamic SQL only, and its schema is looked up: it may be absent, and
-- then the Supabase CLI's linter would complain.
create function job_queue.post_wake_up() returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_url text := job_queue.secret('queue_worker_url');
  v_token text := job_queue.secret('queue_worker_token');
  v_headers jsonb;
  v_request_id bigint;
begin
  if v_url is null or v_token is null or not job_queue.has_pg_net() then
    raise exception 'workers cannot be woken' using errcode = 'object_not_in_prerequisite_state',
      hint = 'select * from check_job_queue() says what is missing';
  end if;
  select jsonb_strip_nulls(jsonb_build_object(
    'Content-Type', 'application/json', 'x-queue-token', v_token, 'x-region', s.region
  )) into v_headers
  from job_queue.settings s;
  execute format(
    'select %s.http_post(url := $1, body := $2, headers := $3, timeout_milliseconds := 5000)', to_regnamespace('net')
  ) into v_request_id using v_url, '{}'::jsonb, v_headers;
  insert into job_queue.wake_ups (request_id) values (v_request_id);
end $$;
comment on function job_queue.post_wake_up is 'Calls a worker after the transaction commits.';

-- A secret of the Vault; null when it or the Vault is not there. With the caller's rights: a grant too many on this schema
-- tells nobody anything.
create function job_queue.secret(name text) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_secret text;
begin
  if to_regclass('vault.decrypted_secrets') is not null then
    execute format(
      'select s.decrypted_secret from %s.decrypted_secrets s where s.name = $1', to_regnamespace('vault')
    ) into v_secret using name;
  end if;
  return v_secret;
end $$;
comment on function job_queue.secret is 'A secret of the Vault by its name.';

create function job_queue.has_pg_net() returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select to_regprocedure('net.http_post(text, jsonb, jsonb, jsonb, integer)') is not null
$$;
comment on function job_queue.has_pg_net is 'Whether pg_net is there to post with.';

create function job_queue.has_pg_cron() returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select to_regprocedure('cron.schedule(text, text, text)') is not null
$$;
comment on function job_queue.has_pg_cron is 'Whether pg_cron is there to schedule with.';

-- Wakes a worker unless one has just been woken: by this transaction, or by another within the last fifth of
-- a second. The woken worker looks again after a quarter of a second (see worker_looks_again_ms), so a job
-- that is committed meanwhile is not left behind, and ten thousand inserts are one wake-up.
--
-- What cannot be posted must never keep a job from being enqueued.
create function job_queue.wake_worker() returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_last job_queue.wake_ups;
begin
  if not exists (select from job_queue.settings) then
    return;
  end if;
  select * into v_last from job_queue.wake_ups w order by w.id desc limit 1;
  if v_last.transaction_id = pg_current_xact_id() or job_queue.is_recent(v_last.posted_at, interval '200 milliseconds') then
    return;
  end if;
  begin
    if job_queue.workers_to_wake() > 0 then
      perform job_queue.post_wake_up();
    end if;
  exception when others then
    raise warning 'no worker was woken: %', sqlerrm;
  end;
end $$;
comment on function job_queue.wake_worker is 'Wakes a worker for jobs that have just become ready.';

-- For a worker that found too little: how soon to look again before it ends. Null unless one was woken
-- within the last quarter of a second, because then nobody is woken for what is enqueued meanwhile.
create function job_queue.worker_looks_again_ms() returns integer
language sql stable set search_path = pg_catalog, pg_temp as $$
  select case when job_queue.is_recent(w.posted_at, interval '250 milliseconds') then greatest(1, 250 - w.age) end
  from (
    select w.posted_at, least(250, greatest(0, extract(epoch from clock_timestamp() - w.posted_at) * 1000))::integer as age
    from job_queue.wake_ups w
    order by w.id desc
    limit 1
  ) w
$$;
comment on function job_queue.worker_looks_again_ms is 'After how many milliseconds a worker should look again; null: not at all.';

-- For inserts by statement: ten thousand rows are one look.
create function job_queue.wake_worker_for_change() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform job_queue.wake_worker();
  return null;
end $$;
comment on function job_queue.wake_worker_for_change() is 'Wakes a worker for jobs that were inserted or made ready.';

-- For a job whose time was moved to now: workers are counted by what is ready.
create function job_queue.wake_worker_for_due_job() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if exists (select from job_queue.settings) then
    perform job_queue.ready_due_jobs();
    perform job_queue.wake_worker();
  end if;
  return null;
end $$;
comment on function job_queue.wake_worker_for_due_job() is 'Makes ready what has become due by hand and wakes a worker.';

create trigger jobs_wake_worker after insert on public.jobs
  for each statement execute function job_queue.wake_worker_for_change();

-- The other ways in which a job becomes ready while no worker is at it: it is queued again, or its time is moved to
-- now. What claims and ticks do is neither, and who does that goes on to claim or to wake.
create trigger jobs_wake_worker_for_retry after update of status on public.jobs
  for each row when (new.status = 'queued' and old.status in ('failed', 'cancelled'))
  execute function job_queue.wake_worker_for_change();

create trigger jobs_wake_worker_for_run_at after update of run_at on public.jobs
  for each row when (
    new.status = 'queued' and old.waiting_for is not null and new.run_at < old.run_at and new.run_at <= clock_timestamp()
  )
  execute function job_queue.wake_worker_for_due_job();

-- And when its type is no longer paused, in whatever way.
create trigger job_types_wake_worker after update or delete on public.job_types
  for each row when (old.paused_at is not null)
  execute function job_queue.wake_worker_for_change();

-- Whether wake-ups achieve nothing: no job runs, none has ended for five minutes, and what is ready has been so
-- for long. A type that no worker knows, say, or a function that is not deployed. Then workers are called
-- less and less often: after a tenth of the time the jobs have waited, and at least every five minutes.
create function job_queue.is_neglected() returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off as $$
declare
  v_now timestamptz := clock_timestamp();
  v_ready_since timestamptz;
  v_woken_at timestamptz := (select w.posted_at from job_queue.wake_ups w order by w.id desc limit 1);
begin
  if exists (select from public.jobs j where j.status = 'processing' and j.lease_expires_at > v_now)
    or exists (
      select from public.jobs j
      where j.status in ('completed', 'cancelled') and j.completed_at between v_now - interval '5 minutes' and v_now
    )
    or exists (
      select from public.jobs j where j.status = 'failed' and j.completed_at between v_now - interval '5 minutes' and v_now
    )
  then
    return false;
  end if;
  select max(head.updated_at) into v_ready_since
  from (
    select h.updated_at
    from unnest(job_queue.ready_types()) as r (job_type)
    cross join lateral (
      select j.updated_at from public.jobs j
      where j.status = 'queued' and j.waiting_for is null and j.job_type = any (array[r.job_type])
      order by j.job_type, j.priority desc, j.run_at, j.created_at
      limit 1
    ) h
    union all
    select j.updated_at from (select * from public.jobs i where i.waiting_for = 'isolation' limit 100) j
  ) head;
  return job_queue.is_recent(v_woken_at, least(interval '5 minutes', (v_now - v_ready_since) / 10));
end $$;
comment on function job_queue.is_neglected is 'Whether calling a worker now is known to be of no use.';

revoke all on all functions in schema job_queue from public;
revoke all on function public.dispatch_workers from public, anon, authenticated;
grant execute on function public.dispatch_workers to service_role;
-- What reads secrets runs with the owner's rights, and only through these.
grant execute on function
  job_queue.ready_due_jobs, job_queue.wake_workers, job_queue.wake_worker, job_queue.worker_looks_again_ms,
  job_queue.paused_types
to service_role;
grant select on job_queue.wake_ups to service_role;

notify pgrst, 'reload schema';
