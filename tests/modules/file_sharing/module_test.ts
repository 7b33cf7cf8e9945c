import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import fc from "fast-check";
import { encodeBase64Url } from "../../../crypto/encoding.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { bep52Content } from "../../vectors/bep52.ts";
import { PEERS, SharingWorld, testId } from "./sharing_world.ts";

const [PEER, OTHER] = PEERS;
const MIB = 2 ** 20;

async function codeOf(work: Promise<unknown>): Promise<string> {
  return (await assertRejects(() => work, OpenRedError)).code;
}

/** Begins a transfer of the only file of a share. */
async function transferOf(sharing: SharingWorld, share: string, download = 1): Promise<string> {
  const wanted = { share, file: 0, download: testId(download) };
  return String((await sharing.call("request", PEER, wanted)).header!.transfer);
}

Deno.test("an offer is kept once, and answered with what became of it", async () => {
  await using sharing = await SharingWorld.start();
  assertEquals((await sharing.offer(PEER, 1)).header, { state: "offered" });
  assertEquals((await sharing.offer(PEER, 1, { note: "other" })).header, { state: "offered" });
  const [offer, ...more] = await sharing.offers();
  assertEquals([more, offer!.note, offer!.bytes], [[], null, 5]);
  await sharing.hosted.ask("POST", `/m/file_sharing/offers/${offer!.id}/decline`);
  await sharing.restart();
  assertEquals((await sharing.offer(PEER, 1)).header, { state: "declined" });
  assertEquals(sharing.world.sender.sent[0]?.header.type, "file_sharing.decline");
});

Deno.test("an offer of another form is refused, and nothing of it is kept", async () => {
  await using sharing = await SharingWorld.start();
  const root = "A".repeat(43);
  const good = { name: "a", length: 5, root };
  const lists: unknown[] = [
    [],
    {},
    "x",
    [{ ...good, name: "" }],
    [{ ...good, name: "x".repeat(1_025) }],
    [{ ...good, length: -1 }],
    [{ ...good, length: 1.5 }],
    [{ ...good, length: 2 ** 37 + 1 }],
    [{ ...good, root: "A".repeat(42) }],
    [{ ...good, root: `${"A".repeat(42)}B` }],
    [{ name: "a", length: 5 }],
    [{ ...good, length: 0 }],
    Array(257).fill(good),
  ];
  for (const list of lists) {
    const offering = sharing.call("share", PEER, { share: testId(1) }, JSON.stringify(list));
    assertEquals([list, await codeOf(offering)], [list, "bad_request"]);
  }
  for (const header of [{}, { share: "x" }, { share: `${testId(1)}A` }]) {
    assertEquals(await codeOf(sharing.call("share", PEER, header, "[]")), "bad_request");
  }
  const long = " ".repeat(512 * 1024 + 1);
  assertEquals(await codeOf(sharing.call("share", PEER, { share: testId(1) }, long)), "too_large");
  assertEquals(await sharing.offers(), []);
});

Deno.test("a peer has 100 offers waiting; those that were answered or have expired give way", async () => {
  await using sharing = await SharingWorld.start();
  for (let share = 1; share <= 100; share++) await sharing.offer(PEER, share);
  assertEquals(await codeOf(sharing.offer(PEER, 101)), "overloaded");
  assertEquals((await sharing.offer(OTHER, 1)).header, { state: "offered" });
  const [first] = await sharing.offers();
  await sharing.hosted.ask("POST", `/m/file_sharing/offers/${first!.id}/decline`);
  await sharing.offer(PEER, 101);
  assertEquals(await codeOf(sharing.offer(PEER, 102)), "overloaded");
  assertEquals((await sharing.offers()).some(({ id }) => id === first!.id), false);
});

/** A list of so many files whose names take 1 KiB each. */
function longList(files: number): string {
  const root = encodeBase64Url(new Uint8Array(32));
  const names = Array.from({ length: files }, (_, at) => String(at).padEnd(1_024, "x"));
  return JSON.stringify(names.map((name) => ({ name, length: 5, root })));
}

Deno.test("offers as long as they may be come back after a restart, and fit one answer", async () => {
  await using sharing = await SharingWorld.start();
  const body = longList(256);
  const offers = new Map<string, number>();
  for (const peer of PEERS) {
    for (let share = 1; share <= 16; share++) {
      const offering = sharing.call("share", peer, { share: testId(share) }, body);
      const isKept = await offering.then(() => true, (error) => {
        assertEquals(error.code, "overloaded");
        return false;
      });
      if (!isKept) break;
      offers.set(peer, share);
    }
  }
  const kept = [...offers.values()];
  assertEquals([kept[0], kept[2], kept.at(-1)! >= 1], [14, 3, true]);
  const before = await sharing.offers();
  assertEquals(JSON.stringify(before).length < 16 * MIB, true);
  await sharing.restart();
  assertEquals(await sharing.offers(), before);
  await sharing.hosted.ask("POST", `/m/file_sharing/offers/${before[0]!.id}/decline`);
  const next = { share: testId(99) };
  assertEquals((await sharing.call("share", PEERS[31]!, next, body)).header, { state: "offered" });
});

Deno.test("a count that cannot be kept for so many files is refused", async () => {
  await using sharing = await SharingWorld.start();
  const path = `${sharing.folder}/a`;
  Deno.writeFileSync(path, new Uint8Array(1));
  const share = (count: number) =>
    sharing.hosted.ask("POST", "/m/file_sharing/shares", {
      peer: PEER,
      paths: Array(256).fill(path),
      count,
    });
  assertEquals(await codeOf(share(79)), "too_large");
  assertEquals((await share(78)).count, 78);
});

Deno.test("a file is fetched under a share that names the asker; all else is the same not_found", async () => {
  await using sharing = await SharingWorld.start();
  const { wire, id } = await sharing.share(PEER, bep52Content(5), {
    count: 1,
    expires_at: sharing.world.parts.clock.nowMs() + 1_000,
  });
  const wanted = { share: wire, file: 0, download: testId(1) };
  const refused = async (peer: typeof PEER, change: object) => {
    const asking = sharing.call("request", peer, { ...wanted, ...change });
    const { code, message } = await assertRejects(() => asking, OpenRedError);
    return [code, message];
  };
  const expected = ["not_found", "No such file is shared with this peer"];
  assertEquals(await refused(OTHER, {}), expected);
  assertEquals(await refused(PEER, { share: testId(9) }), expected);
  assertEquals(await refused(PEER, { file: 1 }), expected);
  await transferOf(sharing, wire);
  await transferOf(sharing, wire);
  assertEquals(await refused(PEER, { download: testId(2) }), expected);
  assertEquals((await sharing.shares())[0]!.state, "used");
  await sharing.world.parts.clock.advance(1_000);
  assertEquals(await refused(PEER, {}), expected);
  assertEquals((await sharing.shares())[0]!.state, "expired");
  await sharing.hosted.ask("POST", `/m/file_sharing/shares/${id}/revoke`);
  assertEquals(await refused(PEER, {}), expected);
});

Deno.test("a read is answered in pieces of 512 KiB, and one of another place with nothing", async () => {
  await using sharing = await SharingWorld.start();
  const content = bep52Content(MIB + 9);
  const transfer = await transferOf(sharing, (await sharing.share(PEER, content)).wire);
  const read = async (part: string, at: number, peer = PEER) => {
    const sent = await sharing.read(peer, { transfer, part, at });
    return sent.map(({ header, body }) => [header.type, header.at, body?.length]);
  };
  assertEquals(await read("layer", 0), [["file_sharing.piece", 0, 64]]);
  assertEquals(await read("data", 0), [
    ["file_sharing.piece", 0, MIB / 2],
    ["file_sharing.piece", MIB / 2, MIB / 2],
  ]);
  assertEquals(await read("data", MIB), [["file_sharing.piece", MIB, 9]]);
  for (const at of [1, MIB / 2, 2 * MIB]) assertEquals(await read("data", at), []);
  assertEquals(await read("layer", 64), []);
  await sharing.allow(OTHER);
  assertEquals(await read("data", 0, OTHER), [["file_sharing.end", undefined, undefined]]);
});

Deno.test("who reads a file again and again is ended, and a transfer nobody reads is forgotten", async () => {
  await using sharing = await SharingWorld.start();
  const { wire } = await sharing.share(PEER, bep52Content(MIB));
  const readAll = async (transfer: string, times: number) => {
    const said: unknown[] = [];
    for (let count = 0; count < times; count++) {
      const sent = await sharing.read(PEER, { transfer, part: "data", at: 0 });
      said.push(...sent.map(({ header }) => header.reason ?? header.type));
    }
    return said;
  };
  const said = await readAll(await transferOf(sharing, wire), 20);
  assertEquals(said.filter((one) => one === "file_sharing.piece").length, 2 * 19);
  assertEquals(said.at(-1), "gone");
  const idle = await transferOf(sharing, wire);
  await sharing.world.parts.clock.advance(120_000);
  assertEquals(await readAll(idle, 1), ["unknown"]);
});

Deno.test("each of several reads that come at once is answered", async () => {
  await using sharing = await SharingWorld.start();
  const handler = sharing.hosted.host.runs.get("file_sharing")!.registered.frames.get("read")!;
  const frame = { peer: PEER, type: "file_sharing.read", body: new Uint8Array() };
  for (const byte of [1, 2, 3]) {
    const header = { transfer: testId(byte), part: "data", at: 0 };
    handler.receive({ ...frame, id: undefined, header, isRequest: false });
  }
  await sharing.settle();
  const ended = sharing.world.sender.once.map(({ header }) => header.transfer);
  assertEquals(ended, [1, 2, 3].map(testId));
});

Deno.test("a download that begins anew goes on in one transfer", async () => {
  await using sharing = await SharingWorld.start();
  const { wire } = await sharing.share(PEER, bep52Content(MIB));
  const former = await transferOf(sharing, wire);
  await transferOf(sharing, wire, 2);
  const next = await transferOf(sharing, wire);
  const reasonOf = async (transfer: string) =>
    (await sharing.read(PEER, { transfer, part: "data", at: 0 }))[0]?.header.reason;
  assertEquals([await reasonOf(former), await reasonOf(next)], ["unknown", undefined]);
});

Deno.test("only whom the owner allowed files is shared with", async () => {
  await using sharing = await SharingWorld.start();
  const path = `${sharing.folder}/a`;
  Deno.writeFileSync(path, new Uint8Array(1));
  const share = (peer: string, paths: string[]) =>
    sharing.hosted.ask("POST", "/m/file_sharing/shares", { peer, paths });
  const { code, message } = await assertRejects(() => share(OTHER, [path]), OpenRedError);
  assertEquals(code, "forbidden");
  assertMatch(message, /peer allow PEER files/);
  assertEquals(await codeOf(share(PEER, ["relative"])), "bad_request");
  assertEquals(await codeOf(share(PEER, [`${sharing.folder}/none`])), "not_found");
  assertEquals(await codeOf(share(PEER, ["/dev/null"])), "forbidden");
  assertEquals(await codeOf(share(PEER, [sharing.data])), "forbidden");
  assertEquals(await sharing.shares(), []);
});

Deno.test("paths, names and notes are sealed on disk, and come back after a restart", async () => {
  await using sharing = await SharingWorld.start();
  await sharing.share(PEER, bep52Content(MIB + 1), { note: "a-secret-note" });
  await sharing.offer(PEER, 1, { note: "another-secret" });
  const rows = sharing.world.parts.database.prepare("SELECT * FROM file_sharing_records").all();
  const text = rows.map((row) => new TextDecoder().decode(row.sealed as Uint8Array)).join();
  for (const word of ["secret", "shared.bin", "a.txt", sharing.folder]) {
    assertEquals(text.includes(word), false, word);
  }
  const before = [await sharing.shares(), await sharing.offers()];
  await sharing.restart();
  assertEquals([await sharing.shares(), await sharing.offers()], before);
});

Deno.test("what concerned a peer moves to the one that followed it, and goes with one that is forgotten", async () => {
  await using sharing = await SharingWorld.start();
  const { wire } = await sharing.share(PEER, bep52Content(5));
  await sharing.offer(PEER, 1);
  const { store } = sharing.world.parts;
  await store.write(() => sharing.hosted.host.writeMove(PEER, OTHER));
  await sharing.allow(OTHER);
  assertEquals((await sharing.offers())[0]!.peer, OTHER);
  const wanted = { share: wire, file: 0, download: testId(1) };
  assertEquals(await codeOf(sharing.call("request", PEER, wanted)), "not_found");
  await sharing.call("request", OTHER, wanted);
  await sharing.restart();
  assertEquals((await sharing.shares())[0]!.peer, OTHER);
  await store.write(() => sharing.hosted.host.writeForget(OTHER));
  await sharing.restart();
  assertEquals([await sharing.shares(), await sharing.offers()], [[], []]);
});

const RUNS = 20_000;
const anyHeader = fc.record({
  transfer: fc.oneof(fc.constantFrom(testId(1), testId(2)), fc.anything()),
  part: fc.oneof(fc.constantFrom("layer", "data"), fc.anything()),
  at: fc.oneof(fc.constantFrom(0, MIB / 2, MIB, -1, 2 ** 53), fc.anything()),
  reason: fc.oneof(fc.constantFrom("unknown", "changed", "gone"), fc.anything()),
  share: fc.oneof(fc.constant(testId(1)), fc.anything()),
}, { requiredKeys: [] });

for (const type of ["read", "piece", "end", "decline"]) {
  Deno.test(`${RUNS} random frames ${type} are taken or refused, and leave nothing behind`, async () => {
    await using sharing = await SharingWorld.start();
    const { frames } = sharing.hosted.host.runs.get("file_sharing")!.registered;
    const handler = frames.get(type)!;
    const frame = fc.tuple(anyHeader, fc.uint8Array({ maxLength: 64 }));
    for (const [header, body] of fc.sample(frame, { numRuns: RUNS, seed: 12 })) {
      const full = `file_sharing.${type}`;
      try {
        await handler.receive({ peer: PEER, type: full, id: "x", header, body, isRequest: false });
      } catch (error) {
        if (!(error instanceof OpenRedError)) throw error;
        assertEquals(error.code, "bad_request");
      }
    }
    await sharing.settle();
    for (const { header } of sharing.world.sender.once) assertEquals(header.reason, "unknown");
    assertEquals([await sharing.shares(), await sharing.offers()], [[], []]);
  });
}

for (const type of ["share", "request"] as const) {
  Deno.test(`${RUNS} random calls ${type} are refused, and leave nothing behind`, async () => {
    await using sharing = await SharingWorld.start();
    const call = fc.tuple(anyHeader, fc.oneof(fc.json({ maxDepth: 3 }), fc.string()));
    for (const [header, body] of fc.sample(call, { numRuns: RUNS, seed: 13 })) {
      const code = await codeOf(sharing.call(type, PEER, header, body));
      assertEquals(["bad_request", "not_found"].includes(code), true, code);
    }
    assertEquals(await sharing.offers(), []);
  });
}
