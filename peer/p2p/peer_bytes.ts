/**
 * Bytes that a peer serves below its URL to whoever knows the path.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { PeerBytes, PeerBytesRequest } from "../../modules/api.ts";
import type { OpenBytes } from "../../ports/byte_streams.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { relayOf } from "../../protocol/relay.ts";

const HEAD_MS = 30_000;
const IDLE_MS = 30_000;
const PARTIAL = 206;

export interface PeerBytesParts {
  readonly openBytes: OpenBytes;
  /** `null` where the peer may not, or cannot be called. */
  readonly urlOf: (peer: NodeId) => string | null;
  /** @throws {OpenRedError} Where it must not be called. */
  readonly checkUrl: (url: string, signal: AbortSignal) => Promise<void>;
}

/**
 * Asks for a range.
 * @throws {OpenRedError} `unreachable`, also for an answer of another range; `url_refused`.
 */
export async function openPeerBytes(
  { openBytes, urlOf, checkUrl }: PeerBytesParts,
  { peer, path, range: { from, to }, signal }: PeerBytesRequest,
): Promise<PeerBytes> {
  const url = urlOf(peer);
  if (url === null) throw new OpenRedError("unreachable", "The peer cannot be called");
  await checkUrl(url, signal);
  const isRelayed = relayOf(url, peer) !== null;
  const answer = await openBytes({
    url: `${url}/${path}`,
    headers: { range: `bytes=${from}-${to - 1}` },
    timeoutMs: HEAD_MS,
    idleMs: IDLE_MS,
    signal,
  });
  if (answer.status !== PARTIAL) {
    answer.close();
    const { status } = answer;
    return { status, isRelayed, read: () => Promise.resolve(null), close: () => {} };
  }
  const said = answer.headers.get("content-range") ?? "";
  if (answer.bytes === to - from && said.startsWith(`bytes ${from}-${to - 1}/`)) {
    const { status } = answer;
    return {
      status,
      isRelayed,
      read: (target) => answer.read(target),
      close: () => answer.close(),
    };
  }
  answer.close();
  throw new OpenRedError("unreachable", "The peer answers with another range");
}
