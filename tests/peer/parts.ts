/**
 * The ports and small parts that tests of `peer/` build on: a core in this thread, memory for a disk.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import { LocalCryptoCore } from "../../crypto/core.ts";
import type { CryptoCore } from "../../crypto/interface.ts";
import { Background } from "../../peer/timing/background.ts";
import { NodeEvents } from "../../peer/events/events.ts";
import { MethodBook } from "../../peer/own/method_book.ts";
import { DenialLog } from "../../peer/events/denial_log.ts";
import { Decisions } from "../../peer/peers/decisions.ts";
import { Permissions } from "../../peer/peers/permissions.ts";
import { Petnames } from "../../peer/peers/petnames.ts";
import { NodeStore } from "../../peer/store/store.ts";
import { VirtualClock } from "../world/virtual_clock.ts";
import { MemoryFiles } from "../world/memory_files.ts";
import { MemoryLog } from "../world/memory_log.ts";
import { SeededRandom } from "../world/seeded_random.ts";

export const START_MS = 1_790_000_000_000;
export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;

/** What most parts of a node are made from. */
export class TestParts implements Disposable {
  readonly clock = new VirtualClock(START_MS);
  readonly random = new SeededRandom("tests of peer");
  readonly files = new MemoryFiles();
  readonly log = new MemoryLog();
  readonly events = new NodeEvents(this.log);
  readonly background = new Background(this.log);
  readonly denials: DenialLog;
  readonly permissions: Permissions;
  readonly decisions: Decisions;
  readonly database: DatabaseSync;
  readonly crypto: CryptoCore;
  readonly methods: MethodBook;
  store: NodeStore;

  private constructor(crypto: CryptoCore, database: DatabaseSync) {
    this.crypto = crypto;
    this.methods = new MethodBook(this);
    this.database = database;
    this.store = new NodeStore(() => this.database, this.clock);
    this.permissions = new Permissions(this);
    const { permissions, store } = this;
    const held = { has: () => false, peers: () => [] };
    this.decisions = new Decisions({ permissions, petnames: new Petnames(store), held });
    this.denials = new DenialLog(this);
  }

  /** @param options A core and a database that others use as well; new ones unless it says so. */
  static async create(
    options: { readonly crypto?: CryptoCore; readonly database?: DatabaseSync } = {},
  ): Promise<TestParts> {
    const { crypto, database = new DatabaseSync(":memory:") } = options;
    return new TestParts(crypto ?? await LocalCryptoCore.create(), database);
  }

  /** The same database in the hands of a process that starts anew. */
  reopen(): void {
    this.store = new NodeStore(() => this.database, this.clock);
  }

  /** Makes every further write to the database fail. */
  fillDisk(): void {
    this.database.exec("PRAGMA query_only = ON");
  }

  freeDisk(): void {
    this.database.exec("PRAGMA query_only = OFF");
  }

  [Symbol.dispose](): void {
    this.store.close();
  }
}
