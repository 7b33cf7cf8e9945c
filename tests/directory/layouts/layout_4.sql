CREATE TABLE bans (id TEXT PRIMARY KEY, banned_at INTEGER NOT NULL, note TEXT NOT NULL)
  STRICT, WITHOUT ROWID;
INSERT INTO "bans" VALUES('z6Mko9hTggMwjSTEaJaPUfE6tqcy2xvU6BnNq3e3o8qVBiyH',3,'spam');
CREATE TABLE directory_keys (
  id TEXT PRIMARY KEY,
  secret BLOB NOT NULL,
  made_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER,
  uses INTEGER NOT NULL,
  note TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "directory_keys" VALUES('AAAAAAAAAAA',X'00000000000000000000000000000000',1,NULL,NULL,2,'carol');
CREATE TABLE hosts (host TEXT PRIMARY KEY, n INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO "hosts" VALUES('a.example',1);
CREATE TABLE key_uses (
  key_id TEXT,
  node_id TEXT,
  used_at INTEGER NOT NULL,
  PRIMARY KEY (key_id, node_id)
) STRICT, WITHOUT ROWID;
INSERT INTO "key_uses" VALUES('AAAAAAAAAAA','z6Mkon3Necd6NkkyfoGoHxid2znGc59LU3K7mubaRcFbLfLX',5);
CREATE TABLE lease_counts (name TEXT PRIMARY KEY, ends_after INTEGER NOT NULL, n INTEGER NOT NULL) STRICT;
INSERT INTO "lease_counts" VALUES('known',-9007199254740991,1);
INSERT INTO "lease_counts" VALUES('recent',-9007199254740991,1);
INSERT INTO "lease_counts" VALUES('active',-9007199254740991,1);
CREATE TABLE node_services (name TEXT, id TEXT, PRIMARY KEY (name, id)) STRICT, WITHOUT ROWID;
INSERT INTO "node_services" VALUES('b','z6Mkon3Necd6NkkyfoGoHxid2znGc59LU3K7mubaRcFbLfLX');
INSERT INTO "node_services" VALUES('c "d"','z6Mkon3Necd6NkkyfoGoHxid2znGc59LU3K7mubaRcFbLfLX');
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
CREATE TABLE stored_count (n INTEGER NOT NULL) STRICT;
INSERT INTO "stored_count" VALUES(2);
CREATE TABLE successions (
  old_id TEXT PRIMARY KEY,
  new_id TEXT NOT NULL,
  text TEXT NOT NULL,
  stored_at INTEGER NOT NULL
, host TEXT NOT NULL DEFAULT '') STRICT;
INSERT INTO "successions" VALUES('z6MkvRXNYcE7MMduynWTgeKbDaT1iijDSC8pZqXZc8rHPrf2','z6Mkon3Necd6NkkyfoGoHxid2znGc59LU3K7mubaRcFbLfLX','s',7,'');
CREATE INDEX proofs_by_use ON proofs (used_at);
CREATE INDEX nodes_by_lease_end ON nodes (lease_end_at, gone);
CREATE INDEX nodes_listed ON nodes (id, lease_end_at) WHERE unlisted = 0 AND gone = 0;
CREATE INDEX nodes_listed_by_alias ON nodes (alias, id)
  WHERE alias IS NOT NULL AND unlisted = 0 AND gone = 0;
CREATE TRIGGER lease_inserted AFTER INSERT ON nodes WHEN new.gone = 0 BEGIN
  UPDATE lease_counts SET n = n + 1 WHERE ends_after < new.lease_end_at;
END;
CREATE TRIGGER lease_deleted AFTER DELETE ON nodes WHEN old.gone = 0 BEGIN
  UPDATE lease_counts SET n = n - 1 WHERE ends_after < old.lease_end_at;
END;
CREATE TRIGGER lease_updated AFTER UPDATE OF gone, lease_end_at ON nodes BEGIN
  UPDATE lease_counts SET n = n + (new.gone = 0 AND ends_after < new.lease_end_at)
    - (old.gone = 0 AND ends_after < old.lease_end_at)
  WHERE (new.gone = 0 AND ends_after < new.lease_end_at)
    <> (old.gone = 0 AND ends_after < old.lease_end_at);
END;
CREATE TRIGGER host_of_new_node AFTER INSERT ON nodes WHEN new.host <> '' BEGIN
  INSERT INTO hosts VALUES (new.host, 1) ON CONFLICT (host) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER host_of_deleted_node AFTER DELETE ON nodes WHEN old.host <> '' BEGIN
  UPDATE hosts SET n = n - 1 WHERE host = old.host;
  DELETE FROM hosts WHERE host = old.host AND n = 0;
END;
CREATE TRIGGER host_of_moved_node AFTER UPDATE OF host ON nodes WHEN new.host <> old.host BEGIN
  INSERT INTO hosts SELECT new.host, 1 WHERE new.host <> '' ON CONFLICT (host) DO UPDATE SET n = n + 1;
  UPDATE hosts SET n = n - 1 WHERE host = old.host;
  DELETE FROM hosts WHERE host = old.host AND n = 0;
END;
CREATE TRIGGER host_of_succession AFTER INSERT ON successions WHEN new.host <> '' BEGIN
  INSERT INTO hosts VALUES (new.host, 1) ON CONFLICT (host) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER stored_node AFTER INSERT ON nodes BEGIN UPDATE stored_count SET n = n + 1; END;
CREATE TRIGGER stored_node_deleted AFTER DELETE ON nodes BEGIN UPDATE stored_count SET n = n - 1; END;
CREATE TRIGGER stored_succession AFTER INSERT ON successions BEGIN
  UPDATE stored_count SET n = n + 1;
END;
PRAGMA user_version = 4;
