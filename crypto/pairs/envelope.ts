/**
 * How an issuer makes a pair and seals each half to its node, and how a node opens its half.
 *
 * @module
 * @see docs/PROTOCOL.md, "Delivery"
 */
import { equalBytes, wipe } from "../primitives/bytes.ts";
import type { CallTable } from "../bridge/calls.ts";
import {
  checkByteArray,
  checkBytes,
  checkInteger,
  checkText,
  MAX_INSTANT_MS,
} from "../primitives/checks.ts";
import type { CoreParts } from "../keyring/core_parts.ts";
import type { DhKey } from "../primitives/curves.ts";
import { enc, encodeBase64Url, encodeUtf8, isNodeId } from "../encoding.ts";
import { Half, type HalfSecrets, halfSecretsOf } from "./half.ts";
import { CryptoError, type HalfInfo, type IssuedPair, type OpenedEnvelope } from "../interface.ts";
import { NoiseKey, noiseKeysOf } from "../keyring/keyring.ts";
import { isBuiltInMethod } from "./methods.ts";
import { HandshakeState } from "../primitives/noise.ts";
import { PayloadReader, peekIssuer } from "../primitives/payload_reader.ts";
import { generateAsymmetricTokens } from "./tokens.ts";

const PAIR_ID_BYTES = 16;
const SECRET_BYTES = 32;
const MAX_ENVELOPE_BYTES = 8 * 1024;
const MAX_ID_LENGTH = 64;
const MAX_METHOD_LENGTH = 64;
const MAX_RECORD_LENGTH = 2 * 1024;
const HOUR_MS = 3_600_000;
const PAIR_LIFE_MS = 300_000;

const MEMBERS = [
  "role",
  "token",
  "peer_salt",
  "check",
  "method",
  "epoch",
  "issued_at",
  "expires_at",
  "peer",
] as const;

type IssueOptions = Parameters<CallTable["issuePair"]>[0];
type OpenOptions = Parameters<CallTable["openEnvelope"]>[0];

function envelopePrologue(
  options: { directoryId: string; nodeId: string; pairId: Uint8Array },
): Uint8Array {
  return enc("openred/v3/envelope", options.directoryId, options.nodeId, options.pairId);
}

function checkIssue(options: IssueOptions): void {
  checkText(options.issuer, MAX_ID_LENGTH, "an issuer");
  if (!isBuiltInMethod(options.method)) {
    throw new CryptoError("bad_argument", "Expected one of the built-in methods");
  }
  checkInteger(options.epoch, MAX_INSTANT_MS, "an epoch");
  checkInteger(options.issuedAt, MAX_INSTANT_MS, "issuedAt");
  checkInteger(options.expiresAt, MAX_INSTANT_MS, "expiresAt");
  for (const node of [options.a, options.b]) {
    if (!isNodeId(node.id)) throw new CryptoError("bad_argument", "Expected a node id");
    checkBytes(node.noiseKey, 32, "a noise key");
    checkText(node.record, MAX_RECORD_LENGTH, "a record");
  }
}

/** The JSON that one node of a pair gets. */
function encodePayload(
  options: IssueOptions,
  half: HalfSecrets & { role: "initiator" | "responder"; peer: string },
): Uint8Array {
  return encodeUtf8(JSON.stringify({
    role: half.role,
    token: encodeBase64Url(half.token),
    peer_salt: encodeBase64Url(half.peerSalt),
    check: encodeBase64Url(half.check),
    method: options.method,
    epoch: options.epoch,
    issued_at: options.issuedAt,
    expires_at: options.expiresAt,
    peer: half.peer,
  }));
}

function sealEnvelope(
  parts: CoreParts,
  options: { key: DhKey; prologue: Uint8Array; nodeKey: Uint8Array; payload: Uint8Array },
): Uint8Array {
  const state = new HandshakeState(parts.noise, {
    pattern: "X",
    role: "initiator",
    prologue: options.prologue,
    staticKey: options.key,
    remoteStatic: options.nodeKey,
    random: parts.random,
  });
  try {
    return state.writeMessage(options.payload);
  } finally {
    state.wipe();
    wipe(options.payload);
  }
}

/**
 * Makes a pair: a fresh root, two tokens, two Noise X messages.
 * @throws {CryptoError} `bad_argument`; `handshake_failed` if a node's noise key is of low order.
 */
function issuePair(parts: CoreParts, options: IssueOptions): IssuedPair {
  const { key } = parts.ring.get(options.noiseKey, NoiseKey);
  checkIssue(options);
  const { issuer: directoryId, a, b } = options;
  const pairId = parts.random(PAIR_ID_BYTES);
  const secrets = {
    key: parts.random(SECRET_BYTES),
    saltA: parts.random(SECRET_BYTES),
    saltB: parts.random(SECRET_BYTES),
  };
  const tokens = generateAsymmetricTokens(parts.hashes, {
    ...options,
    pairId,
    idA: a.id,
    idB: b.id,
  }, secrets);
  const sealFor = (role: "initiator" | "responder"): Uint8Array => {
    const [node, peer] = role === "initiator" ? [a, b] : [b, a];
    const payload = encodePayload(options, {
      ...halfSecretsOf(tokens, role),
      role,
      peer: peer.record,
    });
    const prologue = envelopePrologue({ directoryId, nodeId: node.id, pairId });
    return sealEnvelope(parts, { key, prologue, nodeKey: node.noiseKey, payload });
  };
  try {
    return { pairId, noiseA: sealFor("initiator"), noiseB: sealFor("responder") };
  } finally {
    wipe(secrets.key, ...Object.values(tokens));
  }
}

/** Opens the Noise X message with whichever key it was sealed to, from the one sender expected. */
function openNoise(parts: CoreParts, options: OpenOptions): Uint8Array {
  const prologue = envelopePrologue(options);
  for (const staticKey of noiseKeysOf(parts.ring, options.noiseKeys)) {
    const state = new HandshakeState(parts.noise, {
      pattern: "X",
      role: "responder",
      prologue,
      staticKey,
      random: parts.random,
    });
    try {
      const payload = state.readMessage(options.noise);
      if (equalBytes(state.remoteStatic!, options.directoryNoiseKey)) return payload;
      wipe(payload);
    } catch (error) {
      if (!(error instanceof CryptoError && error.code === "handshake_failed")) throw error;
    } finally {
      state.wipe();
    }
  }
  throw new CryptoError("envelope_failed", "The envelope does not open");
}

function readRole(reader: PayloadReader): "initiator" | "responder" {
  const role = reader.text("role", { maxLength: 16 });
  return role === "initiator" || role === "responder" ? role : reader.refuse("role");
}

function readPeer(reader: PayloadReader, nodeId: string): { record: string; id: string } {
  const record = reader.text("peer", { maxLength: MAX_RECORD_LENGTH });
  const id = peekIssuer(record);
  return id !== null && isNodeId(id) && id !== nodeId ? { record, id } : reader.refuse("peer");
}

/** Directories have no modules, so a module's method in an envelope is a mistake or a trap. */
function readMethod(reader: PayloadReader): string {
  const method = reader.text("method", { maxLength: MAX_METHOD_LENGTH });
  return isBuiltInMethod(method) ? method : reader.refuse("method");
}

function readTimes(reader: PayloadReader): { epoch: number; issuedAt: number; expiresAt: number } {
  const limits = { min: 0, max: MAX_INSTANT_MS };
  const issuedAt = reader.integer("issued_at", limits);
  const expiresAt = reader.integer("expires_at", limits);
  const epoch = reader.integer("epoch", limits);
  if (expiresAt !== issuedAt + PAIR_LIFE_MS) reader.refuse("expires_at");
  if (epoch !== Math.floor(issuedAt / HOUR_MS)) reader.refuse("epoch");
  return { epoch, issuedAt, expiresAt };
}

function openEnvelope(parts: CoreParts, options: OpenOptions): OpenedEnvelope {
  checkBytes(options.directoryNoiseKey, 32, "a directory's noise key");
  checkBytes(options.pairId, PAIR_ID_BYTES, "a pair id");
  checkText(options.directoryId, MAX_ID_LENGTH, "a directory's id");
  checkText(options.nodeId, MAX_ID_LENGTH, "a node id");
  checkByteArray(options.noise, "an envelope");
  if (options.noise.length > MAX_ENVELOPE_BYTES) {
    throw new CryptoError("envelope_failed", "The envelope is too long");
  }
  const payload = openNoise(parts, options);
  try {
    const reader = PayloadReader.decode(payload, { known: MEMBERS, code: "envelope_failed" });
    const role = readRole(reader);
    const { epoch, issuedAt, expiresAt } = readTimes(reader);
    const peer = readPeer(reader, options.nodeId);
    const info: HalfInfo = {
      issuer: options.directoryId,
      pairId: options.pairId,
      idA: role === "initiator" ? options.nodeId : peer.id,
      idB: role === "initiator" ? peer.id : options.nodeId,
      method: readMethod(reader),
      issuedAt,
      expiresAt,
      role,
    };
    const secrets = {
      token: reader.bytes("token", SECRET_BYTES),
      peerSalt: reader.bytes("peer_salt", SECRET_BYTES),
      check: reader.bytes("check", SECRET_BYTES),
    };
    const half = Half.from(info, secrets);
    wipe(...Object.values(secrets));
    return { half: parts.ring.add(half), info: half.describe(), epoch, peer: peer.record };
  } finally {
    wipe(payload);
  }
}

export function createEnvelopeCalls(
  parts: CoreParts,
): Pick<CallTable, "issuePair" | "openEnvelope"> {
  return {
    issuePair: (options) => issuePair(parts, options),
    openEnvelope: (options) => openEnvelope(parts, options),
  };
}
