import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import fc from "fast-check";
import { createLocalBulk } from "../../../crypto/bulk/file_chunks.ts";
import { encodeBase64Url } from "../../../crypto/encoding.ts";
import type { PublicStream } from "../../../modules/api.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { requestAnswerSchema } from "../../../protocol/file_frames.ts";
import type { SharesView } from "../../../protocol/file_sharing_api.ts";
import { parseInput } from "../../../protocol/schemas.ts";
import { bep52Content } from "../../vectors/bep52.ts";
import { PEERS, SharingWorld, testId } from "./sharing_world.ts";

const [PEER, OTHER] = PEERS;
const MIB = 2 ** 20;

async function codeOf(work: Promise<unknown>): Promise<string> {
  return (await assertRejects(() => work, OpenRedError)).code;
}

/** Begins a transfer of the only file of a share. */
async function transferOf(sharing: SharingWorld, share: string, download = 1) {
  const wanted = { share, file: 0, download: testId(download) };
  return parseInput(requestAnswerSchema, (await sharing.call("request", PEER, wanted)).header);
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

Deno.test("at its path lie the sealed layer and the sealed chunks, which open with the secret", async () => {
  await using sharing = await SharingWorld.start();
  const content = bep52Content(MIB + 9);
  const { wire } = await sharing.share(PEER, content);
  const { secret, transfer, file_url } = await transferOf(sharing, wire);
  const [{ files }] = await sharing.shares() as [SharesView["shares"][number]];
  const root = Uint8Array.fromHex(files[0]!.root!);
  const bulk = createLocalBulk();
  const open = (part: string, number: number, sealed: Uint8Array) => {
    const key = { secret, transfer, part, root, length: content.length };
    return bulk.openChunk({ key, number, sealed, isWhole: false, root: null });
  };
  const whole = await sharing.read(file_url);
  const borders = [0, 80, 80 + MIB + 16, whole.length];
  assertEquals(whole.length, 64 + 16 + MIB + 16 + 9 + 16);
  const layer = (await open("layer", 0, whole.slice(0, 80)))!;
  assertEquals(await bulk.hashLayer({ layer }), root);
  assertEquals(await open("data", 0, whole.slice(80, borders[2])), content.slice(0, MIB));
  const last = `bytes=${borders[2]}-${whole.length - 1}`;
  const answer = await sharing.get(file_url, last);
  assertEquals([answer.status, answer.headers], [206, {
    "content-range": `bytes ${borders[2]}-${whole.length - 1}/${whole.length}`,
  }]);
  const sealed = await new Response((answer.body as PublicStream).parts as BodyInit).bytes();
  assertEquals(await open("data", 1, sealed), content.slice(MIB));
});

Deno.test("a range that does not lie on the borders of sealed chunks is answered with 416", async () => {
  await using sharing = await SharingWorld.start();
  const { wire } = await sharing.share(PEER, bep52Content(MIB + 9));
  const { file_url } = await transferOf(sharing, wire);
  const wrong = [
    "bytes=1-79",
    "bytes=0-80",
    "bytes=0-78",
    "bytes=80-1000",
    "bytes=-80",
    "bytes=80-79",
    "bytes=0-79,80-1048671",
    `bytes=${MIB + 121}-`,
    "bytes=0-99999999",
    "items=0-79",
    "",
  ];
  for (const range of wrong) {
    const { status, headers, body } = await sharing.get(file_url, range);
    assertEquals([range, status, body], [range, 416, undefined]);
    assertEquals(headers, { "content-range": `bytes */${MIB + 121}` });
  }
  for (const range of ["bytes=0-79", "bytes=80-"]) {
    assertEquals([range, (await sharing.get(file_url, range)).status], [range, 206]);
  }
});

Deno.test("a chunk is given three times, to two requests at once, and then nothing is", async () => {
  await using sharing = await SharingWorld.start();
  const { wire } = await sharing.share(PEER, bep52Content(9));
  const { file_url } = await transferOf(sharing, wire);
  const first = await sharing.get(file_url);
  await sharing.get(file_url);
  assertEquals(await codeOf(sharing.get(file_url)), "rate_limited");
  await (first.body as PublicStream).parts.cancel();
  assertEquals((await sharing.read(file_url)).length, 25);
  assertEquals(await codeOf(sharing.get(file_url)), "not_found");
  const again = await transferOf(sharing, wire);
  assertEquals((await sharing.read(again.file_url)).length, 25);
});

Deno.test("every request draws another secret, transfer and path, and the former path is gone", async () => {
  await using sharing = await SharingWorld.start();
  const { wire } = await sharing.share(PEER, bep52Content(MIB));
  const former = await transferOf(sharing, wire);
  const other = await transferOf(sharing, wire, 2);
  const next = await transferOf(sharing, wire);
  const drawn = [former, other, next].flatMap(({ secret, transfer, file_url }) => [
    secret.toHex(),
    transfer.toHex(),
    file_url,
  ]);
  assertEquals(new Set(drawn).size, 9);
  assertEquals(await codeOf(sharing.get(former.file_url)), "not_found");
  for (const { file_url } of [other, next]) await sharing.read(file_url);
});

Deno.test("a path that nobody asks for is gone after two minutes, and every one after an hour", async () => {
  await using sharing = await SharingWorld.start();
  const { wire } = await sharing.share(PEER, bep52Content(9));
  const { clock } = sharing.world.parts;
  const idle = await transferOf(sharing, wire);
  await clock.advance(120_000);
  assertEquals(await codeOf(sharing.get(idle.file_url)), "not_found");
  const busy = await transferOf(sharing, wire);
  const open = await sharing.get(busy.file_url);
  await clock.advance(3_599_000);
  await sharing.get(busy.file_url);
  await clock.advance(1_000);
  await (open.body as PublicStream).parts.cancel();
  assertEquals(await codeOf(sharing.get(busy.file_url)), "not_found");
});

Deno.test("what was taken back, expired, changed or is not allowed any more is given no further", async () => {
  await using sharing = await SharingWorld.start();
  const { clock, permissions } = sharing.world.parts;
  const nothingMore: Record<string, (id: string) => Promise<unknown>> = {
    "taken back": (id) => sharing.hosted.ask("POST", `/m/file_sharing/shares/${id}/revoke`),
    "expired": () => clock.advance(1_000),
    "changed": () => Deno.writeFile(`${sharing.folder}/shared.bin`, new Uint8Array(6 * MIB)),
    "denied": () => permissions.decide(PEER, { name: "files", allowed: false }),
  };
  for (const [what, end] of Object.entries(nothingMore)) {
    const expires_at = clock.nowMs() + 1_000;
    const { wire, id } = await sharing.share(PEER, bep52Content(6 * MIB), { expires_at });
    const { file_url } = await transferOf(sharing, wire);
    const { parts } = (await sharing.get(file_url)).body as PublicStream;
    const reader = parts.getReader();
    await reader.read();
    await end(id);
    const read = async () => {
      let length = 0;
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        length += part.value.length;
      }
      return length;
    };
    await assertRejects(read, what);
    assertEquals([what, await codeOf(sharing.get(file_url))], [what, "not_found"]);
  }
});

Deno.test("whom the owner denied files is shared nothing with", async () => {
  await using sharing = await SharingWorld.start();
  await sharing.world.parts.permissions.decide(OTHER, { name: "files", allowed: false });
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
  file: fc.oneof(fc.constantFrom(0, 1, -1, 2 ** 53), fc.anything()),
  reason: fc.oneof(fc.constantFrom("changed", "gone"), fc.anything()),
  share: fc.oneof(fc.constant(testId(1)), fc.anything()),
}, { requiredKeys: [] });

for (const type of ["end", "decline"]) {
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
    assertEquals(sharing.world.sender.once, []);
    assertEquals([await sharing.shares(), await sharing.offers()], [[], []]);
  });
}

for (const type of ["share", "request", "unlock"] as const) {
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

for (const isRelayed of [false, true]) {
  const way = isRelayed ? "relayed" : "direct";
  Deno.test(`a transfer says that it is ${way}, at the node that gives it`, async () => {
    await using sharing = await SharingWorld.start();
    const { wire } = await sharing.share(PEER, bep52Content(5));
    const { header } = await sharing.call("request", PEER, {
      share: wire,
      file: 0,
      download: testId(1),
    });
    assertEquals((await sharing.transfers())[0]!.way, null);
    const { signal } = new AbortController();
    const { body } = await sharing.get(header!.file_url, undefined, signal, isRelayed);
    await (body as PublicStream).parts.cancel();
    assertEquals((await sharing.transfers())[0]!.way, way);
  });
}
