import { assert, assertEquals, assertRejects } from "@std/assert";
import { decodeUtf8, encodeUtf8 } from "../../../crypto/encoding.ts";
import { createOpenDatabase } from "../../../ports/system.ts";
import type { NodeStore } from "../../../peer/store/store.ts";
import { settle } from "../../world/settle.ts";
import { TestParts } from "../../peer/parts.ts";
import { TestNodeKeys } from "../../peer/test_node_keys.ts";
import { LocalCryptoCore } from "../../../crypto/core.ts";
import { GONE, isDelivered, makeOldDatabase, MARK, type OldMessages } from "./old_database.ts";
import { MessagingWorld, PEERS } from "./messaging_world.ts";

const [PEER] = PEERS;
const FILES = ["node.db", "node.db-wal", "node.db-journal"];

/** What a process needs to go on where another one ended. */
interface Owner {
  readonly crypto: LocalCryptoCore;
  readonly keys: TestNodeKeys;
}

async function createOwner(): Promise<Owner> {
  const crypto = await LocalCryptoCore.create();
  return { crypto, keys: await TestNodeKeys.create(crypto) };
}

/** A process on a folder. @param wrote Called after each of its transactions. */
async function startOn(
  folder: string,
  { crypto, keys }: Owner,
  wrote: (store: NodeStore) => void = () => {},
): Promise<MessagingWorld> {
  const parts = await TestParts.create({ crypto, database: createOpenDatabase(folder)("node.db") });
  parts.store.onWrite(() => wrote(parts.store));
  return await MessagingWorld.start({ parts, keys });
}

function contentsOf(folder: string): Uint8Array[] {
  const there = new Set([...Deno.readDirSync(folder)].map(({ name }) => name));
  return FILES.filter((name) => there.has(name)).map((name) =>
    Deno.readFileSync(`${folder}/${name}`)
  );
}

/** How often a text stands in the files of the database. */
function timesIn(folder: string, text: string): number {
  const decoder = new TextDecoder("latin1");
  return contentsOf(folder)
    .reduce((sum, content) => sum + decoder.decode(content).split(text).length - 1, 0);
}

function copyFolder(from: string, to: string): void {
  Deno.mkdirSync(to);
  for (const { name } of Deno.readDirSync(from)) {
    if (FILES.includes(name)) Deno.copyFileSync(`${from}/${name}`, `${to}/${name}`);
  }
}

/** How far a process is: which tables of its work are there, and how many texts of the inbox it has sealed. */
function stageOf(store: NodeStore): string {
  const tables = store.statement(
    `SELECT name FROM sqlite_schema
     WHERE name LIKE 'messaging_plain%' OR name IN ('messaging_unwiped', 'wiped') ORDER BY name`,
  ).all().map(({ name }) => name);
  const sealed = store
    .statement("SELECT seq FROM sqlite_sequence WHERE name = 'messaging_inbox'").get()?.seq ?? 0;
  return `${tables} after ${sealed}`;
}

/** Everything that was there is there, in its order, and what waits goes. */
async function assertWhole(messaging: MessagingWorld, old: OldMessages): Promise<void> {
  const inbox = await messaging.inbox();
  assertEquals(
    inbox.map(({ number, id, text, received_at }) => ({ number, id, text, received_at })),
    old.inbox.map((message, index) => ({ number: index + 1, ...message, received_at: index + 1 })),
  );
  const { store } = messaging.world.parts;
  const requests = store.statement("SELECT request FROM messaging_inbox ORDER BY number").all();
  assertEquals(requests.map(({ request }) => request), old.inbox.map((_, index) => index % 2));
  const waiting = old.outbox.filter((_, index) => !isDelivered(index));
  assertEquals(messaging.waiting(PEER), waiting.length);
  messaging.hosted.host.confirmed(PEER);
  await settle();
  assertEquals(
    messaging.world.sender.sent.map(({ id, body }) => ({ id, text: decodeUtf8(body!) })),
    waiting,
  );
  const delivered = store.statement("SELECT id FROM messaging_outbox WHERE delivered = 1").all();
  assertEquals(delivered.length, old.outbox.length - waiting.length);
}

function assertNoTraceIn(messaging: MessagingWorld, folder: string): void {
  const traces = () => [timesIn(folder, MARK), timesIn(folder, GONE)];
  assertEquals(traces(), [0, 0], "while the node runs");
  messaging[Symbol.dispose]();
  assertEquals(traces(), [0, 0], "after its end");
}

async function withFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "openred-plain-" });
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("Texts of an old database are sealed at the first start, and none of them is left in its files", async () => {
  await withFolder(async (folder) => {
    const old = makeOldDatabase(`${folder}/node.db`, PEER);
    assert(timesIn(folder, GONE) > 100, "free pages hold what was deleted");
    const messaging = await startOn(folder, await createOwner());
    await assertWhole(messaging, old);
    const tables = messaging.world.parts.store
      .statement("SELECT name FROM sqlite_schema WHERE name LIKE '%plain%' OR name = 'wiped'");
    assertEquals(tables.all(), []);
    await messaging.receive({ peer: PEER, id: "new", body: encodeUtf8(`${MARK}, told anew`) });
    assertEquals((await messaging.inbox()).at(-1)?.number, old.inbox.length + 1);
    await messaging.send(PEER, `${MARK}, told anew`);
    assertNoTraceIn(messaging, folder);
  });
});

Deno.test("A process that was killed while it sealed texts of an old database loses none and leaves none", async () => {
  await withFolder(async (folder) => {
    const owner = await createOwner();
    const first = `${folder}/first`;
    Deno.mkdirSync(first);
    const old = makeOldDatabase(`${first}/node.db`, PEER);
    const killed: string[] = [];
    const stages = new Set<string>();
    const running = await startOn(first, owner, (store) => {
      const copy = `${folder}/killed-${killed.length}`;
      copyFolder(first, copy);
      killed.push(copy);
      stages.add(stageOf(store));
    });
    running[Symbol.dispose]();
    const expected = [
      "messaging_plain_inbox,messaging_plain_outbox after 64",
      "messaging_plain_inbox,messaging_plain_outbox after 100",
      "messaging_unwiped after 100",
      "messaging_unwiped,wiped after 100",
    ];
    assertEquals(expected.filter((stage) => !stages.has(stage)), []);
    for (const copy of killed) {
      const messaging = await startOn(copy, owner);
      await assertWhole(messaging, old);
      assertNoTraceIn(messaging, copy);
    }
  });
});

Deno.test("A text of an old database is sealed for its own place", async () => {
  await withFolder(async (folder) => {
    makeOldDatabase(`${folder}/node.db`, PEER);
    using messaging = await startOn(folder, await createOwner());
    messaging.damage("messaging_inbox", "in5");
    const seen = await messaging.inbox();
    assertEquals(seen.filter(({ damaged }) => damaged === true).map(({ id }) => id), ["in5"]);
    assertEquals(messaging.world.parts.events.warnings().length, 1);
  });
});

Deno.test("Messaging does not start while texts of an old database cannot be sealed, and does later", async () => {
  await withFolder(async (folder) => {
    const old = makeOldDatabase(`${folder}/node.db`, PEER);
    const owner = await createOwner();
    const parts = await TestParts.create({
      crypto: owner.crypto,
      database: createOpenDatabase(folder)("node.db"),
    });
    using messaging = await MessagingWorld.create({ parts, keys: owner.keys });
    let writes = 0;
    parts.store.onWrite(() => {
      writes += 1;
      if (writes === 3) parts.fillDisk();
    });
    await messaging.open();
    assertEquals(messaging.hosted.host.info("messaging").state, "failed");
    await assertRejects(() => messaging.inbox());
    parts.freeDisk();
    parts.store.onWrite(() => {});
    await messaging.hosted.host.enable("messaging");
    assertEquals(messaging.hosted.host.info("messaging").state, "running");
    await assertWhole(messaging, old);
  });
});
