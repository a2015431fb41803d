BEGIN TRANSACTION;
CREATE TABLE artifacts (
    run integer not null references runs (id),
    path text not null,
    node text not null,
    file text not null,
    bytes bigint not null,
    kind text not null,
    primary key (run, path)
) without rowid;
CREATE TABLE bases (
    id integer primary key,
    identity blob not null unique,
    key text not null,
    code text not null,
    environment text not null,
    detail text not null                -- JSON: options, params, inputs
);
INSERT INTO "bases" VALUES(1,X'6A933AEDFBA039C9019330E8DBE7D50AD16AD24C740B45CC3026B1C2DF73439B','key-1','','','{"options":{},"params":{"params:seed":7},"inputs":{"raw":"d0"}}');
INSERT INTO "bases" VALUES(2,X'2400C62573B3FA3AF43FBAE6B3C57408F56360A4D4A133A2B0901016CDB85D43','','','','{"options":{},"params":{},"inputs":{}}');
CREATE TABLE documents (
    digest text primary key,
    content text not null
);
INSERT INTO "documents" VALUES('b077d0b6ceaea7351888d5338324a254b085baf40a6935676297d35472d791a5','{"numpy":"2.0"}');
CREATE TABLE events (
    id integer primary key,
    kind text not null,
    subject text not null,
    at double precision not null,
    actor text not null,
    detail text not null                -- JSON
);
INSERT INTO "events" VALUES(1,'noted','x',1700000000.0,'ann','{"a":1}');
CREATE TABLE inputs (
    digest text not null,
    basis integer not null references bases (id),
    name text not null,
    primary key (digest, basis, name)
) without rowid;
INSERT INTO "inputs" VALUES('d0',1,'raw');
CREATE TABLE kept (
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
INSERT INTO "kept" VALUES(1,X'9FD0D47B02433755E449A752018F71791EF459DC9E435467EAC71A1C42844C0D','model','d1','pickle','v1',NULL,'',10,NULL);
INSERT INTO "kept" VALUES(2,X'902CE2F6CDFB1903DB855D098CC2DEDA375282BF23F4E960D3074BF6E1D45B65','raw','d0','',NULL,'f0','',0,NULL);
CREATE TABLE metrics (
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
INSERT INTO "metrics" VALUES(1,1,'fit','loss',NULL,0.5,0.5,9e999,4,1700000003.0);
INSERT INTO "metrics" VALUES(2,1,'','pr_auc',NULL,0.9,0.9,0.9,1,1700000005.0);
INSERT INTO "metrics" VALUES(3,2,'fit','loss',1,0.5,0.5,9e999,4,1700000003.0);
INSERT INTO "metrics" VALUES(4,3,'','loss',NULL,1.0,1.0,1.0,1,1700000201.0);
CREATE TABLE migrations (
    version integer primary key,
    name text not null,
    at double precision not null
);
INSERT INTO "migrations" VALUES(1,'schema.sql',1.79529860608943724626e+09);
CREATE TABLE notes (
    run integer primary key references runs (id),
    content text not null,
    at double precision not null
);
INSERT INTO "notes" VALUES(1,'good',1.79529860609279489518e+09);
CREATE TABLE outputs (
    run integer not null references runs (id),
    position integer not null,
    place integer not null,
    kept integer not null references kept (id),
    primary key (run, position, place)
) without rowid;
INSERT INTO "outputs" VALUES(1,0,0,1);
INSERT INTO "outputs" VALUES(2,0,0,1);
INSERT INTO "outputs" VALUES(1,-1,0,2);
CREATE TABLE params (
    run integer not null references runs (id),
    name text not null,
    value text not null,                -- JSON
    primary key (run, name)
) without rowid;
INSERT INTO "params" VALUES(1,'flag2','false');
INSERT INTO "params" VALUES(1,'list','[1,"a"]');
INSERT INTO "params" VALUES(1,'long','"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"');
INSERT INTO "params" VALUES(1,'nan','NaN');
INSERT INTO "params" VALUES(1,'nothing','null');
INSERT INTO "params" VALUES(1,'seed','8');
INSERT INTO "params" VALUES(1,'text','"\u00e9''\"x"');
INSERT INTO "params" VALUES(1,'threshold','0.5');
CREATE TABLE placed (
    path blob primary key,
    digest text not null
) without rowid;
INSERT INTO "placed" VALUES(X'646174612FC3A92E637376','d0');
CREATE TABLE points (
    metric integer not null references metrics (id),
    step bigint not null,
    number integer not null,            -- counts the points of a metric: two may be logged at one step
    value double precision,
    at double precision not null,
    primary key (metric, step, number)
) without rowid;
INSERT INTO "points" VALUES(1,0,0,3.0,1700000000.0);
INSERT INTO "points" VALUES(1,1,1,NULL,1700000001.0);
INSERT INTO "points" VALUES(1,2,2,9e999,1700000002.0);
INSERT INTO "points" VALUES(1,3,3,0.5,1700000003.0);
INSERT INTO "points" VALUES(2,0,0,0.9,1700000005.0);
INSERT INTO "points" VALUES(4,0,0,1.0,1700000201.0);
CREATE TABLE results (
    key text primary key,
    run integer not null references runs (id),
    position integer not null
) without rowid;
INSERT INTO "results" VALUES('key-1',1,0);
CREATE TABLE runs (
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
INSERT INTO "runs" VALUES(1,'20260101-000000-aaaa0001','train','run','first','succeeded',1700000000.0,1700000006.0,1.79529866609210729598e+09,'laptop',0,'',1,'b077d0b6ceaea7351888d5338324a254b085baf40a6935676297d35472d791a5','','{"command":["tane","run"],"params":{"model":{"name":"lightgbm","lr":0.1,"layers":[1,2]},"seed":7,"odd key":{"a.b":null},"flag":true,"empty":{},"limit":Infinity},"config":{"environments":["base","local"]},"git":{"commit":"c0ffee","branch":"main","dirty":"yes","diff":""},"user":"ann","python":"3.11.7"}');
INSERT INTO "runs" VALUES(2,'20260102-000000-bbbb0002','train','run','','failed',1700000100.0,1700000101.0,1.79529866609299015994e+09,'laptop',0,'',1,'','boom','{"command":["tane","run"],"params":{"model":{"name":"catboost"}},"config":{},"git":{"commit":"c0ffee","branch":"main","dirty":"yes","diff":""},"user":"ann","python":"3.11.7"}');
INSERT INTO "runs" VALUES(3,'20260103-000000-cccc0003','','script','','running',1700000200.0,0.0,1.79529866609316420553e+09,'laptop',0,'',1,'','','{"command":["tane","run"],"params":{},"config":{},"git":{"commit":"c0ffee","branch":"main","dirty":"yes","diff":""},"user":"ann","python":"3.11.7"}');
CREATE TABLE steps (
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
INSERT INTO "steps" VALUES(1,-1,'','skipped',2,0,NULL,NULL,0.0,0.0,0.0,0,NULL);
INSERT INTO "steps" VALUES(1,0,'fit','succeeded',1,1,NULL,NULL,1700000000.0,1700000001.0,0.0,0,'{"reasons":["first run"],"error":""}');
INSERT INTO "steps" VALUES(2,0,'fit','reused',1,0,'20260101-000000-aaaa0001',0,0.0,0.0,0.0,0,NULL);
CREATE TABLE tags (
    run integer not null references runs (id),
    name text not null,
    value text not null,
    primary key (run, name)
) without rowid;
INSERT INTO "tags" VALUES(1,'owner','ann');
INSERT INTO "tags" VALUES(1,'stage','draft');
CREATE INDEX runs_started on runs (started, id);
CREATE INDEX steps_node on steps (node, run);
CREATE INDEX steps_basis on steps (basis);
CREATE INDEX kept_name on kept (name);
CREATE INDEX kept_digest on kept (digest);
CREATE INDEX kept_value on kept (value, save) where save <> '';
CREATE INDEX kept_file on kept (file) where file is not null;
CREATE INDEX outputs_kept on outputs (kept);
CREATE INDEX events_subject on events (subject);
CREATE TRIGGER events_are_not_changed before update on events
begin
    select raise(abort, 'events are append-only');
end;
CREATE TRIGGER events_are_not_deleted before delete on events
begin
    select raise(abort, 'events are append-only');
end;
CREATE TRIGGER events_are_not_replaced before insert on events
when exists (select 1 from events where id = new.id)
begin
    select raise(abort, 'events are append-only');
end;
COMMIT;
