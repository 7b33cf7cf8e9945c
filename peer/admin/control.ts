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
  NodeEvent,
  PeerView,
  PlacesView,
  RelayView,
  SessionView,
  StatusView,
} from "../../protocol/admin_api.ts";
import { formatContactLink } from "../../protocol/contact_link.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { Contacts, type ContactsParts } from "./contacts.ts";
import type { OwnRecord } from "../own/own_record.ts";
import type { Peer } from "../peers/peer_book.ts";
import { MESSAGE } from "../peers/permission_names.ts";
import { unspent } from "../sessions/standby.ts";
import { troubleWith } from "../sessions/trouble.ts";
import type { ValidationCache } from "../tokens/validation_cache.ts";

interface ControlParts extends ContactsParts {
  readonly clock: Clock;
  readonly validations: ValidationCache;
  readonly ownRecord: OwnRecord;
  readonly relay: { view(): RelayView | null };
}

interface ControlConfig {
  readonly version: string;
  readonly allowPrivate: boolean;
  readonly home?: string;
}

/** The owner's view of a node. */
export class NodeControl {
  readonly contacts: Contacts;
  readonly #parts: ControlParts;
  readonly #ownId: NodeId;
  readonly #config: ControlConfig;
  readonly #startedMs: number;

  constructor(parts: ControlParts, options: { ownId: NodeId; config: ControlConfig }) {
    this.#parts = parts;
    this.#ownId = options.ownId;
    this.#config = options.config;
    this.#startedMs = parts.clock.monotonicMs();
    const { allowPrivate } = options.config;
    this.contacts = new Contacts(parts, { id: options.ownId, allowPrivate });
  }

  async identity(): Promise<IdView> {
    const { text } = await this.#parts.ownRecord.current();
    const { apiUrl } = this.#parts.ownRecord;
    const directoryUrl = this.#parts.directories.urls[0] ?? null;
    const contact = formatContactLink({
      nodeId: this.#ownId,
      apiUrl,
      directoryUrl,
      invitation: null,
    });
    return { node_id: this.#ownId, api_url: apiUrl, contact, record: text };
  }

  places(): PlacesView {
    return { home: this.#config.home ?? null };
  }

  status(): StatusView {
    const { clock, book, table, sessions, directories, events } = this.#parts;
    return {
      node_id: this.#ownId,
      version: this.#config.version,
      api_url: this.#parts.ownRecord.apiUrl,
      uptime_s: Math.floor((clock.monotonicMs() - this.#startedMs) / 1000),
      directories: directories.views(),
      relay: this.#parts.relay.view(),
      peers: book.all().filter((peer) => peer.succession === null).map((peer) => this.#peer(peer)),
      awaited: this.#parts.invitations.open().map(({ name }) => name),
      sessions: table.all().map((session) => sessions.view(session)),
      token_cache: this.#parts.validations.views(clock.nowMs()),
      counters: events.counters(),
      warnings: events.warnings(),
      warned: [...events.warned].map(([topic, text]) => ({ topic, text })),
    };
  }

  #peer(peer: Peer): PeerView {
    const { book, table, sessions } = this.#parts;
    const { payload } = peer.record;
    return {
      node_id: peer.id,
      petname: this.#parts.petnames.of(peer.id),
      alias: payload.alias ?? null,
      api_url: payload.api_url,
      way: this.#parts.ways.view(peer.id),
      known: peer.known,
      standing: this.#parts.permissions.standing(peer.id, MESSAGE),
      invited: this.#parts.held.has(peer.id),
      standby_pairs: unspent(this.#parts.vault.forPeer(peer.id)).length,
      outbox: this.#parts.modules.waiting(peer.id),
      last_error: troubleWith({ book, table, links: sessions.links }, peer.id),
    };
  }

  /**
   * Accepts a peer and sees to a session with it; a link with an invitation is shown in it, and answered.
   * @param who Its id, its petname, or a contact link.
   * @param options `name`: what it is called from now on; `signal`: fires when whoever asked has gone.
   * @returns The confirmed session.
   * @throws {OpenRedError} As {@linkcode Contacts.accept}; `unreachable` if none was confirmed within `waitMs`, or the
   *   invitation was not answered: the node goes on trying; `invitation_used` and its like where it lets nobody in.
   */
  async connect(
    who: string,
    options: {
      readonly waitMs: number;
      readonly name: string | null;
      readonly signal: AbortSignal;
    },
  ): Promise<SessionView> {
    const { waitMs, name, signal } = options;
    const peer = await this.contacts.meet(who, name);
    const { clock, sessions } = this.#parts;
    const { links, inviting } = sessions;
    const endMs = clock.monotonicMs() + waitMs;
    links.want(peer);
    const session = await links.wait(peer, { waitMs, signal });
    if (session === null) {
      throw new OpenRedError("unreachable", "There is no session yet; the node goes on trying");
    }
    const leftMs = Math.max(0, endMs - clock.monotonicMs());
    if (await inviting.wait(peer, { waitMs: leftMs, signal })) return sessions.view(session);
    throw new OpenRedError(
      "unreachable",
      "The peer has not answered the invitation yet; the node goes on trying",
    );
  }

  async discover(query: URLSearchParams): Promise<DiscoverView> {
    const { directories, petnames, permissions, stopped } = this.#parts;
    const { nodes, failed } = await directories.discover(query, stopped);
    const marked = nodes.map((node) => ({
      ...node,
      petname: petnames.of(node.node_id as NodeId),
      blocked: permissions.isBlocked(node.node_id as NodeId),
    }));
    return { nodes: marked, failed };
  }

  subscribe(listener: (event: NodeEvent) => void): () => void {
    return this.#parts.events.subscribe(listener);
  }
}
