/**
 * Reading what the owner wrote for a peer or its name.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { foldPetname, parsePeerRef, parsePetname, type PeerRef } from "../../protocol/peer_name.ts";
import type { Peer } from "./peer_book.ts";

/** @throws {OpenRedError} `bad_request`. */
export function readRef(text: string): PeerRef {
  return read("Peer", () => parsePeerRef(text));
}

/** @throws {OpenRedError} `bad_request`. */
export function readPetname(text: string): string {
  return read("Name", () => parsePetname(text));
}

/** Whether a peer calls itself so, as names are compared. */
export function claims({ record: { payload: { alias } } }: Peer, name: string): boolean {
  return alias !== undefined && foldPetname(alias) === foldPetname(name);
}

/** The beginning of an id, or its beginning and end as narrow tables show them. */
const PART = /^(z[1-9A-HJ-NP-Za-km-z]{7,62})(?:(?:…|\.\.\.)([1-9A-HJ-NP-Za-km-z]{4,}))?$/;

/**
 * The one id that begins, and where the part says so ends, like this.
 * @returns `null` for a word that is no part of an id, and where none of `ids` fits.
 * @throws {OpenRedError} `bad_request` where several fit: anybody can make ids that begin alike.
 */
export function idOfPart(word: string, ids: readonly NodeId[]): NodeId | null {
  const [, begin, end = ""] = PART.exec(word) ?? [];
  if (begin === undefined) return null;
  const [found = null, ...others] = ids.filter((id) => id.startsWith(begin) && id.endsWith(end));
  if (others.length === 0) return found;
  throw new OpenRedError("bad_request", "Several ids begin like this; write the whole id");
}

function read<T>(what: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new OpenRedError("bad_request", `${what}: ${error.message}`);
  }
}
