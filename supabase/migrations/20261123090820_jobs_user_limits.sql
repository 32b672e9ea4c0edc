-- What a signed-in user may ask for, and how many jobs they may have. Everything is counted before anything is done:
-- what is refused costs milliseconds.

-- One at a time for each user: of two calls at once, neither would see what the other adds.
create function job_queue.lock_user(user_id uuid) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  select pg_advisory_xact_lock(hashtextextended('job_queue.user ' || user_id, 0))
$$;
comment on function job_queue.lock_user is 'Makes calls of one user that add jobs wait for each other.';

-- For the count below; only jobs that belong to somebody pay for it.
create index jobs_waiting_of_owner_idx on public.jobs (owner_id, job_type)
  where status = 'queued' and owner_id is not null;

alter table public.job_types
  add column max_kept_per_user integer not null default 1000,
  add constraint job_types_kept_is_possible check (max_kept_per_user >= 0);
comment on column public.job_types.max_kept_per_user is
  'how many jobs a signed-in user may have of it in all, finished ones included';

-- The first look at a call of a user: how many jobs it brings, whatever they are. Reads job_types as the user.
-- Raises JQ006.
create function job_queue.check_count_of_user(jobs bigint) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_limit bigint := greatest(100, (select sum(t.max_waiting_per_user) from public.job_types t where t.open_to_users));
begin
  if jobs > v_limit then
    raise exception 'jobs: expected at most % from a signed-in user, got %', v_limit, jobs using errcode = 'JQ006';
  end if;
end $$;
comment on function job_queue.check_count_of_user is 'Refuses more jobs in one call than a user may have waiting.';

-- Refuses what a user may not ask for: types that are not open, other owners, to go before others, more time or
-- retries than usual, more jobs of a type than may wait. Looks at the options alone, and at job_types as the user.
-- Raises JQ004, JQ006.
create function job_queue.check_user_jobs(items jsonb, path text) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_user uuid := job_queue.signed_in_user('enqueue jobs');
  v_position bigint;
  v_problem text;
begin
  perform job_queue.refuse_waiting(t.job_type, t.max_waiting_per_user)
  from (select i.item ->> 'job_type' as job_type, count(*) as jobs from jsonb_array_elements(items) as i (item) group by 1) n
  join public.job_types t on t.job_type = n.job_type and t.open_to_users
  where n.jobs > t.max_waiting_per_user;
  select e.position, e.problem into v_position, v_problem
  from (
    select i.position, case
      when (i.item ->> 'owner_id')::uuid <> v_user then 'owner_id: expected your own id or none'
      when not coalesce(t.open_to_users, false) then 'job_type: expected a type that is open to signed-in users'
      when (i.item ->> 'priority')::numeric not between -1000 and 0
        then 'priority: expected -1000 to 0 from a signed-in user'
      when (i.item ->> 'max_retries')::numeric > 3 then 'max_retries: expected 0 to 3 from a signed-in user'
      when (i.item ->> 'timeout_seconds')::numeric > least(86400, t.timeout_seconds)
        then format('timeout_seconds: expected 1 to %s from a signed-in user', least(86400, t.timeout_seconds))
    end as problem
    from jsonb_array_elements(items) with ordinality as i (item, position)
    left join public.job_types t on t.job_type = i.item ->> 'job_type'
  ) e
  where e.problem is not null
  order by e.position
  limit 1;
  if v_problem is not null then
    raise exception '%', format(path, v_position - 1) || v_problem
      using errcode = 'JQ004', hint = 'enqueue it from the server, or open its type in job_types';
  end if;
end $$;
comment on function job_queue.check_user_jobs is 'Refuses jobs that a user may not ask for.';

-- Refuses jobs of a user that would be more than may wait or be kept. A key that was used before adds none. The
-- caller has locked the user. Raises JQ006.
create function job_queue.check_user_limits(user_id uuid, items jsonb) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
declare
  v_type text;
  v_added bigint;
begin
  for v_type, v_added in
    select n.job_type, count(*)
    from (
      select distinct i.item ->> 'job_type' as job_type, i.item ->> 'idempotency_key' as key,
             case when i.item ->> 'idempotency_key' is null then i.position end as position
      from jsonb_array_elements(items) with ordinality as i (item, position)
    ) n
    where not exists (
      select from public.jobs j
      where j.idempotency_key = n.key and j.job_type = n.job_type and j.owner_id = check_user_limits.user_id
    )
    group by n.job_type
  loop
    perform job_queue.check_waiting(user_id, v_type, v_added);
    perform job_queue.check_kept(user_id, v_type, v_added);
  end loop;
end $$;
comment on function job_queue.check_user_limits is 'Refuses more jobs of a user than their types allow.';

-- Raises JQ006.
create function job_queue.check_waiting(user_id uuid, job_type text, added bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
declare
  v_limit bigint := (select t.max_waiting_per_user from public.job_types t where t.job_type = check_waiting.job_type);
begin
  if added > v_limit - (
    select count(*)
    from (
      select from public.jobs j
      where j.owner_id = check_waiting.user_id and j.job_type = check_waiting.job_type and j.status = 'queued'
      limit v_limit
    ) waiting
  ) then
    perform job_queue.refuse_waiting(job_type, v_limit);
  end if;
end $$;
comment on function job_queue.check_waiting is 'Refuses more waiting jobs of a user than a type allows.';

-- Raises JQ006.
create function job_queue.refuse_waiting(job_type text, max_waiting bigint) returns void
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  raise exception 'at most % of your % jobs may wait at a time', max_waiting, job_type
    using errcode = 'JQ006', hint = 'wait until some of them have run, or cancel them';
end $$;
comment on function job_queue.refuse_waiting is 'Says that too many jobs of a user wait.';

-- What a user has counts until it is deleted, however it ended, or one who enqueues and cancels would fill the
-- database. What they withdrew before it ran makes room, the oldest first. Raises JQ006.
create function job_queue.check_kept(user_id uuid, job_type text, added bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
declare
  v_limit bigint := (select t.max_kept_per_user from public.job_types t where t.job_type = check_kept.job_type);
  v_excess bigint := added - v_limit + (
    select count(*)
    from (
      select from public.jobs j
      where j.owner_id = check_kept.user_id and j.job_type = check_kept.job_type
      limit v_limit
    ) kept
  );
begin
  if v_excess > 0 and v_excess > (job_queue.delete_jobs(array(
    select j.id from public.jobs j
    where j.owner_id = check_kept.user_id and j.job_type = check_kept.job_type
      and j.status = 'cancelled' and j.started_at is null
    order by j.created_at
    limit v_excess
  ))).deleted then
    raise exception 'at most % of your % jobs are kept', v_limit, job_type
      using errcode = 'JQ006', hint = 'finished jobs are deleted after a time that the operator sets in job_types';
  end if;
end $$;
comment on function job_queue.check_kept is 'Refuses more jobs of a user than a type keeps.';

revoke all on all functions in schema job_queue from public;
-- What looks at a call with the user's own rights.
grant execute on function
  job_queue.check_count_of_user, job_queue.check_user_jobs, job_queue.refuse_waiting
to authenticated, service_role;
grant execute on function
  job_queue.lock_user, job_queue.check_user_limits, job_queue.check_waiting, job_queue.check_kept
to service_role;
