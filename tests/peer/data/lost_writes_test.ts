import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { NodeId } from "../../../crypto/encoding.ts";
import { backUpNode } from "../../../peer/backup/backup_node.ts";
import { restoreNode } from "../../../peer/backup/restore.ts";
import { countWrites } from "../../../peer/data/lost_writes.ts";
import { COUNT_FILE, WriteCount } from "../../../peer/store/write_count.ts";
import { NodeStore } from "../../../peer/store/store.ts";
import { createOpenDatabase, openFiles, systemClock, systemRandom } from "../../../ports/system.ts";
import { encodeUtf8 } from "../../../crypto/encoding.ts";
import { MortalDisk } from "../../crash/mortal_disk.ts";
import { makeTemporaryDirectory } from "../../ports/temporary_directory.ts";
import { CHEAP_COST as CHEAP } from "../../world/cores.ts";
import { LifeNode } from "./life_world.ts";

const PEER = "z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH" as NodeId;
const MESSAGES = 12;
const DAY_MS = 24 * 3_600_000;

async function receive(node: LifeNode, id: string): Promise<void> {
  const text = node.inside.modules.runs.get("messaging")!.registered.frames.get("text")!;
  const frame = { peer: PEER, type: "messaging.text", id, isRequest: false };
  const body = encodeUtf8(`text of ${id}`);
  assert(await text.receive({ ...frame, header: { type: frame.type, id }, body }));
}

/** What a node leaves that is killed with acknowledged messages in its write-ahead log. */
async function killedNode(): Promise<{ data: string; id: string }> {
  await using node = await new LifeNode().start();
  await node.stop();
  await node.start();
  for (let i = 0; i < MESSAGES; i++) await receive(node, `${i}`);
  const { store } = node.inside;
  await store.write(() => {
    store.statement(
      "INSERT INTO messaging_outbox (peer, id, sealed, sent_at, delivered) VALUES (?, 'own', x'00', 1, 1)",
    ).run(PEER);
  });
  const data = node.copyData();
  const { id } = node;
  await node.stop();
  return { data, id };
}

/** @returns The messages it has, and what it warns of, but that it has no recovery phrase. */
async function look(node: LifeNode): Promise<{ received: number; warnings: string[] }> {
  const { warnings } = await node.status();
  return {
    received: (await node.inbox()).length,
    warnings: warnings.filter((text) => !text.includes("recovery phrase")),
  };
}

async function auditedLosses(node: LifeNode): Promise<unknown[]> {
  const { entries } = await node.ask("GET", "/audit?event=data_lost");
  return entries;
}

function copyOf(data: string): string {
  return new LifeNode(data).copyData();
}

Deno.test("a node whose write-ahead log is gone says what is missing, for a month, and numbers nothing anew", async () => {
  const killed = await killedNode();
  Deno.removeSync(`${killed.data}/node.db-wal`);
  await using node = await new LifeNode(killed.data).start();
  const first = await look(node);
  assertEquals([first.received, first.warnings.length], [0, 1]);
  assertStringIncludes(first.warnings[0]!, "node.db has lost its last");
  assertStringIncludes(
    first.warnings[0]!,
    `${MESSAGES} row(s) of messaging_inbox and 1 row(s) of messaging_outbox are missing`,
  );
  assertEquals((await auditedLosses(node)).length, 1);
  await receive(node, "later");
  const { messages } = await node.ask("GET", "/m/messaging/inbox?limit=10");
  assertEquals(messages[0].number, MESSAGES + 1);
  await node.stop();
  await node.start();
  assertEquals(await look(node), { received: 1, warnings: first.warnings });
  assertEquals((await auditedLosses(node)).length, 1);
  await node.stop();
  const later = { ...systemClock, nowMs: () => systemClock.nowMs() + 31 * DAY_MS };
  await node.start({}, later);
  assertEquals((await look(node)).warnings.filter((text) => text.includes("lost")), []);
});

Deno.test("no flipped bit in a write-ahead log loses an acknowledged message unnoticed", async () => {
  const { data } = await killedNode();
  const size = Deno.statSync(`${data}/node.db-wal`).size;
  let shortened = 0;
  for (let at = 0; at < size; at += Math.floor(size / 40)) {
    const copy = copyOf(data);
    const wal = Deno.readFileSync(`${copy}/node.db-wal`);
    wal[at]! ^= 0x10;
    Deno.writeFileSync(`${copy}/node.db-wal`, wal);
    const store = new NodeStore(createOpenDatabase(copy), systemClock);
    const held = store.tally();
    const { shortfall } = await WriteCount.open(
      { files: openFiles(copy), clock: systemClock },
      held,
    );
    const rowsOf = (table: string) =>
      (held.rows[table] ?? 0) + (shortfall?.missing.rows[table] ?? 0);
    assertEquals(rowsOf("messaging_inbox"), MESSAGES, `byte ${at}`);
    assertEquals(rowsOf("messaging_outbox"), 1);
    if (shortfall !== null) shortened += 1;
    store.close();
    Deno.removeSync(copy, { recursive: true });
  }
  assert(shortened > 10);
  Deno.removeSync(data, { recursive: true });
});

Deno.test("an older database in the place of the present one is noticed", async () => {
  await using node = await new LifeNode().start();
  await receive(node, "first");
  await node.stop();
  const older = Deno.readFileSync(`${node.data}/node.db`);
  await node.start();
  await receive(node, "second");
  await node.stop();
  Deno.writeFileSync(`${node.data}/node.db`, older);
  await node.start();
  const { received, warnings } = await look(node);
  assertEquals([received, warnings.length], [1, 1]);
  assertStringIncludes(warnings[0]!, "1 row(s) of messaging_inbox are missing");
});

Deno.test("a node that was stopped or killed in order says nothing, and neither does a restored one", async () => {
  const killed = await killedNode();
  await using node = await new LifeNode(killed.data).start();
  const whole = { received: MESSAGES, warnings: [] };
  assertEquals(await look(node), whole);
  await node.stop();
  const passphrase = () => encodeUtf8("a long passphrase");
  const pieces = await node.onData((ports) =>
    Array.fromAsync(
      backUpNode(ports, { passphrase: passphrase(), version: "test", cost: CHEAP }),
    )
  );
  await using restored = new LifeNode();
  await restored.onData((ports) =>
    restoreNode(ports, {
      passphrase: passphrase(),
      input: async function* () {
        yield* pieces;
      },
      target: () => Promise.resolve(ports),
    })
  );
  await restored.start();
  assertEquals(await look(restored), whole);
});

Deno.test("a node that has lost the count says that losses cannot be told, once", async () => {
  await using node = await new LifeNode().start();
  await node.stop();
  Deno.removeSync(`${node.data}/${COUNT_FILE}`);
  await node.start();
  const { warnings } = await look(node);
  assertEquals(warnings.length, 1);
  assertStringIncludes(warnings[0]!, "write-count is missing or damaged");
  await node.stop();
  await node.start();
  assertEquals((await look(node)).warnings, []);
});

Deno.test("a process that is killed before any write leaves no less than was counted", async () => {
  const run = async (lastStep: number) => {
    using folder = makeTemporaryDirectory();
    const disk = new MortalDisk(folder.path);
    const process = disk.boot(lastStep);
    let kept = 0;
    const work = async () => {
      const store = new NodeStore(process.openDatabase, process.clock);
      await countWrites({ ...process, files: process.files, random: systemRandom }, store);
      const put = (name: string) => store.setSelf(name, "x").then(() => kept += 1);
      for (let i = 0; i < 4; i++) await Promise.all([put(`a${i}`), put(`b${i}`)]);
    };
    await Promise.race([work().catch(() => null), process.died]);
    process.kill();
    const next = disk.boot();
    const store = new NodeStore(next.openDatabase, next.clock);
    const { shortfall, isMissing } = await WriteCount.open(next, store.tally());
    assertEquals([lastStep, shortfall, isMissing], [lastStep, null, false]);
    assert(store.tally().writes >= kept);
    store.close();
    return process.steps;
  };
  const steps = await run(Infinity);
  assert(steps > 30);
  for (let step = 1; step <= steps; step++) await run(step);
});
