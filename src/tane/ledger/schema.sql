-- The ledger, migration 1. Times are seconds since the epoch (UTC). `runs.id` numbers a run within this file only; what
-- other ledgers and people know it by is `runs.run`. A double that is null is NaN: SQLite has no other word for it, and
-- keeps infinities as they are. Tables with an `identity` hold each distinct content once, whatever names it.

create table migrations (
    version integer primary key,
    name text not null,
    at double precision not null
);

create table runs (
    id integer primary key,
    run text not null unique,
    pipeline text not null,
    kind text not null,
    name text not null,
    status text not null,
    started double precision not null,
    ended double precision not null,
    lease double precision not null,    -- until when it counts as alive, unless its process can be looked at
    host text not null,
    pid integer not null,
    process text not null,              -- tells that process from a later one with the same pid
    published integer not null,
    environment text not null,          -- a document
    error text not null,
    detail text not null                -- JSON: command, params, config, git, account, python
);
create index runs_started on runs (started, id);

create table documents (
    digest text primary key,
    content text not null
);

-- What the keys of steps were made from.
create table bases (
    id integer primary key,
    identity blob not null unique,
    key text not null,
    code text not null,
    environment text not null,
    detail text not null                -- JSON: options, params, inputs
);

create table inputs (
    digest text not null,
    basis integer not null references bases (id),
    name text not null,
    primary key (digest, basis, name)
) without rowid;

create table steps (
    run integer not null references runs (id),
    position integer not null,
    node text not null,
    status text not null,
    basis integer not null references bases (id),
    reusable integer not null,
    origin text,                        -- the run in which a reused step was made
    origin_position integer,
    started double precision not null,
    ended double precision not null,
    cpu double precision not null,
    peak_memory bigint not null,
    detail text,                        -- JSON: reasons, error
    primary key (run, position)
) without rowid;
create index steps_node on steps (node, run);
create index steps_basis on steps (basis);

-- Outputs of steps as they were kept.
create table kept (
    id integer primary key,
    identity blob not null unique,
    name text not null,
    digest text not null,
    codec text not null,
    value text,
    file text,
    save text not null,
    bytes bigint not null,
    detail text                         -- JSON: classes, libraries
);
create index kept_name on kept (name);
create index kept_digest on kept (digest);
create index kept_value on kept (value, save) where save <> '';
create index kept_file on kept (file) where file is not null;

create table outputs (
    run integer not null references runs (id),
    position integer not null,
    place integer not null,
    kept integer not null references kept (id),
    primary key (run, position, place)
) without rowid;
create index outputs_kept on outputs (kept);

-- Which step's outputs may stand for a step of this key.
create table results (
    key text primary key,
    run integer not null references runs (id),
    position integer not null
) without rowid;

create table params (
    run integer not null references runs (id),
    name text not null,
    value text not null,                -- JSON
    primary key (run, name)
) without rowid;

create table tags (
    run integer not null references runs (id),
    name text not null,
    value text not null,
    primary key (run, name)
) without rowid;

-- One row per metric of a run, with what is asked for most; `node` is empty for what belongs to no step. A row with an
-- `origin` was inherited by a reused step: its points are those of that row.
create table metrics (
    id integer primary key,
    run integer not null references runs (id),
    node text not null,
    name text not null,
    origin integer references metrics (id),
    last double precision,
    min double precision,
    max double precision,
    count integer not null,
    at double precision not null,
    unique (run, node, name)
);

create table points (
    metric integer not null references metrics (id),
    step bigint not null,
    number integer not null,            -- counts the points of a metric: two may be logged at one step
    value double precision,
    at double precision not null,
    primary key (metric, step, number)
) without rowid;

create table artifacts (
    run integer not null references runs (id),
    path text not null,
    node text not null,
    file text not null,
    bytes bigint not null,
    kind text not null,
    primary key (run, path)
) without rowid;

create table notes (
    run integer primary key references runs (id),
    content text not null,
    at double precision not null
);

create table placed (
    path blob primary key,
    digest text not null
) without rowid;

create table events (
    id integer primary key,
    kind text not null,
    subject text not null,
    at double precision not null,
    actor text not null,
    detail text not null                -- JSON
);
create index events_subject on events (subject);

create trigger events_are_not_changed before update on events
begin
    select raise(abort, 'events are append-only');
end;

create trigger events_are_not_deleted before delete on events
begin
    select raise(abort, 'events are append-only');
end;

create trigger events_are_not_replaced before insert on events
when exists (select 1 from events where id = new.id)
begin
    select raise(abort, 'events are append-only');
end;
