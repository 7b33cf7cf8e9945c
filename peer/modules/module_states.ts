/**
 * What the node keeps about each module: whether it is to run, and with what.
 *
 * @module
 */
import type { OptionValue } from "../../modules/api.ts";
import type { Random } from "../../ports/ports.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import type { NodeStore } from "../store/store.ts";
import type { ModuleKind } from "./running_module.ts";

const SALT_BYTES = 16;

export interface ModuleState {
  readonly name: string;
  readonly kind: ModuleKind;
  readonly version: string;
  /** Of the file that was agreed to; `null` for a built-in module. */
  readonly sha256: string | null;
  readonly enabled: boolean;
  /** Whether the owner agreed to it here. A module that came with a backup waits for that. */
  readonly agreed: boolean;
  /** Names of the grants that were given: for a folder with the path behind `=`. */
  readonly grants: readonly string[];
  /** Names of those that were taken back: the module runs without them. */
  readonly revoked: readonly string[];
  readonly options: Readonly<Record<string, OptionValue>>;
  /** 16 bytes: which key seals its rows. */
  readonly salt: Uint8Array;
}

/** The states of all modules that the node has had. */
export class ModuleStates {
  readonly #store: NodeStore;
  readonly #random: Pick<Random, "bytes">;

  constructor(parts: { store: NodeStore; random: Pick<Random, "bytes"> }) {
    this.#store = parts.store;
    this.#random = parts.random;
  }

  get(name: string): ModuleState | null {
    const row = this.#store.statement("SELECT * FROM modules WHERE name = ?").get(name);
    return row === undefined ? null : toState(row);
  }

  /** By name. */
  all(): ModuleState[] {
    return this.#store.statement("SELECT * FROM modules ORDER BY name").all().map(toState);
  }

  /**
   * The state of a built-in module; one that was never there is enabled.
   * @throws {OpenRedError} `overloaded` if it could not be stored.
   */
  async builtIn(name: string, version: string): Promise<ModuleState> {
    const held = this.get(name);
    if (held !== null && held.kind === "built-in" && held.version === version) return held;
    const salt = held?.salt ?? this.newSalt();
    const { enabled, options } = held ?? { enabled: true, options: {} };
    const rest = { sha256: null, agreed: true, grants: [], revoked: [] };
    const state = { name, kind: "built-in" as const, version, enabled, options, salt, ...rest };
    await this.put(state);
    return state;
  }

  newSalt(): Uint8Array {
    return this.#random.bytes(SALT_BYTES);
  }

  put(state: ModuleState): Promise<void> {
    return this.#store.write(() => this.writePut(state));
  }

  /**
   * Changes what is kept of a module, as it is when the change is written: another one may be on its way.
   * @throws {OpenRedError} `not_found`, `overloaded`.
   */
  change(name: string, change: (state: ModuleState) => ModuleState): Promise<void> {
    return this.#store.write(() => {
      const state = this.get(name);
      if (state === null) throw new OpenRedError("not_found", "There is no module of this name");
      this.writePut(change(state));
    });
  }

  /** Inside a transaction. */
  writePut(state: ModuleState): void {
    this.#store.statement(
      `INSERT OR REPLACE INTO modules
       (name, kind, version, sha256, enabled, agreed, grants, revoked, options, salt)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(
      state.name,
      state.kind,
      state.version,
      state.sha256,
      Number(state.enabled),
      Number(state.agreed),
      JSON.stringify(state.grants),
      JSON.stringify(state.revoked),
      JSON.stringify(state.options),
      state.salt,
    );
  }

  /** The bytes of a module's file. */
  code(name: string): Uint8Array | null {
    const row = this.#store.statement("SELECT code FROM module_code WHERE module = ?").get(name);
    return row === undefined ? null : row.code as Uint8Array;
  }

  /** Inside a transaction. */
  writeCode(name: string, code: Uint8Array): void {
    this.#store.statement("INSERT OR REPLACE INTO module_code (module, code) VALUES (?, ?)")
      .run(name, code);
  }

  /** Inside a transaction: forgets the module and its file, but not what opens the data that it leaves. */
  writeRemove(name: string): void {
    this.#store.statement(
      `INSERT OR REPLACE INTO modules_left (name, version, salt)
       SELECT name, version, salt FROM modules WHERE name = ?`,
    ).run(name);
    this.#store.statement("DELETE FROM modules WHERE name = ?").run(name);
    this.#store.statement("DELETE FROM module_code WHERE module = ?").run(name);
  }

  /** The salt of data that a module has left here; `null` for none. */
  leftSalt(name: string): Uint8Array | null {
    const row = this.#store.statement("SELECT salt FROM modules_left WHERE name = ?").get(name);
    return row === undefined ? null : row.salt as Uint8Array;
  }

  /** Which version has kept what is there; `null` where none is known. */
  versionOf(name: string): string | null {
    const held = this.get(name);
    if (held !== null) return held.version;
    const row = this.#store.statement("SELECT version FROM modules_left WHERE name = ?").get(name);
    return row === undefined ? null : String(row.version);
  }

  /** Inside a transaction: what the module has left can be opened no more. */
  writeForgetLeft(name: string): void {
    this.#store.statement("DELETE FROM modules_left WHERE name = ?").run(name);
  }
}

/** Has every module from a file wait for the owner's word, such as after a restore. */
export function takeAgreementsBack(store: NodeStore): Promise<void> {
  return store.write(() => {
    store.statement("UPDATE modules SET agreed = 0 WHERE kind = 'file'").run();
  });
}

function toState(row: Readonly<Record<string, unknown>>): ModuleState {
  return {
    name: String(row.name),
    kind: row.kind as ModuleKind,
    version: String(row.version),
    sha256: row.sha256 === null ? null : String(row.sha256),
    enabled: row.enabled === 1,
    agreed: row.agreed === 1,
    grants: JSON.parse(String(row.grants)),
    revoked: JSON.parse(String(row.revoked)),
    options: JSON.parse(String(row.options)),
    salt: row.salt as Uint8Array,
  };
}
