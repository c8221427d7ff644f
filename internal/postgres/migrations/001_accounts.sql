-- One row for each account. The row is the state: every replica continues from it, and none owns it.
create table account (
  id bigint generated always as identity primary key,
  name text not null collate "C" unique,
  -- The entry of the configuration that has the settings.
  template text not null,
  source text not null,
  created_at timestamptz not null default now(),

  -- Sealed. The version counts the changes of this content: a save compares it, and nothing else decides which token stays.
  token bytea,
  version bigint not null default 0,
  logged_out boolean not null default false,

  -- The state of the lifecycle.
  state text not null check (state in ('missing', 'active', 'refused', 'lost')),
  reason text,
  since timestamptz,
  error text,
  failures int not null default 0,
  rejections int not null default 0,
  expires_at timestamptz,
  refresh_expires_at timestamptz,
  -- When a renewal is due; null when nothing is scheduled.
  renew_at timestamptz,
  renewed_at timestamptz,
  tried_at timestamptz,

  -- The fence: a request may be in flight until lock_until. sent_at stays until its outcome is known.
  holder text,
  attempt bigint not null default 0,
  sent_at timestamptz,
  lock_until timestamptz
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);

create index account_due on account (renew_at) where renew_at is not null;

-- Active accounts are not in it, so that a renewal does not change it.
create index account_problem on account (state, name) where state <> 'active';

-- Counts of renewals since the installation. A replica adds to its own slot, so that replicas do not wait for each other.
create table counter (
  slot smallint not null,
  source text not null,
  name text not null,
  value bigint not null,
  primary key (slot, source, name)
);

-- One-time links that were used. Each works once, whatever replica it is opened at.
create table used_link (
  id text primary key,
  until timestamptz not null
);
