import { assert, assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { encodeBase64Url } from "../../crypto/encoding.ts";
import { showDirectoryKey } from "../../protocol/directory_key.ts";
import { secretId } from "../../protocol/shown_secret.ts";
import type { FakeNode } from "./fake_nodes.ts";
import { signText } from "../protocol/signer.ts";
import { type Answered, START_MS, TestDirectory, type TestOptions } from "./test_directory.ts";

const SECRET = new Uint8Array(16).fill(5);
const MONTH_MS = 30 * 86_400_000;

function outcomeOf({ status, body }: Answered): unknown[] {
  return status === 201
    ? [201]
    : [status, body.code, body.reason].filter((one) => one !== undefined);
}

function startInviteOnly(options: TestOptions = {}): Promise<TestDirectory> {
  return TestDirectory.start({ ...options, config: { inviteOnly: true, ...options.config } });
}

async function addKey(
  test: TestDirectory,
  { secret = SECRET, uses = 1 }: { secret?: Uint8Array<ArrayBuffer>; uses?: number } = {},
): Promise<string> {
  const keyId = await secretId(secret);
  const madeAt = test.clock.nowMs();
  await test.store.addKey({
    keyId,
    secret,
    madeAt,
    expiresAt: START_MS + MONTH_MS,
    uses,
    note: "",
  });
  return keyId;
}

async function registerWith(
  test: TestDirectory,
  node: FakeNode,
  options: { secret?: Uint8Array<ArrayBuffer>; shownBy?: FakeNode } = {},
): Promise<unknown[]> {
  const { secret = SECRET, shownBy = node } = options;
  test.clock.advance(1_000);
  const key = await showDirectoryKey(secret, shownBy.id);
  return outcomeOf(await test.register(node.record(), { key }));
}

Deno.test("A directory of invited nodes calls nobody who shows no key, or another one", async () => {
  await using test = await startInviteOnly();
  const [node, other] = [test.node(1), test.node(2)];
  const before = test.network.requests.length;
  const required = [403, "key_required"];
  const unknown = [403, "key_refused", "unknown"];
  assertEquals(outcomeOf(await test.registerNew(node)), required);
  assertEquals(await registerWith(test, node), unknown);
  await addKey(test);
  assertEquals(await registerWith(test, node, { secret: new Uint8Array(16).fill(6) }), unknown);
  assertEquals(await registerWith(test, node, { shownBy: other }), unknown);
  const shown = { id: await secretId(SECRET), mac: encodeBase64Url(new Uint8Array(32)) };
  const wrong = [{ ...shown, mac: "x" }, { ...shown, id: "x" }, "openred-key-x", { id: shown.id }];
  for (const key of wrong) {
    const answer = await test.register(node.record(), { key });
    assertEquals(outcomeOf(answer), [400, "bad_request"]);
  }
  assertEquals(test.network.requests.length, before);
  assertEquals(test.logged.includes("key_used"), false);
  assertEquals((await test.store.findKey(shown.id, node.id))?.used, 0);
});

Deno.test("A key lets in as many ids as it is for, each as often as it comes", async () => {
  await using test = await startInviteOnly();
  const [first, second, third] = [1, 2, 3].map((seed) => test.node(seed)) as [
    FakeNode,
    FakeNode,
    FakeNode,
  ];
  const keyId = await addKey(test, { uses: 2 });
  const used = async () => (await test.store.findKey(keyId, "x"))?.used;
  first.identityChanges = { nonce: "another" };
  assertEquals((await registerWith(test, first))[1], "callback_failed");
  assertEquals(await used(), 0);
  first.identityChanges = {};
  assertEquals(await registerWith(test, first), [201]);
  assertEquals(outcomeOf(await test.registerNew(first)), [201], "who is stored needs no key");
  await test.store.remove(first.id);
  assertEquals(outcomeOf(await test.registerNew(first)), [403, "key_required"]);
  assertEquals(await registerWith(test, first), [201]);
  assertEquals(await registerWith(test, second), [201]);
  assertEquals(await registerWith(test, third), [403, "key_refused", "used"]);
  assertEquals(await used(), 2);
  assertEquals(test.logged.filter((event) => event === "key_used").length, 3);
});

Deno.test("A key that has expired or was revoked lets in nobody, and who came by it stays", async () => {
  await using test = await startInviteOnly();
  const [node, late] = [test.node(1), test.node(2)];
  const keyId = await addKey(test, { uses: 9 });
  assertEquals(await registerWith(test, node), [201]);
  await test.store.revokeKey(keyId, test.clock.nowMs());
  assertEquals(await registerWith(test, late), [403, "key_refused", "revoked"]);
  const secret = new Uint8Array(16).fill(7);
  await addKey(test, { secret });
  test.clock.advance(MONTH_MS);
  assertEquals(await registerWith(test, late, { secret }), [403, "key_refused", "expired"]);
  assertEquals(outcomeOf(await test.registerNew(node)), [201]);
  test.clock.advance(1_000);
  assertEquals(outcomeOf(await test.register(node.gone())), [201]);
  assertEquals(outcomeOf(await test.registerNew(node)), [201]);
});

Deno.test("Of ids that come at once with one key for one, one gets in", async () => {
  await using test = await startInviteOnly();
  await addKey(test);
  test.clock.advance(1_000);
  const outcomes = await Promise.all([1, 2, 3, 4].map(async (seed) => {
    const node = test.node(seed);
    const key = await showDirectoryKey(SECRET, node.id);
    return outcomeOf(await test.register(node.record(), { key })).at(-1);
  }));
  assertEquals(outcomes.sort(), [201, "used", "used", "used"]);
});

Deno.test("Who follows a stored id needs no key", async () => {
  await using test = await startInviteOnly();
  const [old, heir] = [test.node(1), test.node(2)];
  await addKey(test);
  const next = createHash("sha256").update(heir.identity.publicKey).digest("base64url");
  const key = await showDirectoryKey(SECRET, old.id);
  assertEquals((await test.register(old.record({ next }), { key })).status, 201);
  const payload = { v: 3, iss: heir.id, old: old.id, iat: 1_600_000_000 };
  const succession = signText(heir.identity, payload, { typ: "openred-succession+jwt" });
  assertEquals((await test.register(heir.record(), { succession })).status, 201);
});

Deno.test("A directory of invited nodes introduces those who are stored, and nobody else", async () => {
  await using test = await startInviteOnly();
  const [member, stranger] = [test.node(1), test.node(2)];
  await addKey(test);
  assertEquals(await registerWith(test, member), [201]);
  const asked = { target: member.id, record: stranger.record() };
  assertEquals(outcomeOf(await test.connect(stranger, asked)), [403, "requester_unknown"]);
});

Deno.test("A directory that takes everybody uses up no key", async () => {
  await using test = await TestDirectory.start();
  const keyId = await addKey(test);
  assertEquals(await registerWith(test, test.node(1)), [201]);
  assertEquals(await registerWith(test, test.node(2), { secret: new Uint8Array(16) }), [201]);
  assertEquals((await test.store.findKey(keyId, "x"))?.used, 0);
  assert(!test.logged.includes("key_used"));
});
