-- Jobs that cannot be written: an application's own trigger, check or foreign key on public.jobs refuses what the queue
-- does to them. Such a job costs only itself. What is done to many jobs at once is then done without it; it stays as
-- it is, to be handled when the application is mended, and check_job_queue tells of it. All of this happens after an
-- error: where nothing is refused it costs a subtransaction for each call. What the application would check at the end
-- of the transaction only, where nobody is left to pass a job over, whoever catches a refusal has checked at once, see
-- job_queue.check_at_once.

-- Which of these jobs cannot be changed so: tries each by itself and takes that back. Called with the error that the
-- change of all together ended with, which it raises again when it is not about one of them, or after a second of
-- nothing but refusals. The change is a query whose $1 is an array of places; the part is its name in check_job_queue.
create function job_queue.unwritable(part text, change text, places tid[], state text, error text) returns tid[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_place tid;
  v_unwritable tid[] := '{}'::tid[];
begin
  if job_queue.is_about_a_row(state) and clock_timestamp() < statement_timestamp() + interval '1 second' then
    foreach v_place in array coalesce(places, '{}') loop
      begin
        perform from public.jobs j where j.ctid = v_place for no key update skip locked;
        if found then
          execute change using array[v_place];
        end if;
        raise transaction_rollback;
      exception
        when transaction_rollback then null;
        when others then v_unwritable := v_unwritable || v_place;
      end;
    end loop;
  end if;
  if v_unwritable = '{}' then
    raise exception using errcode = state, message = error;
  end if;
  perform job_queue.note_failed_part(part, error);
  return v_unwritable;
end $$;
comment on function job_queue.unwritable is 'Which of these jobs cannot be changed so.';

-- Whether an error may be about one of the rows: conflicts with others, want of resources, servers that stop and
-- refusals of the queue's own are not.
create function job_queue.is_about_a_row(state text) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select state !~ '^(08|25|40|53|57|58|XX|JQ|55P03)'
$$;
comment on function job_queue.is_about_a_row is 'Whether an error may be about one row.';

-- The constraints that are checked at the end of a transaction: as one list the names of those that can be named, and
-- whether these are all. Both are null when there are none. What is in temporary tables of others cannot be waiting here.
create view job_queue.deferred_constraints with (security_invoker = true) as
select string_agg(d.name, ', ') filter (where d.is_usable) as names, bool_and(d.is_usable) as are_all
from (
  select format('%s.%I', n.connamespace::regnamespace, n.conname) as name,
         has_schema_privilege(n.connamespace, 'usage') and not exists (
           select from pg_constraint c
           where c.conname = n.conname and c.connamespace = n.connamespace and not c.condeferred
         ) as is_usable
  from (
    select distinct c.connamespace, c.conname from pg_constraint c
    where c.condeferred and not pg_is_other_temp_schema(c.connamespace)
  ) n
) d;
comment on view job_queue.deferred_constraints is 'The constraints that are checked at the end of a transaction.';

-- Has everything checked at once that the application defers to the end of the transaction, until check_at_end is given
-- what this returns: the transaction may be the application's own, which goes on. Null: there is nothing to set back. A
-- worker's request is a transaction of the queue's own, which PostgREST tells by its path; to ask the catalogue each time
-- would take a tenth of an empty claim.
--
-- By names, so that what somebody has deferred who need not have stays deferred. A name that cannot be used, because it
-- is that of another constraint too or of a schema that is closed to the caller, takes all, and only the others are set
-- back. Where the transaction is wrong by now, and may be right in the end, everything stays deferred.
create function job_queue.check_at_once() returns text
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_deferred job_queue.deferred_constraints;
begin
  if current_setting('request.path', true) = any (
    '{/rpc/finish_and_claim_jobs, /rpc/heartbeat_jobs, /rpc/start_job_step, /rpc/save_job_step, /rpc/abandon_jobs,'
    '/rpc/dispatch_workers}'
  ) then
    set constraints all immediate;
    return null;
  end if;
  select * into v_deferred from job_queue.deferred_constraints;
  if v_deferred.are_all is null then
    return null;
  end if;
  begin
    execute format('set constraints %s immediate', case when v_deferred.are_all then v_deferred.names else 'all' end);
    return v_deferred.names;
  exception when others then
    return null;
  end;
end $$;
comment on function job_queue.check_at_once is 'Has deferred constraints checked at once.';

create function job_queue.check_at_end(names text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  -- A worker's request has nothing to set back, and pays for no subtransaction.
  if names is null then
    return;
  end if;
  begin
    execute format('set constraints %s deferred', names);
  exception when undefined_object then
    -- Somebody has dropped one of them meanwhile.
    perform job_queue.check_at_end((select d.names from job_queue.deferred_constraints d));
  end;
end $$;
comment on function job_queue.check_at_end is 'Has these constraints checked at the end of the transaction again.';

-- As finish_jobs, but a result that cannot be written fails its job alone, for good. When not even that can be written
-- the answer is "lost", and the job is left to its lease. Raises JQ004, and what is not about one job: the worker
-- then reports all of it again.
create function job_queue.finish_each_job(results jsonb) returns text[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_result jsonb;
  v_finished text[] := '{}'::text[];
  v_deferred text;
begin
  if results = '[]' then
    return v_finished;
  end if;
  v_deferred := job_queue.check_at_once();
  begin
    v_finished := job_queue.finish_jobs(results);
    perform job_queue.check_at_end(v_deferred);
    return v_finished;
  exception when others then
    if not job_queue.is_about_a_row(sqlstate) then
      raise;
    end if;
  end;
  for v_result in select r.value from jsonb_array_elements(results) with ordinality r order by r.ordinality loop
    begin
      v_finished := v_finished || job_queue.finish_jobs(jsonb_build_array(v_result));
    exception when others then
      if not job_queue.is_about_a_row(sqlstate) then
        raise;
      end if;
      v_finished := v_finished || job_queue.fail_unwritable_result(v_result, sqlerrm);
    end;
  end loop;
  perform job_queue.check_at_end(v_deferred);
  return v_finished;
end $$;
comment on function job_queue.finish_each_job is 'Ends the attempts of jobs; what cannot be written fails its job alone.';

create function job_queue.fail_unwritable_result(result jsonb, error text) returns text[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  return job_queue.finish_jobs(jsonb_build_array(jsonb_build_object(
    'job_id', result -> 'job_id', 'lease_token', result -> 'lease_token', 'outcome', 'failed', 'retryable', false,
    'error_message', 'the database refuses to store the result: ' || error
  )));
exception when others then
  if not job_queue.is_about_a_row(sqlstate) then
    raise;
  end if;
  perform job_queue.note_failed_part('finish', sqlerrm);
  return '{lost}'::text[];
end $$;
comment on function job_queue.fail_unwritable_result is 'Fails the job of a result that cannot be written; lost when that cannot be written either.';

grant select on job_queue.deferred_constraints to service_role;
revoke all on all functions in schema job_queue from public;
grant execute on function
  job_queue.unwritable, job_queue.is_about_a_row, job_queue.check_at_once, job_queue.check_at_end,
  job_queue.finish_each_job, job_queue.fail_unwritable_result
to service_role;
