-- The least a queue behind PostgREST can do: no leases that end, no retries, no results, no fencing.
create table public.floor_jobs (
  id bigint generated always as identity primary key, state smallint not null default 0,
  run_at timestamptz not null default now(), attempts integer not null default 0, locked_until timestamptz,
  payload jsonb not null default '{}'
);
create index floor_jobs_ready on public.floor_jobs (run_at, id) where state = 0;
create function public.floor_step(done bigint[], max_jobs integer) returns table (id bigint, payload jsonb)
language plpgsql set search_path = '' as $$
begin
  if cardinality(done) > 0 then
    update public.floor_jobs j set state = 2 where j.id = any (done);
  end if;
  return query
  update public.floor_jobs j set state = 1, attempts = j.attempts + 1, locked_until = now() + interval '60 seconds'
  where j.id in (
    select k.id from public.floor_jobs k
    where k.state = 0 and k.run_at <= now() order by k.run_at, k.id limit max_jobs for update skip locked
  )
  returning j.id, j.payload;
end $$;
grant all on public.floor_jobs to service_role;
notify pgrst, 'reload schema';
