/**
 * The succession a node came from, and who has yet to be shown it (docs/PROTOCOL.md, "Succession").
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import { MAX_SUCCESSION_CHAIN } from "../../protocol/limits.ts";
import type { NodeStore } from "../store/store.ts";
import { judgedName, SELF_NAMES, toldName, untoldName } from "./self_names.ts";

/** The successions that led to this identity, oldest first: as many as a reader follows. */
export function successionsOf(store: Pick<NodeStore, "self">): readonly string[] {
  const newest = store.self(SELF_NAMES.succession);
  if (newest === null) return [];
  const former = JSON.parse(store.self(SELF_NAMES.formerSuccessions) ?? "[]") as string[];
  return [...former, newest].slice(-MAX_SUCCESSION_CHAIN);
}

/** What a running node shows of its succession. */
export class OwnSuccession {
  readonly #store: NodeStore;
  readonly #text: string | null;
  /** Who has answered a message 1 with it since the start. */
  readonly #answered = new Set<NodeId>();

  constructor(store: NodeStore) {
    this.#store = store;
    this.#text = store.self(SELF_NAMES.succession);
  }

  /** What message 1 to a peer says, or `null` for nothing. */
  forPeer(peer: NodeId): string | null {
    if (this.#text === null) return null;
    if (this.#store.self(untoldName(peer)) !== null) return this.#text;
    if (this.#store.self(SELF_NAMES.untoldToAll) === null) return null;
    return this.#store.self(toldName(peer)) === null ? this.#text : null;
  }

  /** Notes that a message 1 of this node was answered that may have said it. */
  answered(peer: NodeId): void {
    if (this.forPeer(peer) !== null) this.#answered.add(peer);
  }

  /** Notes that a session was confirmed: who answered message 1 there knows. */
  async confirmed(peer: NodeId): Promise<void> {
    if (!this.#answered.delete(peer)) return;
    await this.#store.write(() => {
      this.#drop(untoldName(peer));
      if (this.#store.self(SELF_NAMES.untoldToAll) !== null) this.#put(toldName(peer));
    });
  }

  /** Moves along when a peer succeeds. Part of the transaction that moves the contact. */
  writeMove(old: NodeId, next: NodeId): void {
    if (this.#store.self(untoldName(old)) === null) return;
    this.#drop(untoldName(old));
    this.#put(untoldName(next));
  }

  /** What a registration at a directory says, or `null` once it has judged it. */
  forDirectory(url: string): string | null {
    return this.#store.self(judgedName(url)) === this.#ownId ? null : this.#text;
  }

  /** Notes that a directory took it, or refused it for good. */
  async judged(url: string): Promise<void> {
    await this.#store.setSelf(judgedName(url), this.#ownId);
  }

  /**
   * Has the audit log say once where this identity came from, and where the former one's log ended.
   * @param audit Resolves when the entry is on disk.
   */
  async note(
    audit: (fields: { former: string; former_head: string }) => Promise<void>,
  ): Promise<void> {
    const noted = this.#store.self(SELF_NAMES.noted);
    if (noted === null) return;
    const { former, head } = JSON.parse(noted) as { former: string; head: string | null };
    await audit({ former, former_head: head ?? "" });
    await this.#store.write(() => this.#drop(SELF_NAMES.noted));
  }

  get #ownId(): string {
    return this.#store.self(SELF_NAMES.nodeId) ?? "";
  }

  #put(name: string): void {
    this.#store.statement("INSERT OR REPLACE INTO self (name, value) VALUES (?, ?)")
      .run(name, this.#ownId);
  }

  #drop(name: string): void {
    this.#store.statement("DELETE FROM self WHERE name = ?").run(name);
  }
}
