import { assertEquals, assertNotEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { encodeBase64Url } from "../../../crypto/encoding.ts";
import type { ModuleSignatures, SignedType } from "../../../modules/api.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { TestNodeKeys } from "../../peer/test_node_keys.ts";
import { ContextWorld } from "../../world/module_context.ts";

const TYPE = "openred-group+jwt";

async function signaturesOf(world: ContextWorld): Promise<ModuleSignatures> {
  const { context } = await world.contextOf({ name: "groups" });
  return context.signatures!;
}

Deno.test("signatures.sign() signs in the node's name, and verify() tells what it is called by", async () => {
  using world = await ContextWorld.create();
  const signatures = await signaturesOf(world);
  const text = await signatures.sign(TYPE, { n: 0 });
  const { iss, payload, hash } = await signatures.verify(TYPE, text);
  assertStrictEquals(iss, world.keys.id);
  assertEquals(payload, { v: 3, iss, n: 0 });
  const input = text.slice(0, text.lastIndexOf("."));
  assertStrictEquals(hash, createHash("sha256").update(input).digest("base64url"));
});

Deno.test("signatures.sign() signs no statement of the node and nobody else's", async () => {
  using world = await ContextWorld.create();
  const signatures = await signaturesOf(world);
  for (
    const type of ["openred-record+jwt", "openred-proof+jwt", "openred-succession+jwt", "other"]
  ) {
    await assertRejects(() => signatures.sign(type as SignedType, {}), OpenRedError, "type");
  }
  const other = await TestNodeKeys.create(world.parts.crypto);
  await assertRejects(() => signatures.sign(TYPE, { iss: other.id }), OpenRedError, "not the id");
});

Deno.test("signatures.verify() refuses a changed text, and one of another type", async () => {
  using world = await ContextWorld.create();
  const signatures = await signaturesOf(world);
  const text = await signatures.sign(TYPE, { n: 0 });
  const [header, , signature] = text.split(".");
  const payload = encodeBase64Url(new TextEncoder().encode(`{"v":3,"iss":"${world.keys.id}"}`));
  for (const bad of [`${header}.${payload}.${signature}`, text.slice(1), "", "a.b.c"]) {
    const error = await assertRejects(() => signatures.verify(TYPE, bad), OpenRedError);
    assertStrictEquals(error.code, "bad_signature");
  }
  await assertRejects(() => signatures.verify("openred-group-message+jwt", text), OpenRedError);
});

Deno.test("signatures.nextOf() tells the pinned successor of a peer", async () => {
  using world = await ContextWorld.create();
  const signatures = await signaturesOf(world);
  const [peer, other] = await TestNodeKeys.createTwo(world.parts.crypto);
  const next = encodeBase64Url(new Uint8Array(32).fill(7));
  await world.book.take(await peer.record({ next }));
  assertStrictEquals(signatures.nextOf(peer.id), next);
  assertStrictEquals(signatures.nextOf(other.id), null);
  assertNotEquals(peer.id, other.id);
});

Deno.test("a module from a file has no signatures", async () => {
  using world = await ContextWorld.create();
  const { context } = await world.contextOf({ name: "groups" }, "file");
  assertStrictEquals(context.signatures, null);
});
