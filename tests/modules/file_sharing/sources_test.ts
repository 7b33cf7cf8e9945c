import { assertEquals, assertRejects } from "@std/assert";
import { encodeBase64Url, encodeNodeId } from "../../../crypto/encoding.ts";
import { Source, Sources } from "../../../modules/file_sharing/sources.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { settle } from "../../world/settle.ts";
import { VirtualClock } from "../../world/virtual_clock.ts";

const PEER = encodeNodeId(new Uint8Array(32).fill(1));
const OTHER = encodeNodeId(new Uint8Array(32).fill(2));
const TRANSFER = encodeBase64Url(new Uint8Array(16).fill(3));
const MIB = 2 ** 20;
const HALF = MIB / 2;

async function setUp(work: (source: Source) => Promise<unknown>) {
  const clock = new VirtualClock(0);
  const reads: number[] = [];
  const sources = new Sources({
    clock,
    ask: () => Promise.resolve({ header: { transfer: TRANSFER }, body: new Uint8Array() }),
    send: ({ header }) => {
      reads.push(Number(header!.at));
      return { acknowledged: Promise.resolve(null), refused: false, cancel: () => {} };
    },
    metrics: { count: () => {} },
  });
  const { signal } = new AbortController();
  const wanted = { peer: PEER, share: "s", file: 0, download: "d" };
  const done = sources.during(wanted, signal, work);
  done.catch(() => {});
  await settle();
  const piece = async (at: number, body: Uint8Array, peer = PEER) => {
    const header = { transfer: TRANSFER, part: "data", at };
    const type = "file_sharing.piece";
    await sources.piece({ peer, type, id: undefined, header, body, isRequest: false });
    await settle();
  };
  return { clock, reads, sources, done, piece };
}

const signal = new AbortController().signal;
const readChunk = (source: Source) => source.read({ part: "data", at: MIB, length: MIB }, signal);

Deno.test("a chunk is whole once both its pieces have come, in any order, from its peer alone", async () => {
  const { piece, done } = await setUp(readChunk);
  await piece(MIB + HALF, new Uint8Array(HALF).fill(9), OTHER);
  await piece(MIB + HALF, new Uint8Array(HALF).fill(2));
  await piece(MIB + HALF, new Uint8Array(HALF).fill(3));
  await piece(MIB, new Uint8Array(HALF - 1));
  await piece(MIB + 5, new Uint8Array(HALF));
  await piece(0, new Uint8Array(HALF));
  await piece(MIB, new Uint8Array(HALF).fill(1));
  const content = await done as Uint8Array;
  assertEquals([content[0], content[HALF - 1], content[HALF], content[MIB - 1]], [1, 1, 2, 2]);
});

Deno.test("on a new session what has not come is asked for again at once", async () => {
  const { reads, sources, piece } = await setUp(readChunk);
  await piece(MIB, new Uint8Array(HALF));
  sources.pump(OTHER);
  assertEquals(reads, [MIB]);
  sources.pump(PEER);
  assertEquals(reads, [MIB, MIB]);
  await piece(MIB + HALF, new Uint8Array(HALF));
  sources.pump(PEER);
  assertEquals(reads, [MIB, MIB]);
});

Deno.test("what does not come is asked for three times, then the peer is unreachable", async () => {
  const { clock, reads, done } = await setUp(readChunk);
  for (let count = 1; count <= 3; count++) {
    assertEquals(reads.length, count);
    await clock.advance(10_000);
    await settle();
  }
  assertEquals((await assertRejects(() => done, OpenRedError)).code, "unreachable");
});

Deno.test("while anything comes, only what has not come for a minute is asked for again", async () => {
  const chunks = [1, 2, 3, 4, 5, 6];
  const { clock, reads, piece } = await setUp((source) =>
    Promise.all(
      chunks.map((at) => source.read({ part: "data", at: at * MIB, length: MIB }, signal)),
    )
  );
  assertEquals(reads, chunks.map((at) => at * MIB));
  const others = chunks.slice(1).flatMap((at) => [at * MIB, at * MIB + HALF]);
  for (const at of others.slice(0, 6)) {
    await clock.advance(9_000);
    await piece(at, new Uint8Array(HALF));
  }
  assertEquals(reads.length, chunks.length);
  for (const at of others.slice(6)) {
    await clock.advance(9_000);
    await piece(at, new Uint8Array(HALF));
  }
  const again = reads.slice(chunks.length);
  assertEquals(again.filter((at) => at === MIB), [MIB]);
});

for (
  const [reason, code] of [
    ["unknown", "unreachable"],
    ["changed", "unsupported"],
    ["gone", "not_found"],
  ] as const
) {
  Deno.test(`a transfer that ends as ${reason} rejects what was asked for with ${code}`, async () => {
    const { sources, done } = await setUp(readChunk);
    const frame = {
      type: "file_sharing.end",
      id: undefined,
      header: { transfer: TRANSFER, reason },
      body: new Uint8Array(),
      isRequest: false,
    };
    await sources.end({ ...frame, peer: OTHER });
    await sources.end({ ...frame, peer: PEER });
    assertEquals((await assertRejects(() => done, OpenRedError)).code, code);
  });
}
