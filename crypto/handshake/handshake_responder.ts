/**
 * The responder: reads message 1, then writes message 2 and makes the session.
 *
 * @module
 * @see docs/PROTOCOL.md, "Sessions"
 */
import { wipe } from "../primitives/bytes.ts";
import type { CallTable } from "../bridge/calls.ts";
import { enc } from "../encoding.ts";
import type { CoreParts } from "../keyring/core_parts.ts";
import { establishSession } from "./established_session.ts";
import type { Half } from "../pairs/half.ts";
import { checkAccept, checkMessage, fail, halfFor } from "./handshake_checks.ts";
import { decodeMessage1, encodeMessage2 } from "./handshake_payload.ts";
import type { Hashes } from "../primitives/hashes.ts";
import { openPeerToken } from "../pairs/half_tokens.ts";
import { deriveMaterial } from "./session_material.ts";
import { sessionPrologue } from "./session_prologue.ts";
import { ResponderHandshake } from "./waiting_handshake.ts";
import { type AcceptedHandshake, CryptoError, type ReadHandshake } from "../interface.ts";
import { noiseKeysOf } from "../keyring/keyring.ts";
import { HandshakeState } from "../primitives/noise.ts";

/** What names a message 1. */
export function hashMessage1(
  hashes: Hashes,
  message: { suite: string; pairId: Uint8Array; noise: Uint8Array },
): Uint8Array {
  return hashes.sha256(enc(message.suite, message.pairId, message.noise));
}

/** Reads message 1 with whichever key it was sealed to. */
function readMessage1(
  parts: CoreParts,
  options: Parameters<CallTable["readHandshake"]>[0],
  half: Half,
): { state: HandshakeState; payload: Uint8Array } {
  const prologue = sessionPrologue(options.suite, half);
  for (const staticKey of noiseKeysOf(parts.ring, options.noiseKeys)) {
    const state = new HandshakeState(parts.noise, {
      pattern: "IK",
      role: "responder",
      prologue,
      staticKey,
      random: parts.random,
    });
    try {
      return { state, payload: state.readMessage(options.noise) };
    } catch (error) {
      state.wipe();
      if (!(error instanceof CryptoError && error.code === "handshake_failed")) throw error;
    }
  }
  return fail("The message does not open");
}

export function readHandshake(
  parts: CoreParts,
  options: Parameters<CallTable["readHandshake"]>[0],
): ReadHandshake {
  const { suite, noise } = options;
  const half = halfFor(parts, { ...options, role: "responder" });
  checkMessage(noise);
  const { state, payload } = readMessage1(parts, options, half);
  try {
    const { token, kemKey, record, succession } = decodeMessage1(payload, suite);
    const read = { suite, half: half.copy(), state, peerToken: token, kemKey };
    const hash = hashMessage1(parts.hashes, { suite, pairId: half.info.pairId, noise });
    const handshake = parts.ring.add(new ResponderHandshake(read));
    return { handshake, hash, staticKey: state.remoteStatic!, record, succession };
  } catch (error) {
    state.wipe();
    throw error;
  } finally {
    wipe(payload);
  }
}

export async function acceptHandshake(
  parts: CoreParts,
  options: Parameters<CallTable["acceptHandshake"]>[0],
): Promise<AcceptedHandshake> {
  checkAccept(parts, options);
  const { lifeMs, next, record, nowMs } = options;
  const handshake = parts.ring.take(options.handshake, ResponderHandshake);
  const { suite, half, state, kemKey } = handshake;
  try {
    const root = await openPeerToken(parts, half, handshake.peerToken) ??
      fail("The token is not the peer's of this pair");
    const kem = kemKey === null ? null : await parts.kem.encapsulate(kemKey);
    const payload = encodeMessage2({
      token: half.token,
      kemCiphertext: kem?.ciphertext ?? null,
      lifeMs,
      next,
      record,
    });
    const noise = state.writeMessage(payload);
    wipe(payload);
    const secrets = { split: state.split(), root, kem: kem?.shared ?? new Uint8Array(32) };
    const material = await deriveMaterial(parts, { suite, half, next, secrets });
    return { noise, ...establishSession(parts, { half, material, nowMs }) };
  } finally {
    handshake.wipe();
  }
}
