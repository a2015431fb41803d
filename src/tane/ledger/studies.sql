-- Migration 3: sweeps and studies, which are many runs over points of parameters. `points` above are those of metrics.

create table studies (
    id integer primary key autoincrement,
    name text not null unique,
    kind text not null,
    directions text not null,           -- JSON: a list of "minimize" and "maximize"
    space text not null,                -- JSON: what may be chosen
    spec text not null,                 -- JSON: how it is chosen, and what else belongs to the study
    total integer,                      -- how many trials there are to be; null: no end
    created double precision not null
);

-- A trial is one point of a study. `change` counts the changes of a study's trials: who has seen them up to one of them
-- reads only what came later.
create table trials (
    id integer primary key autoincrement,
    study integer not null references studies (id),
    number integer not null,
    change integer not null,
    state text not null,
    point text not null,                -- JSON: values by parameter, in the order in which they were chosen
    choices text,                       -- JSON: what each value was chosen from, where the study's space does not say so
    identity text not null,             -- digest of the point as it was asked for, or chosen
    objective text,                     -- JSON: a list of numbers
    run text not null,
    started double precision not null,
    ended double precision not null,
    worker text not null,
    host text not null,
    pid integer not null,
    process text not null,
    lease double precision not null,
    attempts integer not null,
    error text not null,
    unique (study, number)
);
create index trials_change on trials (study, change);
create index trials_identity on trials (study, identity);
create index trials_open on trials (study, number) where state in ('waiting', 'running');

-- What a trial has reported on its way.
create table reports (
    trial integer not null references trials (id),
    step bigint not null,
    value double precision,
    at double precision not null,
    primary key (trial, step)
) without rowid;

-- What libraries note with studies and trials: JSON by name.
create table attributes (
    study integer not null references studies (id),
    trial integer not null,             -- 0: the study itself
    scope text not null,                -- user, system
    name text not null,
    value text not null,
    primary key (study, trial, scope, name)
) without rowid;
