-- Migration 2: what puts runs together, points that are logged as fast as one row can be written, and what search goes
-- by. `filling` gives the new columns their values behind these statements.

alter table runs add column experiment text not null default '';
alter table runs add column grouped text not null default '';
alter table runs add column job_type text not null default '';
alter table runs add column parent text not null default '';
alter table runs add column study text not null default '';
alter table runs add column trial integer not null default -1;
alter table runs add column deleted double precision not null default 0;
alter table runs add column account text not null default '';   -- from here on what `detail` says as well
alter table runs add column command text not null default '';
alter table runs add column python text not null default '';
alter table runs add column git_commit text not null default '';
alter table runs add column git_branch text not null default '';
alter table runs add column git_dirty text not null default '';
create index runs_experiment on runs (experiment) where experiment <> '';
create index runs_study on runs (study, trial) where study <> '';
create index runs_parent on runs (parent) where parent <> '';
create index runs_status on runs (status);
create index runs_listed on runs (              -- what search goes through, and lists show, without the long columns
    id, kind, deleted, experiment, study, run, name, status, pipeline, grouped, job_type, parent, trial, started, ended,
    account, host, git_commit, git_branch
);

create table experiments (
    name text primary key,
    created double precision not null
) without rowid;

-- Points in the order they were logged: a call appends here and does nothing else. Now and then, and when a run ends, all
-- are moved to `points`, and `metrics` is brought up to date in the same transaction. Readers look in both places.
create table logged (
    id integer primary key,
    run integer not null references runs (id),
    node text not null,
    name text not null,
    step bigint not null,
    value double precision,
    at double precision not null
);
create index metrics_name on metrics (name, run, at, id, last);

-- The parameters a run was started with stand beside those logged to it, flattened. `start` are the first 120 characters
-- of what is compared as text: of a text itself, else of the JSON. `number` is null where the value is no number. `type` is
-- 1 for texts, 2 for whole numbers, 3 for other numbers, 0 for what else there is.
alter table params add column given integer not null default 0;
alter table params add column type integer not null default 0;
alter table params add column number double precision;
alter table params add column start text not null default '';
create index params_name on params (name, start, number, type);
create index params_number on params (name, number) where number is not null;
create index tags_name on tags (name, value);
