import { assert, assertEquals } from "@std/assert";
import { FramesUnderWay } from "../../../peer/sessions/frames_under_way.ts";
import { testIdentity } from "../../protocol/signer.ts";
import { settle } from "../../world/settle.ts";

const [PEER, OTHER] = [testIdentity(1).id, testIdentity(2).id];

Deno.test("FramesUnderWay counts 512 frames or 4 MiB of one peer, however their work ends", async () => {
  const frames = new FramesUnderWay();
  const ends: PromiseWithResolvers<void>[] = [];
  const begin = (peer: typeof PEER, bytes: number) => {
    const work = Promise.withResolvers<void>();
    ends.push(work);
    frames.during(work.promise, { peer, bytes, count: 1 }).catch(() => {});
  };
  for (let frame = 0; frame < 511; frame++) begin(PEER, 60);
  assert(!frames.isFull(PEER));
  begin(PEER, 60);
  assertEquals([frames.isFull(PEER), frames.isFull(OTHER)], [true, false]);
  let hasRoom = false;
  frames.room(PEER).then(() => hasRoom = true);
  await settle();
  assert(!hasRoom);
  ends[0]!.reject(new Error("The module refused it"));
  await settle();
  assert(hasRoom && !frames.isFull(PEER));
  for (let frame = 0; frame < 4; frame++) begin(OTHER, 2 ** 20);
  assert(frames.isFull(OTHER));
});
