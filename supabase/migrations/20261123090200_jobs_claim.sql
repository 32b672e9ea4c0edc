-- Handing ready jobs to workers.

-- Claims up to max_jobs ready jobs for the caller and returns them in the order to run them: by
-- priority, then due time, then age. No row: nothing is ready. Two callers never get the same job.
-- Called by workers and from the SQL editor. Raises JQ004.
create function public.get_next_job(
  max_jobs integer default 1,
  job_types text[] default null,
  worker_id text default null,
  lease_seconds integer default 30
) returns table (
  id uuid, job_type text, input_data jsonb, retry_count integer, max_retries integer, priority integer,
  lease_token uuid, lease_expires_at timestamptz, steps jsonb, progress jsonb, timeout_seconds integer,
  created_at timestamptz, run_at timestamptz, owner_id uuid
)
language plpgsql set search_path = pg_catalog, pg_temp set statement_timeout = '5s' as $$
begin
  if max_jobs between 1 and 1000 is not true then
    raise exception 'max_jobs: expected 1 to 1000' using errcode = 'JQ004';
  end if;
  return query
  select c.id, c.job_type, c.input_data, c.retry_count, c.max_retries, c.priority,
         c.lease_token, c.lease_expires_at,
         case when c.step_count = 0 then '{}' else job_queue.saved_steps(c.id) end, c.progress,
         job_queue.run_seconds(c.started_at, c.deadline_at), c.created_at, c.run_at, c.owner_id
  from job_queue.claim_jobs(
    get_next_job.max_jobs, get_next_job.job_types, get_next_job.worker_id, get_next_job.lease_seconds, gen_random_uuid()
  ) c;
end $$;
comment on function public.get_next_job is 'Claims the next ready jobs and returns them in order; no row when there are none.';

-- Tokens of claims that took jobs or were asked for again. Small and short-lived.
create table job_queue.settled_claims (
  lease_token uuid primary key,
  settled_at timestamptz not null default clock_timestamp()
);
create index settled_claims_settled_at_idx on job_queue.settled_claims (settled_at);
comment on table job_queue.settled_claims is 'Claims that took jobs or were repeated: no call claims under these tokens any more.';
alter table job_queue.settled_claims enable row level security;
revoke all on job_queue.settled_claims from public, anon, authenticated;
grant select, insert, update, delete on job_queue.settled_claims to service_role;

-- Whether a claim may still take jobs under its token. However often a call that claims arrives, in whatever
-- order and however late, jobs are claimed once: the lock makes a call and its repetition take turns. A
-- repetition claims only if nothing was claimed before it; then the call it repeats, should it still
-- arrive, claims nothing, because nobody would run what it got. Nor does a call that arrives twice without
-- saying so: Deno sends a request once more by itself when a connection that it used before breaks.
create function job_queue.open_claim(lease_token uuid, is_repeat boolean) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
declare
  v_is_settled boolean;
begin
  perform pg_advisory_xact_lock(hashtextextended(lease_token::text, 0));
  v_is_settled := exists (select from job_queue.settled_claims c where c.lease_token = open_claim.lease_token);
  if is_repeat and not v_is_settled then
    perform job_queue.settle_claim(lease_token);
  end if;
  return not v_is_settled;
end $$;
comment on function job_queue.open_claim is 'Whether jobs may be claimed under a token: once.';

-- For an hour: no call is under way for longer than that.
create function job_queue.settle_claim(lease_token uuid) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
begin
  -- More than one at a time, so that there are never many.
  delete from job_queue.settled_claims c
  where c.lease_token = any (array(
    select o.lease_token from job_queue.settled_claims o
    where o.settled_at < clock_timestamp() - interval '1 hour'
    order by o.settled_at
    limit 10
    for update skip locked
  ));
  insert into job_queue.settled_claims (lease_token) values (settle_claim.lease_token)
  on conflict do nothing;
end $$;
comment on function job_queue.settle_claim is 'Closes a token for further claims.';

-- What a claim took and still holds, under a lease as long as a fresh one: its answer was lost, perhaps
-- after a long wait. Without a lock that somebody else has, it keeps the lease it has.
create function job_queue.claimed_jobs(lease_token uuid, lease_seconds integer) returns setof public.jobs
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
declare
  v_now timestamptz := clock_timestamp();
begin
  update public.jobs j
  set lease_expires_at = job_queue.lease_end(v_now, claimed_jobs.lease_seconds, j.deadline_at), updated_at = v_now
  where j.ctid = any (array(
    select c.ctid from public.jobs c
    where c.status = 'processing' and job_queue.is_held(c, claimed_jobs.lease_token, v_now)
    for no key update skip locked
  ));
  return query
  select j.* from public.jobs j
  where j.status = 'processing' and job_queue.is_held(j, claimed_jobs.lease_token, v_now)
  order by j.priority desc, j.run_at, j.created_at;
end $$;
comment on function job_queue.claimed_jobs is 'Jobs held under the token of a claim.';

-- The claim itself: makes ready what can be, then takes the first max_jobs ready jobs that no one else is
-- taking. A caller that may repeat its call says whether this is a
-- repetition; it gets what was claimed before it under its token.
--
-- Choosing and updating are two statements, because the second then sees the rows as they were locked.
-- The settings: one plan per session, because planning takes longer than claiming; and one that keeps to the
-- indexes that have the order, because a plan made while the queue was empty, when sorting nothing looked
-- as cheap, would sort the whole backlog later.
create function job_queue.claim_jobs(
  max_jobs integer, job_types text[], worker_id text, lease_seconds integer, lease_token uuid,
  is_repeat boolean default null
) returns setof public.jobs
language plpgsql set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off as $$
declare
  v_now timestamptz := clock_timestamp();
  v_chosen tid[];
  v_is_more boolean;
  -- By type: a few rows for all jobs, instead of a search for each.
  v_timeouts jsonb;
begin
  perform job_queue.check_lease_seconds(lease_seconds);
  if is_repeat is not null and not job_queue.open_claim(lease_token, is_repeat) then
    return query select * from job_queue.claimed_jobs(lease_token, lease_seconds);
    return;
  end if;
  -- Again as long as there may be more: who gets fewer jobs than asked for takes the queue for empty. Not for
  -- ever, though: there may be any number of jobs of types that are not asked for.
  loop
    -- Most claims find neither; to ask first is cheaper than to start an update of nothing.
    v_is_more := case
      when exists (select from public.jobs j where j.waiting_for in ('time', 'retry') and j.run_at <= v_now)
        or exists (select from public.jobs j where j.status = 'processing' and j.lease_expires_at <= v_now)
      then job_queue.make_ready(greatest(100, max_jobs))
      else false
    end;
    v_chosen := job_queue.lock_ready_jobs(max_jobs, job_types);
    exit when not v_is_more or cardinality(v_chosen) = max_jobs or clock_timestamp() > v_now + interval '1 second';
  end loop;
  if v_chosen = '{}' then
    return;
  end if;
  if is_repeat is false then
    perform job_queue.settle_claim(lease_token);
  end if;
  v_timeouts := (
    select jsonb_object_agg(t.job_type, t.timeout_seconds) from public.job_types t where t.timeout_seconds is not null
  );
  return query
  with claimed as (
    update public.jobs j
    set status = 'processing',
        worker_id = claim_jobs.worker_id,
        lease_token = claim_jobs.lease_token,
        lease_expires_at = job_queue.lease_end(
          v_now, claim_jobs.lease_seconds, job_queue.deadline(v_now, j.timeout_seconds, v_timeouts, j.job_type)
        ),
        deadline_at = job_queue.deadline(v_now, j.timeout_seconds, v_timeouts, j.job_type),
        steps_at_claim = j.step_count,
        started_at = v_now,
        updated_at = v_now
    where j.ctid = any (v_chosen)
    returning j.*
  )
  select * from claimed c order by c.priority desc, c.run_at, c.created_at;
end $$;
comment on function job_queue.claim_jobs is 'Claims ready jobs under the given lease token.';

-- Locks the first ready jobs and returns where they are. Jobs that another claim has locked are
-- skipped, never waited for; those of a paused type are not even read.
create function job_queue.lock_ready_jobs(max_jobs integer, job_types text[]) returns tid[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_paused text[] := array(select t.job_type from public.job_types t where t.paused_at is not null);
begin
  if v_paused <> '{}' then
    return job_queue.lock_ready_jobs_of_types(max_jobs, array(
      select r.job_type
      from unnest(coalesce(lock_ready_jobs.job_types, job_queue.ready_types())) as r (job_type)
      where r.job_type <> all (v_paused)
    ));
  end if;
  if job_types is null then
    return array(
      select j.ctid
      from public.jobs j
      where j.status = 'queued' and j.waiting_for is null
      order by j.priority desc, j.run_at, j.created_at
      limit max_jobs
      for no key update skip locked
    );
  end if;
  return job_queue.lock_ready_jobs_of_types(max_jobs, job_types);
end $$;
comment on function job_queue.lock_ready_jobs is 'Locks the next ready jobs, of the given types or of all.';

-- Reads each type's own part of jobs_ready_by_type_idx as far as needed, merges, and locks the first of
-- all. Reading does not lock, so nothing is locked that is not claimed. When other claims hold so many
-- of those that fewer than max_jobs are left, it looks further, each time four times as far.
--
-- `= any (array[type])` with the type in the order by, because that order only jobs_ready_by_type_idx
-- has: with `= type` the planner may prefer jobs_ready_idx and filter, which is slow as soon as there
-- is a backlog of other types.
create function job_queue.lock_ready_jobs_of_types(max_jobs integer, job_types text[]) returns tid[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_types text[] := array(select distinct t from unnest(job_types) t where t is not null);
  v_chosen tid[] := array[]::tid[];
  v_window bigint := max_jobs;
  v_seen bigint;
begin
  loop
    with candidate as materialized (
      select r.*
      from unnest(v_types) as t (job_type)
      cross join lateral (
        select j.ctid as place, j.priority, j.run_at, j.created_at
        from public.jobs j
        where j.status = 'queued' and j.waiting_for is null and j.job_type = any (array[t.job_type])
        order by j.job_type, j.priority desc, j.run_at, j.created_at
        limit v_window
      ) r
      order by r.priority desc, r.run_at, r.created_at
      limit v_window
    ), locked as materialized (
      select j.ctid as place
      from candidate c
      join public.jobs j on j.ctid = c.place
      where j.status = 'queued' and j.waiting_for is null and c.place <> all (v_chosen)
      order by c.priority desc, c.run_at, c.created_at
      limit max_jobs - cardinality(v_chosen)
      for no key update of j skip locked
    )
    select v_chosen || array(select l.place from locked l), (select count(*) from candidate)
    into v_chosen, v_seen;
    exit when cardinality(v_chosen) >= max_jobs or v_seen < v_window;
    v_window := v_window * 4;
  end loop;
  return v_chosen;
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

-- Makes ready up to max_jobs jobs that are due, and as many that dead workers hold, and says whether there may
-- be more.
create function job_queue.make_ready(max_jobs integer) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_promoted integer := job_queue.promote_due_jobs(max_jobs);
  v_rescued integer := job_queue.rescue_jobs(max_jobs);
begin
  return v_promoted = max_jobs or v_rescued = max_jobs;
end $$;
comment on function job_queue.make_ready is 'Makes ready what is due or held by dead workers.';

-- Makes ready those jobs whose time has come or whose backoff is over, and returns how many.
create function job_queue.promote_due_jobs(max_jobs integer) returns integer
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_now timestamptz := clock_timestamp();
  v_promoted integer;
begin
  update public.jobs
  set waiting_for = null, updated_at = v_now
  where ctid = any (array(
    select j.ctid
    from public.jobs j
    where j.waiting_for in ('time', 'retry') and j.run_at <= v_now
    order by j.run_at
    limit max_jobs
    for no key update skip locked
  ));
  get diagnostics v_promoted = row_count;
  return v_promoted;
end $$;
comment on function job_queue.promote_due_jobs is 'Makes ready what has waited long enough.';

-- Takes jobs from workers whose lease has ended, and returns how many: from dead ones, and from those that
-- overran the deadline of their job. The attempt has failed. What a dead worker held is ready at once; a
-- job that ran too long waits for its backoff like any other that failed. The token is forgotten, so
-- whatever such a worker still reports is refused. Called by every claim and every heartbeat.
create function job_queue.rescue_jobs(max_jobs integer) returns integer
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
declare
  v_now timestamptz := clock_timestamp();
  v_rescued integer;
begin
  with expired as materialized (
    select x.ctid as place,
           x.lease_expires_at >= x.deadline_at is true as is_overrun,
           job_queue.status_after_failure(x.cancel_requested_at, x.retry_count, x.max_retries, true) as next_status
    from public.jobs x
    where x.status = 'processing' and x.lease_expires_at <= v_now
    order by x.lease_expires_at
    limit max_jobs
    for no key update skip locked
  ), rescued as (
    update public.jobs j
    set status = e.next_status,
        retry_count = j.retry_count + (e.next_status = 'queued')::integer,
        waiting_for = case when e.next_status = 'queued' and e.is_overrun then 'retry' end,
        run_at = case
          when e.next_status = 'queued' and e.is_overrun then v_now + job_queue.retry_delay(j.job_type, j.retry_count)
          else j.run_at
        end,
        error = case
          when e.next_status = 'cancelled' then j.error
          when e.is_overrun then format('timed out after %s seconds', job_queue.run_seconds(j.started_at, j.deadline_at))
          else 'lease expired: the worker stopped without a word'
        end,
        completed_at = case when e.next_status <> 'queued' then v_now end,
        lease_token = null,
        lease_expires_at = null,
        updated_at = v_now
    from expired e
    where j.ctid = e.place
    returning j.id, j.status, j.worker_id, j.started_at, j.error
  ), recorded as (
    insert into public.job_failures (job_id, worker_id, started_at, failed_at, error)
    select r.id, r.worker_id, r.started_at, v_now, r.error from rescued r where r.status <> 'cancelled'
  )
  select count(*) into v_rescued from rescued;
  return v_rescued;
end $$;
comment on function job_queue.rescue_jobs is 'Ends the attempts of workers whose lease has ended.';

-- What becomes of a job whose attempt failed. The one place for this rule.
create function job_queue.status_after_failure(
  cancel_requested_at timestamptz, retry_count integer, max_retries integer, retryable boolean
) returns text
language sql immutable as $$
  select case
    when cancel_requested_at is not null then 'cancelled'
    when retryable and retry_count < max_retries then 'queued'
    else 'failed'
  end
$$;
comment on function job_queue.status_after_failure is 'queued, failed or cancelled: what a failed attempt leads to.';

-- Whether a token holds a job: its run has neither ended nor overrun.
create function job_queue.is_held(job public.jobs, lease_token uuid, now timestamptz) returns boolean
language sql immutable as $$
  select job.lease_token = lease_token
    and job.lease_expires_at is not null
    and (job.deadline_at is null or now < job.deadline_at)
$$;
comment on function job_queue.is_held is 'Whether a job is held under a token.';

-- When a lease taken or renewed now ends: never after the run's deadline. Like every expression that runs
-- once per job, it has no settings of its own, so that it is inlined: a call would cost more than the
-- rest of the row.
create function job_queue.lease_end(now timestamptz, lease_seconds integer, deadline_at timestamptz) returns timestamptz
language sql stable as $$
  select least(now + make_interval(secs => lease_seconds), deadline_at)
$$;
comment on function job_queue.lease_end is 'The end of a lease taken now.';

-- When a run that begins now has to be over: after the job's own timeout, else that of its type, else never.
create function job_queue.deadline(
  now timestamptz, timeout_seconds integer, timeouts jsonb, job_type text
) returns timestamptz
language sql stable as $$
  select now + make_interval(secs => coalesce(timeout_seconds, (timeouts ->> job_type)::integer))
$$;
comment on function job_queue.deadline is 'The deadline of a run that begins now; null when it has none.';

-- How long a run may take; null when it has no deadline.
create function job_queue.run_seconds(started_at timestamptz, deadline_at timestamptz) returns integer
language sql immutable as $$
  select extract(epoch from deadline_at - started_at)::integer
$$;
comment on function job_queue.run_seconds is 'The time from the beginning of a run to its deadline.';

-- Raises JQ004.
create function job_queue.check_lease_seconds(lease_seconds integer) returns void
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  if lease_seconds between 1 and 86400 is not true then
    raise exception 'lease_seconds: expected 1 to 86400' using errcode = 'JQ004';
  end if;
end $$;
comment on function job_queue.check_lease_seconds is 'Refuses a lease of impossible length.';

-- The results of a job's finished steps, by name. Asked only for jobs that have some. Volatile, so that it sees
-- what was saved after the call that claims began: that call sees the job as it was locked, which is later.
create function job_queue.saved_steps(job_id uuid) returns jsonb
language sql volatile set search_path = pg_catalog, pg_temp as $$
  select coalesce(jsonb_object_agg(s.name, s.result), '{}')
  from public.job_steps s
  where s.job_id = saved_steps.job_id and s.finished_at is not null
$$;
comment on function job_queue.saved_steps is 'Saved step results of a job, by name.';

revoke all on all functions in schema job_queue from public;
revoke all on function public.get_next_job from public, anon, authenticated;
grant execute on function public.get_next_job to service_role;
grant execute on function
  job_queue.claim_jobs, job_queue.open_claim, job_queue.settle_claim, job_queue.claimed_jobs,
  job_queue.lock_ready_jobs, job_queue.lock_ready_jobs_of_types, job_queue.ready_types, job_queue.make_ready,
  job_queue.promote_due_jobs, job_queue.rescue_jobs, job_queue.status_after_failure, job_queue.is_held, job_queue.lease_end, job_queue.deadline,
  job_queue.run_seconds, job_queue.check_lease_seconds, job_queue.saved_steps
to service_role;
