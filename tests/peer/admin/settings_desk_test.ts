import { assert, assertEquals } from "@std/assert";
import type { StatusView } from "../../../protocol/admin_api.ts";
import type { SettingView } from "../../../protocol/settings_api.ts";
import { FakeDirectory } from "../directories/directory_world.ts";
import { TestNode } from "../test_node.ts";
import { TestNodeKeys } from "../test_node_keys.ts";
import { settle } from "../../world/settle.ts";

async function change(
  test: TestNode,
  name: string,
  value: string | null,
): Promise<readonly [number, string | undefined]> {
  const { status, body } = await test.admin("POST", "/settings", { name, value });
  await settle();
  return [status, body.code];
}

async function setting(test: TestNode, name: string): Promise<SettingView | undefined> {
  const { body } = await test.admin("GET", "/settings");
  return body.settings.find((one: SettingView) => one.name === name);
}

async function directories(test: TestNode): Promise<[string, string][]> {
  const { body } = await test.admin("GET", "/status");
  return (body as StatusView).directories.map(({ url, state }) => [url, state]);
}

Deno.test("another name is kept, and every directory is shown it at once", async () => {
  await using test = await TestNode.start();
  const before = test.directory.registered.length;
  assertEquals(await change(test, "alias", "Älice"), [200, undefined]);
  assertEquals((await test.record()).payload.alias, "Älice");
  assertEquals(test.directory.registered.length, before + 1);
  assertEquals(test.settings, 'alias = "Älice"\n');
  assertEquals(await setting(test, "alias"), {
    name: "alias",
    value: "Älice",
    kept: "Älice",
    from: "openred.toml",
    default: "none",
    counts: "now",
  });
  assertEquals(await change(test, "alias", null), [200, undefined]);
  assertEquals((await test.record()).payload.alias, undefined);
});

Deno.test("directories come and go while the node runs", async () => {
  await using test = await TestNode.start();
  const keys = await TestNodeKeys.create(test.crypto);
  const other = new FakeDirectory(keys, "https://other.example");
  await other.serve(test.http);
  const { url } = test.directory;
  assertEquals(await change(test, "directories", `${url}, ${other.url}`), [200, undefined]);
  assertEquals(await directories(test), [[url, "registered"], [other.url, "registered"]]);
  assertEquals(other.registered.length, 1);
  assertEquals(await change(test, "directories", other.url), [200, undefined]);
  assertEquals(await directories(test), [[other.url, "registered"]]);
  const taken = test.directory.registered.length;
  await test.clock.advance(3 * 3_600_000);
  await settle();
  assertEquals(test.directory.registered.length, taken);
  assert(other.registered.length > 1);
  assertEquals(test.settings, 'directories = [ "https://other.example" ]\n');
});

Deno.test("a relay is kept, and counts now", async () => {
  await using test = await TestNode.start();
  assertEquals(await change(test, "relay", "https://relay.example"), [200, undefined]);
  assertEquals((await test.admin("GET", "/status")).body.relay.url, "https://relay.example");
  assertEquals((await setting(test, "relay"))?.counts, "now");
});

Deno.test("what a start would refuse is refused, and nothing is changed", async () => {
  await using test = await TestNode.start();
  const kept = 'api-url = "https://me.example"\n';
  test.settings = kept;
  for (
    const [name, value] of [
      ["relay", "https://relay.example"],
      ["relay", "nonsense"],
      ["directories", "https://a.example,https://a.example"],
      ["directories", "ftp://a.example"],
      ["alias", "a\u0000b"],
      ["alias", "a".repeat(65)],
      ["alias", ""],
      ["console-origins", "https://evil.example"],
      ["log-file", "/tmp/x"],
    ] as const
  ) {
    assertEquals([name, value, ...await change(test, name, value)], [
      name,
      value,
      400,
      "bad_request",
    ]);
  }
  assertEquals(test.settings, kept);
  assertEquals(await directories(test), [[test.directory.url, "registered"]]);
  test.settings = "no toml";
  assertEquals(await change(test, "alias", "a"), [400, "bad_request"]);
  assertEquals((await test.admin("GET", "/settings")).status, 400);
});

Deno.test("changes that meet are all kept", async () => {
  await using test = await TestNode.start();
  await Promise.all([
    change(test, "alias", "a"),
    change(test, "relay", "https://relay.example"),
    change(test, "directories", test.directory.url),
  ]);
  assertEquals((await setting(test, "alias"))?.kept, "a");
  assertEquals((await setting(test, "relay"))?.kept, "https://relay.example");
  assertEquals((await setting(test, "directories"))?.kept, test.directory.url);
});
