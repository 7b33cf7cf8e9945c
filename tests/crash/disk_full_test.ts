import { assert, assertEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { encodeUtf8 } from "../../crypto/encoding.ts";
import { NO_EDIT } from "../property/edits.ts";
import { FakeNetwork } from "../property/fake_network.ts";
import { NodeWorld } from "../property/node_world.ts";
import { TestDirectory } from "../directory/test_directory.ts";
import type { StatusView } from "../../protocol/admin_api.ts";
import { makeTemporaryDirectory } from "../ports/temporary_directory.ts";
import { MortalDisk } from "./mortal_disk.ts";
import { until } from "../world/until.ts";

/** The owner hears what is wrong with the disk, and nobody else does. */
async function assertOverloaded(
  name: string,
  answer: Response,
  options: { toOwner?: boolean } = {},
): Promise<void> {
  const text = await answer.text();
  assertEquals([name, answer.status, JSON.parse(text).code], [name, 503, "overloaded"]);
  assert(Number(answer.headers.get("retry-after")) > 0);
  assert(!/space|SQL|os error/.test(text), text);
  assertEquals(text.includes("now: the disk is full"), options.toOwner ?? false, text);
}

function confirmedIn({ sessions }: StatusView): string[] {
  return sessions.filter(({ state }) => state === "confirmed").map((session) => session.session_id);
}

Deno.test("A node whose disk is full refuses new work, keeps what it has, and goes on when there is space", async () => {
  using folder = makeTemporaryDirectory();
  const disk = new MortalDisk(folder.path);
  const { clock, files, openDatabase } = disk.boot();
  const network = await FakeNetwork.create();
  await using world = await NodeWorld.start({ clock, files, openDatabase, network });
  await world.assertWorks();
  const before = await world.node.status();
  const inbox = await world.node.inboxIds();
  const build = (name: string) => world.build({ name, inner: NO_EDIT, outer: NO_EDIT });

  const prepared = { handshake: await build("handshake"), receive: await build("statement") };
  disk.isFull = true;
  await assertOverloaded("send", await world.sendText("no room", 0), { toOwner: true });
  await assertOverloaded("receive", await world.handle(prepared.receive));
  await assertOverloaded("handshake", await world.handle(prepared.handshake));
  const acknowledged = world.peers.acknowledged.size;
  const text = { type: "messaging.text", id: "sent-twice" };
  await world.peers.sendFrame(text, encodeUtf8("hello"));
  // That nothing is stored and acknowledged shows only once the node, on its real clock, could have done it.
  await new Promise((resolve) => setTimeout(resolve, 50));
  assertEquals(world.peers.acknowledged.size, acknowledged);
  assertEquals(await world.node.inboxIds(), inbox);
  const during = await world.node.status();
  assert(during.warnings.includes("node.db cannot be written: the disk is full"));
  assertEquals(confirmedIn(during), confirmedIn(before));
  assertEquals(during.peers.map(({ outbox }) => outbox), before.peers.map(({ outbox }) => outbox));

  disk.isFull = false;
  for (let count = 0; count < 2; count++) await world.peers.sendFrame(text, encodeUtf8("hello"));
  await until(() => world.peers.acknowledged.has("sent-twice"), "an acknowledgement");
  assertEquals(await world.node.inboxIds(), [...inbox, "sent-twice"]);
  const { warnings } = await world.node.status();
  assert(!warnings.some((warning) => warning.startsWith("node.db")), warnings.join());
  await world.assertWorks();
});

Deno.test("A message acknowledged while the disk was full is delivered, and written down as such when there is space", async () => {
  using folder = makeTemporaryDirectory();
  const disk = new MortalDisk(folder.path);
  const { clock, files, openDatabase } = disk.boot();
  await using world = await NodeWorld.start({ clock, files, openDatabase });
  const outbox = async () => (await world.node.status()).peers.map((peer) => peer.outbox);
  using database = new DatabaseSync(`${folder.path}/node.db`, { readOnly: true });
  const unmarked = () =>
    database.prepare("SELECT count(*) AS n FROM messaging_outbox WHERE delivered = 0").get()!.n;
  world.peers.beforeAcknowledging = (type) => void (disk.isFull ||= type === "messaging.text");
  const sent = await world.sendText("acknowledged on a full disk", 20_000);
  assertEquals((await sent.json()).state, "delivered");
  assertEquals([await outbox(), unmarked()], [[0], 1]);
  disk.isFull = false;
  world.peers.beforeAcknowledging = () => {};
  assertEquals((await (await world.sendText("the next one", 20_000)).json()).state, "delivered");
  await until(() => unmarked() === 0, "both are written down as delivered");
});

Deno.test("A directory that cannot write refuses new work, still answers, and goes on when it can", async () => {
  using folder = makeTemporaryDirectory();
  const database = `${folder.path}/directory.db`;
  await using test = await TestDirectory.start({ database });
  const [a, b, c] = [test.node(1), test.node(2), test.node(3)];
  for (const node of [a, b]) assertEquals((await test.registerNew(node)).status, 201);
  const other = new DatabaseSync(database);
  other.exec("BEGIN IMMEDIATE");
  for (const refused of [await test.registerNew(c), await test.connect(a, { target: b.id })]) {
    assertEquals([refused.status, refused.body.code], [503, "overloaded"]);
    assert(Number(refused.headers.get("retry-after")) > 0);
  }
  assertEquals((await test.get(`/api/v3/nodes/${a.id}`)).status, 200);
  assertEquals((await test.get("/api/v3/nodes/discover")).body.nodes.length, 2);
  assertEquals((await test.get("/api/v3/health")).body.nodes, 2);
  other.exec("ROLLBACK");
  other.close();
  assertEquals((await test.registerNew(c)).status, 201);
  assertEquals((await test.connect(a, { target: b.id })).status, 200);
});
