import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { LocalCryptoCore } from "../../../crypto/core.ts";
import { concatBytes, encodeUtf8 } from "../../../crypto/encoding.ts";
import { settleData } from "../../../peer/data/data_state.ts";
import { NodeStore } from "../../../peer/store/store.ts";
import { initNode } from "../../../peer/data/init.ts";
import { type DataPorts, succeedNode } from "../../../peer/data/succeed.ts";
import { openKeystoreFiles } from "../../../ports/keystore_files.ts";
import { systemRandom } from "../../../ports/system.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { MortalDisk, type MortalProcess } from "../../crash/mortal_disk.ts";
import { makeTemporaryDirectory } from "../../ports/temporary_directory.ts";
import { FakeNetwork } from "../../property/fake_network.ts";
import { NodeWorld } from "../../property/node_world.ts";
import { CHEAP_COST } from "../../world/cores.ts";

/** What people and editors leave in a vault: a comment in Latin-1, a line that is none, one that was cut off. */
const ODD_LINES = concatBytes(
  encodeUtf8("# Schl"),
  new Uint8Array([0xfc]),
  encodeUtf8("ssel\r\nnot a line of a vault\n# change of 3 lines\nNODE_z6Mk"),
);

/** A node that has lived, stopped: its files, its database and its recovery phrase. */
interface Lived {
  readonly id: string;
  readonly phrase: Uint8Array;
  readonly files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
  readonly database: Uint8Array;
  readonly network: FakeNetwork;
}

function portsOf(process: MortalProcess, crypto: LocalCryptoCore): DataPorts {
  const { clock, files, openDatabase } = process;
  return { crypto, clock, random: systemRandom, files, openDatabase };
}

async function makeLived(): Promise<Lived> {
  using folder = makeTemporaryDirectory();
  const disk = new MortalDisk(folder.path);
  const crypto = await LocalCryptoCore.create();
  let phrase = new Uint8Array();
  const id = await initNode(portsOf(disk.boot(), crypto), {
    cost: CHEAP_COST,
    show: (shown) => Promise.resolve(void (phrase = shown.phrase.slice())),
  });
  await crypto.stop();
  const network = await FakeNetwork.create();
  const { clock, files, openDatabase } = disk.boot();
  const world = await NodeWorld.start({ clock, files, openDatabase, network });
  await world.assertWorks();
  await world[Symbol.asyncDispose]();
  await disk.files.append(".env", ODD_LINES);
  const database = Deno.readFileSync(`${folder.path}/node.db`);
  return { id, phrase, files: new Map(disk.files.content), database, network };
}

function diskOf(lived: Lived, folder: string): MortalDisk {
  Deno.writeFileSync(`${folder}/node.db`, lived.database);
  const disk = new MortalDisk(folder);
  for (const [name, content] of lived.files) disk.files.content.set(name, content.slice());
  return disk;
}

async function succeed(ports: DataPorts, lived: Lived): Promise<string> {
  return await succeedNode(ports, {
    phrase: lived.phrase.slice(),
    from: null,
    cost: CHEAP_COST,
    show: () => Promise.resolve(),
  });
}

function auditOf(files: ReadonlyMap<string, Uint8Array>, prefix = ""): [string, Uint8Array][] {
  return [...files].filter(([name]) => name.startsWith(`${prefix}audit-`))
    .map(([name, content]): [string, Uint8Array] => [name.slice(prefix.length), content]).sort();
}

/** @returns Whom the disk holds after the next start: in its keystore and in its database. */
async function whoIs(disk: MortalDisk): Promise<string> {
  const crypto = await LocalCryptoCore.create();
  const ports = portsOf(disk.boot(), crypto);
  await settleData(ports);
  const { nodeId } = await openKeystoreFiles(ports);
  const store = new NodeStore(ports.openDatabase, ports.clock);
  assertEquals(store.self("node_id"), nodeId);
  store.close();
  await crypto.stop();
  return nodeId;
}

function checkFiles(disk: MortalDisk, lived: Lived, isOld: boolean): void {
  const { content } = disk.files;
  if (isOld) return assertEquals(content, lived.files);
  const former = `former-${lived.id}.`;
  assertEquals(auditOf(content), []);
  assertEquals(auditOf(content, former), auditOf(lived.files));
  assert(auditOf(lived.files).length >= 2);
  assertEquals(content.get(`${former}node-secret`), lived.files.get("node-secret"));
  assert(`${content.get("node-secret")}` !== `${lived.files.get("node-secret")}`);
  const vault = new TextDecoder().decode(content.get(".env"));
  assertEquals(vault, "TOKEN_MASTER_KEY=derived_from_node_secret\n# Schlüssel\n");
  assertStringIncludes(new TextDecoder().decode(lived.files.get(".env")), "_TOKEN_");
}

/** @returns The steps of writing it took, and whether the next start finds the former identity. */
async function dieBefore(step: number, lived: Lived): Promise<{ steps: number; isOld: boolean }> {
  using folder = makeTemporaryDirectory();
  const disk = diskOf(lived, folder.path);
  const process = disk.boot(step);
  const crypto = await LocalCryptoCore.create();
  await Promise.race([succeed(portsOf(process, crypto), lived).catch(() => null), process.died]);
  process.kill();
  const id = await whoIs(disk);
  const isOld = id === lived.id;
  checkFiles(disk, lived, isOld);
  const { clock, files, openDatabase } = disk.boot();
  const world = await NodeWorld.start({ clock, files, openDatabase, network: lived.network });
  assertEquals(world.node.id, id);
  await world[Symbol.asyncDispose]();
  if (isOld) await succeed(portsOf(disk.boot(), crypto), lived);
  await crypto.stop();
  return { steps: process.steps, isOld };
}

Deno.test("a succession that is killed before any write leaves the old or the new identity whole", async () => {
  const lived = await makeLived();
  const { steps } = await dieBefore(Infinity, lived);
  const outcomes: boolean[] = [];
  for (let step = 1; step <= steps; step++) {
    outcomes.push((await dieBefore(step, lived)).isOld);
  }
  assert(outcomes.filter((isOld) => !isOld).length >= 8, outcomes.join());
  assertEquals(outcomes.toSorted().reverse(), outcomes);
});

Deno.test("a succession that a full disk stops is made or not, and says which", async () => {
  const lived = await makeLived();
  for (const isMade of [false, true]) {
    using folder = makeTemporaryDirectory();
    const disk = diskOf(lived, folder.path);
    const crypto = await LocalCryptoCore.create();
    const ports = portsOf(disk.boot(), crypto);
    const { files } = ports;
    const filling = {
      ...files,
      write: async (name: string, content: Uint8Array) => {
        disk.isFull = !isMade;
        await files.write(name, content);
        disk.isFull = true;
      },
    };
    const error = await assertRejects(
      () => succeed({ ...ports, files: filling }, lived),
      OpenRedError,
      isMade ? "keep the new phrase" : "the new phrase is void",
    );
    assertEquals(error.code, isMade ? "internal" : "overloaded");
    assertStringIncludes(error.message, isMade ? "disk is full" : "No space left");
    const again = await assertRejects(() => settleData(ports).then(() => succeed(ports, lived)));
    assert(again instanceof OpenRedError);
    disk.isFull = false;
    assertEquals(await whoIs(disk) === lived.id, !isMade);
    await crypto.stop();
  }
});
