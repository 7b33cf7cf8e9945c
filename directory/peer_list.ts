/**
 * The list of directories of other operators that records are exchanged with.
 *
 * @module
 */
import { isNodeId } from "../crypto/encoding.ts";
import { OpenRedError } from "../protocol/errors.ts";
import { checkUrlText } from "../protocol/url_policy.ts";
import type { PeerDirectory } from "./config.ts";

const MAX_PEERS = 16;

/** Reads `URL#ID,URL#ID`; `null` for anything else. */
export function parsePeers(text: string): readonly PeerDirectory[] | null {
  const parts = text.split(",");
  if (parts.length > MAX_PEERS) return null;
  const peers: PeerDirectory[] = [];
  for (const part of parts) {
    const [url = "", id = "", ...more] = part.trim().split("#");
    if (more.length > 0 || !isNodeId(id)) return null;
    try {
      checkUrlText(url, { allowPrivate: true });
    } catch (error) {
      if (error instanceof OpenRedError) return null;
      throw error;
    }
    peers.push({ url, id });
  }
  return peers;
}
