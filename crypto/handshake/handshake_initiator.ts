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
import { checkRecordText, checkSuccession, halfFor } from "./handshake_checks.ts";
import { decodeMessage2, encodeMessage1, isHybrid } from "./handshake_payload.ts";
import {
  checkMessage,
  InitiatorHandshake,
  matchRoot,
  type Outcome,
  sessionPrologue,
  wipeOutcome,
} from "./handshake_state.ts";
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
  checkMessage(options.noise);
  const reading = ++handshake.readings;
  // What the peer wrote may be authentic and wrong: another answer must still be readable.
  const state = handshake.state.clone();
  try {
    const payload = state.readMessage(options.noise);
    const answer = decodeMessage2(payload, handshake.suite);
    wipe(payload);
    const { record, lifeMs, next, kemCiphertext } = answer;
    const root = matchRoot(parts, handshake.half, answer.token);
    const kem = handshake.kemSecret === null || kemCiphertext === null
      ? new Uint8Array(32)
      : await parts.kem.decapsulate(handshake.kemSecret, kemCiphertext);
    const outcome = { split: state.split(), root, kem, next };
    if (!parts.ring.has(options.handshake)) {
      wipeOutcome(outcome);
      throw new CryptoError("key_unknown", "The handshake was released");
    }
    keepAnswer(handshake, { reading, outcome });
    return { record, lifeMs, next: { ...next } };
  } finally {
    state.wipe();
  }
}

function keepAnswer(
  handshake: InitiatorHandshake,
  answer: { reading: number; outcome: Outcome },
): void {
  const former = handshake.answer;
  if (former !== null && former.reading > answer.reading) return wipeOutcome(answer.outcome);
  handshake.answer = answer;
  wipeOutcome(former?.outcome ?? null);
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
  const { suite, half, answer: { outcome } } = parts.ring.take(
    options.handshake,
    InitiatorHandshake,
  ) as InitiatorHandshake & { answer: { outcome: Outcome } };
  try {
    return establishSession(parts, { suite, half, outcome, nowMs });
  } finally {
    handshake.wipe();
  }
}
