-- Requests that count against a budget. They are recorded before they are sent.
create table sent_request (
  id bigint generated always as identity primary key,
  -- What counts together: see BudgetKey.
  source text not null collate "C",
  provider text not null collate "C",
  owner text not null collate "C",
  -- The time of the last of these requests.
  at timestamptz not null,
  count int not null default 1,
  -- When the row can be deleted.
  until timestamptz not null
) with (autovacuum_vacuum_scale_factor = 0.02);

create index sent_request_budget on sent_request (source, provider, owner, at);
create index sent_request_until on sent_request (until);
