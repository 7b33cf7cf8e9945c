import { assert, assertEquals } from "@std/assert";
import { encodeBase64Url, encodeUtf8 } from "../../../crypto/encoding.ts";
import { readNodeSecret } from "../../../ports/node_secret.ts";
import { TestNode } from "../test_node.ts";

function of(text: string | null): string | null {
  return text === null ? null : encodeBase64Url(encodeUtf8(text));
}

async function change(
  test: TestNode,
  current: string | null,
  passphrase: string | null,
): Promise<readonly [number, unknown]> {
  const { status, body } = await test.admin("POST", "/passphrase", {
    passphrase: of(passphrase),
    current: of(current),
  });
  return [status, body.code ?? body.is_set];
}

async function opens(test: TestNode, passphrase: string): Promise<boolean> {
  const stored = await readNodeSecret(test.files);
  assert(stored?.kind === "sealed");
  return await test.crypto.openSecret({
    sealed: stored.sealed,
    passphrase: encodeUtf8(passphrase),
  }).then(() => true, () => false);
}

Deno.test("a running node's secret is sealed under a passphrase, another one, and none", async () => {
  await using test = await TestNode.start();
  assertEquals((await test.admin("GET", "/passphrase")).body, { is_set: false });
  // What keyboards of two systems make of the same word.
  assertEquals(await change(test, null, "cafe\u0301 long"), [200, true]);
  assert(await opens(test, "caf\u00e9 long"));
  assertEquals(await change(test, "wrong one", "another one"), [403, "forbidden"]);
  assert(await opens(test, "caf\u00e9 long"));
  assertEquals(await change(test, "caf\u00e9 long", "another one"), [200, true]);
  assert(await opens(test, "another one"));
  assertEquals(await change(test, "wrong one", null), [403, "forbidden"]);
  assertEquals(await change(test, "another one", null), [200, false]);
  assertEquals((await readNodeSecret(test.files))?.kind, "plain");
  assertEquals(JSON.stringify(test.log.entries).includes("another"), false);
});

Deno.test("a passphrase that cannot be, or is there already, changes nothing", async () => {
  await using test = await TestNode.start();
  for (const text of ["short", "a\tb long enough", "x".repeat(1_025)]) {
    assertEquals(await change(test, null, text), [400, "bad_request"]);
  }
  assertEquals(await change(test, null, null), [400, "bad_request"]);
  assertEquals(await change(test, "nothing there", null), [400, "bad_request"]);
  assertEquals((await test.admin("GET", "/passphrase")).body, { is_set: false });
  assertEquals(await change(test, null, "long enough"), [200, true]);
  assertEquals(await change(test, null, "someone else's"), [400, "bad_request"]);
  assert(await opens(test, "long enough"));
});

Deno.test("one change of the passphrase is made at a time", async () => {
  await using test = await TestNode.start();
  const both = await Promise.all([
    change(test, null, "the first one"),
    change(test, null, "the second one"),
  ]);
  assertEquals(both.map(([status]) => status).sort(), [200, 503]);
});
