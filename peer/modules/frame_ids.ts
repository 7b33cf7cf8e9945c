/**
 * The ids of frames that modules have stored, for modules that do not remember them themselves.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { NodeStore } from "../store/store.ts";

/** How many ids of one peer are known; nobody repeats a frame for that long. */
const MAX_OF_PEER = 4_096;
/** After how many new ids the oldest are looked for. */
const PRUNE_EVERY = 64;

export interface FrameName {
  readonly module: string;
  readonly peer: NodeId;
  readonly id: string;
}

/** The ids of all modules' frames. */
export class FrameIds {
  readonly #store: NodeStore;
  #noted = 0;

  constructor(store: NodeStore) {
    this.#store = store;
  }

  has({ module, peer, id }: FrameName): boolean {
    const sql = "SELECT 1 FROM module_frames WHERE module = ? AND peer = ? AND id = ?";
    return this.#store.statement(sql).get(module, peer, id) !== undefined;
  }

  /** @throws {OpenRedError} `overloaded` if it could not be stored. */
  note(frame: FrameName): Promise<void> {
    const { module, peer, id } = frame;
    return this.#store.write(() => {
      this.#store.statement(
        "INSERT OR IGNORE INTO module_frames (module, peer, id) VALUES (?, ?, ?)",
      ).run(module, peer, id);
      this.#noted += 1;
      if (this.#noted % PRUNE_EVERY === 0) this.#writePrune(frame);
    });
  }

  #writePrune({ module, peer }: FrameName): void {
    this.#store.statement(
      `DELETE FROM module_frames WHERE module = ?1 AND peer = ?2 AND number <= (
        SELECT number FROM module_frames WHERE module = ?1 AND peer = ?2
        ORDER BY number DESC LIMIT 1 OFFSET ?3)`,
    ).run(module, peer, MAX_OF_PEER);
  }

  /** Inside a transaction: a peer's ids are its own, so its successor begins anew. */
  writeForget(peer: NodeId): void {
    this.#store.statement("DELETE FROM module_frames WHERE peer = ?").run(peer);
  }

  /** Inside a transaction: forgets what a module has seen. */
  writeForgetModule(module: string): void {
    this.#store.statement("DELETE FROM module_frames WHERE module = ?").run(module);
  }
}
