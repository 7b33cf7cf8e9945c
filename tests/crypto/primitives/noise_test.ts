import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { createAeads } from "../../../crypto/primitives/aead.ts";
import { DhKey } from "../../../crypto/primitives/curves.ts";
import { encodeUtf8 } from "../../../crypto/encoding.ts";
import { Hashes } from "../../../crypto/primitives/hashes.ts";
import { CryptoError } from "../../../crypto/interface.ts";
import {
  CipherState,
  type HandshakeOptions,
  HandshakeState,
  type NoisePrimitives,
} from "../../../crypto/primitives/noise.ts";
import { fromHex, readSharedVectors, repeated, toHex } from "../../vectors/read_vectors.ts";

const { chacha20Poly1305 } = createAeads();
const primitives: NoisePrimitives = { hashes: await Hashes.create(), chacha20Poly1305 };
const EMPTY = new Uint8Array(0);

interface NoiseVector {
  protocol_name: string;
  init_prologue: string;
  init_static: string;
  init_ephemeral: string;
  init_remote_static: string;
  resp_prologue: string;
  resp_static: string;
  resp_ephemeral?: string;
  handshake_hash: string;
  messages: { payload: string; ciphertext: string }[];
}
const noiseVectors = readSharedVectors<{ vectors: NoiseVector[] }>("noise.json");

function sidesOf(vector: NoiseVector): [HandshakeState, HandshakeState] {
  const pattern = vector.protocol_name.split("_")[1] as "IK" | "X";
  const initiator = new HandshakeState(primitives, {
    pattern,
    role: "initiator",
    prologue: fromHex(vector.init_prologue),
    staticKey: DhKey.fromPrivate(fromHex(vector.init_static)),
    remoteStatic: fromHex(vector.init_remote_static),
    random: () => fromHex(vector.init_ephemeral),
  });
  const responder = new HandshakeState(primitives, {
    pattern,
    role: "responder",
    prologue: fromHex(vector.resp_prologue),
    staticKey: DhKey.fromPrivate(fromHex(vector.resp_static)),
    random: () => fromHex(vector.resp_ephemeral ?? ""),
  });
  return [initiator, responder];
}

for (const name of ["Noise_IK_25519_ChaChaPoly_SHA256", "Noise_X_25519_ChaChaPoly_SHA256"]) {
  Deno.test({
    name: `HandshakeState passes the public vector of ${name}, transport messages included`,
    ignore: noiseVectors === null,
    fn() {
      const vector = noiseVectors!.vectors.find((each) => each.protocol_name === name)!;
      const [initiator, responder] = sidesOf(vector);
      const isOneWay = name.startsWith("Noise_X_");
      const handshake = vector.messages.splice(0, isOneWay ? 1 : 2);
      for (const [i, { payload, ciphertext }] of handshake.entries()) {
        const [writer, reader] = i === 0 ? [initiator, responder] : [responder, initiator];
        const message = writer.writeMessage(fromHex(payload));
        assertEquals(toHex(message), ciphertext);
        assertEquals(toHex(reader.readMessage(message)), payload);
      }
      assertEquals(
        responder.remoteStatic,
        DhKey.fromPrivate(fromHex(vector.init_static)).publicKey,
      );
      assertTransport({ initiator, responder, vector, isOneWay });
    },
  });
}

function assertTransport(
  { initiator, responder, vector, isOneWay }: {
    initiator: HandshakeState;
    responder: HandshakeState;
    vector: NoiseVector;
    isOneWay: boolean;
  },
): void {
  const keys = initiator.split();
  assertEquals(responder.split(), keys);
  assertEquals(toHex(keys.handshakeHash), vector.handshake_hash);
  const sending = [keys.k1, keys.k2].map((k) => new CipherState(chacha20Poly1305, k.slice()));
  const receiving = [keys.k1, keys.k2].map((k) => new CipherState(chacha20Poly1305, k.slice()));
  for (const [i, { payload, ciphertext }] of vector.messages.entries()) {
    const direction = isOneWay ? 0 : i % 2;
    const sealed = sending[direction]!.encryptWithAd(EMPTY, fromHex(payload));
    assertEquals(toHex(sealed), ciphertext);
    assertEquals(toHex(receiving[direction]!.decryptWithAd(EMPTY, sealed)), payload);
  }
}

const staticA = DhKey.fromPrivate(repeated(0x11));
const staticB = DhKey.fromPrivate(repeated(0x22));

function pairOf(
  overrides: { a?: Partial<HandshakeOptions>; b?: Partial<HandshakeOptions> } = {},
): [HandshakeState, HandshakeState] {
  const common = { pattern: "IK", prologue: encodeUtf8("prologue") } as const;
  const a = new HandshakeState(primitives, {
    ...common,
    role: "initiator",
    staticKey: staticA,
    remoteStatic: staticB.publicKey,
    random: () => repeated(0x33),
    ...overrides.a,
  });
  const b = new HandshakeState(primitives, {
    ...common,
    role: "responder",
    staticKey: staticB,
    random: () => repeated(0x44),
    ...overrides.b,
  });
  return [a, b];
}

function assertHandshakeFailed(work: () => unknown): void {
  assertEquals(assertThrows(work, CryptoError).code, "handshake_failed");
}

Deno.test("readMessage() that fails changes nothing: the genuine message still opens", () => {
  const flip = fc.tuple(fc.nat(), fc.nat(7));
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), flip, (payload, [at, bit]) => {
      const forge = (message: Uint8Array) => {
        const forged = message.slice();
        forged[at % forged.length]! ^= 1 << bit;
        return forged;
      };
      const [a, b] = pairOf();
      const first = a.writeMessage(payload);
      assertHandshakeFailed(() => b.readMessage(forge(first)));
      assertEquals(b.remoteStatic, null);
      assertEquals(b.readMessage(first), payload);
      const second = b.writeMessage(payload);
      const before = a.handshakeHash;
      assertHandshakeFailed(() => a.readMessage(forge(second)));
      assertEquals(a.handshakeHash, before);
      assertEquals(a.readMessage(second), payload);
      assertEquals(a.split(), b.split());
    }),
    { numRuns: 60 },
  );
});

Deno.test("readMessage() refuses every truncation and what is too long", () => {
  const [a, b] = pairOf();
  const message = a.writeMessage(encodeUtf8("hello"));
  for (let length = 0; length < message.length; length++) {
    assertHandshakeFailed(() => b.readMessage(message.subarray(0, length)));
  }
  assertHandshakeFailed(() => b.readMessage(new Uint8Array(65_536)));
  assertEquals(b.readMessage(message), encodeUtf8("hello"));
});

Deno.test("readMessage() refuses another prologue, another responder and another pattern", () => {
  const others: Partial<HandshakeOptions>[] = [
    { prologue: encodeUtf8("other") },
    { staticKey: DhKey.fromPrivate(repeated(0x55)) },
    { pattern: "X" },
  ];
  for (const b of others) {
    const [initiator, responder] = pairOf({ b });
    const message = initiator.writeMessage(EMPTY);
    assertHandshakeFailed(() => responder.readMessage(message));
  }
});

Deno.test("a low-order key ends the handshake on either side", () => {
  const [a] = pairOf({ a: { remoteStatic: new Uint8Array(32) } });
  assertHandshakeFailed(() => a.writeMessage(EMPTY));
  assertThrows(() => a.writeMessage(EMPTY), TypeError);
  const [, b] = pairOf();
  const message = new Uint8Array(96);
  message[0] = 1;
  assertHandshakeFailed(() => b.readMessage(message));
});

Deno.test("writeMessage() takes the largest payload and refuses one more byte", () => {
  const largest = 65_535 - 96;
  const [a, b] = pairOf();
  assertThrows(() => a.writeMessage(new Uint8Array(largest + 1)), RangeError);
  const message = a.writeMessage(new Uint8Array(largest));
  assertEquals(message.length, 65_535);
  assertEquals(b.readMessage(message).length, largest);
});

Deno.test("HandshakeState refuses calls out of turn", () => {
  const [a, b] = pairOf();
  assertThrows(() => b.writeMessage(EMPTY), TypeError);
  assertThrows(() => a.readMessage(new Uint8Array(96)), TypeError);
  assertThrows(() => a.split(), TypeError);
  a.writeMessage(EMPTY);
  assertThrows(() => a.writeMessage(EMPTY), TypeError);
  assertEquals(a.isComplete, false);
  const { k1, k2 } = completed();
  assert(toHex(k1) !== toHex(k2));
});

function completed(): { k1: Uint8Array; k2: Uint8Array } {
  const [a, b] = pairOf();
  b.readMessage(a.writeMessage(EMPTY));
  a.readMessage(b.writeMessage(EMPTY));
  assert(a.isComplete && b.isComplete);
  const keys = a.split();
  assertThrows(() => a.split(), TypeError);
  return keys;
}

Deno.test("an initiator has to name the responder's key", () => {
  const options = {
    pattern: "IK",
    role: "initiator",
    prologue: EMPTY,
    staticKey: staticA,
    random: () => repeated(1),
  } as const;
  assertThrows(() => new HandshakeState(primitives, options), TypeError);
  assertThrows(
    () => new HandshakeState(primitives, { ...options, remoteStatic: repeated(1, 31) }),
    TypeError,
  );
});
