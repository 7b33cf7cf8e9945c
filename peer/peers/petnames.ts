/**
 * Petnames: what this node's owner calls peers. Only this node knows them, and each leads to one peer.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { foldPetname } from "../../protocol/peer_name.ts";
import { Remembered } from "../store/remembered.ts";
import type { NodeStore } from "../store/store.ts";

function taken(): OpenRedError {
  return new OpenRedError("bad_request", "Another peer has this name here");
}

/** The petnames of one node. */
export class Petnames {
  readonly #store: NodeStore;

  readonly #names: Remembered<string | null>;

  constructor(store: NodeStore) {
    this.#store = store;
    this.#names = new Remembered({
      isInside: () => store.isInside,
      read: (peer) => this.#read(peer),
    });
  }

  of(peer: NodeId): string | null {
    return this.#names.of(peer);
  }

  #read(peer: NodeId): string | null {
    const row = this.#store.statement("SELECT name FROM petnames WHERE peer = ?").get(peer);
    return row === undefined ? null : String(row.name);
  }

  /** Whose name this is, however it is written in capitals; or `null`. */
  find(name: string): NodeId | null {
    const row = this.#store.statement("SELECT peer FROM petnames WHERE folded = ?")
      .get(foldPetname(name));
    return row === undefined ? null : String(row.peer) as NodeId;
  }

  /** Everybody who has one. */
  peers(): NodeId[] {
    return this.#store.statement("SELECT peer FROM petnames").all()
      .map((row) => String(row.peer) as NodeId);
  }

  /** @throws {OpenRedError} `bad_request` for a name that another peer has. */
  checkFree(peer: NodeId, name: string): void {
    const holder = this.find(name);
    if (holder !== null && holder !== peer) throw taken();
  }

  /**
   * Names a peer; `null` takes its name back.
   * @param name In the form that `parsePetname` returns.
   * @throws {OpenRedError} `bad_request` for a name that another peer has.
   */
  async give(peer: NodeId, name: string | null): Promise<void> {
    let isGiven = true;
    await this.#store.write(() => {
      if (name === null) this.writeForget(peer);
      else isGiven = this.writeGive(peer, name);
    });
    if (!isGiven) throw taken();
  }

  /** Inside a transaction: names a peer, unless another one has the name. @returns Whether it has it now. */
  writeGive(peer: NodeId, name: string): boolean {
    // Asked inside: two that want one name may be in the same transaction.
    const holder = this.find(name);
    if (holder !== null && holder !== peer) return false;
    this.writeForget(peer);
    this.#store.statement("INSERT INTO petnames (folded, name, peer) VALUES (?, ?, ?)")
      .run(foldPetname(name), name, peer);
    return true;
  }

  /** Inside a transaction: the id that followed keeps its own name, or gets the old one's. */
  writeMove(old: NodeId, next: NodeId): void {
    this.#names.forget();
    this.#store.statement("UPDATE OR IGNORE petnames SET peer = ? WHERE peer = ?").run(next, old);
    this.writeForget(old);
  }

  /** Inside a transaction: takes the name of a peer back. */
  writeForget(peer: NodeId): void {
    this.#names.forget();
    this.#store.statement("DELETE FROM petnames WHERE peer = ?").run(peer);
  }
}
