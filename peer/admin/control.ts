/**
 * What the node's owner can see and do, behind the admin API.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { Clock } from "../../ports/ports.ts";
import type {
  DiscoverView,
  IdView,
  InboxView,
  NodeEvent,
  PeerView,
  SentView,
  SessionView,
  StatusView,
} from "../../protocol/admin_api.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { sleep } from "../backoff.ts";
import type { NodeConfig } from "../config.ts";
import type { Directories } from "../directories/directories.ts";
import type { NodeEvents } from "../events.ts";
import type { Messages } from "../messages.ts";
import type { OwnRecord } from "../own_record.ts";
import type { Peer, PeerBook } from "../peer_book.ts";
import type { SessionTable } from "../sessions/session.ts";
import type { Sessions } from "../sessions/sessions.ts";
import { unspent } from "../sessions/standby.ts";
import type { ValidationCache } from "../tokens/validation_cache.ts";
import type { TokenVault } from "../tokens/vault.ts";

interface ControlParts {
  readonly clock: Clock;
  readonly events: NodeEvents;
  readonly book: PeerBook;
  readonly vault: TokenVault;
  readonly table: SessionTable;
  readonly validations: ValidationCache;
  readonly ownRecord: OwnRecord;
  readonly directories: Directories;
  readonly sessions: Sessions;
  readonly messages: Messages;
  /** Fires when the node stops. */
  readonly stopped: AbortSignal;
}

/** The owner's view of a node. */
export class NodeControl {
  readonly #parts: ControlParts;
  readonly #ownId: NodeId;
  readonly #config: NodeConfig;
  readonly #startedMs: number;

  constructor(parts: ControlParts, options: { ownId: NodeId; config: NodeConfig }) {
    this.#parts = parts;
    this.#ownId = options.ownId;
    this.#config = options.config;
    this.#startedMs = parts.clock.monotonicMs();
  }

  async identity(): Promise<IdView> {
    const { text } = await this.#parts.ownRecord.current();
    const { apiUrl } = this.#config;
    const query = [`u=${encodeURIComponent(apiUrl)}`];
    for (const url of this.#parts.directories.urls.slice(0, 1)) {
      query.push(`d=${encodeURIComponent(url)}`);
    }
    const contact = `openred:${this.#ownId}?${query.join("&")}`;
    return { node_id: this.#ownId, api_url: apiUrl, contact, record: text };
  }

  status(): StatusView {
    const { clock, book, table, sessions, directories, events } = this.#parts;
    return {
      node_id: this.#ownId,
      version: this.#config.version,
      api_url: this.#config.apiUrl,
      uptime_s: Math.floor((clock.monotonicMs() - this.#startedMs) / 1000),
      directories: directories.views(),
      peers: book.all().filter((peer) => peer.succession === null).map((peer) => this.#peer(peer)),
      sessions: table.all().map((session) => sessions.view(session)),
      token_cache: this.#parts.validations.views(clock.nowMs()),
      counters: events.counters(),
      warnings: events.warnings(),
    };
  }

  #peer(peer: Peer): PeerView {
    const { payload } = peer.record;
    return {
      node_id: peer.id,
      alias: payload.alias ?? null,
      api_url: payload.api_url,
      known: peer.known,
      accepted: peer.accepted,
      standby_pairs: unspent(this.#parts.vault.forPeer(peer.id)).length,
      outbox: this.#parts.messages.outboxSize(peer.id),
    };
  }

  /**
   * Accepts a peer and sees to a session with it.
   * @returns The confirmed session.
   * @throws {OpenRedError} `bad_request` for the own id, `node_unknown`, `succeeded`, `unreachable` if none was confirmed
   *   within `waitMs`, and what else the directories answered. The node goes on trying.
   */
  async connect(peer: NodeId, waitMs: number): Promise<SessionView> {
    await this.#accept(peer);
    const { links } = this.#parts.sessions;
    links.want(peer);
    const session = await links.wait(peer, waitMs);
    if (session !== null) return this.#parts.sessions.view(session);
    throw new OpenRedError("unreachable", "There is no session yet; the node goes on trying");
  }

  async #accept(peer: NodeId): Promise<void> {
    const { book, directories, stopped } = this.#parts;
    if (peer === this.#ownId) throw new OpenRedError("bad_request", "This is the node's own id");
    if (book.get(peer) === null) await directories.lookUp(peer, stopped);
    if (book.get(peer)?.succession != null) {
      throw new OpenRedError("succeeded", "Another identity has followed this one");
    }
    await book.setAccepted(peer);
  }

  /**
   * Stores a message for a peer and sends it, now or when the peer is back.
   * @throws {OpenRedError} As {@linkcode connect}; then nothing was stored.
   */
  async send(options: { peer: NodeId; text: string; waitMs: number }): Promise<SentView> {
    const { peer, text, waitMs } = options;
    await this.#accept(peer);
    const { id, delivered } = await this.#parts.messages.send(peer, text);
    const rttMs = await this.#within(delivered, waitMs);
    return { id, peer, state: rttMs === null ? "queued" : "delivered", rtt_ms: rttMs };
  }

  async #within<T>(promise: Promise<T>, waitMs: number): Promise<T | null> {
    const done = new AbortController();
    const signal = AbortSignal.any([done.signal, this.#parts.stopped]);
    const late = sleep(this.#parts.clock, waitMs, signal).then(() => null, () => null);
    const first = await Promise.race([promise, late]);
    done.abort();
    return first;
  }

  inbox(options: { after: number; limit: number }): InboxView {
    const messages = this.#parts.messages.list(options);
    return { messages, cursor: messages.at(-1)?.number ?? options.after };
  }

  discover(query: URLSearchParams): Promise<DiscoverView> {
    return this.#parts.directories.discover(query, this.#parts.stopped);
  }

  subscribe(listener: (event: NodeEvent) => void): () => void {
    return this.#parts.events.subscribe(listener);
  }
}
