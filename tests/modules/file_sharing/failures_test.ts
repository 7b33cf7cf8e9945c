import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { OpenRedError } from "../../../protocol/errors.ts";
import { until } from "../../world/until.ts";
import { bep52Content } from "../../vectors/bep52.ts";
import { filesIn, SharingNodes } from "./sharing_nodes.ts";
import { WatchedDisk } from "./watched_disk.ts";

const MIB = 2 ** 20;
const LENGTH = 12 * MIB + 345;
const CONTENT = bep52Content(LENGTH);

/** Two nodes with watched disks, and an offer; `failAt` is called before that chunk is written. */
async function setUp(failAt: number, fail: () => Promise<void> | void) {
  const nodes = new SharingNodes();
  const disks = { alice: new WatchedDisk(nodes.alice.data), bob: new WatchedDisk(nodes.bob.data) };
  nodes.alice.ports = { disk: disks.alice };
  nodes.bob.ports = { disk: disks.bob };
  await nodes.begin();
  const { share, offer } = await nodes.offer("big.bin", CONTENT);
  disks.alice.readBytes = 0;
  let writes = 0;
  disks.bob.beforeWrite = () => writes++ === failAt ? fail() : undefined;
  return { nodes, disks, share, offer };
}

async function assertArrived({ bob }: SharingNodes, offer: string): Promise<void> {
  const { state, why, landed } = await bob.reaches(offer, "done", "failed", "paused");
  assertEquals([state, why, landed], ["done", null, ["big.bin"]]);
  assertEquals(filesIn(bob.folder), ["big.bin"]);
  assertEquals(Deno.readFileSync(`${bob.folder}/big.bin`), CONTENT);
}

/** What has been written is not fetched again: as much as the file has is written, and no more. */
function assertNothingTwice(writtenBytes: number): void {
  assertEquals(writtenBytes, LENGTH);
}

Deno.test("a receiver that starts anew fetches only what is not on its disk", async () => {
  const reached = Promise.withResolvers<void>();
  const { nodes, disks, offer } = await setUp(6, () => {
    reached.resolve();
    return new Promise((resolve) => setTimeout(resolve, 200));
  });
  await using _ = nodes;
  const { bob } = nodes;
  await bob.accept(offer);
  await reached.promise;
  await bob.stop();
  assertEquals(filesIn(bob.folder).length, 1);
  assertMatch(filesIn(bob.folder)[0]!, /^\.openred-.*\.part$/);
  await nodes.startNode(bob);
  await assertArrived(nodes, offer);
  assertNothingTwice(disks.bob.writtenBytes);
});

Deno.test("a sender that starts anew is asked anew for the rest", async () => {
  const reached = Promise.withResolvers<void>();
  const { nodes, disks, offer } = await setUp(6, reached.resolve);
  await using _ = nodes;
  const { alice, bob } = nodes;
  await bob.accept(offer);
  await reached.promise;
  await alice.stop();
  await nodes.startNode(alice);
  await assertArrived(nodes, offer);
  assertNothingTwice(disks.bob.writtenBytes);
});

Deno.test("a full disk pauses a transfer, which goes on when it is told to", async () => {
  const { nodes, disks, offer } = await setUp(5, () => {
    disks.bob.isFull = true;
  });
  await using _ = nodes;
  const { bob } = nodes;
  await bob.accept(offer);
  const paused = await bob.reaches(offer, "paused");
  assertEquals(paused.why, "The disk is full");
  disks.bob.isFull = false;
  await bob.ask("POST", `/m/file_sharing/transfers/${offer}/resume`);
  await assertArrived(nodes, offer);
  assertNothingTwice(disks.bob.writtenBytes);
});

Deno.test("what was changed on the receiver's disk meanwhile is fetched again", async () => {
  const { nodes, disks, offer } = await setUp(8, () => {
    disks.bob.isFull = true;
  });
  await using _ = nodes;
  const { bob } = nodes;
  await bob.accept(offer);
  await bob.reaches(offer, "paused");
  const part = `${bob.folder}/${filesIn(bob.folder)[0]}`;
  const grown = Deno.readFileSync(part);
  grown[4 * MIB + 7]! ^= 1;
  Deno.writeFileSync(part, grown);
  disks.bob.isFull = false;
  await bob.ask("POST", `/m/file_sharing/transfers/${offer}/resume`);
  await assertArrived(nodes, offer);
});

Deno.test("a file that changed in place, of one size and time, ends transfer and share", async () => {
  const { nodes, share, offer } = await setUp(3, () => {
    const path = `${nodes.alice.folder}/big.bin`;
    const { mtime } = Deno.statSync(path);
    const changed = CONTENT.slice();
    changed[11 * MIB]! ^= 1;
    Deno.writeFileSync(path, changed);
    Deno.utimeSync(path, mtime!, mtime!);
  });
  await using _ = nodes;
  const { alice, bob } = nodes;
  await bob.accept(offer);
  const { state, why, landed } = await bob.reaches(offer, "failed", "done");
  assertEquals([state, landed], ["failed", []]);
  assertMatch(why!, /changed at the peer/);
  await until(async () => (await alice.shown(share)).state === "failed", "the share has failed");
  assertMatch((await alice.shown(share)).why!, /changed/);
  assertEquals(filesIn(bob.folder).filter((name) => !name.endsWith(".part")), []);
});

Deno.test("a share that is taken back gives nothing more, and a cancelled transfer leaves nothing", async () => {
  const { nodes, share, offer } = await setUp(
    3,
    () => nodes.alice.ask("POST", `/m/file_sharing/shares/${share}/revoke`),
  );
  await using _ = nodes;
  const { alice, bob } = nodes;
  await bob.accept(offer);
  const { why } = await bob.reaches(offer, "failed", "done");
  assertMatch(why!, /does not share this any more|No such file/);
  assertEquals(await alice.shares(), []);
  await bob.ask("POST", `/m/file_sharing/transfers/${offer}/cancel`);
  assertEquals(filesIn(bob.folder), []);
  await assertRejects(
    () => bob.ask("POST", `/m/file_sharing/transfers/${offer}/resume`),
    OpenRedError,
  );
});

Deno.test("a peer that loses its permission is sent nothing more", async () => {
  const denied = Promise.withResolvers<void>();
  const { nodes, offer } = await setUp(3, async () => {
    const { alice, bob } = nodes;
    await alice.admin.decide("deny", { peer: bob.id, permission: "files" });
    denied.resolve();
  });
  await using _ = nodes;
  const { bob } = nodes;
  await bob.accept(offer);
  await denied.promise;
  await bob.ask("POST", `/m/file_sharing/transfers/${offer}/pause`);
  await bob.reaches(offer, "paused");
  await bob.ask("POST", `/m/file_sharing/transfers/${offer}/resume`);
  const { state, why } = await bob.reaches(offer, "paused", "done");
  assertEquals(state, "paused");
  assertMatch(why!, /may not call/);
});
