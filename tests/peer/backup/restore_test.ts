import { assert, assertEquals, assertRejects } from "@std/assert";
import { encodeUtf8 } from "../../../crypto/encoding.ts";
import { type CryptoCore, CryptoError } from "../../../crypto/interface.ts";
import { type ArchiveFile, writeArchive } from "../../../peer/backup/archive.ts";
import { isOwned } from "../../../peer/data/owned_files.ts";
import { SCHEMA_VERSION } from "../../../peer/store/migrations.ts";
import type { DataPorts } from "../../../peer/data/succeed.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import type { Clock } from "../../../ports/ports.ts";
import { openFiles, systemClock } from "../../../ports/system.ts";
import { LifeNode } from "../data/life_world.ts";
import { backUpRunning, backUpStopped, collect, PASSPHRASE, pieces, restore } from "./backups.ts";
import { RealDirectory } from "../../world/real_directory.ts";
import { CHEAP_COST } from "../../world/cores.ts";
import { until } from "../../world/until.ts";

async function connected(directory: RealDirectory, a: LifeNode, b: LifeNode): Promise<void> {
  const directories = [directory.url];
  await a.start({ directories });
  await b.start({ directories });
  await a.registered();
  await b.registered();
  await a.ask("POST", "/peers/allow", { peer: b.id, permission: "message" });
  await b.ask("POST", "/peers/allow", { peer: a.id, permission: "message" });
  await a.ask("POST", "/connect", { peer: b.id, wait_ms: 10_000 });
  await b.ask("POST", "/m/messaging/messages", { peer: a.id, text: "first", wait_ms: 10_000 });
}

for (const how of ["running", "stopped"] as const) {
  Deno.test(`a backup of the ${how} node, restored at another address, keeps every relation`, async () => {
    await using directory = await new RealDirectory().start();
    await using a = new LifeNode();
    await using b = new LifeNode();
    await connected(directory, a, b);
    const { id } = a;
    const running = how === "running" ? await backUpRunning(a) : null;
    await a.stop();
    const backup = running ?? await backUpStopped(a);
    const names = [...Deno.readDirSync(a.data)].map(({ name }) => name);
    assertEquals(names.filter((name) => name.startsWith("backup")), []);

    await using moved = new LifeNode();
    assertEquals(await restore(moved, backup), id);
    await moved.start({ directories: [directory.url] });
    assertEquals(moved.id, id);
    await moved.registered();
    await moved.confirmed(b.id);
    await moved.ask("POST", "/m/messaging/messages", {
      peer: b.id,
      text: "from there",
      wait_ms: 10_000,
    });
    await b.ask("POST", "/m/messaging/messages", { peer: id, text: "to there", wait_ms: 10_000 });
    assertEquals((await b.inbox()).at(-1), [id, "from there"]);
    assertEquals(await moved.inbox(), [[b.id, "first"], [b.id, "to there"]]);
    await until(() => b.inside.book.get(moved.id)?.record.payload.api_url === moved.url, "URL");
    const audited = await moved.audited();
    assert(audited.includes("restored"));
    assertEquals(audited.includes("audit_tail_missing"), false);
  });
}

Deno.test("a node that moved reaches its peers on standby pairs, without any directory", async () => {
  await using directory = await new RealDirectory().start();
  await using a = new LifeNode();
  await using b = new LifeNode();
  await connected(directory, a, b);
  const { id } = a;
  await a.stop();
  await using moved = new LifeNode();
  await restore(moved, await backUpStopped(a));
  await b.stop();
  await b.start();
  await moved.start();
  await moved.confirmed(b.id);
  await b.ask("POST", "/m/messaging/messages", { peer: id, text: "no directory", wait_ms: 10_000 });
  assertEquals((await moved.inbox()).at(-1), [b.id, "no directory"]);
  assertEquals(b.inside.book.get(id)?.record.payload.api_url, moved.url);
});

Deno.test("a wrong passphrase or a damaged backup is refused, and nothing is written", async () => {
  await using a = new LifeNode();
  await a.init();
  await a.start();
  const { id } = a;
  await a.stop();
  const backup = await backUpStopped(a);
  await using into = new LifeNode();
  const refuses = async (content: Uint8Array, passphrase?: string) => {
    const error = await assertRejects(() => restore(into, content, { passphrase }), CryptoError);
    assertEquals(error.code, "unseal_failed");
    assertEquals([...Deno.readDirSync(into.data)], []);
  };
  await refuses(backup, "another passphrase");
  for (const at of [0, 20, 40, 70_000, backup.length - 1]) {
    const changed = backup.slice();
    changed[at]! ^= 1;
    await refuses(changed);
  }
  const chunk = 65_536 + 16;
  for (const end of [10, 32, 32 + chunk, backup.length - 1]) await refuses(backup.subarray(0, end));
  const [head, one] = [backup.subarray(0, 32), backup.subarray(32, 32 + chunk)];
  const rest = backup.subarray(32 + chunk);
  await refuses(await collect(pieces(new Uint8Array([...head, ...one, ...one, ...rest]))));
  await refuses(await collect(pieces(new Uint8Array([...head, ...rest]))));
  assertEquals(await restore(into, backup), id);
});

Deno.test("a backup of a newer schema is refused, and nothing is written; one that tells none is taken", async () => {
  await using a = new LifeNode();
  await a.init();
  await a.start();
  const { id } = a;
  await a.stop();
  await using into = new LifeNode();
  const newer = await a.onData((ports) => archiveOf(ports, SCHEMA_VERSION + 1));
  const error = await assertRejects(() => restore(into, newer), OpenRedError);
  assertEquals(error.code, "unsupported");
  assertEquals([...Deno.readDirSync(into.data)], []);
  const older = await a.onData((ports) => archiveOf(ports, undefined));
  assertEquals(await restore(into, older), id);
});

Deno.test("a backup without a file that a node needs, or with one twice, is refused, and nothing is written", async () => {
  const whole = ["node.db", "keystore", "node-secret"];
  for (const names of [whole.slice(1), whole.slice(0, 2), [...whole, "keystore"]]) {
    await refusesFiles(names);
  }
});

Deno.test("a backup with a file that no backup has is refused, and nothing is written", async () => {
  for (
    const name of [
      ...["openred.toml", "succession", "restoration", "restoring", "incoming-keystore"],
      ...["part-0000000", "node.db-wal", "lock.node", "admin.json", "module-busy", "Keystore"],
    ]
  ) {
    await refusesFiles(["node.db", "keystore", "node-secret", name]);
  }
});

async function refusesFiles(names: readonly string[]): Promise<void> {
  await using into = new LifeNode();
  const backup = await into.onData(({ crypto }) =>
    sealed(
      crypto,
      async function* () {
        for (const name of names) yield { name, content: encodeUtf8(name) };
      }(),
    )
  );
  const error = await assertRejects(() => restore(into, backup), OpenRedError);
  assertEquals([error.code, [...Deno.readDirSync(into.data)]], ["bad_request", []], `${names}`);
}

/** A backup as another version of this program writes it. */
async function archiveOf(
  ports: DataPorts,
  schema: number | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  const { crypto, files } = ports;
  async function* content() {
    for (const { name } of await files.list("")) {
      if (isOwned(name)) yield { name, content: await files.read(name) ?? new Uint8Array() };
    }
  }
  return await sealed(crypto, content(), schema);
}

function sealed(
  crypto: CryptoCore,
  files: AsyncIterable<ArchiveFile>,
  schema?: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const passphrase = encodeUtf8(PASSPHRASE);
  const version = "other";
  return collect(
    writeArchive(crypto, { passphrase, cost: CHEAP_COST, version, schema, createdAt: 0, files }),
  );
}

Deno.test("a restoring that broke off is not taken for a node", async () => {
  await using into = new LifeNode();
  await openFiles(into.data).write("restoring", encodeUtf8("restoring\n"));
  await assertRejects(() => into.start(), Error, "broke off");
  Deno.removeSync(`${into.data}/restoring`);
  await into.start();
});

Deno.test("after a restore the first newer record of its own is a node's past, and the second one theft", async () => {
  await using directory = await new RealDirectory().start();
  await using a = new LifeNode();
  await a.start({ directories: [directory.url] });
  await a.registered();
  await a.stop();
  const backup = await backUpStopped(a);
  await using restored = new LifeNode();
  await restore(restored, backup);
  // What it signed and forgot since: by a clock that ran ahead a little, so that its number is above the present.
  await signAhead(a, directory, 60_000);
  await restored.start({ directories: [directory.url] });
  await restored.registered();
  await restored.untilAudited("own_past_adopted");
  await restored.stop();

  // The former one finds the restored one there in its turn, and goes on at its next start.
  await a.start({ directories: [directory.url] }, clockAhead(100_000));
  await until(async () => (await a.status()).directories[0]?.state === "stopped", "stops as well");
  await a.stop();
  await signAhead(a, directory, 110_000);
  await restored.start({ directories: [directory.url] });
  await until(async () => (await restored.status()).directories[0]?.state === "stopped", "stops");
  await restored.untilAudited("own_key_used_elsewhere");
  assertEquals((await restored.audited()).filter((event) => event === "restored").length, 1);
});

function clockAhead(aheadMs: number): Clock {
  return { ...systemClock, nowMs: () => systemClock.nowMs() + aheadMs };
}

async function signAhead(node: LifeNode, directory: RealDirectory, aheadMs: number): Promise<void> {
  await node.start({ directories: [directory.url] }, clockAhead(aheadMs));
  await node.registered();
  await node.stop();
}
