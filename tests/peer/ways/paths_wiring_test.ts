import { assertEquals } from "@std/assert";
import type { NodeConfig } from "../../../peer/config.ts";
import { settle } from "../../world/settle.ts";
import { TestNode } from "../test_node.ts";

const PEER_PATH = "http://192.168.1.21:7601";
const OWN_PATH = "http://192.168.1.20:7601";
const LAN: Partial<NodeConfig> = { lan: { hostname: "0.0.0.0", port: 7601 } };
const networks = { list: () => [{ address: "192.168.1.20", bits: 24 }] };

async function setUp(config: Partial<NodeConfig>) {
  const test = await TestNode.start(config, [], { networks });
  const session = await test.connect();
  const told = async () =>
    (await session.read()).filter(({ type }) => type === "core.paths").map(({ paths }) => paths);
  const called = () => test.http.requests.filter(({ url }) => url.startsWith("http://192.168."));
  return { test, session, told, called };
}

Deno.test("an accepted peer is told in the session, and called where it says that it is", async () => {
  const { test, session, told, called } = await setUp(LAN);
  await using _ = test;
  await test.clock.advance(60_000);
  assertEquals(await told(), []);
  await session.send({ type: "core.paths", paths: [PEER_PATH] });
  assertEquals(called(), []);
  await test.decide();
  await test.clock.advance(60_000);
  assertEquals(await told(), [[OWN_PATH]]);
  await session.send({ type: "core.paths", paths: [PEER_PATH] });
  await settle();
  assertEquals(called().map(({ url }) => new URL(url).origin), [PEER_PATH]);
  assertEquals(called()[0]!.url.includes(test.peer.id), false);
});

Deno.test("a node calls nothing that an accepted peer should not have it call", async () => {
  const { test, session, called } = await setUp(LAN);
  await using _ = test;
  await test.decide();
  const before = test.http.requests.length;
  for (
    const paths of [
      ["http://127.0.0.1:7601"],
      ["http://169.254.169.254:8080"],
      ["http://192.168.1.1:80"],
      ["http://192.168.1.21:7601/admin"],
      ["http://router.local:7601"],
      ["http://10.0.0.1:7601"],
      [OWN_PATH],
      Array.from({ length: 5 }, (_, i) => `http://192.168.1.${30 + i}:7601`),
    ]
  ) {
    await session.send({ type: "core.paths", paths });
    await test.clock.advance(61_000);
  }
  const origins = test.http.requests.slice(before).map(({ url }) => new URL(url).hostname);
  assertEquals(called(), []);
  assertEquals(origins.filter((host) => /^[0-9.]+$|local/.test(host)), []);
});

Deno.test("without the owner's leave nothing is told, and nothing tried", async () => {
  const { test, session, told, called } = await setUp({});
  await using _ = test;
  await test.decide();
  await session.send({ type: "core.paths", paths: [PEER_PATH] });
  await test.clock.advance(120_000);
  assertEquals([await told(), called()], [[], []]);
});
