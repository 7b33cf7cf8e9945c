import { assertEquals, assertRejects } from "@std/assert";
import { encodeNodeId } from "../../../crypto/encoding.ts";
import { TestParts } from "../parts.ts";

const PEER = encodeNodeId(new Uint8Array(32).fill(1));

Deno.test("Permissions.accept() never overturns a deny that is being written down", async () => {
  using parts = await TestParts.create();
  const { permissions, log } = parts;
  await Promise.all([
    permissions.decide(PEER, { name: "message", allowed: false }),
    permissions.accept(PEER),
  ]);
  assertEquals(permissions.standing(PEER, "message"), "denied");
  assertEquals(permissions.standing(PEER, "files"), "stranger");
  assertEquals(log.audited("permission_changed"), 1);
});

Deno.test("Permissions.accept() is audited once, however often it is repeated", async () => {
  using parts = await TestParts.create();
  const { permissions, log } = parts;
  await Promise.all([permissions.accept(PEER), permissions.accept(PEER)]);
  await permissions.accept(PEER);
  assertEquals(permissions.of(PEER).effective, ["files", "message"]);
  assertEquals(log.audited("permission_changed"), 2, "each of the two once");
});

Deno.test("Permissions.accept() grants what else belongs to it to who was accepted when there was less", async () => {
  using parts = await TestParts.create();
  const { permissions } = parts;
  await permissions.decide(PEER, { name: "message", allowed: true });
  await permissions.accept(PEER);
  assertEquals(permissions.of(PEER).allowed, ["files", "message"]);
  await permissions.decide(PEER, { name: "files", allowed: false });
  await permissions.accept(PEER);
  assertEquals(permissions.standing(PEER, "files"), "denied");
});

Deno.test("Permissions tells whether there was the group that it was to change", async () => {
  using parts = await TestParts.create();
  const { permissions, log } = parts;
  const tries = () =>
    Promise.all([
      permissions.leave("friends", PEER),
      permissions.resetGroup("friends", "files"),
      permissions.deleteGroup("friends"),
    ]);
  assertEquals(await tries(), [false, false, false]);
  assertEquals(log.audited("permission_changed"), 0);
  await permissions.allowGroup("friends", "files");
  await permissions.join("friends", PEER);
  assertEquals(await tries(), [true, true, false], "without members and permissions it is gone");
  await permissions.allowGroup("friends", "files");
  await permissions.join("friends", PEER);
  assertEquals(await permissions.deleteGroup("friends"), true);
  await permissions.join("friends", PEER);
  assertEquals(permissions.standing(PEER, "files"), "stranger", "a later one begins with nothing");
});

Deno.test("Permissions.block() is written with what goes with it, or not at all", async () => {
  using parts = await TestParts.create();
  const { permissions, log } = parts;
  const fail = () => {
    throw new Error("No space left on device");
  };
  await assertRejects(() => permissions.block(PEER, fail));
  assertEquals([permissions.isBlocked(PEER), log.audited("peer_blocked")], [false, 0]);
  await permissions.block(PEER);
  await permissions.unblock(PEER);
  assertEquals([log.audited("peer_blocked"), log.audited("peer_unblocked")], [1, 1]);
});
