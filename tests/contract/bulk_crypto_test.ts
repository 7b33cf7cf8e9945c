import { assert, assertEquals, assertRejects } from "@std/assert";
import { createLocalBulk } from "../../crypto/bulk/file_chunks.ts";
import { WorkerBulk } from "../../crypto/bulk_client.ts";
import { concatBytes } from "../../crypto/encoding.ts";
import { type BulkCrypto, CryptoError, type FileKey } from "../../crypto/interface.ts";
import { bep52Content, bep52Files } from "../vectors/bep52.ts";
import { VirtualClock } from "../world/virtual_clock.ts";

const MIB = 2 ** 20;
const KEY: FileKey = {
  secret: new Uint8Array(32).fill(1),
  transfer: new Uint8Array(16).fill(2),
  part: "data",
  root: new Uint8Array(32).fill(3),
  length: 2 * MIB,
};

async function codeOf(work: () => Promise<unknown>): Promise<string> {
  return (await assertRejects(work, CryptoError)).code;
}

type Case = (bulk: BulkCrypto) => Promise<void>;

const cases: Readonly<Record<string, Case>> = {
  "hashes files by chunk and layer": async (bulk) => {
    const content = bep52Content(MIB + 1);
    const hash = (data: Uint8Array, isWhole: boolean) => bulk.hashChunk({ data, isWhole });
    const rootOf = (length: number) => bep52Files.find((file) => file.length === length)!.root;
    assertEquals((await hash(content.slice(0, 16_385), true)).toHex(), rootOf(16_385));
    const roots = [await hash(content.slice(0, MIB), false), await hash(content.slice(MIB), false)];
    const root = await bulk.hashLayer({ layer: concatBytes(...roots) });
    assertEquals(root.toHex(), rootOf(MIB + 1));
    for (const data of [new Uint8Array(), content]) {
      assertEquals(await codeOf(() => hash(data, true)), "bad_argument");
    }
    for (const length of [0, 32, 65, 4 * MIB + 32]) {
      const layer = new Uint8Array(length);
      assertEquals(await codeOf(() => bulk.hashLayer({ layer })), "bad_argument");
    }
  },

  "opens what it has sealed, and nothing that differs in anything": async (bulk) => {
    const content = bep52Content(5_000);
    const root = await bulk.hashChunk({ data: content.slice(), isWhole: true });
    const chunk = { key: KEY, number: 7, isWhole: true, root };
    const sealed = (await bulk.sealChunk({ ...chunk, data: content.slice() }))!;
    assertEquals(sealed.length, content.length + 16);
    assertEquals(await bulk.openChunk({ ...chunk, sealed: sealed.slice() }), content);
    assertEquals(await bulk.openChunk({ ...chunk, root: null, sealed: sealed.slice() }), content);
    const bent = sealed.slice();
    bent[0]! ^= 1;
    assertEquals(await codeOf(() => bulk.openChunk({ ...chunk, sealed: bent })), "unseal_failed");
    const others: Partial<FileKey>[] = [
      { secret: new Uint8Array(32) },
      { transfer: new Uint8Array(16) },
      { root: new Uint8Array(32) },
      { part: "layer" },
      { length: 5 },
    ];
    for (const other of others) {
      const opening = { ...chunk, key: { ...KEY, ...other }, sealed: sealed.slice() };
      assertEquals(await codeOf(() => bulk.openChunk(opening)), "unseal_failed");
    }
    const opening = { ...chunk, number: 8, sealed: sealed.slice() };
    assertEquals(await codeOf(() => bulk.openChunk(opening)), "unseal_failed");
  },

  "seals and opens nothing of another root": async (bulk) => {
    const chunk = { key: KEY, number: 0, isWhole: true };
    const root = await bulk.hashChunk({ data: bep52Content(9), isWhole: true });
    assertEquals(await bulk.sealChunk({ ...chunk, root, data: bep52Content(8) }), null);
    const sealed = (await bulk.sealChunk({ ...chunk, root: null, data: bep52Content(8) }))!;
    assertEquals(await bulk.openChunk({ ...chunk, root, sealed }), null);
  },

  "takes chunks and keys of their lengths alone": async (bulk) => {
    const chunk = { key: KEY, number: 0, isWhole: true, root: null };
    for (const length of [0, MIB + 1]) {
      const data = new Uint8Array(length);
      assertEquals(await codeOf(() => bulk.sealChunk({ ...chunk, data })), "bad_argument");
      const sealed = new Uint8Array(length + 16);
      assertEquals(await codeOf(() => bulk.openChunk({ ...chunk, sealed })), "bad_argument");
    }
    const key = { ...KEY, secret: new Uint8Array(31) };
    const data = new Uint8Array(1);
    assertEquals(await codeOf(() => bulk.sealChunk({ ...chunk, key, data })), "bad_argument");
  },
};

for (const [name, run] of Object.entries(cases)) {
  Deno.test(`bulk work in the caller's thread ${name}`, () => run(createLocalBulk()));
  Deno.test(`bulk work in a Worker ${name}`, async () => {
    const bulk = new WorkerBulk(new VirtualClock(0));
    await run(bulk);
    bulk.stop();
  });
}

Deno.test("WorkerBulk has a Worker while there is work, and for a while after", async () => {
  const clock = new VirtualClock(0);
  const bulk = new WorkerBulk(clock);
  const hash = () => bulk.hashChunk({ data: new Uint8Array(MIB), isWhole: true });
  assert(!bulk.isRunning);
  await Promise.all([hash(), hash()]);
  await clock.advance(9_999);
  assert(bulk.isRunning);
  await hash();
  await clock.advance(9_999);
  assert(bulk.isRunning);
  await clock.advance(1);
  assert(!bulk.isRunning);
  await hash();
  bulk.stop();
});

Deno.test("WorkerBulk takes large data over, and rejects what waits when it is stopped", async () => {
  const bulk = new WorkerBulk(new VirtualClock(0));
  const data = new Uint8Array(MIB);
  await bulk.hashChunk({ data, isWhole: true });
  assertEquals(data.length, 0);
  const waiting = bulk.hashChunk({ data: new Uint8Array(MIB), isWhole: true });
  const rejected = codeOf(() => waiting);
  bulk.stop();
  assertEquals(await rejected, "core_failed");
  assertEquals(await codeOf(() => bulk.hashLayer({ layer: new Uint8Array(64) })), "core_failed");
});
