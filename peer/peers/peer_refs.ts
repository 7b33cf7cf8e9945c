/**
 * Reading what the owner wrote for a peer or its name.
 *
 * @module
 */
import { OpenRedError } from "../../protocol/errors.ts";
import { parsePeerRef, parsePetname, type PeerRef } from "../../protocol/peer_name.ts";

/** @throws {OpenRedError} `bad_request`. */
export function readRef(text: string): PeerRef {
  return read("Peer", () => parsePeerRef(text));
}

/** @throws {OpenRedError} `bad_request`. */
export function readPetname(text: string): string {
  return read("Name", () => parsePetname(text));
}

function read<T>(what: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new OpenRedError("bad_request", `${what}: ${error.message}`);
  }
}
