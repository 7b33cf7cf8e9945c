import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { OpenRedError } from "../../../protocol/errors.ts";
import type { PeerFrame } from "../../../modules/api.ts";
import { readMessage } from "../../../modules/messaging/headers.ts";
import { TwoSides } from "./two_sides.ts";

const RUN = "AAAAAAAAAAA";
const RUNS_OF_EACH = 20_000;
const AT_ONCE = 500;
const TYPES = ["text", "react", "remove", "read", "typing", "send"];
const NUMBERED = ["text", "react", "remove"];

/** Nearly right names: of this run or another one, numbers of any kind, or no name at all. */
const name = fc.oneof(
  fc.record({
    run: fc.constantFrom(RUN, "BBBBBBBBBBA", "x", "AAAAAAAAAAB", 5),
    n: fc.oneof(fc.integer({ min: -1, max: 5 }), fc.constantFrom(2 ** 53, 0.5, "1", null)),
    mine: fc.constantFrom(true, false, undefined, "yes"),
  }, { requiredKeys: [] }),
  fc.jsonValue(),
);

/** Headers whose members are right, nearly right, or anything. */
const right = fc.record({
  id: fc.stringMatching(/^[A-Za-z0-9_-]{1,12}$/),
  sent_at: fc.nat(),
  run: fc.constant(RUN),
  n: fc.integer({ min: 3, max: 9 }),
  edits: fc.record({ run: fc.constant(RUN), n: fc.integer({ min: 1, max: 5 }) }),
  to: fc.record({ run: fc.constant(RUN), n: fc.nat({ max: 5 }), mine: fc.boolean() }),
  removes: fc.record({ run: fc.constant(RUN), n: fc.integer({ min: 1, max: 5 }) }),
  upto: fc.record({ run: fc.constant(RUN), n: fc.integer({ min: 1, max: 5 }) }),
}, { requiredKeys: ["id", "run", "n"] });
const wild = fc.record({
  id: fc.oneof(fc.stringMatching(/^[A-Za-z0-9_-]{1,12}$/), fc.jsonValue()),
  message: fc.oneof(fc.stringMatching(/^[A-Za-z0-9_-]{1,12}$/), fc.jsonValue()),
  sent_at: fc.oneof(fc.integer({ min: 0 }), fc.jsonValue()),
  run: fc.oneof(fc.constant(RUN), fc.jsonValue()),
  n: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.jsonValue()),
  after: fc.oneof(fc.array(name, { maxLength: 10 }), fc.jsonValue()),
  reply_to: name,
  edits: name,
  to: name,
  removes: name,
  upto: name,
  expires_ms: fc.oneof(fc.integer({ min: 1_000, max: 10 ** 11 }), fc.jsonValue()),
  conversation: fc.jsonValue(),
  must: fc.oneof(fc.array(fc.string()), fc.jsonValue()),
}, { requiredKeys: [] });
const headers: fc.Arbitrary<Record<string, unknown>> = fc.oneof(right, wild);
const bodies = fc.oneof(
  fc.uint8Array({ maxLength: 80 }),
  fc.string({ maxLength: 20 }).map((text) => new TextEncoder().encode(text)),
);

Deno.test(`${RUNS_OF_EACH} random frames of each numbered type are read, or refused by a code`, () => {
  for (const type of NUMBERED) {
    let count = 0;
    fc.assert(
      fc.property(headers, bodies, (header, body) => {
        try {
          const whole = { ...header, type: `messaging.${type}` };
          const { n, target, run } = readMessage(whole.type, whole, body);
          count += 1;
          assert(target === null || /^[op]\.[A-Za-z0-9_-]{11}\.[1-9]\d*$/.test(target));
          assertEquals(run === null, n === null);
        } catch (error) {
          assert(error instanceof OpenRedError, String(error));
        }
      }),
      { numRuns: RUNS_OF_EACH },
    );
    assert(count > 0, `some ${type} is taken`);
  }
});

for (const type of ["read", "typing", "send"] as const) {
  Deno.test(`${RUNS_OF_EACH} random frames of ${type} are taken, or refused by a code`, async () => {
    using sides = await TwoSides.start();
    const { a, b } = sides;
    await b.send("from the node");
    const { frames, calls } = b.messaging.hosted.host.runs.get("messaging")!.registered;
    const take = (frame: PeerFrame): Promise<unknown> =>
      Promise.resolve(
        type === "send" ? calls.get(type)!(frame) : frames.get(type)!.receive(frame),
      );
    let taken = 0;
    const given = fc.sample(fc.tuple(headers, bodies), RUNS_OF_EACH);
    while (given.length > 0) {
      await Promise.all(
        given.splice(0, AT_ONCE).map(async ([header, body]) => {
          const message = header.message ?? header.id;
          const whole = { ...header, message, type: `messaging.${type}` };
          const rest = { id: undefined, body, isRequest: false };
          const frame: PeerFrame = { peer: a.id, type: whole.type, header: whole, ...rest };
          try {
            await take(frame);
            taken += 1;
          } catch (error) {
            assert(error instanceof OpenRedError, String(error));
            assert(error.code !== "internal", String(error));
          }
        }),
      );
    }
    assert(taken > 0, "some are taken");
    assertEquals((await b.history("&limit=1000")).length > 0, true);
  });
}

Deno.test("random frames of every type leave a conversation that can be read", async () => {
  using sides = await TwoSides.start();
  const { a, b } = sides;
  await b.send("from the node");
  const whatever = fc.tuple(fc.constantFrom(...TYPES), headers, bodies);
  for (const [type, header, body] of fc.sample(whatever, 600)) {
    const { id, ...rest } = header;
    const given = typeof id === "string" && /^[\w-]+$/.test(id) ? { id } : {};
    const frame = { type: `messaging.${type}`, ...given, header: { ...rest, ...given }, body };
    await b.messaging.hosted.take(a.id, frame).catch((error: unknown) => {
      assert(error instanceof OpenRedError, String(error));
      assert(error.code !== "internal", String(error));
    });
  }
  const messages = await b.history("&limit=1000");
  const inbox = await b.messaging.inbox();
  assertEquals(messages.length, inbox.length + 1);
  assertEquals(b.messaging.hosted.host.info("messaging").state, "running");
});
