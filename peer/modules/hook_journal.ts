/**
 * What modules are still to be told of peers: journalled in the transaction in which it becomes true, and told until
 * the module has confirmed it. Built-in modules that run are told in that transaction instead.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { NodeStore } from "../store/store.ts";

export type PeerHook =
  | { readonly hook: "moved"; readonly peer: NodeId; readonly next: NodeId }
  | { readonly hook: "forgotten"; readonly peer: NodeId };

export interface JournalledHook {
  readonly number: number;
  readonly hook: PeerHook;
}

/** The hooks that wait, of all modules. */
export class HookJournal {
  readonly #store: NodeStore;

  constructor(store: NodeStore) {
    this.#store = store;
  }

  /** Inside a transaction. */
  writeAdd(module: string, hook: PeerHook): void {
    const next = hook.hook === "moved" ? hook.next : null;
    this.#store.statement("INSERT INTO module_hooks (module, hook, peer, next) VALUES (?, ?, ?, ?)")
      .run(module, hook.hook, hook.peer, next);
  }

  /** What a module has not confirmed, oldest first. */
  waiting(module: string): JournalledHook[] {
    return this.#store.statement("SELECT * FROM module_hooks WHERE module = ? ORDER BY number")
      .all(module).map(({ number, hook, peer, next }) => ({
        number: Number(number),
        hook: hook === "moved"
          ? { hook, peer: peer as NodeId, next: next as NodeId }
          : { hook: "forgotten", peer: peer as NodeId },
      }));
  }

  confirmed(number: number): Promise<void> {
    return this.#store.write(() => this.writeConfirmed(number));
  }

  /** Inside a transaction. */
  writeConfirmed(number: number): void {
    this.#store.statement("DELETE FROM module_hooks WHERE number = ?").run(number);
  }

  /** Inside a transaction. */
  writeForgetModule(module: string): void {
    this.#store.statement("DELETE FROM module_hooks WHERE module = ?").run(module);
  }
}
