import { assertEquals } from "@std/assert";
import { encodeNodeId } from "../../../crypto/encoding.ts";
import { HeldInvitations } from "../../../peer/peers/held_invitations.ts";
import { InvitationSecrets } from "../../../peer/peers/invitation_secrets.ts";
import { HOUR_MS, TestParts } from "../parts.ts";
import { TestNodeKeys } from "../test_node_keys.ts";

Deno.test("an invitation whose maker never answers is held for a year", async () => {
  using parts = await TestParts.create();
  const { storage } = (await TestNodeKeys.create(parts.crypto)).keys;
  const held = new HeldInvitations({
    ...parts,
    permissions: parts.permissions,
    store: parts.store,
    secrets: new InvitationSecrets(parts.crypto, storage),
  });
  const [ann, bob] = [1, 2].map((n) => encodeNodeId(new Uint8Array(32).fill(n)));
  await held.hold(ann!, new Uint8Array(16).fill(1));
  await parts.clock.advance(300 * 24 * HOUR_MS);
  await held.hold(bob!, new Uint8Array(16).fill(2));
  await held.cleanUp();
  assertEquals([held.has(ann!), held.has(bob!)], [true, true]);
  await parts.clock.advance(67 * 24 * HOUR_MS);
  await held.cleanUp();
  assertEquals([held.has(ann!), held.has(bob!)], [false, true]);
  assertEquals(held.peers(), [bob!]);
});
