import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { createAeads } from "../../../crypto/primitives/aead.ts";
import { Hashes } from "../../../crypto/primitives/hashes.ts";
import { CRYPTO_METHODS } from "../../../crypto/interface.ts";
import { SessionCipher } from "../../../crypto/session/session_cipher.ts";
import { repeated } from "../../vectors/read_vectors.ts";

const HOUR_MS = 3_600_000;
const HEADER = '{"type":"chat.text"}';
const parts = { hashes: await Hashes.create(), aeads: createAeads() };

function createSides(method: string): { sender: SessionCipher; receiver: SessionCipher } {
  const start = { sessionId: repeated(0x33, 16), method, nowMs: 0 };
  const [one, other] = [() => repeated(0x11), () => repeated(0x22)];
  return {
    sender: new SessionCipher(parts, { ...start, sendChain: one(), receiveChain: other() }),
    receiver: new SessionCipher(parts, { ...start, sendChain: other(), receiveChain: one() }),
  };
}

function seal(session: SessionCipher, nowMs: number, body = new Uint8Array([1, 2, 3])): Uint8Array {
  const messages = [{ header: HEADER, body }];
  return session.seal({ nowMs, mayStep: true, messages, padding: 0 }).frame;
}

const methods = fc.constantFrom(...CRYPTO_METHODS, "spiral");

Deno.test("a forged step, counter, tag or length changes no state", () => {
  const forgeries = fc.array(
    fc.oneof(
      fc.record({ at: fc.integer({ min: 17, max: 28 }), xor: fc.integer({ min: 1, max: 255 }) }),
      fc.record({ at: fc.integer({ min: 0, max: 70 }), xor: fc.integer({ min: 1, max: 255 }) }),
      fc.record({ cut: fc.integer({ min: 0, max: 70 }) }),
    ),
    { minLength: 1, maxLength: 20 },
  );
  fc.assert(
    fc.property(methods, forgeries, fc.integer({ min: 0, max: 3 }), (method, list, steps) => {
      const { sender, receiver } = createSides(method);
      for (let step = 1; step < steps; step++) seal(sender, step * HOUR_MS);
      const frame = seal(sender, steps * HOUR_MS);
      for (const forgery of list) {
        const forged = "cut" in forgery
          ? frame.slice(0, Math.min(forgery.cut, frame.length - 1))
          : frame.slice();
        if ("at" in forgery) {
          const at = forgery.at % frame.length;
          forged[at]! ^= forgery.xor;
        }
        assertEquals(receiver.open({ nowMs: 0, frame: forged }), { outcome: "refused" });
      }
      assertEquals(receiver.open({ nowMs: 0, frame }).outcome, "opened");
      assertEquals(receiver.open({ nowMs: 0, frame }).outcome, "repeat");
    }),
  );
});

Deno.test("frames open once each, in any order inside the window", () => {
  const orders = fc.integer({ min: 1, max: 60 }).chain((count) =>
    fc.tuple(
      fc.shuffledSubarray(Array.from({ length: count }, (_, at) => at), {
        minLength: count,
        maxLength: count,
      }),
      fc.array(fc.integer({ min: 0, max: count - 1 }), { maxLength: 20 }),
      fc.array(fc.integer({ min: 1, max: 80 }), { minLength: count, maxLength: count }),
    )
  );
  fc.assert(fc.property(methods, orders, (method, [order, repeats, minutes]) => {
    const { sender, receiver } = createSides(method);
    let nowMs = 0;
    const frames = order.map((_, at) => seal(sender, nowMs += minutes[at]! * 60_000));
    for (const at of order) {
      assertEquals(receiver.open({ nowMs: 0, frame: frames[at]! }).outcome, "opened");
    }
    for (const at of repeats) {
      const repeat = receiver.open({ nowMs: 0, frame: frames[at]! });
      assertEquals(repeat.outcome, "repeat");
    }
  }));
});

Deno.test("a frame that fell out of the window is dropped", () => {
  fc.assert(
    fc.property(methods, fc.integer({ min: 0, max: 200 }), (method, extra) => {
      const { sender, receiver } = createSides(method);
      const late = seal(sender, 0);
      for (let sent = 0; sent < 1023 + extra; sent++) seal(sender, 0);
      const latest = seal(sender, 0);
      assertEquals(receiver.open({ nowMs: 0, frame: latest }).outcome, "opened");
      assertEquals(receiver.open({ nowMs: 0, frame: late }), { outcome: "dropped" });
    }),
    { numRuns: 10 },
  );
});

Deno.test("open() gives back exactly what seal() took", () => {
  const message = fc.record({
    header: fc.string({ unit: "grapheme" }).map((type) => JSON.stringify({ type })),
    body: fc.uint8Array({ maxLength: 3000 }).map((body) => new Uint8Array(body)),
  });
  const inputs = fc.record({
    messages: fc.array(message, { minLength: 1, maxLength: 64 }),
    padding: fc.integer({ min: 0, max: 500 }),
  });
  fc.assert(fc.property(methods, inputs, (method, { messages, padding }) => {
    const { sender, receiver } = createSides(method);
    const { frame } = sender.seal({ nowMs: 0, mayStep: false, messages, padding });
    const [first, ...more] = messages;
    const rest = more.length === 0 ? {} : { more };
    const expected = { outcome: "opened", ...first, ...rest, step: 0, counter: 0 };
    assertEquals<unknown>(receiver.open({ nowMs: 0, frame }), expected);
  }));
});
