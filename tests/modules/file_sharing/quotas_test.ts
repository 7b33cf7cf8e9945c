import { assertEquals, assertRejects } from "@std/assert";
import { encodeBase64Url } from "../../../crypto/encoding.ts";
import type { NodeId } from "../../../modules/api.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { until } from "../../world/until.ts";
import { PEERS, SharingWorld, testId } from "./sharing_world.ts";

const [PEER, OTHER] = PEERS;
const MIB = 2 ** 20;
const DAY_MS = 86_400_000;
/** What is reserved besides the content of one file. */
const ENTRY = 4_096;

/** A peer offers one file of this length. */
async function offer(
  sharing: SharingWorld,
  { share, length, peer = PEER }: { share: number; length: number; peer?: NodeId },
): Promise<string> {
  const root = encodeBase64Url(new Uint8Array(32));
  const body = JSON.stringify([{ name: "a.txt", length, root }]);
  await sharing.call("share", peer, { share: testId(share) }, body);
  return (await sharing.offers()).at(-1)!.id;
}

function accept(sharing: SharingWorld, id: string): Promise<unknown> {
  const { folder } = sharing;
  return sharing.hosted.ask("POST", `/m/file_sharing/offers/${id}/accept`, { folder });
}

/** Offers are looked at in order: once the last one is accepted, what became of the others is known. */
async function assertStates(sharing: SharingWorld, ...before: readonly string[]): Promise<void> {
  const states = async () => (await sharing.offers()).map(({ state }) => state);
  await until(async () => (await states()).at(-1) === "accepted", "the last one is accepted");
  assertEquals(await states(), [...before, "accepted"]);
}

/** A world in which a peer's offers are accepted up to so many MiB. */
async function startAuto(quotaMib: number): Promise<SharingWorld> {
  const sharing = await SharingWorld.start();
  sharing.answer = () => Promise.reject(new OpenRedError("unreachable", "Nobody is there"));
  const { host } = sharing.hosted;
  await host.setOption("file_sharing", "auto_quota_mib", quotaMib);
  await host.setOption("file_sharing", "auto_folder", sharing.folder);
  await sharing.allow(PEER, "files_auto");
  return sharing;
}

Deno.test("what was offered has to fit on the disk, besides what is on its way", async () => {
  await using sharing = await SharingWorld.start();
  sharing.answer = () => Promise.reject(new OpenRedError("unreachable", "Nobody is there"));
  sharing.disk.freeBytes = Promise.resolve(10 * MIB + 2 * ENTRY);
  const first = await offer(sharing, { share: 1, length: 6 * MIB });
  const second = await offer(sharing, { share: 2, length: 4 * MIB + 1 });
  const third = await offer(sharing, { share: 3, length: 4 * MIB });
  await accept(sharing, first);
  const { code, message } = await assertRejects(() => accept(sharing, second), OpenRedError);
  assertEquals(code, "overloaded");
  assertEquals(message, "The disk lacks 1 bytes for it, with what is on its way here");
  await accept(sharing, third);
  assertEquals((await sharing.offers()).map(({ state }) => state), [
    "accepted",
    "offered",
    "accepted",
  ]);
  for (const id of [first, third]) {
    await sharing.hosted.ask("POST", `/m/file_sharing/transfers/${id}/cancel`);
  }
  await accept(sharing, second);
});

Deno.test("two that are accepted at once do not get the same room", async () => {
  await using sharing = await SharingWorld.start();
  sharing.answer = () => Promise.reject(new OpenRedError("unreachable", "Nobody is there"));
  sharing.disk.freeBytes = Promise.resolve(10 * MIB);
  const ids = [
    await offer(sharing, { share: 1, length: 6 * MIB }),
    await offer(sharing, { share: 2, length: 6 * MIB }),
  ];
  const accepted = await Promise.allSettled(ids.map((id) => accept(sharing, id)));
  assertEquals(accepted.map(({ status }) => status), ["fulfilled", "rejected"]);
});

Deno.test("offers are accepted by themselves up to a peer's quota, and only if it may have that", async () => {
  await using sharing = await startAuto(10);
  await sharing.allow(OTHER);
  await offer(sharing, { share: 1, length: 6 * MIB });
  await offer(sharing, { share: 2, length: 6 * MIB });
  await offer(sharing, { share: 3, length: 4 * MIB - 2 * ENTRY + 1 });
  await offer(sharing, { share: 4, length: 1, peer: OTHER });
  await offer(sharing, { share: 5, length: 4 * MIB - 2 * ENTRY });
  await assertStates(sharing, "accepted", "offered", "offered", "offered");
  const folders = (await sharing.transfers()).map(({ folder }) => folder);
  assertEquals(folders, [sharing.folder, sharing.folder]);
});

Deno.test("what was accepted counts for thirty days, though it be cancelled, and for a successor", async () => {
  await using sharing = await startAuto(10);
  const first = await offer(sharing, { share: 1, length: 9 * MIB });
  await assertStates(sharing);
  await sharing.hosted.ask("POST", `/m/file_sharing/transfers/${first}/cancel`);
  const { store, clock } = sharing.world.parts;
  await store.write(() => sharing.hosted.host.writeMove(PEER, OTHER));
  await sharing.allow(OTHER);
  await sharing.allow(OTHER, "files_auto");
  await offer(sharing, { share: 2, length: 9 * MIB, peer: OTHER });
  await offer(sharing, { share: 3, length: 1, peer: OTHER });
  await assertStates(sharing, "accepted", "offered");
  await clock.advance(30 * DAY_MS);
  await offer(sharing, { share: 4, length: 9 * MIB, peer: OTHER });
  await assertStates(sharing, "accepted", "offered", "accepted");
});

Deno.test("an offer for which there is no room waits for the owner, and takes nothing of the quota", async () => {
  await using sharing = await startAuto(10);
  sharing.disk.freeBytes = Promise.resolve(MIB);
  await offer(sharing, { share: 1, length: 9 * MIB });
  await offer(sharing, { share: 2, length: 1 });
  await assertStates(sharing, "offered");
  sharing.disk.freeBytes = Promise.resolve(100 * MIB);
  await offer(sharing, { share: 3, length: 9 * MIB });
  await assertStates(sharing, "offered", "accepted");
});

Deno.test("what is shared, offered, accepted, declined, granted and refused is audited", async () => {
  await using sharing = await SharingWorld.start();
  sharing.answer = () => Promise.resolve({ state: "offered" });
  const { wire, id } = await sharing.share(PEER, new Uint8Array(5));
  const wanted = { share: wire, file: 0, download: testId(1) };
  await sharing.call("request", PEER, wanted);
  await sharing.call("request", PEER, wanted);
  await assertRejects(() => sharing.call("request", PEER, { ...wanted, file: 1 }));
  await sharing.hosted.ask("POST", `/m/file_sharing/shares/${id}/revoke`);
  const first = await offer(sharing, { share: 1, length: 5 });
  const second = await offer(sharing, { share: 2, length: 5 });
  sharing.answer = () => Promise.reject(new OpenRedError("not_found", "It is gone"));
  await sharing.hosted.ask("POST", `/m/file_sharing/offers/${second}/decline`);
  const { log } = sharing.world.parts;
  await accept(sharing, first);
  await until(() => log.audited("files_fetched") > 0, "the transfer is over");
  const audited = log.entries.filter(({ fields }) => fields.audit === true)
    .map(({ event, fields }) => [event, fields.success]);
  assertEquals(audited.filter(([event]) => String(event).startsWith("files_")), [
    ["files_shared", true],
    ["files_granted", true],
    ["files_refused", false],
    ["files_unshared", true],
    ["files_offered", true],
    ["files_offered", true],
    ["files_declined", true],
    ["files_accepted", true],
    ["files_fetched", false],
  ]);
  assertEquals(JSON.stringify(log.entries).includes("shared.bin"), false);
});
