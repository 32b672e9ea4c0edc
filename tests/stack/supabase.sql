-- What a new Supabase project has and plain Postgres lacks, as far as the migrations and the local
-- stack need it. A superuser runs this once per database, before the migrations.
--
-- pg_net, pg_cron, Vault and Realtime are stand-ins with the real signatures that record what they
-- were asked to do. Nothing is granted on new tables or functions of `public`: that is the state of
-- Supabase projects since 2026-10-30, so a migration that forgets a grant fails here as it would there.

-- Roles belong to the whole server, so a second database on it finds them already there.
do $$
begin
  if to_regrole('anon') is null then
    create role anon nologin noinherit;
    create role authenticated nologin noinherit;
    create role service_role nologin noinherit bypassrls;
    create role authenticator login noinherit password 'authenticator';
    grant anon, authenticated, service_role to authenticator;
    alter role authenticator set statement_timeout = '8s';
    alter role authenticator set lock_timeout = '8s';
    alter role authenticated set statement_timeout = '8s';
    alter role anon set statement_timeout = '3s';
  end if;
exception
  -- Two databases being set up at the same moment: the other one made the roles.
  when duplicate_object or unique_violation then null;
end $$;

create schema extensions;
grant usage on schema extensions to anon, authenticated, service_role;
create extension pgcrypto with schema extensions;
create extension "uuid-ossp" with schema extensions;
do $$
begin
  execute format('alter database %I set search_path to "$user", public, extensions', current_database());
end $$;

grant usage on schema public to anon, authenticated, service_role;

-- auth: who the request's JWT says is calling. PostgREST sets request.jwt.claims.
create schema auth;
grant usage on schema auth to anon, authenticated, service_role;
create table auth.users (id uuid primary key, email text);

create function auth.jwt() returns jsonb language sql stable as $$
  select nullif(current_setting('request.jwt.claims', true), '')::jsonb
$$;
create function auth.uid() returns uuid language sql stable as $$
  select nullif(auth.jwt() ->> 'sub', '')::uuid
$$;
create function auth.role() returns text language sql stable as $$
  select auth.jwt() ->> 'role'
$$;

-- vault: named secrets. The stand-in keeps them in clear.
create schema vault;
create table vault.secrets (
  id uuid primary key default gen_random_uuid(),
  name text unique,
  description text not null default '',
  secret text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create view vault.decrypted_secrets as
  select id, name, description, secret, secret as decrypted_secret, created_at, updated_at
  from vault.secrets;

create function vault.create_secret(new_secret text, new_name text default null, new_description text default '')
returns uuid language sql as $$
  insert into vault.secrets (secret, name, description)
  values (new_secret, new_name, new_description)
  returning id
$$;

create function vault.update_secret(
  secret_id uuid, new_secret text default null, new_name text default null, new_description text default null
) returns void language sql as $$
  update vault.secrets
  set secret = coalesce(new_secret, secret), name = coalesce(new_name, name),
      description = coalesce(new_description, description), updated_at = now()
  where id = secret_id
$$;

-- net: pg_net's tables and its function, as in its version 0.20. The requests are sent by tests/stack/pg_net.ts
-- where it runs, after the commit; it listens for what the trigger says.
create schema net;
grant usage on schema net to public;
create domain net.http_method as text check (value ilike 'get' or value ilike 'post' or value ilike 'delete');
create unlogged table net.http_request_queue (
  id bigserial,
  method net.http_method not null,
  url text not null,
  headers jsonb,
  body bytea,
  timeout_milliseconds integer not null
);
create unlogged table net._http_response (
  id bigint,
  status_code integer,
  content_type text,
  headers jsonb,
  content text,
  timed_out boolean,
  error_msg text,
  created timestamptz not null default now()
);
create index on net._http_response (created);
grant all on all tables in schema net to public;

create function net.http_post(
  url text,
  body jsonb default '{}',
  params jsonb default '{}',
  headers jsonb default '{"Content-Type": "application/json"}',
  timeout_milliseconds integer default 5000
) returns bigint language sql security definer as $$
  insert into net.http_request_queue (method, url, headers, body, timeout_milliseconds)
  values ('POST', url, headers, convert_to(body::text, 'UTF8'), timeout_milliseconds)
  returning id
$$;

create function net.wake_at_commit() returns trigger language plpgsql as $$
begin
  notify pg_net;
  return null;
end $$;
create trigger http_request_queue_wake after insert on net.http_request_queue
  for each statement execute function net.wake_at_commit();

-- cron: pg_cron's list of jobs. Nothing here runs them.
create schema cron;
create table cron.job (
  jobid bigint generated always as identity primary key,
  schedule text not null,
  command text not null,
  nodename text not null default 'localhost',
  nodeport integer not null default 5432,
  database text not null default current_database(),
  username text not null default current_user,
  active boolean not null default true,
  jobname text,
  unique (jobname, username)
);
create table cron.job_run_details (
  jobid bigint,
  runid bigint generated always as identity primary key,
  job_pid integer,
  database text,
  username text,
  command text,
  status text,
  return_message text,
  start_time timestamptz,
  end_time timestamptz
);

-- Like version 1.5 and later, takes `1 seconds` to `59 seconds` besides the five fields.
create function cron.schedule(job_name text, schedule text, command text)
returns bigint language plpgsql as $$
#variable_conflict use_column
declare
  v_id bigint;
begin
  if schedule.schedule !~ '^[1-5]?[0-9] seconds$' and schedule.schedule !~ '^([0-9*/,-]+ ){4}[0-9*/,-]+$' or schedule.schedule ~ '^0 seconds' then
    raise exception 'invalid schedule: %', schedule.schedule;
  end if;
  insert into cron.job as j (jobname, schedule, command)
  values (job_name, schedule.schedule, schedule.command)
  on conflict (jobname, username)
  do update set schedule = excluded.schedule, command = excluded.command
  returning jobid into v_id;
  return v_id;
end $$;

-- Like the real one, refuses a name it does not know.
create function cron.unschedule(job_name text)
returns boolean language plpgsql as $$
begin
  delete from cron.job where jobname = job_name;
  if not found then
    raise exception 'could not find valid entry for job ''%''', job_name;
  end if;
  return true;
end $$;

-- realtime: broadcast messages, kept in a table that clients read through policies.
create schema realtime;
grant usage on schema realtime to anon, authenticated, service_role;
create table realtime.messages (
  id uuid not null default gen_random_uuid(),
  topic text not null,
  extension text not null,
  payload jsonb,
  event text,
  private boolean default false,
  inserted_at timestamp not null default now(),
  primary key (id, inserted_at)
);
alter table realtime.messages enable row level security;
grant select, insert on realtime.messages to anon, authenticated, service_role;

create function realtime.topic() returns text language sql stable as $$
  select nullif(current_setting('realtime.topic', true), '')
$$;
create function realtime.send(payload jsonb, event text, topic text, private boolean default true)
returns void language plpgsql as $$
begin
  insert into realtime.messages (payload, event, topic, private, extension)
  values (payload, event, topic, private, 'broadcast');
exception when others then
  -- The real one never fails its caller's transaction either.
  raise warning 'realtime.send: %', sqlerrm;
end $$;
