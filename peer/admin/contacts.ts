/**
 * What the node's owner decides about peers: whom to accept, what each may do, what it is called, who is blocked.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { GroupView, PeerDetail, PeersView } from "../../protocol/admin_api.ts";
import { hasCode, OpenRedError } from "../../protocol/errors.ts";
import type { PeerRef } from "../../protocol/peer_name.ts";
import { shellWord } from "../../protocol/safe_text.ts";
import { successorOf } from "../../protocol/statements.ts";
import { checkUrlText } from "../../protocol/url_policy.ts";
import type { Directories } from "../directories/directories.ts";
import type { NodeEvents } from "../events/events.ts";
import type { ModuleHost } from "../modules/host.ts";
import type { PeerBook } from "../peers/peer_book.ts";
import type { HeldInvitations } from "../peers/held_invitations.ts";
import type { Invitations } from "../peers/invitations.ts";
import type { PermissionNames } from "../peers/permission_names.ts";
import type { Group, Permissions } from "../peers/permissions.ts";
import type { SessionTable } from "../sessions/session.ts";
import type { Sessions } from "../sessions/sessions.ts";
import { unspent } from "../sessions/standby.ts";
import { troubleWith } from "../sessions/trouble.ts";
import type { Ways } from "../ways/ways.ts";
import type { TokenVault } from "../tokens/vault.ts";
import type { ContactDirectories } from "../directories/contact_directories.ts";
import { claims, idOfPart, readPetname, readRef } from "../peers/peer_refs.ts";
import type { Petnames } from "../peers/petnames.ts";

export interface ContactsParts {
  readonly events: NodeEvents;
  readonly book: PeerBook;
  readonly permissions: Permissions;
  readonly permissionNames: PermissionNames;
  readonly petnames: Petnames;
  readonly invitations: Invitations;
  readonly held: HeldInvitations;
  readonly contactDirectories: ContactDirectories;
  readonly vault: TokenVault;
  readonly table: SessionTable;
  readonly directories: Directories;
  readonly sessions: Sessions;
  readonly ways: Pick<Ways, "view">;
  readonly modules: ModuleHost;
  /** Fires when the node stops. */
  readonly stopped: AbortSignal;
}

/** The contacts of one node. */
export class Contacts {
  readonly #parts: ContactsParts;
  readonly #own: { readonly id: NodeId; readonly allowPrivate: boolean };

  constructor(parts: ContactsParts, own: { id: NodeId; allowPrivate: boolean }) {
    this.#parts = parts;
    this.#own = own;
  }

  /**
   * Reads which identity a word of the owner names: an id, a contact link, a petname, or a part of an id that one
   * known peer alone has.
   * @throws {OpenRedError} `bad_request` for a word of no such form, for the own id, and for a part that several have;
   *   `not_found` for a petname that nobody has.
   */
  identify(text: string): NodeId {
    const ref = readRef(text);
    if (ref.kind === "id") return this.#notOwn(ref.id);
    if (ref.kind === "link") return this.#notOwn(ref.link.nodeId);
    const peer = this.#parts.petnames.find(ref.name) ?? idOfPart(ref.name, this.#knownIds());
    if (peer === null) throw this.#unknownName(ref.name);
    return this.#notOwn(peer);
  }

  /** Everybody that was met, or that something was decided about. */
  #knownIds(): NodeId[] {
    const { book, permissions, petnames } = this.#parts;
    const met = book.all().map((peer) => peer.id);
    return [...new Set([...met, ...permissions.peers(), ...petnames.peers()])];
  }

  /** A name that nobody has here is no name of whoever claims it: the owner says so first. */
  #unknownName(name: string): OpenRedError {
    const claiming = this.#parts.book.all().filter((peer) => claims(peer, name)).slice(0, 4).map((
      { id },
    ) => id);
    const text = "No peer has this name here";
    if (claiming.length === 0) {
      const isBegin = this.#knownIds().some((id) => id.startsWith(name));
      const expected = isBegin
        ? "the beginning of an id counts from 8 characters on"
        : "expected a node id, your name for a peer, or a contact link";
      return new OpenRedError("not_found", `${text}; ${expected}`);
    }
    const how = `name it with: openred-node peer name ${claiming[0]} ${shellWord(name)}`;
    return new OpenRedError(
      "not_found",
      `${text}; it is claimed by ${claiming.join(", ")}: ${how}`,
    );
  }

  /**
   * Reads whom a word of the owner means: the identity it names, or the one that followed that last.
   * @throws {OpenRedError} As {@linkcode identify}.
   */
  resolve(text: string): NodeId {
    return this.#notOwn(this.#parts.book.lastId(this.identify(text)));
  }

  #notOwn(peer: NodeId): NodeId {
    if (peer === this.#own.id) throw new OpenRedError("bad_request", "This is the node's own id");
    return peer;
  }

  /**
   * Accepts a peer, looking it up first if it was never met. With an invitation it is accepted once it has proven that
   * it made that, which is shown to it as soon as there is a session. The directory of a contact link is asked besides the own
   * ones, for this peer only; it replaces the one of an earlier link once it has answered about the peer.
   * @throws {OpenRedError} As {@linkcode resolve}; `forbidden` for a blocked peer, `url_refused` for a link to what
   *   this node must not call, `node_unknown`, `succeeded`, and what else the directories answered.
   */
  async accept(text: string): Promise<NodeId> {
    const { book, permissions, directories, contactDirectories, sessions, stopped } = this.#parts;
    const asked = this.resolve(text);
    this.checkNotBlocked(asked);
    const ref = readRef(text);
    const isNew = book.get(asked) === null;
    const former = isNew || ref.kind === "link" ? contactDirectories.of(asked) : null;
    await this.#noteDirectory(asked, { ref, former });
    try {
      if (isNew) await directories.lookUp(asked, stopped);
    } catch (error) {
      if (book.get(asked) === null && former === null) await contactDirectories.forget(asked);
      throw namingSuccessor(error);
    }
    const peer = book.lastId(asked);
    this.checkNotBlocked(peer);
    const invitation = ref.kind === "link" ? ref.link.invitation : null;
    if (invitation === null) await permissions.accept(peer);
    else await sessions.inviting.hold(peer, invitation);
    return peer;
  }

  /**
   * Accepts a peer, and calls it again where its tokens were revoked: somebody here asks for it.
   * @param name What it is called from now on; `null` leaves that as it is.
   * @throws {OpenRedError} As {@linkcode accept}; `bad_request` for a name that another peer has, before anything is done.
   */
  async meet(text: string, name: string | null = null): Promise<NodeId> {
    const { petnames } = this.#parts;
    const petname = name === null ? null : readPetname(name);
    if (petname !== null) petnames.checkFree(this.resolve(text), petname);
    const peer = await this.accept(text);
    if (petname !== null) await petnames.give(peer, petname);
    await this.#parts.book.setRevoked(peer, null);
    return peer;
  }

  /**
   * Whether {@linkcode meet} would let a peer do more than it may now, or call it again though its tokens were revoked.
   * @throws {OpenRedError} As {@linkcode resolve}.
   */
  widens(text: string): boolean {
    const { book, permissions } = this.#parts;
    const peer = this.resolve(text);
    if (permissions.isBlocked(peer)) return false;
    return permissions.wouldGrant(peer) || book.isRevoked(peer);
  }

  /** @throws {OpenRedError} `forbidden`. */
  checkNotBlocked(peer: NodeId): void {
    if (!this.#parts.permissions.isBlocked(peer)) return;
    throw new OpenRedError("forbidden", "This peer is blocked here; unblock it first");
  }

  async #noteDirectory(
    peer: NodeId,
    { ref, former }: { ref: PeerRef; former: string | null },
  ): Promise<void> {
    const { directories, contactDirectories, stopped } = this.#parts;
    if (ref.kind !== "link") return;
    const { allowPrivate } = this.#own;
    const { apiUrl, directoryUrl } = ref.link;
    for (const url of [apiUrl, directoryUrl]) if (url !== null) checkUrlText(url, { allowPrivate });
    if (directoryUrl === null || directories.urls.includes(directoryUrl)) return;
    if (directoryUrl === former) return;
    const isBetter = former === null ||
      await directories.isKnownAt(directoryUrl, { peer, signal: stopped });
    if (isBetter) await contactDirectories.note(peer, directoryUrl);
  }

  list(): PeersView {
    const { book, permissions, petnames, permissionNames } = this.#parts;
    const met = book.all().filter((peer) => peer.succession === null).map((peer) => peer.id);
    const ids = [...new Set([...met, ...permissions.peers(), ...petnames.peers()])].sort();
    return { peers: ids.map((id) => this.show(id)), permission_names: permissionNames.all() };
  }

  show(peer: NodeId): PeerDetail {
    const { book, permissions, petnames, contactDirectories, vault, table, modules, sessions } =
      this.#parts;
    const { ways, held } = this.#parts;
    const entry = book.get(peer);
    const rights = permissions.of(peer);
    return {
      node_id: peer,
      petname: petnames.of(peer),
      alias: entry?.record.payload.alias ?? null,
      api_url: entry?.record.payload.api_url ?? null,
      way: ways.view(peer),
      known: entry?.known ?? false,
      invited: held.has(peer),
      blocked_since: rights.blockedSince,
      permissions: rights.effective,
      allowed: rights.allowed,
      denied: rights.denied,
      groups: rights.groups,
      contact_directory: contactDirectories.of(peer),
      sessions: table.forPeer(peer).filter((session) => session.confirmed && session.sends).length,
      standby_pairs: unspent(vault.forPeer(peer)).length,
      outbox: modules.waiting(peer),
      last_error: troubleWith({ book, table, links: sessions.links }, peer),
    };
  }

  /** @param decision `force`: also about a permission that no module asks for. */
  async decide(
    text: string,
    decision: { name: string; allowed: boolean; force: boolean },
  ): Promise<PeerDetail> {
    this.#checkPermission(decision);
    const peer = this.resolve(text);
    await this.#parts.permissions.decide(peer, decision);
    return this.show(peer);
  }

  /** A name that was mistyped would allow nothing and, what is worse, deny nothing. */
  #checkPermission({ name, force }: { name: string; force: boolean }): void {
    const known = this.#parts.permissionNames.all();
    if (force || known.includes(name)) return;
    throw new OpenRedError(
      "bad_request",
      `No module here asks for the permission ${name}, only for ${known.join(", ")}; ` +
        "--force decides about it all the same",
    );
  }

  async reset(text: string, name: string | null): Promise<PeerDetail> {
    const peer = this.resolve(text);
    await this.#parts.permissions.reset(peer, name);
    return this.show(peer);
  }

  /** Blocks a peer: from then on it is refused as if nobody knew it, and nothing waits for it. */
  async block(text: string): Promise<PeerDetail> {
    const { permissions, held, modules, sessions } = this.#parts;
    const peer = this.resolve(text);
    await permissions.block(peer, () => {
      held.writeForget(peer);
      modules.writeForget(peer);
    });
    modules.peersChanged();
    await sessions.ending.cutOff(peer, "blocked");
    return this.show(peer);
  }

  async unblock(text: string): Promise<PeerDetail> {
    const { permissions } = this.#parts;
    const peer = this.resolve(text);
    if (permissions.isBlocked(peer)) await permissions.unblock(peer);
    return this.show(peer);
  }

  /** Makes a stranger of a peer; only a block stays, and the messages that came from it. */
  async forget(text: string): Promise<PeerDetail> {
    const { book, permissions, petnames, contactDirectories, modules, sessions, events } =
      this.#parts;
    const { invitations, held } = this.#parts;
    const peer = this.resolve(text);
    await book.erase(peer, () => {
      permissions.writeForget(peer);
      petnames.writeForget(peer);
      invitations.writeForget(peer);
      held.writeForget(peer);
      contactDirectories.writeForget(peer);
      modules.writeForget(peer);
    });
    modules.peersChanged();
    await sessions.ending.cutOff(peer, "forgotten");
    events.audit("peer_forgotten", { peer, success: true });
    return this.show(peer);
  }

  /** @param name `null` takes the name back. */
  async rename(text: string, name: string | null): Promise<PeerDetail> {
    const peer = this.resolve(text);
    await this.#parts.petnames.give(peer, name === null ? null : readPetname(name));
    return this.show(peer);
  }

  groups(): GroupView[] {
    return this.#parts.permissions.groups().map((group) => this.#view(group));
  }

  async joinGroup(group: string, text: string): Promise<GroupView> {
    await this.#parts.permissions.join(group, this.resolve(text));
    return this.#group(group);
  }

  async leaveGroup(group: string, text: string): Promise<GroupView> {
    return this.#changed(group, await this.#parts.permissions.leave(group, this.resolve(text)));
  }

  /** @param options As {@linkcode decide}. */
  async allowGroup(
    group: string,
    { name, force }: { name: string; force: boolean },
  ): Promise<GroupView> {
    this.#checkPermission({ name, force });
    await this.#parts.permissions.allowGroup(group, name);
    return this.#group(group);
  }

  async resetGroup(group: string, name: string): Promise<GroupView> {
    return this.#changed(group, await this.#parts.permissions.resetGroup(group, name));
  }

  async deleteGroup(group: string): Promise<GroupView> {
    return this.#changed(group, await this.#parts.permissions.deleteGroup(group));
  }

  #changed(group: string, existed: boolean): GroupView {
    if (!existed) throw new OpenRedError("not_found", `There is no group ${group}`);
    return this.#group(group);
  }

  #group(name: string): GroupView {
    return this.#view(this.#parts.permissions.group(name));
  }

  #view({ name, permissions, members }: Group): GroupView {
    const { petnames } = this.#parts;
    const named = members.flatMap((peer) => {
      const petname = petnames.of(peer);
      return petname === null ? [] : [[peer, petname]];
    });
    return { group: name, permissions, members, petnames: Object.fromEntries(named) };
  }
}

/** Where nothing is pinned, what a directory says of a successor is for people to judge. */
function namingSuccessor(error: unknown): unknown {
  if (!hasCode(error, "succeeded") || typeof error.members.succession !== "string") return error;
  try {
    const next = successorOf(error.members.succession);
    const text = `A directory says that ${next} has followed this id; ask its owner`;
    return new OpenRedError("succeeded", text, { cause: error });
  } catch {
    return error;
  }
}
