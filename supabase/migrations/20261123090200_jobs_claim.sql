-- Handing jobs to workers.

-- Claims up to max_jobs ready jobs for the caller, who holds no other, and returns them in the order to run
-- them: by priority, then due time, then age. Fewer, but at least one, when their inputs and steps weigh more
-- than 4 MiB together. No row: nothing is ready. Two callers never get the same job.
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
    get_next_job.max_jobs, get_next_job.job_types, get_next_job.worker_id, get_next_job.lease_seconds, gen_random_uuid(),
    is_idle => true
  ) claim
  cross join unnest(claim.jobs) c;
end $$;
comment on function public.get_next_job is 'Claims the next ready jobs and returns them in order; no row when there are none.';

-- The claim itself: makes ready what can be, then takes suspects or else the first ready jobs that no one else
-- is taking. What the arguments mean stands at finish_and_claim_jobs. A caller that may repeat its call says
-- how often it has; it gets what was claimed before it under its token.
--
-- Choosing and updating are two statements, because the second then sees the rows as they were locked.
-- The settings: one plan per session, because planning takes longer than claiming; and one that keeps to the
-- indexes that have the order, because a plan made while the queue was empty, when sorting nothing looked
-- as cheap, would sort the whole backlog later.
create function job_queue.claim_jobs(
  max_jobs integer, job_types text[], worker_id text, lease_seconds integer, lease_token uuid,
  repetition integer default null, is_idle boolean default false, capacity integer default null,
  max_bytes integer default 4194304,
  out jobs public.jobs[], out are_suspects boolean, out suspects_wait boolean, out is_cut boolean, out weights jsonb
)
language plpgsql set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off as $$
declare
  v_chosen tid[];
  v_passed_over tid[] := '{}'::tid[];
  -- By type: a few rows for all jobs, instead of a search for each.
  v_timeouts jsonb;
  v_paused text[];
  v_is_alone boolean;
  v_deferred text;
begin
  perform job_queue.check_claim(lease_seconds, capacity, max_bytes);
  select * into v_timeouts, weights, v_paused from job_queue.type_rules();
  weights := case when capacity is not null then weights end;
  if repetition is not null and not job_queue.open_claim(lease_token, repetition) then
    jobs := array(select j from job_queue.claimed_jobs(lease_token, lease_seconds, repetition) j);
    are_suspects := exists (select from unnest(jobs) j where j.suspicion > 0);
    -- Nobody knows any more.
    is_cut := cardinality(jobs) between 1 and max_jobs - 1 and not are_suspects;
    return;
  end if;
  v_deferred := job_queue.check_at_once();
  -- The locks are taken in the same subtransaction as the rows are written: else each row would have two lockers.
  loop
    v_chosen := '{}';
    begin
      select c.places, c.are_suspects, c.suspects_wait, c.is_cut into v_chosen, are_suspects, suspects_wait, is_cut
      from job_queue.choose_jobs(
        max_jobs, job_types, v_paused, weights, is_idle, capacity, max_bytes, v_passed_over
      ) c;
      v_is_alone := are_suspects and cardinality(v_chosen) = 1;
      jobs := job_queue.take(v_chosen, worker_id, lease_seconds, lease_token, v_timeouts, v_is_alone);
      exit;
    exception when others then
      v_passed_over := v_passed_over || job_queue.unwritable(
        'claim',
        format('select job_queue.take($1, %L, %L, %L, %L, %L)', worker_id, lease_seconds, lease_token, v_timeouts, v_is_alone),
        v_chosen, sqlstate, sqlerrm
      );
    end;
  end loop;
  perform job_queue.check_at_end(v_deferred);
  if repetition = 0 and jobs <> '{}' then
    perform job_queue.settle_claim(lease_token, repetition);
  end if;
end $$;
comment on function job_queue.claim_jobs is 'Claims jobs under the given lease token.';

-- Makes ready what can be and locks the jobs to claim, without those passed over.
--
-- Again as long as there may be more: who gets fewer jobs than asked for takes the queue for empty. Not for
-- ever, though: there may be any number of jobs of types that are not asked for.
create function job_queue.choose_jobs(
  max_jobs integer, job_types text[], paused text[], weights jsonb, is_idle boolean, capacity integer, max_bytes integer,
  passed_over tid[],
  out places tid[], out are_suspects boolean, out suspects_wait boolean, out is_cut boolean
)
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_now timestamptz := clock_timestamp();
  v_is_more boolean;
begin
  loop
    -- Most claims find neither; to ask first is cheaper than to start an update of nothing.
    v_is_more := case
      when exists (select from public.jobs j where j.waiting_for in ('time', 'retry') and j.run_at <= v_now)
        or exists (select from public.jobs j where j.status = 'processing' and j.lease_expires_at <= v_now)
      then job_queue.make_ready(greatest(100, max_jobs))
      else false
    end;
    select c.places, c.are_suspects, c.suspects_wait, c.is_cut into places, are_suspects, suspects_wait, is_cut
    from job_queue.lock_jobs(max_jobs, job_types, paused, weights, is_idle, capacity, max_bytes, passed_over) c;
    exit when not v_is_more or are_suspects or suspects_wait or is_cut or cardinality(places) = max_jobs
      or clock_timestamp() > v_now + interval '1 second';
  end loop;
end $$;
comment on function job_queue.choose_jobs is 'Locks the jobs that a claim takes after making ready what can be.';

-- Hands these locked jobs to a worker and returns them in the order to run them.
create function job_queue.take(
  places tid[], worker_id text, lease_seconds integer, lease_token uuid, timeouts jsonb, is_alone boolean
) returns public.jobs[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_now timestamptz := clock_timestamp();
  v_jobs public.jobs[];
begin
  if places = '{}' then
    return '{}'::public.jobs[];
  end if;
  with claimed as (
    update public.jobs j
    set status = 'processing',
        waiting_for = null,
        worker_id = take.worker_id,
        lease_token = take.lease_token,
        lease_expires_at = job_queue.lease_end(v_now, take.lease_seconds, job_queue.deadline(
          v_now, j.timeout_seconds, (timeouts ->> j.job_type)::integer, j.owner_id
        )),
        deadline_at = job_queue.deadline(v_now, j.timeout_seconds, (timeouts ->> j.job_type)::integer, j.owner_id),
        steps_at_claim = j.step_count,
        is_alone = take.is_alone,
        started_at = v_now,
        updated_at = v_now
    where j.ctid = any (places)
    returning j as job, j.priority, j.run_at, j.created_at
  )
  select array_agg(c.job order by c.priority desc, c.run_at, c.created_at) into v_jobs from claimed c;
  return coalesce(v_jobs, '{}');
end $$;
comment on function job_queue.take is 'Hands these locked jobs to a worker.';

-- What job_types says, for whole claims: {type: timeout}, {type: weight} of those that do not weigh 1, and the
-- paused types. Null when it says nothing of the kind.
create function job_queue.type_rules(out timeouts jsonb, out weights jsonb, out paused text[])
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  select jsonb_object_agg(t.job_type, t.timeout_seconds) filter (where t.timeout_seconds is not null),
         jsonb_object_agg(t.job_type, t.weight) filter (where t.weight <> 1),
         array_agg(t.job_type) filter (where t.paused_at is not null)
  into timeouts, weights, paused
  from public.job_types t
  where t.timeout_seconds is not null or t.weight <> 1 or t.paused_at is not null;
end $$;
comment on function job_queue.type_rules is 'Timeouts, weights and paused types.';

-- Tokens of claims that took jobs or were asked for again. Small and short-lived.
create table job_queue.settled_claims (
  lease_token uuid primary key,
  repetition integer not null,
  settled_at timestamptz not null default clock_timestamp()
);
create index settled_claims_settled_at_idx on job_queue.settled_claims (settled_at);
comment on table job_queue.settled_claims is 'Claims that took jobs or were repeated: no call claims under these tokens any more.';
comment on column job_queue.settled_claims.repetition is 'the highest that was answered: what was sent before it comes too late';
alter table job_queue.settled_claims enable row level security;
revoke all on job_queue.settled_claims from public, anon, authenticated;
grant select, insert, update, delete on job_queue.settled_claims to service_role;

-- Whether a claim may still take jobs under its token. However often a call that claims arrives, in whatever
-- order and however late, jobs are claimed once: the lock makes a call and its repetition take turns. A
-- repetition claims only if nothing was claimed before it; then the call it repeats, should it still
-- arrive, claims nothing, because nobody would run what it got. Nor does a call that arrives twice without
-- saying so: Deno sends a request once more by itself when a connection that it used before breaks.
create function job_queue.open_claim(lease_token uuid, repetition integer) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
declare
  v_is_settled boolean;
begin
  perform pg_advisory_xact_lock(hashtextextended(lease_token::text, 0));
  v_is_settled := exists (select from job_queue.settled_claims c where c.lease_token = open_claim.lease_token);
  if repetition > 0 and not v_is_settled then
    perform job_queue.settle_claim(lease_token, repetition);
  end if;
  return not v_is_settled;
end $$;
comment on function job_queue.open_claim is 'Whether jobs may be claimed under a token: once.';

-- For an hour: no call is under way for longer than that.
create function job_queue.settle_claim(lease_token uuid, repetition integer) returns void
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
  insert into job_queue.settled_claims (lease_token, repetition)
  values (settle_claim.lease_token, settle_claim.repetition)
  on conflict do nothing;
end $$;
comment on function job_queue.settle_claim is 'Closes a token for further claims.';

-- What a claim took and still holds. With a repetition later than any before it the runs begin anew: the answers were
-- lost, perhaps after a long wait, so none has begun. Whatever else arrives, a duplicate or a call that its repetition
-- has overtaken, may come long after an answer was read, and moves nothing.
create function job_queue.claimed_jobs(lease_token uuid, lease_seconds integer, repetition integer)
returns setof public.jobs
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
declare
  v_now timestamptz := clock_timestamp();
begin
  update job_queue.settled_claims c set repetition = claimed_jobs.repetition
  where c.lease_token = claimed_jobs.lease_token and c.repetition < claimed_jobs.repetition;
  if found then
    perform job_queue.begin_anew(lease_token, lease_seconds, v_now);
  end if;
  return query
  select j.* from public.jobs j
  where j.status = 'processing' and job_queue.is_held(j, claimed_jobs.lease_token, v_now)
  order by j.priority desc, j.run_at, j.created_at;
end $$;
comment on function job_queue.claimed_jobs is 'Jobs held under the token of a claim.';

-- Gives the runs under a token a lease as long as a fresh one, and all their time. What somebody else has locked keeps
-- the lease it has.
create function job_queue.begin_anew(lease_token uuid, lease_seconds integer, now timestamptz) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
begin
  update public.jobs j
  set lease_expires_at = job_queue.lease_end(
        begin_anew.now, begin_anew.lease_seconds, begin_anew.now + (j.deadline_at - j.started_at)
      ),
      deadline_at = begin_anew.now + (j.deadline_at - j.started_at), started_at = begin_anew.now,
      updated_at = begin_anew.now
  where j.ctid = any (array(
    select c.ctid from public.jobs c
    where c.status = 'processing' and job_queue.is_under(c, begin_anew.lease_token)
    for no key update skip locked
  ));
end $$;
comment on function job_queue.begin_anew is 'Lets the runs under a token begin now.';

-- Whether a run under a token has not ended. One that is over its deadline may only be ended by that.
create function job_queue.is_under(job public.jobs, lease_token uuid) returns boolean
language sql immutable as $$
  select job.lease_token = lease_token and job.lease_expires_at is not null
$$;
comment on function job_queue.is_under is 'Whether a job is running under a token, in time or not.';

-- Whether a token holds a job: its run has neither ended nor overrun.
create function job_queue.is_held(job public.jobs, lease_token uuid, now timestamptz) returns boolean
language sql immutable as $$
  select job_queue.is_under(job, lease_token) and (job.deadline_at is null or now < job.deadline_at)
$$;
comment on function job_queue.is_held is 'Whether a job is held under a token.';

-- Whether the result of a run may be written: the token holds the job, or the run ended when it did, and its worker only
-- comes late to say so. That it timed out is said when its time is up.
create function job_queue.may_end(
  job public.jobs, lease_token uuid, now timestamptz, outcome text, was_in_time boolean
) returns boolean
language sql immutable as $$
  select job_queue.is_under(job, lease_token)
    and (job.deadline_at is null or now < job.deadline_at or outcome = 'timed_out' or was_in_time is true)
$$;
comment on function job_queue.may_end is 'Whether the result of a run may be written.';

-- When a lease taken or renewed now ends: thirty seconds after the run's deadline at the latest. A worker that lives
-- and is not kept busy says before that the run timed out. Where a lease ends its worker has died, or was kept from
-- speaking: which, nobody can tell. Like every expression that runs
-- once per job, it has no settings of its own, so that it is inlined: a call would cost more than the
-- rest of the row.
create function job_queue.lease_end(now timestamptz, lease_seconds integer, deadline_at timestamptz) returns timestamptz
language sql stable as $$
  select least(now + make_interval(secs => lease_seconds), deadline_at + interval '30 seconds')
$$;
comment on function job_queue.lease_end is 'The end of a lease taken now.';

-- When a run that begins now has to be over: after the job's own timeout, else that of its type, else never.
-- The own timeout of a job with an owner, who may have chosen it, only shortens that of the type.
create function job_queue.deadline(
  now timestamptz, timeout_seconds integer, type_seconds integer, owner_id uuid
) returns timestamptz
language sql stable as $$
  select now + make_interval(secs => case
    when owner_id is null then coalesce(timeout_seconds, type_seconds)
    else least(timeout_seconds, type_seconds)
  end)
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

-- Raises JQ004.
create function job_queue.check_claim(lease_seconds integer, capacity integer, max_bytes integer) returns void
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  perform job_queue.check_lease_seconds(lease_seconds);
  if capacity < 0 then
    raise exception 'capacity: expected 0 or more' using errcode = 'JQ004';
  elsif max_bytes >= 1 is not true then
    raise exception 'max_bytes: expected 1 or more' using errcode = 'JQ004';
  end if;
end $$;
comment on function job_queue.check_claim is 'Refuses impossible bounds of a claim.';

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
  job_queue.claim_jobs, job_queue.choose_jobs, job_queue.take, job_queue.type_rules, job_queue.open_claim,
  job_queue.settle_claim, job_queue.claimed_jobs, job_queue.begin_anew,
  job_queue.is_under, job_queue.is_held, job_queue.may_end, job_queue.lease_end, job_queue.deadline, job_queue.run_seconds,
  job_queue.check_lease_seconds, job_queue.check_claim, job_queue.saved_steps, job_queue.text_bytes, job_queue.bytes_in_words
to service_role;
