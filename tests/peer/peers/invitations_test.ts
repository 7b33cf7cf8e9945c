import { assert, assertEquals, assertRejects } from "@std/assert";
import { encodeNodeId } from "../../../crypto/encoding.ts";
import { InvitationSecrets } from "../../../peer/peers/invitation_secrets.ts";
import { Invitations } from "../../../peer/peers/invitations.ts";
import { Petnames } from "../../../peer/peers/petnames.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { HOUR_MS, TestParts } from "../parts.ts";
import { TestNodeKeys } from "../test_node_keys.ts";

const [ANN, BOB, EVE] = [1, 2, 3].map((n) => encodeNodeId(new Uint8Array(32).fill(n + 10))) as [
  ReturnType<typeof encodeNodeId>,
  ReturnType<typeof encodeNodeId>,
  ReturnType<typeof encodeNodeId>,
];
const ONCE = { uses: 1, lifeMs: HOUR_MS, name: null };

async function open(options: { restoredAtMs?: number } = {}) {
  const parts = await TestParts.create();
  const { storage } = (await TestNodeKeys.create(parts.crypto)).keys;
  const petnames = new Petnames(parts.store);
  const invitations = new Invitations({
    ...parts,
    permissions: parts.permissions,
    petnames,
    store: parts.store,
    secrets: new InvitationSecrets(parts.crypto, storage),
    restoredAtMs: options.restoredAtMs ?? null,
  });
  return { parts, petnames, invitations, [Symbol.dispose]: () => parts[Symbol.dispose]() };
}

Deno.test("of many who use an invitation at one moment, as many get in as it says", async () => {
  using world = await open();
  const { invitations, parts } = world;
  const { invitation: { id } } = await invitations.make({ ...ONCE, uses: 2 });
  const uses = await Promise.all([ANN, BOB, EVE, ANN].map((peer) => invitations.use(id, peer)));
  assertEquals(uses.map(({ kind }) => kind), ["accepted", "accepted", "refused", "again"]);
  assertEquals(parts.permissions.of(EVE).allowed, []);
  assertEquals(invitations.find(id)?.state, "used");
});

Deno.test("an invitation ends by the clock, and with the data it was made in", async () => {
  using world = await open();
  const { invitations, parts } = world;
  const { invitation: { id } } = await invitations.make(ONCE);
  await parts.clock.advance(HOUR_MS);
  const expired = { kind: "refused", code: "invitation_expired" } as const;
  assertEquals(await invitations.use(id, ANN), expired);

  using restored = await open({ restoredAtMs: parts.clock.nowMs() + HOUR_MS });
  const made = await restored.invitations.make(ONCE);
  const revoked = { kind: "refused", code: "invitation_revoked" } as const;
  assertEquals(await restored.invitations.use(made.invitation.id, ANN), revoked);
});

Deno.test("a name goes to whoever uses the invitation, unless it is taken by then", async () => {
  using world = await open();
  const { invitations, petnames } = world;
  const first = await invitations.make({ ...ONCE, name: "bob" });
  await assertRejects(() => invitations.make({ ...ONCE, name: "bob" }), OpenRedError);
  const used = await invitations.use(first.invitation.id, BOB);
  assert(used.kind === "accepted" && used.name === "bob");
  await assertRejects(() => invitations.make({ ...ONCE, name: "bob" }), OpenRedError);

  const second = await invitations.make({ ...ONCE, name: "ann" });
  await petnames.give(EVE, "ann");
  const unnamed = await invitations.use(second.invitation.id, ANN);
  assert(unnamed.kind === "accepted" && unnamed.name === null);
  assertEquals(petnames.of(EVE), "ann");
});

Deno.test("a block and a deny outrank an invitation, and who is forgotten is not let in again", async () => {
  using world = await open();
  const { invitations, parts } = world;
  const { permissions, store } = parts;
  const { invitation: { id } } = await invitations.make({ ...ONCE, uses: 2 });
  await permissions.block(EVE);
  assertEquals(await invitations.use(id, EVE), { kind: "blocked" });
  await permissions.decide(BOB, { name: "message", allowed: false });
  await invitations.use(id, BOB);
  assertEquals(permissions.of(BOB).allowed, []);
  await invitations.use(id, ANN);
  await store.write(() => invitations.writeForget(ANN));
  const used = { kind: "refused", code: "invitation_used" } as const;
  assertEquals(await invitations.use(id, ANN), used);
  assertEquals(invitations.find(id)?.usedBy.map(({ peer }) => peer), [BOB, null]);
});

Deno.test("an invitation is forgotten a month after its end", async () => {
  using world = await open();
  const { invitations, parts } = world;
  const { invitation: { id } } = await invitations.make(ONCE);
  await invitations.use(id, ANN);
  await parts.clock.advance(29 * 24 * HOUR_MS);
  await invitations.cleanUp();
  assertEquals(invitations.list().length, 1);
  await parts.clock.advance(2 * 24 * HOUR_MS);
  await invitations.cleanUp();
  assertEquals(invitations.list(), []);
  assertEquals(await invitations.secretOf(id), null);
});
