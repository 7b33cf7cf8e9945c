CREATE TABLE nodes (
  id TEXT PRIMARY KEY,
  record TEXT NOT NULL,
  seq INTEGER NOT NULL,
  exp INTEGER NOT NULL,
  api_url TEXT NOT NULL,
  noise_key TEXT NOT NULL,
  host TEXT NOT NULL,
  alias TEXT,
  services TEXT NOT NULL,
  unlisted INTEGER NOT NULL,
  gone INTEGER NOT NULL,
  listed INTEGER GENERATED ALWAYS AS (unlisted = 0 AND gone = 0) VIRTUAL,
  last_seen_at INTEGER NOT NULL,
  lease_end_at INTEGER NOT NULL,
  called_back_at INTEGER NOT NULL
) STRICT;
INSERT INTO "nodes" VALUES('z6Mkon3Necd6NkkyfoGoHxid2znGc59LU3K7mubaRcFbLfLX','a.z6Mkon3Necd6NkkyfoGoHxid2znGc59LU3K7mubaRcFbLfLX.c',5,9,'https://a.example/x','AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA','a.example',NULL,'
b

c "d"
',0,0,1,100,2);
INSERT INTO "nodes" VALUES('z6Mko9hTggMwjSTEaJaPUfE6tqcy2xvU6BnNq3e3o8qVBiyH','a.z6Mko9hTggMwjSTEaJaPUfE6tqcy2xvU6BnNq3e3o8qVBiyH.c',5,9,'','AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA','a.example',NULL,'
b

c "d"
',0,1,1,100,2);
CREATE TABLE own (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
INSERT INTO "own" VALUES('proof_floor','1790000000');
INSERT INTO "own" VALUES('id','z6Mkon3Necd6NkkyfoGoHxid2znGc59LU3K7mubaRcFbLfLX');
CREATE TABLE pins (id TEXT PRIMARY KEY, next BLOB NOT NULL) STRICT;
INSERT INTO "pins" VALUES('z6Mkon3Necd6NkkyfoGoHxid2znGc59LU3K7mubaRcFbLfLX',X'0707070707070707070707070707070707070707070707070707070707070707');
CREATE TABLE proofs (
  jti TEXT PRIMARY KEY,
  iat INTEGER NOT NULL,
  used_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "proofs" VALUES('AAAAAAAAAAAAAAAAAAAAAA',1790000100,1790000100000);
CREATE TABLE successions (
  old_id TEXT PRIMARY KEY,
  new_id TEXT NOT NULL,
  text TEXT NOT NULL,
  stored_at INTEGER NOT NULL
) STRICT;
INSERT INTO "successions" VALUES('z6MkvRXNYcE7MMduynWTgeKbDaT1iijDSC8pZqXZc8rHPrf2','z6Mkon3Necd6NkkyfoGoHxid2znGc59LU3K7mubaRcFbLfLX','s',7);
CREATE INDEX nodes_by_host ON nodes (host) WHERE host <> '';
CREATE INDEX nodes_by_alias ON nodes (alias, id) WHERE alias IS NOT NULL;
CREATE INDEX nodes_by_lease ON nodes (lease_end_at);
CREATE INDEX proofs_by_use ON proofs (used_at);
PRAGMA user_version = 0;
