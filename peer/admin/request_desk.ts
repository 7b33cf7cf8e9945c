/**
 * Contact requests: strangers that have met this node, and what its owner says to them.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { PeerDetail, RequestsView } from "../../protocol/admin_api.ts";
import { hasCode, OpenRedError } from "../../protocol/errors.ts";
import type { Decisions } from "../peers/decisions.ts";
import type { PeerBook } from "../peers/peer_book.ts";
import { claims } from "../peers/peer_refs.ts";
import { FILES, MESSAGE } from "../peers/permission_names.ts";
import type { Permissions } from "../peers/permissions.ts";
import type { SessionTable } from "../sessions/session.ts";
import type { Contacts } from "./contacts.ts";

export interface RequestDeskParts {
  readonly book: PeerBook;
  readonly decisions: Decisions;
  readonly permissions: Permissions;
  readonly table: SessionTable;
}

/** Lists strangers, accepts and declines them. */
export class RequestDesk {
  readonly #parts: RequestDeskParts;
  readonly #contacts: Contacts;

  constructor(parts: RequestDeskParts, contacts: Contacts) {
    this.#parts = parts;
    this.#contacts = contacts;
  }

  list(): RequestsView {
    const { table } = this.#parts;
    const requests = this.#strangers().map(({ id, record }) => ({
      peer: id,
      alias: record.payload.alias ?? null,
      connected: table.current(id) !== null,
    }));
    return { requests };
  }

  #strangers() {
    const { book, decisions } = this.#parts;
    const decided = decisions.all();
    return book.all().filter(({ id, known, succession }) =>
      known && succession === null && !decided.has(id)
    );
  }

  /**
   * Lets a peer write and offer files, also where that was denied before: the owner says so now.
   * @param word As a peer is named, or the name that one stranger alone claims, which it gets then.
   * @param given What it is called from now on; `null` leaves that to the word.
   * @throws {OpenRedError} `not_found`; `bad_request` for a name that several claim, or another peer has; `forbidden` for
   *   a blocked peer.
   */
  async accept(word: string, given: string | null): Promise<PeerDetail> {
    const { permissions } = this.#parts;
    const { peer, claimed } = this.#find(word);
    this.#contacts.checkNotBlocked(peer);
    const name = given ?? claimed;
    if (name !== null) await this.#contacts.rename(peer, name);
    for (const permission of [MESSAGE, FILES]) {
      if (permissions.of(peer).allowed.includes(permission)) continue;
      await permissions.decide(peer, { name: permission, allowed: true });
    }
    return this.#contacts.show(peer);
  }

  /** Takes no message of a peer any more. It is not told, and can be accepted later. @param word As of `accept`. */
  async decline(word: string): Promise<PeerDetail> {
    const { peer } = this.#find(word);
    await this.#parts.permissions.decide(peer, { name: MESSAGE, allowed: false });
    return this.#contacts.show(peer);
  }

  #find(word: string): { readonly peer: NodeId; readonly claimed: string | null } {
    try {
      return { peer: this.#contacts.resolve(word), claimed: null };
    } catch (error) {
      if (!hasCode(error, "not_found")) throw error;
      const claiming = this.#strangers().filter((peer) => claims(peer, word));
      const [first, ...others] = claiming;
      if (first === undefined) throw error;
      if (others.length > 0) {
        const ids = claiming.slice(0, 4).map(({ id }) => id).join(", ");
        throw new OpenRedError("bad_request", `Several claim this name, write the id: ${ids}`);
      }
      return { peer: first.id, claimed: word };
    }
  }
}
