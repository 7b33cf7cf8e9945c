/**
 * The calls around the Noise IK handshake.
 *
 * @module
 * @see docs/PROTOCOL.md, "Sessions"
 */
import type { CallTable } from "../bridge/calls.ts";
import { checkByteArray, checkBytes } from "../primitives/checks.ts";
import type { CoreParts } from "../keyring/core_parts.ts";
import { completeHandshake, readAnswer, startHandshake } from "./handshake_initiator.ts";
import { acceptHandshake, hashMessage1, readHandshake } from "./handshake_responder.ts";

function handshakeHash(
  parts: CoreParts,
  options: Parameters<CallTable["handshakeHash"]>[0],
): Uint8Array {
  checkBytes(options.pairId, 16, "a pair id");
  checkByteArray(options.noise, "a Noise message");
  return hashMessage1(parts.hashes, options);
}

type HandshakeCalls = Pick<
  CallTable,
  | "handshakeHash"
  | "startHandshake"
  | "readHandshake"
  | "acceptHandshake"
  | "readAnswer"
  | "completeHandshake"
>;

export function createHandshakeCalls(parts: CoreParts): HandshakeCalls {
  return {
    handshakeHash: (options) => handshakeHash(parts, options),
    startHandshake: (options) => startHandshake(parts, options),
    readHandshake: (options) => readHandshake(parts, options),
    acceptHandshake: (options) => acceptHandshake(parts, options),
    readAnswer: (options) => readAnswer(parts, options),
    completeHandshake: (options) => completeHandshake(parts, options),
  };
}
