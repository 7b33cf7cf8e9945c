import { assertEquals, assertRejects } from "@std/assert";
import type { NodeId } from "../../../crypto/encoding.ts";
import { OwnSuccession } from "../../../peer/own/own_succession.ts";
import { TestParts } from "../parts.ts";

const [PEER, OTHER] = ["peer" as NodeId, "other" as NodeId];

/** A node that followed another one, and what its database says of that. */
async function followed(rows: Record<string, string>): Promise<TestParts> {
  const parts = await TestParts.create();
  const all = { node_id: "new", succession: "a.b.c", ...rows };
  for (const [name, value] of Object.entries(all)) await parts.store.setSelf(name, value);
  return parts;
}

Deno.test("a succession is shown to a peer until a session whose message 1 said it is confirmed", async () => {
  using parts = await followed({ [`untold ${PEER}`]: "new" });
  const own = new OwnSuccession(parts.store);
  assertEquals([own.forPeer(PEER), own.forPeer(OTHER)], ["a.b.c", null]);
  await own.confirmed(PEER);
  assertEquals(own.forPeer(PEER), "a.b.c", "the peer called: it was told nothing");
  own.answered(PEER);
  assertEquals(own.forPeer(PEER), "a.b.c");
  await own.confirmed(PEER);
  assertEquals(new OwnSuccession(parts.store).forPeer(PEER), null);
});

Deno.test("where anybody may know the former id, each peer is told once", async () => {
  using parts = await followed({ "untold *": "new" });
  const own = new OwnSuccession(parts.store);
  own.answered(PEER);
  await own.confirmed(PEER);
  assertEquals([own.forPeer(PEER), own.forPeer(OTHER)], [null, "a.b.c"]);
});

Deno.test("a peer that succeeded meanwhile is still to be told, under its new id", async () => {
  using parts = await followed({ [`untold ${PEER}`]: "new" });
  const own = new OwnSuccession(parts.store);
  await parts.store.write(() => own.writeMove(PEER, OTHER));
  assertEquals([own.forPeer(PEER), own.forPeer(OTHER)], [null, "a.b.c"]);
});

Deno.test("a directory that judged the succession of a former identity has yet to judge this one's", async () => {
  using parts = await followed({ "judged url": "older" });
  const own = new OwnSuccession(parts.store);
  assertEquals(own.forDirectory("url"), "a.b.c");
  await own.judged("url");
  assertEquals(own.forDirectory("url"), null);
});

Deno.test("where an identity came from is noted once, and not before the entry is on disk", async () => {
  const noted = JSON.stringify({ former: "old", head: null });
  using parts = await followed({ succession_noted: noted });
  const own = new OwnSuccession(parts.store);
  await assertRejects(() => own.note(() => Promise.reject(new Error("Full"))), Error, "Full");
  const entries: unknown[] = [];
  const audit = (fields: unknown) => Promise.resolve(void entries.push(fields));
  await own.note(audit);
  await own.note(audit);
  assertEquals(entries, [{ former: "old", former_head: "" }]);
});
