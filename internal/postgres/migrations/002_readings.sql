-- The latest reading of each account whose template takes readings. A due row is polled by the replica that takes it. A stream has an owner,
-- whose lease lock_until ends.
create table reading (
  account bigint primary key references account (id) on delete cascade,
  is_stream boolean not null,
  due_at timestamptz not null default now(),

  holder text,
  attempt bigint not null default 0,
  lock_until timestamptz,

  -- The reading and its status as JSON, without secrets.
  content bytea,
  -- What only the next poll needs. Sealed.
  memory bytea,
  -- Whether the last poll failed without a token that works. A new token makes the row due.
  needs_token boolean not null default false
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);

create index reading_due on reading (due_at) where not is_stream;
create index reading_stream on reading (lock_until) where is_stream;

-- Whether the account has a row in reading. Without, a change of the account costs no notification.
alter table account add column reads boolean not null default false;

-- Every replica listens to account_changed, and then reads the account again.
create function notify_account_changed() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    perform pg_notify('account_changed', old.id::text);
  else
    if new.version <> old.version and new.token is not null then
      update reading set due_at = now() where account = new.id and needs_token;
    end if;
    perform pg_notify('account_changed', new.id::text);
  end if;
  return null;
end $$;

create trigger account_updated after update on account for each row
  when (new.reads and (old.version, old.state, old.tried_at, old.reads) is distinct from (new.version, new.state, new.tried_at, new.reads))
  execute function notify_account_changed();

create trigger account_deleted after delete on account for each row when (old.reads) execute function notify_account_changed();

create function notify_reading_changed() returns trigger language plpgsql as $$
begin
  perform pg_notify('account_changed', new.account::text);
  return null;
end $$;

create trigger reading_updated after update on reading for each row when (old.content is distinct from new.content)
  execute function notify_reading_changed();
