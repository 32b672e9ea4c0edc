-- Putting jobs into the queue.

-- The signed-in user on whose behalf PostgREST calls; null for the service role and for SQL sessions.
create function job_queue.calling_user()
returns uuid
language plpgsql
stable
set search_path = ''
as $$
declare
  v_claims jsonb := nullif(current_setting('request.jwt.claims', true), '')::jsonb;
begin
  if v_claims is null or v_claims ->> 'role' = 'service_role' then
    return null;
  end if;
  if v_claims ->> 'sub' is null then
    perform job_queue.refuse('42501', 'only signed-in users and the service role may do this');
  end if;
  return (v_claims ->> 'sub')::uuid;
end;
$$;

-- Whose the new job is: a signed-in user enqueues open types, and only for themselves; the service names any owner or none.
create function job_queue.owner_of_new_job(calling_user uuid, job_type text, owner_id uuid, field text)
returns uuid
language plpgsql
stable
set search_path = ''
as $$
begin
  if calling_user is null then
    return owner_of_new_job.owner_id;
  end if;
  if owner_of_new_job.owner_id <> calling_user then
    perform job_queue.refuse('JQ004', field || 'owner_id: expected your own id or nothing');
  end if;
  if not exists (select from public.job_types t where t.job_type = owner_of_new_job.job_type and t.open_to_users) then
    perform job_queue.refuse('JQ004', field || 'job_type: expected a type that is open to signed-in users',
      'Enqueue it from the server, or open the type in public.job_types.');
  end if;
  return calling_user;
end;
$$;

-- Refuses, naming the argument, what the table's constraints would refuse without naming it.
create function job_queue.check_new_job(
  job_type text, priority int, max_retries int, run_at timestamptz, delay_seconds int, idempotency_key text,
  timeout_seconds int, field text
)
returns void
language plpgsql
immutable
set search_path = ''
as $$
begin
  if check_new_job.job_type is null or char_length(check_new_job.job_type) not between 1 and 100 then
    perform job_queue.refuse('JQ004', field || 'job_type: expected 1 to 100 characters');
  elsif check_new_job.priority is null then
    perform job_queue.refuse('JQ004', field || 'priority: expected a whole number, got null');
  elsif check_new_job.max_retries is null or check_new_job.max_retries not between 0 and 1000 then
    perform job_queue.refuse('JQ004', field || 'max_retries: expected a whole number from 0 to 1000');
  elsif check_new_job.run_at is not null and check_new_job.delay_seconds is not null then
    perform job_queue.refuse('JQ004', field || 'delay_seconds: expected run_at or delay_seconds, not both');
  elsif check_new_job.delay_seconds not between 0 and 315360000 then
    perform job_queue.refuse('JQ004', field || 'delay_seconds: expected a whole number from 0 to 315360000');
  elsif char_length(check_new_job.idempotency_key) not between 1 and 200 then
    perform job_queue.refuse('JQ004', field || 'idempotency_key: expected 1 to 200 characters');
  elsif check_new_job.timeout_seconds not between 1 and 604800 then
    perform job_queue.refuse('JQ004', field || 'timeout_seconds: expected a whole number from 1 to 604800');
  end if;
end;
$$;

-- Puts one job into the queue and returns its id; with an idempotency key that this owner used for this type
-- before, returns the job of then. For apps, triggers and any SQL transaction. Refuses with JQ004.
create function public.enqueue_job(
  job_type text,
  input_data jsonb default '{}',
  priority int default 0,
  max_retries int default 3,
  run_at timestamptz default null,
  delay_seconds int default null,
  idempotency_key text default null,
  timeout_seconds int default null,
  owner_id uuid default null
)
returns uuid
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_owner_id uuid := job_queue.owner_of_new_job(job_queue.calling_user(), enqueue_job.job_type, enqueue_job.owner_id, '');
  v_id uuid;
begin
  perform job_queue.check_new_job(
    enqueue_job.job_type, enqueue_job.priority, enqueue_job.max_retries, enqueue_job.run_at,
    enqueue_job.delay_seconds, enqueue_job.idempotency_key, enqueue_job.timeout_seconds, ''
  );
  -- The job with the same key may be deleted between the two statements: then the insert is tried again.
  loop
    insert into public.jobs as j
      (job_type, input_data, priority, max_retries, run_at, idempotency_key, timeout_seconds, owner_id)
    values (
      enqueue_job.job_type, enqueue_job.input_data, enqueue_job.priority, enqueue_job.max_retries,
      coalesce(enqueue_job.run_at, clock_timestamp() + make_interval(secs => coalesce(enqueue_job.delay_seconds, 0))),
      enqueue_job.idempotency_key, enqueue_job.timeout_seconds, v_owner_id
    )
    on conflict do nothing
    returning j.id into v_id;
    exit when v_id is not null;
    select j.id into v_id
    from public.jobs j
    where j.idempotency_key = enqueue_job.idempotency_key
      and j.job_type = enqueue_job.job_type
      and j.owner_id is not distinct from v_owner_id;
    exit when v_id is not null;
  end loop;
  return v_id;
end;
$$;

comment on function public.enqueue_job is 'Puts one job into the queue and returns its id; the same idempotency_key returns the same job.';

-- The elements of enqueue_jobs' argument as rows, counted from 0.
create function job_queue.new_jobs(jobs jsonb)
returns table (
  job_type text, input_data jsonb, priority int, max_retries int, run_at timestamptz, delay_seconds int,
  idempotency_key text, timeout_seconds int, owner_id uuid, "position" int
)
language sql
immutable
set search_path = ''
as $$
  select
    n.job_type, n.input_data, n.priority, n.max_retries, n.run_at, n.delay_seconds, n.idempotency_key,
    n.timeout_seconds, n.owner_id, n.ordinality::int - 1
  from rows from (
    jsonb_to_recordset(jobs) as (
      job_type text, input_data jsonb, priority int, max_retries int, run_at timestamptz, delay_seconds int,
      idempotency_key text, timeout_seconds int, owner_id uuid
    )
  ) with ordinality as n (
    job_type, input_data, priority, max_retries, run_at, delay_seconds, idempotency_key, timeout_seconds, owner_id
  );
$$;

-- Refuses elements that are no objects and keys that no argument has: a misspelt option must not be ignored.
create function job_queue.check_new_job_keys(jobs jsonb)
returns void
language plpgsql
immutable
set search_path = ''
as $$
declare
  v_bad record;
begin
  select e.ordinality - 1 as "position", jsonb_typeof(e.value) as type into v_bad
  from jsonb_array_elements(jobs) with ordinality e
  where jsonb_typeof(e.value) <> 'object'
  limit 1;
  if found then
    perform job_queue.refuse('JQ004', format('jobs[%s]: expected an object, got %s', v_bad."position", v_bad.type));
  end if;
  select e.ordinality - 1 as "position", left(k.key, 50) as key into v_bad
  from jsonb_array_elements(jobs) with ordinality e, jsonb_object_keys(e.value) k (key)
  where k.key <> all ('{job_type,input_data,priority,max_retries,run_at,delay_seconds,idempotency_key,timeout_seconds,owner_id}')
  limit 1;
  if found then
    perform job_queue.refuse('JQ004', format('jobs[%s].%s: no such option', v_bad."position", v_bad.key),
      'The options are the arguments of enqueue_job.');
  end if;
end;
$$;

-- Puts many jobs into the queue in one trip: an array of objects with the arguments of enqueue_job as keys. Returns
-- their ids in the same order. All or nothing. Refuses with JQ004, naming the element.
create function public.enqueue_jobs(jobs jsonb)
returns uuid[]
language plpgsql
security definer
set search_path = ''
as $$
declare
  most_jobs constant int := 10000;
  v_user uuid := job_queue.calling_user();
  v_count int;
  v_ids uuid[];
  v_inserted int;
begin
  if jsonb_typeof(enqueue_jobs.jobs) is distinct from 'array' then
    perform job_queue.refuse('JQ004', 'jobs: expected an array of objects');
  end if;
  v_count := jsonb_array_length(enqueue_jobs.jobs);
  if v_count > most_jobs then
    perform job_queue.refuse('JQ004', format('jobs: expected at most %s jobs, got %s', most_jobs, v_count));
  end if;
  perform job_queue.check_new_job_keys(enqueue_jobs.jobs);
  perform job_queue.check_new_job(
      n.job_type, coalesce(n.priority, 0), coalesce(n.max_retries, 3), n.run_at, n.delay_seconds, n.idempotency_key,
      n.timeout_seconds, format('jobs[%s].', n.position)
    )
  from job_queue.new_jobs(enqueue_jobs.jobs) n;

  v_ids := array(select gen_random_uuid() from generate_series(1, v_count));
  insert into public.jobs
    (id, job_type, input_data, priority, max_retries, run_at, idempotency_key, timeout_seconds, owner_id)
  select
    v_ids[n.position + 1], n.job_type, coalesce(n.input_data, '{}'), coalesce(n.priority, 0), coalesce(n.max_retries, 3),
    coalesce(n.run_at, clock_timestamp() + make_interval(secs => coalesce(n.delay_seconds, 0))),
    n.idempotency_key, n.timeout_seconds,
    job_queue.owner_of_new_job(v_user, n.job_type, n.owner_id, format('jobs[%s].', n.position))
  from job_queue.new_jobs(enqueue_jobs.jobs) n
  order by n.position
  on conflict do nothing;
  get diagnostics v_inserted = row_count;
  if v_inserted = v_count then
    return v_ids;
  end if;
  return array(
    select coalesce(
      (
        select j.id from public.jobs j
        where j.idempotency_key = n.idempotency_key
          and j.job_type = n.job_type
          and j.owner_id is not distinct from coalesce(v_user, n.owner_id)
      ),
      v_ids[n.position + 1]
    )
    from job_queue.new_jobs(enqueue_jobs.jobs) n
    order by n.position
  );
end;
$$;

comment on function public.enqueue_jobs is 'Puts many jobs into the queue in one trip and returns their ids in the order given.';
