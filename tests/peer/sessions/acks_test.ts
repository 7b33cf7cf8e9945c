import { assertEquals } from "@std/assert";
import { AckGatherer } from "../../../peer/sessions/acks.ts";
import { testIdentity } from "../../protocol/signer.ts";
import { VirtualClock } from "../../world/virtual_clock.ts";
import { settle } from "../../world/settle.ts";

Deno.test("AckGatherer sends the ids of one turn together, at most 48 to a frame, by peer", async () => {
  const frames: [string, readonly string[]][] = [];
  const clock = new VirtualClock(0);
  const acks = new AckGatherer(clock, (peer, ids) => frames.push([peer, ids]));
  const [one, two] = [testIdentity(1).id, testIdentity(2).id];
  const ids = Array.from({ length: 130 }, (_, index) => `id${index}`);
  for (const id of ids) acks.add(one, id);
  acks.add(two, "other");
  assertEquals(frames, [], "not in the middle of the turn");
  await settle();
  assertEquals(frames, [
    [one, ids.slice(0, 48)],
    [one, ids.slice(48, 96)],
    [one, ids.slice(96)],
    [two, ["other"]],
  ]);
  acks.add(one, "later");
  await settle();
  assertEquals(frames.at(-1), [one, ["later"]]);
});
