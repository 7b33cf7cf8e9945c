import { assertEquals, assertRejects } from "@std/assert";
import { LocalCryptoCore } from "../../../crypto/core.ts";
import { encodeBase64Url, encodeUtf8 } from "../../../crypto/encoding.ts";
import { CryptoError, type KeyRef, type Suite } from "../../../crypto/interface.ts";
import { createNobleKem } from "../../../crypto/primitives/mlkem.ts";
import {
  createIk,
  createKnownNode,
  envelopeMembers,
  ISSUED_AT,
  type KnownNode,
  makeTokens,
  PAIR_ID,
  sealEnvelope,
} from "./forged_payloads.ts";

const HYBRID = "ik-x25519-mlkem768";
const PLAIN = "ik-x25519";
const NEXT = { method: "beta", issued_at: ISSUED_AT };

const core = await LocalCryptoCore.create();
const directory = await createKnownNode(core, 3);
const a = await createKnownNode(core, 1);
const b = await createKnownNode(core, 2);
const issuer = directory.keys.nodeId;
const tokens = makeTokens({ issuer, a, b });
const kem = createNobleKem((length) => crypto.getRandomValues(new Uint8Array(length)));
const { publicKey: kemKey } = await kem.generate();

async function openHalf(node: KnownNode, role: "initiator" | "responder"): Promise<KeyRef> {
  const peer = node === a ? b : a;
  const payload = JSON.stringify(envelopeMembers({ tokens, role, peer: peer.record }));
  const opened = await core.openEnvelope({
    noiseKeys: [node.keys.noiseKeys[0]!.key],
    directoryNoiseKey: directory.dh.publicKey,
    directoryId: issuer,
    nodeId: node.keys.nodeId,
    pairId: PAIR_ID,
    noise: sealEnvelope({ from: directory, to: node, payload }),
  });
  return opened.half;
}

const halfA = await openHalf(a, "initiator");
const halfB = await openHalf(b, "responder");

const honest1 = {
  token: encodeBase64Url(tokens.tokenA),
  kem_key: encodeBase64Url(kemKey),
  record: a.record,
};

/** Reads a message 1 with this payload, and accepts it. */
async function shakeMessage1(
  members: Record<string, unknown>,
  suite: Suite = HYBRID,
): Promise<{ read: () => Promise<KeyRef>; accept: () => Promise<unknown> }> {
  const state = createIk({ suite, role: "initiator", issuer, a, b });
  const noise = state.writeMessage(encodeUtf8(JSON.stringify(members)));
  const noiseKeys = [b.keys.noiseKeys[0]!.key];
  const read = async () => {
    const { handshake } = await core.readHandshake({ noiseKeys, suite, half: halfB, noise });
    return handshake;
  };
  const accept = async () =>
    core.acceptHandshake({
      handshake: await read(),
      record: b.record,
      lifeMs: 60_000,
      next: { method: "beta", issuedAt: ISSUED_AT },
      nowMs: 0,
    });
  return await Promise.resolve({ read, accept });
}

async function assertFails(work: () => Promise<unknown>): Promise<void> {
  const error = await assertRejects(work, CryptoError);
  assertEquals(error.code, "handshake_failed");
}

Deno.test("readHandshake() ignores what it does not know, unless it must", async () => {
  await (await shakeMessage1({ ...honest1, later: 1, must: ["kem_key"] })).accept();
  await assertFails((await shakeMessage1({ ...honest1, must: ["later"] })).read);
});

Deno.test("readHandshake() refuses members of a wrong form", async () => {
  const wrong = {
    token: [undefined, "", "AAAA", 1, `${honest1.token}=`],
    kem_key: [undefined, "", encodeBase64Url(kemKey.subarray(1)), `${honest1.kem_key}A`, null],
    record: [undefined, "", 1, "x".repeat(2049)],
    succession: [null, 1, "", "x".repeat(2049)],
  };
  for (const [name, values] of Object.entries(wrong)) {
    for (const value of values) {
      await assertFails((await shakeMessage1({ ...honest1, [name]: value })).read);
    }
  }
});

Deno.test("acceptHandshake() refuses a token that is not the peer's of this pair", async () => {
  for (const token of [tokens.tokenB, tokens.root, tokens.check, new Uint8Array(32)]) {
    const attempt = await shakeMessage1({ ...honest1, token: encodeBase64Url(token) });
    await attempt.read();
    await assertFails(attempt.accept);
  }
});

Deno.test("acceptHandshake() refuses an ML-KEM key outside its modulus", async () => {
  const outside = kemKey.slice();
  outside[0] = 0xff;
  outside[1]! |= 0x0f;
  const attempt = await shakeMessage1({ ...honest1, kem_key: encodeBase64Url(outside) });
  await attempt.read();
  await assertFails(attempt.accept);
});

Deno.test("with ik-x25519 no ML-KEM member is read", async () => {
  const { token, record } = honest1;
  await (await shakeMessage1({ token, record }, PLAIN)).accept();
  await (await shakeMessage1({ token, record, kem_key: 5 }, PLAIN)).accept();
});

/** Answers an honest message 1 with any payload, as somebody with b's keys could. */
async function answerWith(
  change: (token: string) => Record<string, unknown>,
  suite: Suite = PLAIN,
): Promise<{ handshake: KeyRef; read: () => Promise<unknown> }> {
  const { handshake, noise } = await core.startHandshake({
    noiseKey: a.keys.noiseKeys[0]!.key,
    peerNoiseKey: b.dh.publicKey,
    suite,
    half: halfA,
    record: a.record,
  });
  const state = createIk({ suite, role: "responder", issuer, a, b });
  state.readMessage(noise);
  const members = change(encodeBase64Url(tokens.tokenB));
  const answer = state.writeMessage(encodeUtf8(JSON.stringify(members)));
  return { handshake, read: () => core.readAnswer({ handshake, noise: answer }) };
}

Deno.test("readAnswer() checks every member of an authentic answer", async () => {
  const honest = { life_ms: 60_000, next: NEXT, record: b.record };
  await (await answerWith((token) => ({ ...honest, token, later: 1 }))).read();
  const wrong: readonly Record<string, unknown>[] = [
    { token: encodeBase64Url(tokens.tokenA) },
    { token: undefined },
    { life_ms: 59_999 },
    { life_ms: 86_400_001 },
    { life_ms: 60_000.5 },
    { life_ms: "60000" },
    { next: undefined },
    { next: { ...NEXT, method: "epsilon" } },
    { next: { ...NEXT, issued_at: -1 } },
    { next: { ...NEXT, issued_at: 2 ** 53 - 1 } },
    { next: { ...NEXT, must: ["later"] } },
    { next: [] },
    { record: "" },
    { record: "x".repeat(2049) },
    { must: ["later"] },
  ];
  for (const change of wrong) {
    const { read } = await answerWith((token) => ({ ...honest, token, ...change }));
    await assertFails(read);
  }
  const hybrid = await answerWith((token) => ({ ...honest, token }), HYBRID);
  await assertFails(hybrid.read);
});

Deno.test("readAnswer() goes on waiting after an authentic answer that does not hold", async () => {
  const { handshake, noise } = await core.startHandshake({
    noiseKey: a.keys.noiseKeys[0]!.key,
    peerNoiseKey: b.dh.publicKey,
    suite: PLAIN,
    half: halfA,
    record: a.record,
  });
  const state = createIk({ suite: PLAIN, role: "responder", issuer, a, b });
  state.readMessage(noise);
  const bad = state.writeMessage(encodeUtf8("{}"));
  await assertFails(() => core.readAnswer({ handshake, noise: bad }));
  const noiseKeys = [b.keys.noiseKeys[0]!.key];
  const read = await core.readHandshake({ noiseKeys, suite: PLAIN, half: halfB, noise });
  const accepted = await core.acceptHandshake({
    handshake: read.handshake,
    record: b.record,
    lifeMs: 60_000,
    next: { method: "beta", issuedAt: ISSUED_AT },
    nowMs: 0,
  });
  await core.readAnswer({ handshake, noise: accepted.noise });
  const session = await core.completeHandshake({ handshake, nowMs: 0 });
  assertEquals(session.sessionId, accepted.sessionId);
});

Deno.test("startHandshake() refuses peers' keys of low order", async () => {
  await assertFails(() =>
    core.startHandshake({
      noiseKey: a.keys.noiseKeys[0]!.key,
      peerNoiseKey: new Uint8Array(32),
      suite: PLAIN,
      half: halfA,
      record: a.record,
    })
  );
});
