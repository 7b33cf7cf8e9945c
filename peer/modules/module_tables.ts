/**
 * Tables of a built-in module in the node's database: one transaction, one backup, one succession for all of them.
 *
 * @module
 */
import type { ModuleTables, PeersNow, TableStatement } from "../../modules/api.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import type { PeerBook } from "../peers/peer_book.ts";
import type { Permissions } from "../peers/permissions.ts";
import type { Petnames } from "../peers/petnames.ts";
import type { NodeStore } from "../store/store.ts";

interface PeerParts {
  readonly book: PeerBook;
  readonly permissions: Permissions;
  readonly petnames: Petnames;
}

/** The peers as they are in this moment. */
export function peersNow({ book, permissions, petnames }: PeerParts): PeersNow {
  return {
    lastId: (peer) => book.lastId(peer),
    isBlocked: (peer) => permissions.isBlocked(peer),
    standing: (peer, permission) => permissions.standing(peer, permission),
    petname: (peer) => petnames.of(peer),
  };
}

/** The tables of one module. */
export class StoredTables implements ModuleTables {
  readonly peers: PeersNow;
  readonly #store: NodeStore;
  readonly #module: string;

  constructor(parts: PeerParts & { store: NodeStore }, module: string) {
    this.peers = peersNow(parts);
    this.#store = parts.store;
    this.#module = module;
  }

  /** @throws {OpenRedError} `unsupported` where a newer version of the module has written. */
  migrate(steps: readonly string[]): void {
    const row = this.#store.statement("SELECT version FROM module_tables WHERE module = ?")
      .get(this.#module);
    const version = Number(row?.version ?? 0);
    if (version > steps.length) {
      const text = `A newer version of the module ${this.#module} wrote its tables`;
      throw new OpenRedError("unsupported", text);
    }
    steps.forEach((sql, index) => {
      if (index >= version) this.#store.step(`${sql}${this.#versionSql(index + 1)}`);
    });
  }

  /** The module's name is one of the program's own. */
  #versionSql(version: number): string {
    return `INSERT OR REPLACE INTO module_tables (module, version) VALUES ('${this.#module}', ${version});`;
  }

  statement(sql: string): TableStatement {
    return this.#store.statement(sql);
  }

  write(apply: (peers: PeersNow) => void): Promise<void> {
    return this.#store.write(() => apply(this.peers));
  }

  wipe(): Promise<void> {
    return this.#store.wipe();
  }
}
