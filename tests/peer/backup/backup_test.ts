import { assert, assertEquals, assertRejects } from "@std/assert";
import { LocalCryptoCore } from "../../../crypto/core.ts";
import { concatBytes, encodeBase64Url, encodeUtf8 } from "../../../crypto/encoding.ts";
import type { CryptoCore } from "../../../crypto/interface.ts";
import { readArchive, writeArchive } from "../../../peer/backup/archive.ts";
import { type BackupParts, readDataFiles } from "../../../peer/backup/data_files.ts";
import { foreignNames, isOwned } from "../../../peer/data/owned_files.ts";
import { SCHEMA_VERSION } from "../../../peer/store/migrations.ts";
import { NodeStore } from "../../../peer/store/store.ts";
import { DAMAGED_FILE } from "../../../peer/tokens/vault_file.ts";
import { createOpenDatabase, openFiles, systemClock } from "../../../ports/system.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { makeTemporaryDirectory } from "../../ports/temporary_directory.ts";
import { LifeNode } from "../data/life_world.ts";
import { backUpRunning, backUpStopped, collect, PASSPHRASE, pieces, restore } from "./backups.ts";
import { CHEAP_COST } from "../../world/cores.ts";

const BODY = { passphrase: encodeBase64Url(encodeUtf8(PASSPHRASE)) };

async function startedNode(): Promise<LifeNode> {
  const node = new LifeNode();
  await node.init();
  return await node.start();
}

function names(data: string): string[] {
  return [...Deno.readDirSync(data)].map(({ name }) => name).sort();
}

for (const how of ["running", "stopped"] as const) {
  Deno.test(`a backup of the ${how} node takes none but its own files, and can be restored`, async () => {
    await using node = await startedNode();
    const { id } = node;
    for (const name of [".env~", "node.orb", "audit-notes", "a name"]) {
      Deno.writeTextFileSync(`${node.data}/${name}`, "not the node's");
    }
    Deno.writeTextFileSync(`${node.data}/${DAMAGED_FILE}`, "");
    if (how === "stopped") await node.stop();
    const backup = await (how === "running" ? backUpRunning : backUpStopped)(node);
    if (how === "running") await node.untilAudited("backup");
    const foreign = foreignNames(names(node.data));
    assertEquals(foreign, [".env~", "a name", "audit-notes", "node.orb"]);
    await using into = new LifeNode();
    assertEquals(await restore(into, backup), id);
    assertEquals(foreignNames(names(into.data)), []);
    assertEquals(Deno.statSync(`${into.data}/${DAMAGED_FILE}`).size, 0);
  });
}

Deno.test("a backup takes the logs of former identities with their secrets, and nothing of a process", () => {
  const taken = ["audit-begin", "audit-head", "audit-000001.jsonl", "node-secret"]
    .flatMap((name) => [name, `former-z6MkFormer.${name}`]);
  const passing = ["lock.sqlite", "lock.pid", "admin.json", "restoring", "succession"]
    .concat([".env.tmp", "node.db-wal", "backup.db", "backup.db-journal"]);
  for (const name of [...taken, ...passing]) {
    assertEquals(isOwned(name), taken.includes(name), name);
  }
  assertEquals(foreignNames([...taken, ...passing]), []);
  for (const name of ["former-z6Mk/.audit-head", "audit-1.jsonl", "former-.node-secret"]) {
    assertEquals([isOwned(name), foreignNames([name])], [false, [name]]);
  }
});

Deno.test("no backup is made where there is no node, and none of one that is not whole", async () => {
  await using node = new LifeNode();
  const none = await assertRejects(() => backUpStopped(node), OpenRedError);
  assertEquals([none.code, names(node.data)], ["not_found", []]);
  await node.init();
  Deno.writeTextFileSync(`${node.data}/restoring`, "");
  await assertRejects(() => backUpStopped(node), OpenRedError, "broke off");
});

function makeArchive(core: CryptoCore, files: readonly string[]): AsyncGenerator<Uint8Array> {
  async function* content() {
    for (const name of files) yield { name, content: encodeUtf8(name) };
  }
  return writeArchive(core, {
    passphrase: encodeUtf8(PASSPHRASE),
    cost: CHEAP_COST,
    version: "test",
    schema: SCHEMA_VERSION,
    createdAt: 0,
    files: content(),
  });
}

async function write(
  core: CryptoCore,
  files: readonly string[],
): Promise<Uint8Array<ArrayBuffer>> {
  return await collect(makeArchive(core, files));
}

Deno.test("writeArchive() refuses a name that readArchive() would refuse", async () => {
  const core = await LocalCryptoCore.create();
  for (const name of [".env~", "a/b", "..", ""]) {
    const error = await assertRejects(() => write(core, [name]), OpenRedError);
    assertEquals(error.code, "bad_request");
  }
  const read: string[] = [];
  await readArchive(core, {
    passphrase: encodeUtf8(PASSPHRASE),
    input: pieces(await write(core, [".env", "node.db"])),
    visitor: {
      manifest: ({ schema }) => assertEquals(schema, SCHEMA_VERSION),
      begin: (name) => void read.push(name),
      piece: () => {},
    },
  });
  assertEquals(read, [".env", "node.db"]);
  await core.stop();
});

function fileOf(length: number, text: string): Uint8Array {
  return concatBytes(new Uint8Array([0, 0, length >> 8, length & 0xff]), encodeUtf8(text));
}

async function codeOf(core: CryptoCore, plain: readonly Uint8Array[]): Promise<string> {
  const passphrase = () => encodeUtf8(PASSPHRASE);
  const { stream, head } = await core.beginBackup({ passphrase: passphrase(), cost: CHEAP_COST });
  const body = await core.sealBackup({ stream, chunk: concatBytes(...plain), isLast: true });
  const input = pieces(concatBytes(head, body));
  const visitor = { manifest: () => {}, begin: () => {}, piece: () => {} };
  const reading = readArchive(core, { passphrase: passphrase(), input, visitor });
  return (await assertRejects(() => reading, OpenRedError)).code;
}

Deno.test("readArchive() says what is newer, and takes nothing of another form", async () => {
  const core = await LocalCryptoCore.create();
  const header = (value: unknown, blanks = 0) => {
    const text = JSON.stringify(value) + " ".repeat(blanks);
    return fileOf(text.length, text);
  };
  const manifest = { format: 1, version: "test", created_at: 0 };
  const end = fileOf(0, "");
  const cases: [string, Uint8Array[]][] = [
    ["unsupported", [header({ format: 2 }), end]],
    ["unsupported", [header({ ...manifest, must: ["unknown"] }), end]],
    ["bad_request", [header(manifest, 4_096), end]],
    ["bad_request", [header(manifest), header({ name: "..", bytes: 0 }), end]],
    ["bad_request", [header(manifest), header({ name: "a", bytes: 5 }), end]],
    ["bad_request", [header(manifest), end, new Uint8Array(1)]],
    ["bad_request", [header(manifest)]],
    ["bad_request", [end]],
  ];
  for (const [code, plain] of cases) assertEquals(await codeOf(core, plain), code);
  await core.stop();
});

/** A core that tells of its keys which are held. */
function watchedCore(core: CryptoCore): { core: CryptoCore; held: Set<unknown> } {
  const held = new Set<unknown>();
  return {
    held,
    core: new Proxy(core, {
      get: (target, key) => {
        const member: unknown = Reflect.get(target, key, target);
        if (typeof member !== "function") return member;
        return async (...args: unknown[]) => {
          const result = await Reflect.apply(member, target, args);
          if (key === "beginBackup") held.add(result.stream);
          if (key === "openBackup") held.add(result);
          if (key === "release") held.delete(args[0]);
          return result;
        };
      },
    }),
  };
}

Deno.test("a backup's key is gone from the core, also when its making or reading broke off", async () => {
  const local = await LocalCryptoCore.create();
  const { core, held } = watchedCore(local);
  const backup = await write(core, ["node.db"]);
  assertEquals(held.size, 0);
  for await (const _ of makeArchive(core, ["node.db"])) break;
  assertEquals(held.size, 0);
  const visitor = { manifest: () => Promise.reject(new Error("Full")), begin() {}, piece() {} };
  const options = { passphrase: encodeUtf8(PASSPHRASE), input: pieces(backup), visitor };
  await assertRejects(() => readArchive(core, options), Error, "Full");
  assertEquals(held.size, 0);
  await local.stop();
});

Deno.test("a running node's backup on a full disk says so, and the next one is made", async () => {
  await using node = await startedNode();
  const { inside } = node.node;
  const record = inside.audit.record;
  inside.audit.record = () => new Promise(() => {});
  Deno.mkdirSync(`${node.data}/backup.db`);
  const refused = await node.admin.request("POST", "/backup", BODY);
  assertEquals([refused.status, (await refused.json()).code], [503, "overloaded"]);
  Deno.removeSync(`${node.data}/backup.db`);
  await backUpRunning(node);
  inside.audit.record = record;
});

Deno.test("a client that goes away ends its backup, and the next one is made", async () => {
  await using node = await startedNode();
  const unread = await node.admin.request("POST", "/backup", BODY);
  assertEquals(unread.status, 200);
  const refused = await node.admin.request("POST", "/backup", BODY);
  assertEquals([refused.status, (await refused.json()).code], [503, "overloaded"]);
  await unread.body?.cancel();
  Deno.writeTextFileSync(`${node.data}/backup.db`, "what could not be removed");
  await backUpRunning(node);
  assertEquals(names(node.data).filter((name) => name.startsWith("backup")), []);
});

Deno.test("what a killed backup left of the database is gone at the next start", async () => {
  await using node = await startedNode();
  await node.stop();
  for (const end of ["", "-wal", "-shm", "-journal"]) {
    Deno.writeTextFileSync(`${node.data}/backup.db${end}`, "all messages");
  }
  await node.start();
  assertEquals(names(node.data).filter((name) => name.startsWith("backup")), []);
});

/** A store with many messages, in a data directory with all that a backup needs. */
function messageStore(data: string, count: number): BackupParts & { store: NodeStore } {
  const openDatabase = createOpenDatabase(data);
  const store = new NodeStore(openDatabase, systemClock);
  const database = openDatabase("node.db");
  database.exec(`
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
    INSERT INTO messaging_plain_outbox (peer, id, text, sent_at) SELECT 'peer', i, 'text ' || i, i FROM n;
    INSERT INTO peer_permissions (peer, name, allowed)
    SELECT 'peer ' || (number % 7), 'name ' || number, number % 2 FROM messaging_plain_outbox LIMIT 250`);
  database.close();
  const files = openFiles(data);
  for (const name of ["keystore", "node-secret"]) Deno.writeTextFileSync(`${data}/${name}`, name);
  return { store, openDatabase, files, clock: systemClock };
}

Deno.test("a copy of a large database is of one moment, and others have their turn meanwhile", async () => {
  using folder = makeTemporaryDirectory();
  const parts = messageStore(folder.path, 30_000);
  let [turns, pauses, nowMs] = [0, 0, 0];
  const clock = {
    monotonicMs: () => nowMs += 1,
    setTimer: (delayMs: number, callback: () => void) => {
      pauses += 1;
      return systemClock.setTimer(delayMs, callback);
    },
  };
  const writes: Promise<void>[] = [];
  // What others do meanwhile comes by the real event loop, which is what the copy has to let run.
  const timer = setInterval(() => {
    turns += 1;
    writes.push(parts.store.write(() => {
      parts.store.statement("UPDATE messaging_plain_outbox SET delivered = 1 WHERE number = ?").run(
        turns,
      );
      parts.store.statement("DELETE FROM messaging_plain_outbox WHERE number = ?").run(
        30_000 - turns,
      );
    }));
  }, 1);
  const first = await readDataFiles({ ...parts, clock }).next();
  clearInterval(timer);
  // A page of 100 rows takes 1 ms of this clock, and a slice has 5.
  assert(pauses >= 50, `${pauses} pauses`);
  await Promise.all(writes);
  assert(turns > 5, `${turns} turns`);
  using restored = makeTemporaryDirectory();
  assert(first.done !== true);
  Deno.writeFileSync(`${restored.path}/node.db`, first.value.content);
  const copy = new NodeStore(createOpenDatabase(restored.path), systemClock);
  const permissions = "SELECT * FROM peer_permissions ORDER BY name";
  assertEquals(copy.statement(permissions).all(), parts.store.statement(permissions).all());
  const { whole, waiting } = copy.statement(
    "SELECT count(*) AS whole, sum(delivered = 0) AS waiting FROM messaging_plain_outbox",
  ).get()!;
  // Each write has left one row fewer and another one delivered.
  const seen = 30_000 - Number(whole);
  assertEquals(Number(waiting), 30_000 - 2 * seen);
  assert(seen < turns - 5, `${seen} of ${turns} writes`);
  assertEquals(copy.statement("PRAGMA integrity_check").get()?.integrity_check, "ok");
  assertEquals(
    copy.statement("SELECT seq FROM sqlite_sequence WHERE name = 'messaging_plain_outbox'").get(),
    {
      seq: 30_000,
      __proto__: null,
    },
  );
  copy.close();
  parts.store.close();
});

Deno.test("the audit log's lines are listed when its head was read", async () => {
  using folder = makeTemporaryDirectory();
  const parts = messageStore(folder.path, 1);
  const { files } = parts;
  await files.write("audit-head", encodeUtf8("head 1"));
  await files.write("audit-000001.jsonl", encodeUtf8("1\n"));
  const rotating = {
    ...parts,
    files: new Proxy(files, {
      get: (target, key) => {
        if (key !== "read") {
          const member: unknown = Reflect.get(target, key, target);
          return typeof member === "function" ? member.bind(target) : member;
        }
        return async (name: string) => {
          if (name === "audit-head") {
            await files.write("audit-000002.jsonl", encodeUtf8("2\n"));
            await files.write("audit-head", encodeUtf8("head 2"));
          }
          return await files.read(name);
        };
      },
    }),
  };
  const taken: string[] = [];
  for await (const { name } of readDataFiles(rotating)) taken.push(name);
  assertEquals(taken, [
    "node.db",
    "audit-head",
    "audit-000001.jsonl",
    "audit-000002.jsonl",
    "keystore",
    "node-secret",
  ]);
  parts.store.close();
});

Deno.test("no backup is made of a directory from which nothing could be restored", async () => {
  await using node = await startedNode();
  Deno.removeSync(`${node.data}/node-secret`);
  const refused = await node.admin.request("POST", "/backup", BODY);
  assertEquals([refused.status, (await refused.json()).code], [404, "not_found"]);
});
