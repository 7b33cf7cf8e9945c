import { assertEquals } from "@std/assert";
import { base64Url, randomBytes, sha256 } from "./bytes.ts";
import { startHandshake } from "./handshake.ts";
import { Identity } from "./identity.ts";
import { Peer } from "./peer.ts";
import { openMiniScene } from "./scene.ts";

Deno.test("a succession in message 1 moves the contact, and the old id is refused from then on", async () => {
  await using scene = await openMiniScene();
  const { mini, node, peer } = scene;
  const seed = randomBytes(32);
  const next = new Identity(seed);
  peer.members = { next: base64Url(sha256(next.raw)) };
  peer.sign();
  const old = await peer.connect(await scene.introduce());
  await using follower = new Peer("the follower", { seed });
  const to = scene.nodeRecord();
  async function introduced(who: Peer) {
    const pair = mini.pair(who.id, node.id);
    const { status } = await mini.push(
      node.url,
      mini.envelope(pair, "b", { to, peer: who.record }),
    );
    assertEquals(status, 200);
    who.directory = mini.record;
    return who.open(mini.envelope(pair, "a", { to: who.record, peer: to }));
  }
  const succession = next.sign("succession", { v: 3, old: peer.id, iat: 1_700_000_000 });
  const session = await follower.connect(await introduced(follower), { payload: { succession } });
  await session.send(session.sendText("new", "it is still me"));
  await session.acknowledged("new");
  const refused = await peer.postHandshake(
    old.keys.standby[0]!,
    startHandshake(old.keys.standby[0]!, peer.self).body,
  );
  assertEquals([refused.status, refused.body.code], [403, "handshake_rejected"]);
  const half = mini.envelope(mini.pair(peer.id, node.id), "b", { to, peer: peer.record });
  const pushed = await mini.push(node.url, half);
  assertEquals([pushed.status, pushed.body.code], [403, "envelope_refused"]);
});

Deno.test("a succession of an id the node never pinned moves nothing", async () => {
  await using scene = await openMiniScene();
  const { peer } = scene;
  const old = await peer.connect(await scene.introduce());
  const thief = new Identity();
  const succession = thief.sign("succession", { v: 3, old: peer.id, iat: 1_700_000_000 });
  await using other = new Peer("a thief");
  const { mini, node } = scene;
  const to = scene.nodeRecord();
  const pair = mini.pair(other.id, node.id);
  await mini.push(node.url, mini.envelope(pair, "b", { to, peer: other.record }));
  other.directory = mini.record;
  const held = other.open(mini.envelope(pair, "a", { to: other.record, peer: to }));
  await other.postHandshake(
    held,
    startHandshake(held, other.self, { payload: { succession } }).body,
  );
  await old.send(old.sendText("old", "the old id goes on"));
  await old.acknowledged("old");
  await peer.connect(old.keys.standby[0]!);
});
