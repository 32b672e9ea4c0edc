-- Putting jobs into the queue.

-- Enqueues one job and returns its id; with an idempotency key that was used before, the id of that job.
-- Called by the app's server (service role), by SQL and triggers, and by signed-in users for the types
-- that job_types opens to them. Raises JQ004, JQ006.
-- A run_at without a zone cannot be refused here: its text is a timestamptz, read as of the session's TimeZone, before
-- this runs. As text the argument would take no `now() + interval '1 hour'`. enqueue_jobs sees the text, and refuses it.
create function public.enqueue_job(
  job_type text,
  input_data jsonb default '{}',
  priority integer default 0,
  max_retries integer default 3,
  run_at timestamptz default null,
  delay_seconds integer default null,
  idempotency_key text default null,
  timeout_seconds integer default null,
  owner_id uuid default null
) returns uuid
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  return (job_queue.enqueue(jsonb_build_array(jsonb_build_object(
    'job_type', job_type, 'input_data', input_data, 'priority', priority, 'max_retries', max_retries,
    'run_at', run_at, 'delay_seconds', delay_seconds, 'idempotency_key', idempotency_key,
    'timeout_seconds', timeout_seconds, 'owner_id', owner_id
  )), ''))[1];
end $$;
comment on function public.enqueue_job is
  'Enqueues a job and returns its id. Give run_at with its zone: Postgres reads one without it as of the session''s TimeZone, UTC on Supabase.';

-- Enqueues up to 10,000 jobs in one call: an array of objects whose keys are the arguments of enqueue_job.
-- Returns their ids in the order given. All or nothing. Raises JQ004 naming the element, JQ006.
create function public.enqueue_jobs(jobs jsonb) returns uuid[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform job_queue.check_count(jobs);
  perform job_queue.check_elements(jobs);
  return job_queue.enqueue(jobs, 'jobs[%s].');
end $$;
comment on function public.enqueue_jobs is 'Enqueues an array of jobs and returns their ids in the same order.';

-- Refuses what is not an array, and too many jobs for one call, before any of them is looked at. Raises JQ004, JQ006.
create function job_queue.check_count(jobs jsonb) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  if jobs is null or jsonb_typeof(jobs) <> 'array' then
    raise exception 'jobs: expected an array of objects' using errcode = 'JQ004';
  elsif jsonb_array_length(jobs) > 10000 then
    raise exception 'jobs: expected at most 10000, got %', jsonb_array_length(jobs) using errcode = 'JQ004';
  elsif not job_queue.is_trusted() then
    perform job_queue.check_count_of_user(jsonb_array_length(jobs));
  end if;
end $$;
comment on function job_queue.check_count is 'Refuses what is no array of at most so many jobs.';

-- Refuses values of the wrong type, and keys that nothing would read: a misspelt option must not be ignored.
-- Raises JQ004.
create function job_queue.check_elements(jobs jsonb) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_problem text;
begin
  select format('jobs[%s]: expected an object', e.position - 1) into v_problem
  from jsonb_array_elements(jobs) with ordinality as e (item, position)
  where jsonb_typeof(e.item) <> 'object'
  limit 1;
  if v_problem is null then
    select format('jobs[%s].%s: ', e.position - 1, left(k.key, 50))
           || case t.expected
             when 'time' then 'expected a time with its zone, such as 2026-01-31T09:00:00Z'
             else coalesce('expected a ' || t.expected, 'there is no such option')
           end
    into v_problem
    from jsonb_array_elements(jobs) with ordinality as e (item, position)
    cross join jsonb_object_keys(e.item) as k (key)
    cross join lateral (select case
      when k.key in ('job_type', 'idempotency_key') then 'string'
      when k.key = 'run_at' then 'time'
      when k.key = 'owner_id' then 'uuid'
      when k.key in ('priority', 'max_retries', 'delay_seconds', 'timeout_seconds') then 'number'
      when k.key = 'input_data' then 'object'
    end as expected) t
    where t.expected is null or not job_queue.is_value(e.item -> k.key, t.expected)
    limit 1;
  end if;
  if v_problem is not null then
    raise exception '%', v_problem using errcode = 'JQ004', hint = 'the options are the arguments of enqueue_job';
  end if;
end $$;
comment on function job_queue.check_elements is 'Refuses a malformed array of jobs.';

-- Whether a text is a time of ISO 8601, which reads alike whatever the session's TimeZone and DateStyle are. Its zone is an
-- offset, UTC in one of its names, or a place; `pkg-template/src/arguments.ts` takes the first two.
create function job_queue.is_time(value text) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  perform value::timestamptz;
  return value ~* (
    '^(-?infinity|[0-9]{4,6}-[0-9]{2}-[0-9]{2}(t| +)[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?'
    ' *(z|utc|gmt|[+-][0-9]{1,2}(:?[0-9]{2}){0,2}|[a-z]+/[a-z0-9_/+-]+))$'
  );
exception when data_exception then
  return false;
end $$;
comment on function job_queue.is_time is 'Whether a text can be read as a time and says its zone.';

-- Whether a JSON value is null or what was expected: a type of JSON, a time or a uuid.
create function job_queue.is_value(value jsonb, expected text) returns boolean
language sql stable as $$
  select jsonb_typeof(value) = 'null' or case expected
    when 'time' then jsonb_typeof(value) = 'string' and job_queue.is_time(value #>> '{}')
    when 'uuid' then
      jsonb_typeof(value) = 'string' and value #>> '{}' ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
    else jsonb_typeof(value) = expected
  end
$$;
comment on function job_queue.is_value is 'Whether a JSON value is what an option takes.';

-- Whether the caller is the application and not one of its users: the owner of the queue and whoever passes
-- row-level security, as the service role does. Not whoever happens to have a privilege: those are granted in bulk.
-- It goes by the SQL role and not by the JWT, so that a security definer trigger of the application counts as the
-- application, whoever set it off. The one place for this rule.
create function job_queue.is_trusted() returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$ select not pg_catalog.row_security_active('public.jobs') $$;
comment on function job_queue.is_trusted is 'Whether the caller is the application and not one of its users.';

-- Who calls, by the JWT. Raises 42501 when nobody is signed in.
create function job_queue.signed_in_user(purpose text) returns uuid
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_user uuid := (select auth.uid());
begin
  if v_user is null then
    raise exception 'only signed-in users and the service role may %', purpose using errcode = '42501';
  end if;
  return v_user;
end $$;
comment on function job_queue.signed_in_user is 'The id of the signed-in user.';

create function job_queue.enqueue(items jsonb, path text) returns uuid[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if job_queue.is_trusted() then
    return job_queue.insert_jobs(items, path, null);
  end if;
  -- Counted before anything is looked up for each.
  perform job_queue.check_user_jobs(items, path);
  perform job_queue.check_user_input(items, path);
  return job_queue.enqueue_for_user(items, path);
end $$;
comment on function job_queue.enqueue is 'Enqueues with the rights of the caller.';

-- Enqueues for the signed-in user what they may: see check_user_jobs. Raises JQ004, JQ006.
create function job_queue.enqueue_for_user(items jsonb, path text) returns uuid[]
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_user uuid := job_queue.signed_in_user('enqueue jobs');
begin
  -- Again, because users may call this function by itself.
  perform job_queue.check_user_jobs(items, path);
  perform job_queue.lock_user(v_user);
  perform job_queue.check_user_limits(v_user, items);
  return job_queue.insert_jobs(items, path, v_user);
end $$;
comment on function job_queue.enqueue_for_user is 'Enqueues as auth.uid(), if the types are open to users.';

-- Checks and inserts the jobs in one statement and returns their ids in the order given.
-- `path` goes before the name of a bad argument in messages; `%s` in it is the element's index. With an owner, who
-- is then a user, no job is due before now: what was due long ago would go before everybody else's.
-- Numbers are read as they come, so that one that is too large is refused by its name.
create function job_queue.insert_jobs(items jsonb, path text, owner uuid) returns uuid[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_now timestamptz := clock_timestamp();
  v_ids uuid[];
  v_inserted bigint;
  v_problem text;
begin
  with item as materialized (
    select i.*, gen_random_uuid() as id, coalesce(insert_jobs.owner, i.owner_id) as job_owner,
           coalesce(
             job_queue.problem_of_job(i.job_type, i.priority, i.max_retries, i.run_at, i.delay_seconds,
                                      i.idempotency_key, i.timeout_seconds),
             job_queue.problem_of_depth(i.input_data)
           ) as problem
    from rows from (jsonb_to_recordset(items) as (
      job_type text, input_data jsonb, priority numeric, max_retries numeric, run_at timestamptz,
      delay_seconds numeric, idempotency_key text, timeout_seconds numeric, owner_id uuid
    )) with ordinality as i (
      job_type, input_data, priority, max_retries, run_at,
      delay_seconds, idempotency_key, timeout_seconds, owner_id, position
    )
  ), inserted as (
    insert into public.jobs (
      id, job_type, input_data, priority, max_retries, run_at, idempotency_key, timeout_seconds, owner_id,
      created_at, updated_at
    )
    select id, job_type, coalesce(input_data, '{}'), coalesce(priority, 0), coalesce(max_retries, 3),
           coalesce(
             case when owner is null then run_at else greatest(run_at, v_now) end,
             v_now + make_interval(secs => delay_seconds::double precision),
             v_now + position * interval '1 microsecond'
           ),
           idempotency_key, timeout_seconds, job_owner,
           -- A microsecond apart, so that they run in the order given.
           v_now + position * interval '1 microsecond', v_now
    from item
    where not exists (select from item where problem is not null)
    -- By all that makes a key unique, so that two callers with the same keys wait for each other and do not
    -- deadlock. Jobs without a key lie in the table as they are claimed.
    order by idempotency_key, case when idempotency_key is not null then job_type end,
             case when idempotency_key is not null then job_owner end, position
    on conflict (idempotency_key, job_type, owner_id) where idempotency_key is not null do nothing
    returning 1
  )
  select (select array_agg(id order by position) from item),
         (select count(*) from inserted),
         (select format(path, position - 1) || problem from item where problem is not null order by position limit 1)
  into v_ids, v_inserted, v_problem;
  if v_problem is not null then
    raise exception '%', v_problem using errcode = 'JQ004';
  end if;
  if v_inserted < cardinality(v_ids) then
    return job_queue.ids_of_enqueued(items, v_ids, owner);
  end if;
  return coalesce(v_ids, '{}');
end $$;
comment on function job_queue.insert_jobs is 'Inserts an array of jobs; repeated idempotency keys give the jobs that have them.';

-- What is wrong with the arguments of a job, or null. An expression, so that it is inlined.
create function job_queue.problem_of_job(
  job_type text, priority numeric, max_retries numeric, run_at timestamptz, delay_seconds numeric,
  idempotency_key text, timeout_seconds numeric
) returns text
language sql immutable as $$
  select case
    when octet_length(job_type) between 1 and 200 is not true then 'job_type: expected 1 to 200 bytes'
    when priority not between -2147483648 and 2147483647 then 'priority: expected -2147483648 to 2147483647'
    when max_retries not between 0 and 1000 then 'max_retries: expected 0 to 1000'
    when run_at < '1970-01-01 00:00+00' or run_at >= '10000-01-01 00:00+00' then 'run_at: expected a time from 1970 to 9999'
    when delay_seconds not between 0 and 2147483647 then 'delay_seconds: expected 0 to 2147483647'
    when delay_seconds is not null and run_at is not null then 'delay_seconds: give run_at or delay_seconds, not both'
    when octet_length(idempotency_key) not between 1 and 255 then 'idempotency_key: expected 1 to 255 bytes'
    when timeout_seconds not between 1 and 604800 then 'timeout_seconds: expected 1 to 604800'
    when priority % 1 <> 0 then 'priority: expected a whole number'
    when max_retries % 1 <> 0 then 'max_retries: expected a whole number'
    when delay_seconds % 1 <> 0 then 'delay_seconds: expected a whole number'
    when timeout_seconds % 1 <> 0 then 'timeout_seconds: expected a whole number'
  end
$$;
comment on function job_queue.problem_of_job is 'What is wrong with the arguments of a job; null when nothing is.';

-- Readers of JSON, the worker's among them, stop at some depth. Eight bytes a level: what is small is not looked at.
create function job_queue.problem_of_depth(input_data jsonb) returns text
language sql stable as $$
  select case
    when pg_column_size(input_data) > 800 and input_data @? '$.**{101}'
      then 'input_data: expected at most 100 levels of nesting'
  end
$$;
comment on function job_queue.problem_of_depth is 'What is wrong with an input that is nested too deep; null when it is not.';

-- For jobs that were not inserted because their key is taken: the id of the job that has the key.
-- A statement of its own, because the statement that met the conflict cannot see a job that was
-- committed after it began.
create function job_queue.ids_of_enqueued(items jsonb, new_ids uuid[], owner uuid) returns uuid[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_ids uuid[];
begin
  select array_agg(coalesce(inserted.id, existing.id) order by i.position) into v_ids
  from rows from (
    jsonb_to_recordset(items) as (job_type text, idempotency_key text, owner_id uuid),
    unnest(new_ids)
  ) with ordinality as i (job_type, idempotency_key, owner_id, new_id, position)
  left join public.jobs inserted on inserted.id = i.new_id
  left join public.jobs existing
    on existing.idempotency_key = i.idempotency_key
    and existing.job_type = i.job_type
    and existing.owner_id is not distinct from coalesce(owner, i.owner_id);
  if array_position(v_ids, null) is not null then
    raise exception 'a job with the same idempotency key was deleted at this moment: enqueue again'
      using errcode = 'serialization_failure';
  end if;
  return v_ids;
end $$;
comment on function job_queue.ids_of_enqueued is 'Ids of jobs just enqueued, including those that existed before.';

revoke all on all functions in schema job_queue from public;
revoke all on function public.enqueue_job, public.enqueue_jobs from public, anon;
grant execute on function public.enqueue_job, public.enqueue_jobs to authenticated, service_role;
-- The API does not expose this schema; users need it because enqueue_job runs with their rights.
grant usage on schema job_queue to authenticated, service_role;
grant execute on function
  job_queue.is_trusted, job_queue.signed_in_user, job_queue.check_count, job_queue.check_elements, job_queue.is_value, job_queue.is_time,
  job_queue.enqueue, job_queue.enqueue_for_user
to authenticated, service_role;
grant execute on function job_queue.insert_jobs, job_queue.problem_of_job, job_queue.problem_of_depth, job_queue.ids_of_enqueued to service_role;
