/**
 * The initiator: writes message 1, reads message 2, makes the session.
 *
 * @module
 * @see docs/PROTOCOL.md, "Sessions"
 */
import { wipe } from "../primitives/bytes.ts";
import type { CallTable } from "../bridge/calls.ts";
import { checkBytes, checkNumber } from "../primitives/checks.ts";
import type { CoreParts } from "../keyring/core_parts.ts";
import { establishSession } from "./established_session.ts";
import {
  checkMessage,
  checkRecordText,
  checkSuccession,
  fail,
  halfFor,
} from "./handshake_checks.ts";
import { decodeMessage2, encodeMessage1, isHybrid } from "./handshake_payload.ts";
import { openPeerToken } from "../pairs/half_tokens.ts";
import { deriveMaterial, type SessionMaterial, wipeMaterial } from "./session_material.ts";
import { sessionPrologue } from "./session_prologue.ts";
import { InitiatorHandshake } from "./waiting_handshake.ts";
import {
  CryptoError,
  type EstablishedSession,
  type KeyRef,
  type ReadAnswer,
} from "../interface.ts";
import { NoiseKey } from "../keyring/keyring.ts";
import { HandshakeState } from "../primitives/noise.ts";

export async function startHandshake(
  parts: CoreParts,
  options: Parameters<CallTable["startHandshake"]>[0],
): Promise<{ handshake: KeyRef; noise: Uint8Array }> {
  const { suite, record, succession } = options;
  const { key } = parts.ring.get(options.noiseKey, NoiseKey);
  const peerNoiseKey = new Uint8Array(checkBytes(options.peerNoiseKey, 32, "a noise key"));
  checkRecordText(record);
  checkSuccession(succession);
  const half = halfFor(parts, { ...options, role: "initiator" }).copy();
  const kem = isHybrid(suite) ? await parts.kem.generate() : null;
  const state = new HandshakeState(parts.noise, {
    pattern: "IK",
    role: "initiator",
    prologue: sessionPrologue(suite, half),
    staticKey: key,
    remoteStatic: peerNoiseKey,
    random: parts.random,
  });
  const handshake = new InitiatorHandshake({ suite, half, state, kemSecret: kem?.secret ?? null });
  const payload = encodeMessage1({
    token: half.token,
    kemKey: kem?.publicKey ?? null,
    record,
    succession,
  });
  try {
    const noise = state.writeMessage(payload);
    return { handshake: parts.ring.add(handshake), noise };
  } catch (error) {
    handshake.wipe();
    throw error;
  } finally {
    wipe(payload);
  }
}

export async function readAnswer(
  parts: CoreParts,
  options: Parameters<CallTable["readAnswer"]>[0],
): Promise<ReadAnswer> {
  const handshake = parts.ring.get(options.handshake, InitiatorHandshake);
  const { suite } = handshake;
  checkMessage(options.noise);
  const reading = ++handshake.readings;
  // What the peer wrote may be authentic and wrong: another answer must still be readable.
  const state = handshake.state.clone();
  // The handshake may be released, and its half wiped, while a module's method is at work.
  const half = handshake.half.copy();
  try {
    const payload = state.readMessage(options.noise);
    const answer = decodeMessage2(payload, suite);
    wipe(payload);
    const { record, lifeMs, next, kemCiphertext } = answer;
    if (!parts.permutations.serves(next.method)) fail("The next pairs' method is not in use here");
    // Before the token: its method may take a while, and the handshake's secrets may be wiped meanwhile.
    const kem = handshake.kemSecret === null || kemCiphertext === null
      ? new Uint8Array(32)
      : await parts.kem.decapsulate(handshake.kemSecret, kemCiphertext);
    const root = await openPeerToken(parts, half, answer.token) ??
      fail("The token is not the peer's of this pair");
    const secrets = { split: state.split(), root, kem };
    const material = await deriveMaterial(parts, { suite, half, next, secrets });
    keepAnswer(parts, options.handshake, { reading, material });
    return { record, lifeMs, next: { ...next } };
  } finally {
    state.wipe();
    half.wipe();
  }
}

/** @throws {CryptoError} `key_unknown` where the handshake was released meanwhile. */
function keepAnswer(
  parts: CoreParts,
  ref: KeyRef,
  answer: { reading: number; material: SessionMaterial },
): void {
  let unused: SessionMaterial | null = answer.material;
  try {
    const handshake = parts.ring.get(ref, InitiatorHandshake);
    const former = handshake.answer;
    if (former !== null && former.reading > answer.reading) return;
    handshake.answer = answer;
    unused = former?.material ?? null;
  } finally {
    wipeMaterial(unused);
  }
}

export function completeHandshake(
  parts: CoreParts,
  options: Parameters<CallTable["completeHandshake"]>[0],
): EstablishedSession {
  const { nowMs } = options;
  checkNumber(nowMs, "nowMs");
  const handshake = parts.ring.get(options.handshake, InitiatorHandshake);
  if (handshake.answer === null) {
    throw new CryptoError("bad_argument", "Expected a handshake whose answer was read");
  }
  const { half, answer: { material } } = handshake;
  parts.ring.take(options.handshake, InitiatorHandshake);
  handshake.answer = null;
  try {
    return establishSession(parts, { half, material, nowMs });
  } finally {
    handshake.wipe();
  }
}
