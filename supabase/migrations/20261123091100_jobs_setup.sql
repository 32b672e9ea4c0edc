-- Setting up how workers are woken, in one call; taking it away in one; and saying whether it works.

-- Sets up everything that wakes workers, or changes it: stores the function's address and token in the Vault,
-- and lets pg_cron call tend_job_queue every interval_seconds: 1 to 59, or whole minutes up to 30 of them; at
-- first 10. At most max_workers workers (3) are called, each of which runs jobs_per_worker jobs (10) at a time:
-- the function's QUEUE_CONCURRENCY. Completed and cancelled jobs are deleted after days_to_keep days (30). The
-- function runs in `region`, or near the database when that is ''. What is left out stays as it is.
--
-- Returns what check_job_queue says: where pg_net, pg_cron or the Vault is missing, what works without it is set
-- up all the same. Called from the SQL editor by the owner of the database. Raises JQ004.
create function public.setup_job_queue(
  worker_url text,
  worker_token text default null,
  interval_seconds integer default null,
  max_workers integer default null,
  jobs_per_worker integer default null,
  days_to_keep integer default null,
  region text default null
) returns table (part text, is_healthy boolean, finding text, remedy text)
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_settings job_queue.settings;
begin
  perform job_queue.check_settings(worker_url, worker_token, interval_seconds, max_workers, jobs_per_worker, days_to_keep);
  insert into job_queue.settings as s (interval_seconds, max_workers, jobs_per_worker, days_to_keep, region)
  values (
    coalesce(setup_job_queue.interval_seconds, 10), coalesce(setup_job_queue.max_workers, 3),
    coalesce(setup_job_queue.jobs_per_worker, 10), coalesce(setup_job_queue.days_to_keep, 30),
    nullif(setup_job_queue.region, '')
  )
  on conflict on constraint settings_pkey do update
  set interval_seconds = coalesce(setup_job_queue.interval_seconds, s.interval_seconds),
      max_workers = coalesce(setup_job_queue.max_workers, s.max_workers),
      jobs_per_worker = coalesce(setup_job_queue.jobs_per_worker, s.jobs_per_worker),
      days_to_keep = coalesce(setup_job_queue.days_to_keep, s.days_to_keep),
      region = nullif(coalesce(setup_job_queue.region, s.region), '')
  returning * into v_settings;
  perform job_queue.enable_extension('pg_net');
  perform job_queue.enable_extension('pg_cron');
  perform job_queue.keep_secret('queue_worker_url', worker_url);
  perform job_queue.keep_secret('queue_worker_token', worker_token);
  if job_queue.has_pg_cron() then
    execute format('select %s.schedule($1, $2, $3)', to_regnamespace('cron'))
      using 'tend-job-queue', job_queue.cron_schedule(v_settings.interval_seconds), 'select public.tend_job_queue()';
  end if;
  return query select * from public.check_job_queue();
end $$;
comment on function public.setup_job_queue is 'Sets up how workers are woken and says whether it works.';

-- Takes back what setup_job_queue did: nobody is woken any more. Jobs and settings of types stay. The extensions
-- stay too: others may use them. Called from the SQL editor by the owner of the database.
create function public.remove_job_queue_setup() returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  delete from job_queue.settings where is_only_row;
  delete from job_queue.wake_ups w where w.posted_at is not null;
  if job_queue.has_pg_cron() then
    execute format('select %1$s.unschedule(j.jobname) from %1$s.job j where j.jobname = $1', to_regnamespace('cron'))
      using 'tend-job-queue';
  end if;
  if to_regclass('vault.secrets') is not null then
    execute format('delete from %s.secrets s where s.name in ($1, $2)', to_regnamespace('vault'))
      using 'queue_worker_url', 'queue_worker_token';
  end if;
end $$;
comment on function public.remove_job_queue_setup is 'Takes back what setup_job_queue did.';

-- Raises JQ004.
create function job_queue.check_settings(
  worker_url text, worker_token text, interval_seconds integer, max_workers integer, jobs_per_worker integer,
  days_to_keep integer
) returns void
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare
  v_problem text := case
    when worker_url ~ '^https?://[^\s]+$' is not true then
      'worker_url: expected the address of the function, like https://<ref>.supabase.co/functions/v1/process-queued-jobs'
    when worker_token !~ '^[\x21-\x7e]{16,}$' then
      'worker_token: expected at least 16 printable ASCII characters without spaces'
    when (interval_seconds between 1 and 59 or interval_seconds % 60 = 0 and interval_seconds between 60 and 1800) is false then
      'interval_seconds: expected 1 to 59, or a multiple of 60 up to 1800'
    when max_workers not between 1 and 100 then 'max_workers: expected 1 to 100'
    when jobs_per_worker not between 1 and 1000 then 'jobs_per_worker: expected 1 to 1000'
    when days_to_keep not between 0 and 36500 then 'days_to_keep: expected 0 to 36500'
  end;
begin
  if v_problem is not null then
    raise exception '%', v_problem using errcode = 'JQ004';
  end if;
end $$;
comment on function job_queue.check_settings is 'Refuses impossible settings.';

-- Where an extension is not to be had, or the caller may not create it, check_job_queue says so afterwards.
create function job_queue.enable_extension(name text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if exists (select from pg_available_extensions e where e.name = enable_extension.name and e.installed_version is null) then
    execute format('create extension %I', name);
  end if;
exception when others then
  raise notice '% was not enabled: %', name, sqlerrm;
end $$;
comment on function job_queue.enable_extension is 'Enables an extension if that is possible.';

-- Stores or changes a secret; one that is null stays as it is. Without a Vault nothing is stored anywhere.
create function job_queue.keep_secret(name text, secret text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_vault regnamespace := to_regnamespace('vault');
  v_id uuid;
begin
  if secret is null or to_regclass('vault.secrets') is null then
    return;
  end if;
  execute format('select s.id from %s.secrets s where s.name = $1', v_vault) into v_id using name;
  if v_id is null then
    execute format('select %s.create_secret($1, $2)', v_vault) using secret, name;
  else
    execute format('select %s.update_secret($1, $2)', v_vault) using v_id, secret;
  end if;
end $$;
comment on function job_queue.keep_secret is 'Stores a secret in the Vault.';

-- pg_cron's words for an interval. Before 1.5 it knows no seconds: then every minute.
create function job_queue.cron_schedule(interval_seconds integer) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select case
    when interval_seconds > 60 then format('*/%s * * * *', interval_seconds / 60)
    when interval_seconds = 60
      or exists (select from pg_extension e where e.extname = 'pg_cron' and e.extversion ~ '^1\.[0-4]($|\D)')
      then '* * * * *'
    else format('%s seconds', interval_seconds)
  end
$$;
comment on function job_queue.cron_schedule is 'An interval as pg_cron reads it.';

-- Whether workers are woken and answer: one row for each part, what was found, and what to do about it.
-- Called from the SQL editor and with the service key.
create function public.check_job_queue()
returns table (part text, is_healthy boolean, finding text, remedy text)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  return query select * from job_queue.check_all();
end $$;
comment on function public.check_job_queue is 'Says of each part of the queue whether it works, and what to do if not.';

create function job_queue.check_all()
returns table (part text, is_healthy boolean, finding text, remedy text)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
  return query
  select c.part, c.problem is null, coalesce(c.problem, c.fine), case when c.problem is not null then c.remedy end
  from (
    select * from job_queue.check_parts()
    union all select * from job_queue.check_clock()
    union all select * from job_queue.check_tick()
    union all select * from job_queue.check_answer()
    union all select * from job_queue.check_jobs()
    union all select * from job_queue.check_grants()
  ) c;
end $$;
comment on function job_queue.check_all is 'The findings about every part.';

create function job_queue.check_parts()
returns table (part text, fine text, problem text, remedy text)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  return query values (
    'setup', 'done',
    case when not exists (select from job_queue.settings) then 'setup_job_queue was never called: no worker is woken' end,
    $sql$select * from setup_job_queue('https://<ref>.supabase.co/functions/v1/process-queued-jobs', '<the token>')$sql$
  ), (
    'pg_net', 'enabled',
    case when not job_queue.has_pg_net() then 'missing: the database cannot call the function' end,
    'create extension pg_net; where there is none, let any clock POST to the function with the header x-queue-token'
  ), (
    'pg_cron', 'enabled',
    case when not job_queue.has_pg_cron() then 'missing: nothing happens to jobs that wait or whose worker died' end,
    'create extension pg_cron, then call setup_job_queue again; where there is none, let any clock call '
    'tend_job_queue() or POST to the function'
  ), (
    'vault', 'holds the address and the token',
    case
      when to_regclass('vault.decrypted_secrets') is null then 'missing: there is no safe place for the token'
      when job_queue.secret('queue_worker_url') is null then 'holds no secret queue_worker_url'
      when job_queue.secret('queue_worker_token') is null then 'holds no secret queue_worker_token'
    end,
    'create extension supabase_vault if it is missing, then call setup_job_queue with worker_url and worker_token'
  );
end $$;
comment on function job_queue.check_parts is 'Whether everything is there that wakes workers.';

create function job_queue.check_clock()
returns table (part text, fine text, problem text, remedy text)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_settings job_queue.settings;
  v_is_scheduled boolean := true;
  v_status text;
  v_message text;
begin
  select * into v_settings from job_queue.settings;
  if job_queue.has_pg_cron() then
    execute format($scheduled$
      select exists (select from %1$s.job j where j.jobname = 'tend-job-queue' and j.active)
    $scheduled$, to_regnamespace('cron')) into v_is_scheduled;
    execute format($last$
      select d.status, d.return_message from %1$s.job_run_details d
      where d.jobid = any (array(select j.jobid from %1$s.job j where j.jobname = 'tend-job-queue'))
      order by d.runid desc limit 1
    $last$, to_regnamespace('cron')) into v_status, v_message;
  end if;
  return query values (
    'clock',
    'ticked ' || coalesce(date_trunc('second', job_queue.age(v_settings.tended_at))::text || ' ago', 'never yet'),
    case
      when v_settings.is_only_row and not v_is_scheduled then 'pg_cron has no active job tend-job-queue: it was deleted or switched off'
      when v_status = 'failed' then 'the last call of tend_job_queue failed: ' || v_message
      when v_settings.tended_at is null then 'tend_job_queue was never called'
      when v_settings.tended_at > clock_timestamp() then 'tend_job_queue was not called since the clock was set back'
      -- A minute on top: pg_cron before 1.5 calls once a minute, whatever was wanted.
      when not job_queue.is_recent(v_settings.tended_at, make_interval(secs => 60 + 3 * v_settings.interval_seconds))
        then 'tend_job_queue was last called ' || date_trunc('second', job_queue.age(v_settings.tended_at))::text || ' ago'
    end,
    'wait for one interval after the setup; then call setup_job_queue again, and look into cron.job_run_details'
  );
end $$;
comment on function job_queue.check_clock is 'Whether something calls tend_job_queue.';

create function job_queue.told_failure(failed job_queue.failed_parts) returns text
language sql volatile set search_path = pg_catalog, pg_temp as $$
  select format(
    '%s has failed %s times in %s: %s', failed.part, failed.failures,
    date_trunc('second', job_queue.age(failed.failing_since)), failed.error
  )
$$;
comment on function job_queue.told_failure is 'What is known about a part of a tick that fails.';

create function job_queue.remedy_of_part(part text) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case part
    when 'begin in time' then
      'raise timeout_seconds of the jobs or of their type, or find out why claims take so long; a job that 300 claims '
      'in a row were too slow for has failed'
    when 'wake' then 'mend what is found missing of setup, pg_net or vault'
    when 'prune pg_cron' then 'let the owner of the queue delete from cron.job_run_details'
    when 'clean up' then 'mend the trigger or constraint that the message names; until then old jobs stay'
    else 'mend the trigger or constraint on jobs that the message names; until then jobs that wait for it stay'
  end || case when part <> 'begin in time' then ', it is tried again with each tick' else '' end
$$;
comment on function job_queue.remedy_of_part is 'What to do about a part of a tick that fails.';

create function job_queue.check_tick()
returns table (part text, fine text, problem text, remedy text)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select 'tick',
         'every part of it works' || coalesce((
           select '; some old jobs are kept: ' || string_agg(distinct left(c.kept_by, 300), '; ')
           from job_queue.cleanups c where c.kept_by is not null and job_queue.is_recent(c.kept_at, interval '1 day')
         ), ''),
         (select string_agg(job_queue.told_failure(f), '; ' order by f.part) from job_queue.failed_parts f),
         (select string_agg(job_queue.remedy_of_part(f.part), '; ' order by f.part) from job_queue.failed_parts f)
$$;
comment on function job_queue.check_tick is 'Whether every part of a tick works.';

-- What the function said to the last wake-up whose answer has come; one row, of nulls when there is none.
create function job_queue.last_answer()
returns table (status_code integer, content text, timed_out boolean, error_msg text)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
  if to_regclass('net._http_response') is not null then
    -- By the time, which has an index; the id has none. The latest by the id: the clock may have been set back.
    execute format($answers$
      select r.status_code, r.content, r.timed_out, r.error_msg
      from %s._http_response r
      where r.created > least((select min(w.posted_at) from job_queue.wake_ups w), clock_timestamp() - interval '1 hour')
        and r.id in (select w.request_id from job_queue.wake_ups w order by w.id desc limit 20)
      order by r.id desc, r.created desc limit 1
    $answers$, to_regnamespace('net')) into status_code, content, timed_out, error_msg;
  end if;
  return next;
end $$;
comment on function job_queue.last_answer is 'What the function answered last.';

create function job_queue.check_answer()
returns table (part text, fine text, problem text, remedy text)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select
    'worker',
    case when a.status_code is null then 'not called yet' else 'answered ' || a.status_code end,
    case
      when a.status_code between 200 and 299 then null
      -- It has made room for the isolate that the next request reaches.
      when a.status_code = 503 and a.content like '%this isolate is used up%' then null
      when a.status_code is not null then format('answered %s: %s', a.status_code, left(a.content, 300))
      when a.timed_out then 'did not answer within 5 seconds'
      when a.error_msg is not null then 'could not be reached: ' || a.error_msg
    end,
    case a.status_code
      when 401 then 'the token in the Vault is not the function''s: supabase secrets set QUEUE_WORKER_TOKEN=<the token>, '
        'and call setup_job_queue with the same'
      when 404 then 'supabase functions deploy process-queued-jobs --use-api; or the address is wrong: call setup_job_queue'
      when 500 then 'set what the answer names with supabase secrets set'
      else 'look into the logs of the function in the dashboard; check the address given to setup_job_queue'
    end
  from job_queue.last_answer() a
$$;
comment on function job_queue.check_answer is 'Whether the function answers.';

create function job_queue.check_jobs()
returns table (part text, fine text, problem text, remedy text)
language plpgsql stable set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off as $$
declare
  v_now timestamptz := clock_timestamp();
  v_lost timestamptz := (select min(j.lease_expires_at) from public.jobs j where j.status = 'processing');
  v_neglected text[] := array(
    select r.job_type
    from unnest(job_queue.ready_types()) as r (job_type)
    cross join lateral (
      select j.updated_at from public.jobs j
      where j.status = 'queued' and j.waiting_for is null and j.job_type = any (array[r.job_type])
      order by j.job_type, j.priority desc, j.run_at, j.created_at
      limit 1
    ) head
    where not job_queue.is_recent(head.updated_at, interval '10 minutes')
      and not exists (select from public.job_types t where t.job_type = r.job_type and t.paused_at is not null)
  );
  v_unknown text[] := job_queue.unknown_types(job_queue.ready_types());
begin
  return query values (
    'rescue', 'no job is held by a dead worker',
    case when v_lost < v_now - interval '1 minute' then
      'a job is held by a worker whose lease ended ' || date_trunc('second', v_now - v_lost)::text || ' ago'
    end,
    'select tend_job_queue(), which the clock should have called'
  ), (
    'job types', 'workers run every type of which jobs are ready',
    case when v_unknown <> '{}' then 'no worker runs jobs of these types: ' || array_to_string(v_unknown, ', ') end,
    'correct the name with update jobs set job_type = …, deploy a function that has a handler for it, or cancel the jobs'
  ), (
    'availability', 'workers have what their types need',
    'cannot run now: ' || (select string_agg(u.job_type || ' (' || u.reason || ')', ', ' order by u.job_type) from job_queue.unavailable_types() u),
    'do what the reason says, a setting with supabase secrets set. The jobs wait unharmed, and one is tried every minute'
  ), (
    'queue', 'no job that is next in line has waited for ten minutes',
    case when v_neglected <> '{}' then 'jobs have been next in line for over ten minutes: ' || array_to_string(v_neglected, ', ') end,
    'either no worker runs such jobs (its answer to {"wait": true} says under unavailable why), or there are too few: '
    'call setup_job_queue with a higher max_workers'
  );
end $$;
comment on function job_queue.check_jobs is 'Whether jobs are stuck.';

revoke all on all functions in schema job_queue from public;
revoke all on function public.setup_job_queue, public.remove_job_queue_setup, public.check_job_queue
from public, anon, authenticated;
grant execute on function public.check_job_queue, job_queue.check_all to service_role;

notify pgrst, 'reload schema';
