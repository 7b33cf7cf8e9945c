/**
 * All that a node keeps of a module from a file besides the file itself.
 *
 * @module
 */
import { OpenRedError } from "../../protocol/errors.ts";
import type { ModuleLoad } from "../../protocol/module_api.ts";
import type { Permissions } from "../peers/permissions.ts";
import type { NodeStore } from "../store/store.ts";
import type { FrameIds } from "./frame_ids.ts";
import type { HookJournal } from "./hook_journal.ts";
import { ModuleCopies } from "./module_copies.ts";
import { StoredFiles } from "./module_files.ts";
import { ModuleRows } from "./module_rows.ts";
import type { ModuleState, ModuleStates } from "./module_states.ts";

export interface KeptParts {
  readonly store: NodeStore;
  readonly states: ModuleStates;
  readonly frameIds: FrameIds;
  readonly journal: HookJournal;
  readonly permissions: Pick<Permissions, "writeForgetWords">;
}

/** The file that ran before, to be put back where the next one does not start. */
export interface FormerFile {
  readonly state: ModuleState | null;
  readonly code: Uint8Array | null;
}

/** What is kept of one module. */
export class ModuleKept {
  readonly copies: ModuleCopies;
  readonly #parts: KeptParts;
  readonly #name: string;

  constructor(parts: KeptParts, name: string) {
    this.#parts = parts;
    this.#name = name;
    this.copies = new ModuleCopies(parts.store, name);
  }

  /** In bytes, as its quotas count them. */
  bytes(): number {
    const { store } = this.#parts;
    return new ModuleRows(store, { module: this.#name }).bytes() +
      new StoredFiles(store, this.#name).bytes();
  }

  /**
   * Holds what is to become of the data against whether there are any.
   * @throws {OpenRedError} `bad_request`.
   */
  checkChange(change: ModuleLoad["change"]): void {
    const isThere = this.#parts.states.get(this.#name) !== null || this.bytes() > 0;
    if (change === "new" && isThere) {
      const text =
        "A module of this name has data here; say whether it is an upgrade, a downgrade or fresh";
      throw new OpenRedError("bad_request", text);
    }
    if ((change === "upgrade" || change === "downgrade") && !isThere) {
      throw new OpenRedError("bad_request", "There is no module of this name to replace");
    }
  }

  /** The file that is there before another one takes its place. */
  former(): FormerFile {
    const { states } = this.#parts;
    return { state: states.get(this.#name), code: states.code(this.#name) };
  }

  /**
   * Puts a file in place. What an older version, or none, is to find in its data is copied first.
   * @param state Asked for inside the transaction.
   */
  async place(
    { state, code }: { state: () => ModuleState; code: Uint8Array },
    change: ModuleLoad["change"],
  ): Promise<void> {
    const { store, states } = this.#parts;
    const version = states.versionOf(this.#name);
    await store.write(() => {
      if (keepsCopy(change) && version !== null) this.copies.writeMake(version);
      if (change === "fresh") this.#writeForgetData();
      states.writePut(state());
      states.writeCode(this.#name, code);
    });
  }

  /** What it replaced comes back: the file, and the data where a copy was made. */
  async placeBack({ state, code }: FormerFile, change: ModuleLoad["change"]): Promise<void> {
    const { store, states } = this.#parts;
    await store.write(() => {
      if (keepsCopy(change) && this.copies.held() !== null) this.copies.writeBack();
      if (state === null || code === null) return states.writeRemove(this.#name);
      states.writePut(state);
      states.writeCode(this.#name, code);
    });
  }

  /** Inside a transaction: forgets everything. */
  writeForget(): void {
    this.#writeForgetData();
    this.copies.writeForget();
    this.#parts.states.writeForgetLeft(this.#name);
  }

  /** Inside a transaction. What peers were allowed goes as well: the next module of this name may be another one. */
  #writeForgetData(): void {
    const { store, journal, frameIds, permissions } = this.#parts;
    new ModuleRows(store, { module: this.#name }).writeForget();
    new StoredFiles(store, this.#name).writeForget();
    journal.writeForgetModule(this.#name);
    frameIds.writeForgetModule(this.#name);
    permissions.writeForgetWords(this.#name);
  }
}

/** Whether a change may cost data, so that nobody may write to them meanwhile. */
export function keepsCopy(change: ModuleLoad["change"]): boolean {
  return change === "downgrade" || change === "fresh";
}
