import { assert, assertEquals, assertRejects } from "@std/assert";
import { encodeNodeId, type NodeId } from "../../../crypto/encoding.ts";
import { FrameIds } from "../../../peer/modules/frame_ids.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { TestParts } from "../parts.ts";

const [PEER, OTHER] = [1, 2].map((fill) => encodeNodeId(new Uint8Array(32).fill(fill))) as [
  NodeId,
  NodeId,
];
/** How many ids of one peer are known at least, and after how many new ones the oldest go. */
const [KNOWN, PRUNED] = [4_096, 64];

async function setUp() {
  const parts = await TestParts.create();
  const ids = new FrameIds(parts.store);
  const name = (id: string, changes: { module?: string; peer?: NodeId } = {}) => ({
    module: "notes",
    peer: PEER,
    id,
    ...changes,
  });
  const countOf = (peer: NodeId) =>
    Number(
      parts.store.statement("SELECT count(*) AS count FROM module_frames WHERE peer = ?")
        .get(peer)!.count,
    );
  return { parts, ids, name, countOf };
}

Deno.test("FrameIds knows an id by its module and its peer, over a restart, and noted twice", async () => {
  const { parts, ids, name } = await setUp();
  using _ = parts;
  await ids.note(name("a"));
  await ids.note(name("a"));
  const others = [name("b"), name("a", { module: "chess" }), name("a", { peer: OTHER })];
  assertEquals([name("a"), ...others].map((one) => ids.has(one)), [true, false, false, false]);
  parts.reopen();
  assertEquals(new FrameIds(parts.store).has(name("a")), true);
});

Deno.test("FrameIds says that it could not note an id", async () => {
  const { parts, ids, name } = await setUp();
  using _ = parts;
  parts.fillDisk();
  const error = await assertRejects(() => ids.note(name("a")), OpenRedError);
  assertEquals([error.code, ids.has(name("a"))], ["overloaded", false]);
});

Deno.test("FrameIds knows the last 4,096 of each peer, whoever else sends between them", async () => {
  const { parts, ids, name, countOf } = await setUp();
  using _ = parts;
  await ids.note(name("kept", { peer: OTHER, module: "chess" }));
  const total = KNOWN + 4 * PRUNED;
  for (let at = 0; at < total; at += 128) {
    const some = Array.from({ length: 128 }, (_, index) => `i${at + index}`);
    await Promise.all(
      some.flatMap((id) => [ids.note(name(id)), ids.note(name(id, { peer: OTHER }))]),
    );
  }
  for (const peer of [PEER, OTHER]) {
    assert(countOf(peer) <= KNOWN + PRUNED, `${countOf(peer)} ids`);
    const known = [0, total - KNOWN, total - 1].map((at) => ids.has(name(`i${at}`, { peer })));
    assertEquals(known, [false, true, true]);
  }
  assert(ids.has(name("kept", { peer: OTHER, module: "chess" })), "of another module");
});

Deno.test("FrameIds forgets a peer, or a module, and nothing else", async () => {
  const { parts, ids, name } = await setUp();
  using _ = parts;
  const names = [name("a"), name("a", { module: "chess" }), name("a", { peer: OTHER })];
  for (const one of names) await ids.note(one);
  const known = () => names.map((one) => ids.has(one));
  await parts.store.write(() => ids.writeForgetModule("chess"));
  assertEquals(known(), [true, false, true]);
  await parts.store.write(() => ids.writeForget(PEER));
  assertEquals(known(), [false, false, true]);
});
