import { assert, assertEquals, assertNotEquals } from "@std/assert";
import fc from "fast-check";
import { type Aead, createAeads } from "../../../crypto/primitives/aead.ts";
import { Hashes } from "../../../crypto/primitives/hashes.ts";
import { CRYPTO_METHODS } from "../../../crypto/interface.ts";
import { SessionCipher } from "../../../crypto/session/session_cipher.ts";
import { repeated } from "../../vectors/read_vectors.ts";

const HOUR_MS = 3_600_000;
const HOURS = 48;
/** How long a receiver opens frames of a step after the first one of a later step. */
const LATE_MS = 120_000;
const HEADER = '{"type":"chat.text"}';
const hashes = await Hashes.create();

/** The keys the AEAD was called with, themselves and not as copies. */
interface Watched {
  readonly keys: Set<Uint8Array>;
  /** What HMAC was called with and what it gave: the chains and the traffic keys of both directions. */
  readonly secrets: Set<Uint8Array>;
}

function watch(aead: Aead, watched: Watched): Aead {
  return {
    ...aead,
    sealInPlace: (key, nonce, aad, text) => {
      watched.keys.add(key);
      aead.sealInPlace(key, nonce, aad, text);
    },
    open: (key, nonce, aad, sealed) => {
      watched.keys.add(key);
      return aead.open(key, nonce, aad, sealed);
    },
  };
}

function createSide(role: "sender" | "receiver", method: string) {
  const watched: Watched = { keys: new Set(), secrets: new Set() };
  const aeads = { chacha20Poly1305: watch(createAeads().chacha20Poly1305, watched) };
  const watchedHashes = {
    hmacSha256: (chain: Uint8Array, ...parts: Uint8Array[]) => {
      const mac = hashes.hmacSha256(chain, ...parts);
      watched.secrets.add(chain).add(mac);
      return mac;
    },
  } as unknown as Hashes;
  const [sendChain, receiveChain] = role === "sender"
    ? [repeated(0x11), repeated(0x22)]
    : [repeated(0x22), repeated(0x11)];
  const start = { sessionId: repeated(0x33, 16), method, nowMs: 0, sendChain, receiveChain };
  return { session: new SessionCipher({ hashes: watchedHashes, aeads }, start), watched };
}

function seal(session: SessionCipher, nowMs: number): Uint8Array {
  const body = new Uint8Array([1, 2, 3]);
  const messages = [{ header: HEADER, body }];
  return session.seal({ nowMs, mayStep: true, messages, padding: 0 }).frame;
}

function countLive(secrets: ReadonlySet<Uint8Array>): number {
  return [...secrets].filter((secret) => secret.some((byte) => byte !== 0)).length;
}

/** The keys that are still there to be read. */
function liveKeys({ keys }: Watched): number {
  return countLive(keys);
}

/** Chains and traffic keys that are still there to be read; a session at rest has two of each. */
function liveSecrets({ secrets }: Watched): number {
  return countLive(secrets);
}

for (const method of [...CRYPTO_METHODS, "spiral"]) {
  Deno.test(`SessionCipher wipes spent keys for 48 hours with ${method}`, () => {
    const { session: sender, watched: sending } = createSide("sender", method);
    const { session: receiver, watched: receiving } = createSide("receiver", method);
    const late = (frame: Uint8Array, nowMs: number) => receiver.open({ frame, nowMs }).outcome;
    for (let step = 0; step < HOURS; step++) {
      const nowMs = step * HOUR_MS;
      assertEquals(late(seal(sender, nowMs), nowMs), "opened");
      const [inTime, tooLate] = [seal(sender, nowMs + 1), seal(sender, nowMs + 2)];
      assertEquals(new DataView(inTime.buffer).getUint32(1 + 16), step);
      assertEquals(liveKeys(sending), 1, "the sender has one traffic key");
      const nextMs = nowMs + HOUR_MS;
      const ahead = seal(sender, nextMs);
      assertEquals(late(ahead, nextMs), "opened", "overtakes what is still under way");
      assertEquals(late(inTime, nextMs + LATE_MS - 1), "opened");
      assertEquals(liveKeys(receiving), 2, "the receiver has the old key and the new one");
      assertEquals(late(tooLate, nextMs + LATE_MS), "refused");
      assertEquals(late(ahead, nextMs + LATE_MS), "repeat");
      assertEquals(liveKeys(receiving), 1, "the old key is wiped");
      assertEquals([liveSecrets(sending), liveSecrets(receiving)], [4, 4]);
    }
    sender.wipe();
    receiver.wipe();
    assertEquals([liveKeys(sending), liveKeys(receiving)], [0, 0]);
    assertEquals([liveSecrets(sending), liveSecrets(receiving)], [0, 0]);
  });
}

Deno.test("SessionCipher.open() leaves no key of a forged step, and no chain it went through", () => {
  const { session: sender } = createSide("sender", "alpha");
  const { session: receiver, watched } = createSide("receiver", "alpha");
  const frames = Array.from({ length: 6 }, (_, step) => seal(sender, step * HOUR_MS));
  const forged = frames[5]!.slice();
  forged[forged.length - 1]! ^= 1;
  assertEquals(receiver.open({ nowMs: 0, frame: forged }).outcome, "refused");
  assertEquals([liveKeys(watched), liveSecrets(watched)], [0, 4]);
  assertEquals(receiver.open({ nowMs: 0, frame: frames[5]! }).outcome, "opened");
  receiver.wipeSpentKeys(LATE_MS);
  assertEquals([liveKeys(watched), liveSecrets(watched)], [1, 4]);
});

Deno.test("SessionCipher.seal() wipes spent receiving keys as well", () => {
  const { session: sender } = createSide("sender", "alpha");
  const { session: receiver, watched } = createSide("receiver", "alpha");
  receiver.open({ nowMs: 0, frame: seal(sender, 0) });
  receiver.open({ nowMs: HOUR_MS, frame: seal(sender, HOUR_MS) });
  watched.keys.delete([...watched.keys].at(-1)!);
  const body = new Uint8Array();
  const nowMs = HOUR_MS + LATE_MS;
  receiver.seal({ nowMs, mayStep: false, messages: [{ header: HEADER, body }], padding: 0 });
  assertEquals(liveKeys(watched), 1, "the sending key alone");
});

Deno.test("SessionCipher.wipeSpentKeys() wipes two minutes after a later step, without another frame", () => {
  const { session: sender } = createSide("sender", "alpha");
  const { session: receiver, watched } = createSide("receiver", "alpha");
  receiver.open({ nowMs: 0, frame: seal(sender, 0) });
  receiver.open({ nowMs: HOUR_MS, frame: seal(sender, HOUR_MS) });
  receiver.wipeSpentKeys(HOUR_MS + LATE_MS - 1);
  assertEquals(liveKeys(watched), 2);
  receiver.wipeSpentKeys(HOUR_MS + LATE_MS);
  assertEquals(liveKeys(watched), 1);
});

Deno.test("SessionCipher.open() takes frames of all steps in any order until two minutes after a later step", () => {
  const orders = fc.shuffledSubarray(Array.from({ length: HOURS }, (_, step) => step), {
    minLength: HOURS,
    maxLength: HOURS,
  });
  fc.assert(
    fc.property(fc.constantFrom(...CRYPTO_METHODS), orders, (method, order) => {
      const { session: sender } = createSide("sender", method);
      const { session: receiver, watched } = createSide("receiver", method);
      const frames = Array.from({ length: HOURS }, (_, step) => seal(sender, step * HOUR_MS));
      for (const [index, step] of order.entries()) {
        // All within the two minutes of the first.
        const { outcome } = receiver.open({ nowMs: index * 1_000, frame: frames[step]! });
        assertEquals(outcome, "opened");
      }
      for (const [step, frame] of frames.entries()) {
        const { outcome } = receiver.open({ nowMs: HOUR_MS, frame });
        assertEquals(outcome, step === HOURS - 1 ? "repeat" : "refused");
      }
      assertEquals(liveKeys(watched), 1);
    }),
    { numRuns: 20 },
  );
});

Deno.test("SessionCipher never seals two steps under one key", () => {
  const { session, watched } = createSide("sender", "alpha");
  const copies = new Set<string>();
  for (let step = 0; step < HOURS; step++) {
    seal(session, step * HOUR_MS);
    const [live, ...others] = [...watched.keys].filter((key) => key.some((byte) => byte !== 0));
    assert(live !== undefined && others.length === 0);
    copies.add(live.join());
  }
  assertEquals(copies.size, HOURS);
  assertNotEquals([...copies][0], [...copies][1]);
});
