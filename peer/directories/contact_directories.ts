/**
 * The directory that a contact link named: asked about that one peer, and never for anything else.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { NodeStore } from "../store/store.ts";

/** One directory for each peer whose contact link named one. */
export class ContactDirectories {
  readonly #store: NodeStore;

  constructor(store: NodeStore) {
    this.#store = store;
  }

  of(peer: NodeId): string | null {
    const row = this.#store.statement("SELECT url FROM contact_directories WHERE peer = ?").get(
      peer,
    );
    return row === undefined ? null : String(row.url);
  }

  async note(peer: NodeId, url: string): Promise<void> {
    await this.#store.write(() => {
      this.#store.statement("INSERT OR REPLACE INTO contact_directories (peer, url) VALUES (?, ?)")
        .run(peer, url);
    });
  }

  async forget(peer: NodeId): Promise<void> {
    await this.#store.write(() => this.writeForget(peer));
  }

  /** Inside a transaction: the id that followed is asked about where the old one was. */
  writeMove(old: NodeId, next: NodeId): void {
    this.#store.statement("UPDATE OR IGNORE contact_directories SET peer = ? WHERE peer = ?")
      .run(next, old);
    this.writeForget(old);
  }

  /** Inside a transaction. */
  writeForget(peer: NodeId): void {
    this.#store.statement("DELETE FROM contact_directories WHERE peer = ?").run(peer);
  }
}
