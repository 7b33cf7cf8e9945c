/**
 * By which URL each peer is called now: one that its record names as direct, as long as that works, or its `api_url`.
 *
 * @module
 */
import { encodeBase64Url, type NodeId } from "../../crypto/encoding.ts";
import type { CryptoCore } from "../../crypto/interface.ts";
import type { Clock, HttpClient, Random } from "../../ports/ports.ts";
import type { PeerWay } from "../../protocol/admin_api.ts";
import { IDENTITY_PATH, identityAnswerSchema } from "../../protocol/directory_api.ts";
import { hasCode, OpenRedError } from "../../protocol/errors.ts";
import { CALL_TIMEOUT_MS, MAX_CALLBACK_ANSWER_BYTES } from "../../protocol/limits.ts";
import { directUrlsOf } from "../../protocol/record.ts";
import { relayOf } from "../../protocol/relay.ts";
import { parseGrowing, parseJson } from "../../protocol/schemas.ts";
import { openIdentityStatement } from "../../protocol/statements.ts";
import type { Peer } from "../peers/peer_book.ts";
import { Backoff } from "../timing/backoff.ts";
import type { Background } from "../timing/background.ts";

const FIRST_RETRY_MS = 60_000;
const LAST_RETRY_MS = 24 * 3_600_000;
const NONCE_BYTES = 16;
/** Peers remembered; of more, the one that was looked at longest ago is forgotten, and tried anew. */
const MAX_PEERS = 1_000;

export interface WayParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly http: HttpClient;
  readonly crypto: CryptoCore;
  readonly background: Background;
  readonly book: { get(peer: NodeId): Peer | null };
  readonly permissions: { isBlocked(peer: NodeId): boolean };
  /** Fires when the node stops. */
  readonly stopped: AbortSignal;
  readonly checkUrl: (url: string, signal: AbortSignal) => Promise<void>;
  /** Whether there is a session with a peer: only then a try is made that nobody asked for. */
  readonly isMet: (peer: NodeId) => boolean;
  /** Called when a direct address answers where none did. */
  readonly found: (peer: NodeId) => void;
}

interface Known {
  /** The addresses that were tried, joined; others make it begin anew. */
  readonly named: string;
  readonly backoff: Backoff;
  direct: string | null;
  isTrying: boolean;
  /** When to try again. */
  dueMs: number;
  cancelTimer: () => void;
}

/** The ways to all peers. */
export class Ways {
  readonly #parts: WayParts;
  /** The peer looked at last stands last. */
  readonly #known = new Map<NodeId, Known>();

  constructor(parts: WayParts) {
    this.#parts = parts;
    parts.stopped.addEventListener("abort", () => {
      for (const { cancelTimer } of this.#known.values()) cancelTimer();
    }, { once: true });
  }

  /** The URL to call a peer at, or `null` where it has none, or must not be called. */
  urlOf(peer: NodeId): string | null {
    const { book, permissions } = this.#parts;
    const found = permissions.isBlocked(peer) ? null : book.get(peer);
    if (found === null) return null;
    return this.#look(found)?.direct ?? (found.record.payload.api_url || null);
  }

  /** A session with it was confirmed: direct addresses are worth a try. */
  met(peer: NodeId): void {
    this.urlOf(peer);
  }

  view(peer: NodeId): PeerWay | null {
    const found = this.#parts.book.get(peer);
    if (found === null || found.record.payload.api_url === "") return null;
    const { api_url } = found.record.payload;
    const known = this.#known.get(peer);
    if (known?.direct != null) {
      return { kind: "direct", url: known.direct, why: "a direct address of its record answers" };
    }
    const kind = relayOf(api_url, peer) === null ? "url" : "relay";
    return { kind, url: api_url, why: this.#why(found, known) };
  }

  #why({ known: isKnown, record }: Peer, known: Known | undefined): string {
    if (directUrlsOf(record.payload).length === 0) return "its record names no direct address";
    if (!isKnown) return "direct addresses are tried once there was a session with it";
    if (known === undefined || known.isTrying) return "its direct addresses are being tried";
    const leftS = Math.max(0, Math.ceil((known.dueMs - this.#parts.clock.monotonicMs()) / 1_000));
    return `no direct address answers; they are tried again in ${leftS} s`;
  }

  /** The same client, which notes what a direct address does not answer. */
  watch(http: HttpClient): HttpClient {
    const note = (url: string) => (error: unknown): never => {
      if (hasCode(error, "unreachable")) this.#failed(url);
      throw error;
    };
    return {
      request: (request) => http.request(request).catch(note(request.url)),
      openChannel: (options) => http.openChannel(options).catch(note(options.url)),
    };
  }

  #failed(url: string): void {
    const origin = new URL(url.replace(/^ws/, "http")).origin;
    for (const [peer, known] of this.#known) {
      if (known.direct !== origin) continue;
      known.direct = null;
      this.#later(peer, known);
    }
  }

  /** @returns What is known of the direct addresses of a peer; `null` where there are none to try. */
  #look({ id, known: isKnown, record }: Peer): Known | null {
    const urls = directUrlsOf(record.payload);
    if (!isKnown || urls.length === 0) {
      this.#forget(id);
      return null;
    }
    const named = urls.join(" ");
    let known = this.#known.get(id);
    if (known?.named !== named) {
      this.#forget(id);
      known = this.#begin(id, named);
    }
    if (known.direct === null && !known.isTrying && this.#isDue(known)) {
      known.isTrying = true;
      this.#parts.background.run("direct", this.#try({ peer: id, known, urls }), id);
    }
    return known;
  }

  #begin(peer: NodeId, named: string): Known {
    const { random } = this.#parts;
    const known: Known = {
      named,
      backoff: new Backoff(random, { firstMs: FIRST_RETRY_MS, lastMs: LAST_RETRY_MS }),
      direct: null,
      isTrying: false,
      dueMs: -Infinity,
      cancelTimer: () => {},
    };
    if (this.#known.size >= MAX_PEERS) this.#forget(this.#known.keys().next().value!);
    this.#known.set(peer, known);
    return known;
  }

  #isDue({ dueMs }: Known): boolean {
    return this.#parts.clock.monotonicMs() >= dueMs && !this.#parts.stopped.aborted;
  }

  #forget(peer: NodeId): void {
    this.#known.get(peer)?.cancelTimer();
    this.#known.delete(peer);
  }

  async #try(
    { peer, known, urls }: {
      readonly peer: NodeId;
      readonly known: Known;
      readonly urls: readonly string[];
    },
  ): Promise<void> {
    const tries = urls.map((url) => this.#ask(peer, url));
    const direct = await Promise.any(tries).catch(() => null);
    known.isTrying = false;
    if (this.#known.get(peer) !== known || this.#parts.stopped.aborted) return;
    if (direct === null) return this.#later(peer, known);
    known.direct = direct;
    known.backoff.reset();
    this.#parts.found(peer);
  }

  #later(peer: NodeId, known: Known): void {
    const { clock } = this.#parts;
    const delayMs = known.backoff.next();
    known.dueMs = clock.monotonicMs() + delayMs;
    known.cancelTimer();
    known.cancelTimer = clock.setTimer(delayMs, () => {
      if (this.#parts.isMet(peer)) this.met(peer);
    });
  }

  /**
   * Asks whether the peer is at an address. A wrong one costs nothing but this: sessions prove the peer.
   * @throws {OpenRedError} Where it is not.
   */
  async #ask(peer: NodeId, url: string): Promise<string> {
    const { http, crypto, random, checkUrl, stopped } = this.#parts;
    await checkUrl(url, stopped);
    const nonce = encodeBase64Url(random.bytes(NONCE_BYTES));
    const answer = await http.request({
      method: "GET",
      // Whoever is there learns the id that the record tells anyway, and none of ours.
      url: `${url}${IDENTITY_PATH}?nonce=${nonce}&directory=${peer}`,
      timeoutMs: CALL_TIMEOUT_MS,
      maxAnswerBytes: MAX_CALLBACK_ANSWER_BYTES,
      signal: stopped,
    });
    if (answer.status !== 200) throw new OpenRedError("unreachable", "The peer is not there");
    const { identity } = parseGrowing(identityAnswerSchema, parseJson(answer.body));
    const statement = await openIdentityStatement(crypto, identity);
    if (statement.iss === peer && statement.nonce === nonce) return url;
    throw new OpenRedError("unreachable", "Somebody else is there");
  }
}
