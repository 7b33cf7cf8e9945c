/**
 * The ids of frames that modules have stored, for modules that do not remember them themselves.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { NodeStore } from "../store/store.ts";

/** How many ids of one peer are known; nobody repeats a frame for that long. */
const MAX_OF_PEER = 4_096;
/** After how many new ids of a peer its oldest are looked for. */
const PRUNE_EVERY = 64;
/** Of how many peers new ids are counted: of those that sent last. */
const MAX_COUNTED = 4_096;

export interface FrameName {
  readonly module: string;
  readonly peer: NodeId;
  readonly id: string;
}

/** The ids of all modules' frames. */
export class FrameIds {
  readonly #store: NodeStore;
  /** New ids by module and peer, whoever sent last behind. */
  readonly #noted = new Map<string, number>();

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
      if (this.#isDue(`${module} ${peer}`)) this.#writePrune(frame);
    });
  }

  #isDue(key: string): boolean {
    const count = (this.#noted.get(key) ?? 0) + 1;
    this.#noted.delete(key);
    if (count >= PRUNE_EVERY) return true;
    this.#noted.set(key, count);
    if (this.#noted.size > MAX_COUNTED) this.#noted.delete(this.#noted.keys().next().value!);
    return false;
  }

  #writePrune({ module, peer }: FrameName): void {
    this.#store.statement(
      `DELETE FROM module_frames WHERE module = ? AND peer = ? AND number <= (
        SELECT number FROM module_frames WHERE module = ? AND peer = ?
        ORDER BY number DESC LIMIT 1 OFFSET ?)`,
    ).run(module, peer, module, peer, MAX_OF_PEER);
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
