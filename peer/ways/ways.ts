/**
 * By which URL each peer is called now: one in a local network that it told, or that its record names as direct, as
 * long as that works, or its `api_url`.
 *
 * @module
 */
import { encodeBase64Url, encodeNodeId, type NodeId } from "../../crypto/encoding.ts";
import type { CryptoCore } from "../../crypto/interface.ts";
import type { Clock, HttpClient, Random } from "../../ports/ports.ts";
import { RateLimit } from "../../ports/rate_limits.ts";
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
import type { LanPaths } from "./lan_paths.ts";

const FIRST_RETRY_MS = 60_000;
const LAST_RETRY_MS = 24 * 3_600_000;
const NONCE_BYTES = 16;
const KEY_BYTES = 32;
/** Calls to local addresses that peers told, of all peers together. */
const LAN_TRIES_A_MINUTE = 60;
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
  /** What peers told of local networks; `null` without the owner's leave. */
  readonly lan: Pick<LanPaths, "of"> | null;
}

interface Known {
  /** The addresses that were tried, joined; others make it begin anew. */
  readonly named: string;
  readonly backoff: Backoff;
  direct: string | null;
  isTrying: boolean;
  /** When the last try began. */
  triedMs: number;
  /** When to try again. */
  dueMs: number;
  cancelTimer: () => void;
}

/** The ways to all peers. */
export class Ways {
  readonly #parts: WayParts;
  /** The peer looked at last stands last. */
  readonly #known = new Map<NodeId, Known>();
  readonly #lanTries: RateLimit;

  constructor(parts: WayParts) {
    this.#parts = parts;
    const limit = { perMinute: LAN_TRIES_A_MINUTE, what: "into local networks" };
    this.#lanTries = new RateLimit(parts.clock, limit);
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

  /** A peer told where it is: worth a try, though not more than one a minute. */
  told(peer: NodeId): void {
    const known = this.#known.get(peer);
    if (known !== undefined && known.direct === null && !known.isTrying) {
      const nextMs = known.triedMs + FIRST_RETRY_MS;
      if (nextMs < known.dueMs) this.#wake(peer, known, nextMs);
    }
    this.urlOf(peer);
  }

  /** Nothing came back on a channel to a peer: whoever is at its direct address may be somebody else by now. */
  doubt(peer: NodeId): void {
    const known = this.#known.get(peer);
    if (known?.direct != null) this.#giveUp(peer, known);
  }

  /** Whether a URL is one in a local network at which a peer is called now; the URL policy knows nothing of these. */
  isLan(url: string): boolean {
    const { lan } = this.#parts;
    if (lan === null) return false;
    for (const [peer, { direct }] of this.#known) {
      if (direct === url && lan.of(peer).includes(url)) return true;
    }
    return false;
  }

  view(peer: NodeId): PeerWay | null {
    const found = this.#parts.book.get(peer);
    if (found === null || found.record.payload.api_url === "") return null;
    const { api_url } = found.record.payload;
    const known = this.#known.get(peer);
    if (known?.direct != null) {
      const why = this.isLan(known.direct)
        ? "an address that it told answers, in a network of this machine"
        : "a direct address of its record answers";
      return { kind: "direct", url: known.direct, why };
    }
    const kind = relayOf(api_url, peer) === null ? "url" : "relay";
    return { kind, url: api_url, why: this.#why(found, known) };
  }

  #why(found: Peer, known: Known | undefined): string {
    if (this.#urlsOf(found).length === 0) {
      return this.#parts.lan === null
        ? "its record names no direct address"
        : "its record names no direct address, and it told none in a network of this machine";
    }
    if (!found.known) return "direct addresses are tried once there was a session with it";
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
      known.backoff.reset();
      this.#giveUp(peer, known);
    }
  }

  /** What answered and then did not hold is tried later each time, unless it was simply gone. */
  #giveUp(peer: NodeId, known: Known): void {
    known.direct = null;
    this.#later(peer, known);
  }

  /** The addresses to try beside the `api_url`, those nearest to this machine first. */
  #urlsOf({ id, record }: Peer): readonly string[] {
    const direct = directUrlsOf(record.payload);
    const near = this.#parts.lan?.of(id) ?? [];
    return [...near, ...direct.filter((url) => !near.includes(url))];
  }

  /** @returns What is known of the direct addresses of a peer; `null` where there are none to try. */
  #look(peer: Peer): Known | null {
    const { id } = peer;
    const urls = this.#urlsOf(peer);
    if (!peer.known || urls.length === 0) {
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
      known.triedMs = this.#parts.clock.monotonicMs();
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
      triedMs: -Infinity,
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
    this.#parts.found(peer);
  }

  #later(peer: NodeId, known: Known): void {
    this.#wake(peer, known, this.#parts.clock.monotonicMs() + known.backoff.next());
  }

  #wake(peer: NodeId, known: Known, dueMs: number): void {
    const { clock, isMet } = this.#parts;
    known.dueMs = dueMs;
    known.cancelTimer();
    known.cancelTimer = clock.setTimer(Math.max(0, dueMs - clock.monotonicMs()), () => {
      if (isMet(peer)) this.met(peer);
    });
  }

  /**
   * Asks whether the peer is at an address. A wrong one costs nothing but this: sessions prove the peer.
   * @throws {OpenRedError} Where it is not.
   */
  async #ask(peer: NodeId, url: string): Promise<string> {
    const { http, crypto, random, checkUrl, stopped, lan } = this.#parts;
    const isNear = lan?.of(peer).includes(url) ?? false;
    if (isNear) this.#lanTries.check("all");
    else await checkUrl(url, stopped);
    // Whoever is at an address of its record learns the id that the record tells anyway; of a local network, none.
    const audience = isNear ? encodeNodeId(random.bytes(KEY_BYTES)) : peer;
    const nonce = encodeBase64Url(random.bytes(NONCE_BYTES));
    const answer = await http.request({
      method: "GET",
      url: `${url}${IDENTITY_PATH}?nonce=${nonce}&directory=${audience}`,
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
