/**
 * Frames of groups whose members are right, nearly right, or anything, from somebody who is in the group.
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { PeerFrame } from "../../../../modules/api.ts";
import { MESSAGING_MANIFEST } from "../../../../modules/messaging/manifest.ts";
import { OpenRedError } from "../../../../protocol/errors.ts";
import { alter, forgeMessage, RUN } from "./forging.ts";
import { GroupWorld } from "./group_world.ts";

const RUNS_OF_EACH = 20_000;
const AT_ONCE = 500;
const TYPES = MESSAGING_MANIFEST.frames.map(({ type }) => type)
  .filter((type) => type.startsWith("group_"));

const json = fc.oneof(fc.constant(null), fc.jsonValue());

/** What comes of a group, with some that are right. */
function framesOf(group: string, texts: readonly string[], people: readonly string[]) {
  const number = fc.oneof(fc.integer({ min: -1, max: 5 }), fc.constantFrom(2 ** 53, 0.5, "1"));
  const ranges = fc.array(fc.tuple(number, number), { maxLength: 3 });
  const entry = fc.record({
    id: fc.oneof(fc.constantFrom(...people), json),
    run: fc.constantFrom(RUN, "BBBBBBBBBBA", "x", 5),
    held: fc.oneof(ranges, json),
    never: fc.oneof(ranges, json),
    top: fc.oneof(fc.constant(group), json),
  }, { requiredKeys: ["id", "run"] });
  const told = fc.oneof(
    fc.record({ runs: fc.array(entry, { maxLength: 3 }) }),
    fc.record({ heads: fc.array(fc.record({ n: number, hash: fc.constantFrom(group, "x") })) }),
    json,
  ).map((value) => JSON.stringify(value) ?? "");
  const signed = fc.constantFrom(...texts);
  const header = fc.record({
    group: fc.oneof({ weight: 8, arbitrary: fc.constant(group) }, { weight: 1, arbitrary: json }),
    message: fc.oneof(signed, fc.string(), json),
    salt: fc.oneof(fc.constant("CQkJCQkJCQkJCQkJCQkJCQ"), json),
    upto: fc.oneof(fc.record({ run: fc.constantFrom(RUN, "x"), n: number }), json),
    must: fc.oneof(fc.array(fc.string()), json),
  }, { requiredKeys: ["group"] });
  const body = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.oneof(told, signed, fc.string()).map((text) => new TextEncoder().encode(text)),
  );
  return fc.tuple(header, body);
}

for (const type of TYPES) {
  Deno.test(`${RUNS_OF_EACH} random frames of ${type} are taken, or refused by a code`, async () => {
    using world = await GroupWorld.start(2);
    const [a, b] = world.people;
    const group = await world.group();
    await a.send(group, "as it was");
    await world.deliver();
    const before = await a.show(group);
    const { message } = await forgeMessage(b, group);
    const texts = [message, alter(message, { n: 2 }), alter(message, { iss: a.id }), "a.b.c"];
    const frames = fc.sample(framesOf(group, texts, [a.id, b.id]), RUNS_OF_EACH);
    const { frames: handlers } = a.messaging.hosted.host.runs.get("messaging")!.registered;
    while (frames.length > 0) {
      await Promise.all(
        frames.splice(0, AT_ONCE).map(async ([given, body]) => {
          const header = { ...given, type: `messaging.${type}` };
          const rest = { id: undefined, body, isRequest: false };
          const frame: PeerFrame = { peer: b.id, type: header.type, header, ...rest };
          try {
            await handlers.get(type)!.receive(frame);
          } catch (error) {
            assert(error instanceof OpenRedError, String(error));
            assert(error.code !== "internal", String(error));
          }
        }),
      );
    }
    assertEquals(await a.show(group), { ...before, unread: (await a.show(group)).unread });
    assertEquals((await a.texts(group)).includes("as it was"), true);
  });
}
