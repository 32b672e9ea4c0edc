-- Making ready what waits, and taking jobs from workers whose lease has ended.

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
-- Its callers, like those of rescue_jobs, have called check_at_once.
create function job_queue.promote_due_jobs(max_jobs integer) returns integer
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_now timestamptz := clock_timestamp();
  v_due tid[];
  v_passed_over tid[] := '{}'::tid[];
  v_promoted integer;
begin
  loop
    begin
      v_due := array(
        select j.ctid
        from public.jobs j
        where j.waiting_for in ('time', 'retry') and j.run_at <= v_now and j.ctid <> all (v_passed_over)
        order by j.run_at
        limit max_jobs
        for no key update skip locked
      );
      v_promoted := job_queue.promote(v_due);
      exit;
    exception when others then
      v_passed_over := v_passed_over
        || job_queue.unwritable('promote', 'select job_queue.promote($1)', v_due, sqlstate, sqlerrm);
    end;
  end loop;
  return v_promoted;
end $$;
comment on function job_queue.promote_due_jobs is 'Makes ready what has waited long enough.';

create function job_queue.promote(places tid[]) returns integer
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_now timestamptz := clock_timestamp();
  v_promoted integer;
begin
  update public.jobs j
  set waiting_for = case when j.suspicion > 0 then 'isolation' end, updated_at = v_now
  where j.ctid = any (places);
  get diagnostics v_promoted = row_count;
  return v_promoted;
end $$;
comment on function job_queue.promote is 'Makes these waiting jobs ready and returns how many.';

-- Takes jobs from workers whose lease has ended, and returns how many. The token is forgotten, so whatever such a worker
-- still reports is refused. Called by every claim and every heartbeat.
create function job_queue.rescue_jobs(max_jobs integer) returns integer
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
declare
  v_now timestamptz := clock_timestamp();
  v_expired tid[];
  v_passed_over tid[] := '{}'::tid[];
  v_rescued integer;
begin
  loop
    begin
      v_expired := array(
        select j.ctid
        from public.jobs j
        where j.status = 'processing' and j.lease_expires_at <= v_now and j.ctid <> all (v_passed_over)
        order by j.lease_expires_at
        limit max_jobs
        for no key update skip locked
      );
      v_rescued := job_queue.rescue(v_expired);
      exit;
    exception when others then
      v_passed_over := v_passed_over
        || job_queue.unwritable('rescue', 'select job_queue.rescue($1)', v_expired, sqlstate, sqlerrm);
    end;
  end loop;
  return v_rescued;
end $$;
comment on function job_queue.rescue_jobs is 'Takes jobs from workers whose lease has ended.';

-- Takes these jobs from their workers and returns how many. Each is judged by itself, see job_queue.is_blamed. What is
-- blamed has failed, and waits for its backoff like any other that failed; what is not waits for nothing, but as a
-- suspect if it saved no step. Whether a deadline has passed meanwhile says nothing: of a run that took too long its
-- worker tells, see job_queue.time_out.
--
-- Whether a run was alone was settled when it was claimed, and not by what others on the same worker have come
-- to since: so two who rescue at once, each some of its jobs, judge alike, and so does one who comes late. Who
-- was on board is looked up besides, for people to read; a run that was not alone after all is not blamed. Where
-- others hold too many ended leases for the look-up to come this far, nobody is known to have been.
create function job_queue.rescue(places tid[]) returns integer
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
declare
  v_now timestamptz := clock_timestamp();
  v_rescued integer;
begin
  with expired as materialized (
    select x.ctid as place, x.id, job_queue.carrier(x) as carrier, x.started_at
    from public.jobs x
    where x.ctid = any (places)
  ), crew as materialized (
    select c.carrier, c.jobs
    from job_queue.crews(
      array(select distinct e.carrier from expired e), (select min(e.started_at) from expired e), cardinality(places)
    ) c
  ), judged as (
    select e.place, coalesce(array_remove(c.jobs, e.id), '{}') as others
    from expired e left join crew c on c.carrier = e.carrier
  ), rescued as (
    update public.jobs j
    set (status, waiting_for, run_at, retry_count, suspicion, free_losses, error, completed_at) = (
          select n.status,
                 case when n.is_retry then 'retry' when n.status = 'queued' and n.suspicion > 0 then 'isolation' end,
                 case when n.is_retry then v_now + job_queue.retry_delay(j.job_type, j.retry_count) else j.run_at end,
                 j.retry_count + n.is_retry::integer,
                 case when n.status = 'queued' then n.suspicion else 0 end,
                 case when n.is_attempt then 0 else j.free_losses + 1 end,
                 case when n.status = 'cancelled' then j.error else n.error end,
                 case when n.status <> 'queued' then v_now end
          from (
            select b.*, s.status, s.status = 'queued' and b.is_attempt as is_retry
            from (
              select a.is_attempt,
                     case when j.step_count > j.steps_at_claim then 0 else least(j.suspicion + 1, 2) end as suspicion,
                     job_queue.error_of_loss(j, a.is_attempt) as error
              from (select job_queue.is_blamed(j, cardinality(p.others)) as is_attempt offset 0) a
            ) b
            cross join lateral (
              select job_queue.status_after_attempt(
                case when b.is_attempt then 'failed' else 'released' end,
                j.cancel_requested_at, j.retry_count, j.max_retries, true
              ) as status
            ) s
          ) n
        ),
        lease_token = null, lease_expires_at = null, updated_at = v_now
    from judged p
    where j.ctid = p.place
    returning j.id, j.status, j.worker_id, j.started_at, j.error, p.others,
              j.status = 'failed' or j.waiting_for is not distinct from 'retry' as is_attempt
  ), recorded as (
    insert into public.job_failures (job_id, worker_id, started_at, failed_at, error, is_attempt, company, on_board)
    select r.id, r.worker_id, r.started_at, v_now, r.error, r.is_attempt, cardinality(r.others), r.others[1:20]
    from rescued r
    where r.status <> 'cancelled'
  )
  select count(*) into v_rescued from rescued;
  return v_rescued;
end $$;
comment on function job_queue.rescue is 'Takes these jobs from their workers and returns how many.';

-- Whether a run that ended with its worker uses an attempt: when it was alone and had saved no step, and the job
-- was a suspect before; and after twenty in a row that used none, so that nothing loops for ever.
create function job_queue.is_blamed(job public.jobs, company integer) returns boolean
language sql immutable as $$
  select job.free_losses >= 19
    or (job.is_alone and company = 0 and job.suspicion > 0 and job.step_count = job.steps_at_claim)
$$;
comment on function job_queue.is_blamed is 'Whether a lost run uses an attempt.';

-- What the job shows as its error after a run that was taken from its worker. One whose lease went on after its deadline
-- may still block its worker: of that, too, nothing is heard.
create function job_queue.error_of_loss(job public.jobs, is_attempt boolean) returns text
language sql immutable as $$
  select case
    when not is_attempt then 'lease expired: the worker stopped without a word'
    when job.free_losses >= 19 then 'lost its worker 20 times in a row'
    when job.lease_expires_at > job.deadline_at then format(
      'the worker died while it ran alone, or it blocked the worker for longer than its %s seconds',
      job_queue.run_seconds(job.started_at, job.deadline_at)
    )
    else 'the worker died while it ran alone'
  end
$$;
comment on function job_queue.error_of_loss is 'The error of a run that was taken from its worker.';

-- What a lost job was carried by: its worker or, when that gave no name, its claim.
create function job_queue.carrier(job public.jobs) returns text
language sql immutable as $$
  select coalesce(job.worker_id, job.lease_token::text)
$$;
comment on function job_queue.carrier is 'The worker or the claim that holds a job.';

-- The jobs that were on board of these lost workers: those that they hold, looked for among the leases that end
-- first, because a dead worker's do, and those that were taken from them since their oldest run began.
create function job_queue.crews(carriers text[], since timestamptz, max_jobs integer)
returns table (carrier text, jobs uuid[])
language sql volatile set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
  select b.carrier, array_agg(b.id)
  from (
    select job_queue.carrier(j) as carrier, j.id
    from (
      select * from public.jobs p where p.status = 'processing' order by p.lease_expires_at limit max_jobs + 100
    ) j
    where job_queue.carrier(j) = any (carriers)
    union
    select f.worker_id, f.job_id
    from public.job_failures f
    where f.company is not null and f.worker_id = any (carriers) and f.failed_at >= since
  ) b
  group by b.carrier
$$;
comment on function job_queue.crews is 'Which jobs lost workers held.';

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

revoke all on all functions in schema job_queue from public;
grant execute on function
  job_queue.make_ready, job_queue.promote_due_jobs, job_queue.promote, job_queue.rescue_jobs, job_queue.rescue,
  job_queue.is_blamed, job_queue.error_of_loss, job_queue.carrier, job_queue.crews, job_queue.status_after_failure
to service_role;
