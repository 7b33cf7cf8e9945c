/**
 * The ports and small parts that tests of `peer/` build on: a core in this thread, memory for a disk.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import { concatBytes } from "../../crypto/encoding.ts";
import { LocalCryptoCore } from "../../crypto/core.ts";
import type { CryptoCore } from "../../crypto/interface.ts";
import { Background } from "../../peer/timing/background.ts";
import { NodeEvents } from "../../peer/events/events.ts";
import { MethodBook } from "../../peer/own/method_book.ts";
import { DenialLog } from "../../peer/events/denial_log.ts";
import { Permissions } from "../../peer/peers/permissions.ts";
import { NodeStore } from "../../peer/store/store.ts";
import type { FileInfo, Files, Log, LogFields } from "../../ports/ports.ts";
import { SeededRandom } from "../sim/seeded_random.ts";
import { VirtualClock } from "./virtual_clock.ts";

export const START_MS = 1_790_000_000_000;
export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;

/** Files in memory. Writes can be held back, or fail. */
export class MemoryFiles implements Files {
  readonly content = new Map<string, Uint8Array<ArrayBuffer>>();
  isFull = false;
  writes = 0;
  /** Awaited by every write. */
  gate: Promise<void> = Promise.resolve();

  read(name: string): Promise<Uint8Array<ArrayBuffer> | null> {
    return Promise.resolve(this.content.get(name)?.slice() ?? null);
  }

  async write(name: string, content: Uint8Array): Promise<void> {
    this.writes += 1;
    const copy = new Uint8Array(content);
    await this.gate;
    if (this.isFull) throw new Error("No space left on device");
    this.content.set(name, copy);
  }

  async append(name: string, content: Uint8Array): Promise<void> {
    const before = this.content.get(name) ?? new Uint8Array();
    await this.write(name, concatBytes(before, content));
  }

  async truncate(name: string, bytes: number): Promise<void> {
    await this.gate;
    const before = this.content.get(name);
    if (before !== undefined) this.content.set(name, before.slice(0, bytes));
  }

  list(prefix: string): Promise<FileInfo[]> {
    const found = [...this.content].filter(([name]) => name.startsWith(prefix));
    return Promise.resolve(
      found.map(([name, { length }]) => ({ name, bytes: length })).sort(byName),
    );
  }

  remove(name: string): Promise<void> {
    this.content.delete(name);
    return Promise.resolve();
  }

  rename(name: string, newName: string): Promise<void> {
    const content = this.content.get(name);
    if (content !== undefined) this.content.set(newName, content);
    return this.remove(name);
  }

  text(name: string): string {
    return new TextDecoder().decode(this.content.get(name));
  }
}

function byName(a: FileInfo, b: FileInfo): number {
  return a.name < b.name ? -1 : 1;
}

export class MemoryLog implements Log {
  readonly entries: { readonly event: string; readonly fields: LogFields }[] = [];

  log(_level: string, event: string, fields: LogFields = {}): void {
    this.entries.push({ event, fields });
  }

  /** How often something was audited. */
  audited(event: string): number {
    return this.entries.filter((entry) => entry.event === event && entry.fields.audit === true)
      .length;
  }
}

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
  readonly database: DatabaseSync;
  readonly crypto: CryptoCore;
  readonly methods: MethodBook;
  store: NodeStore;

  private constructor(crypto: CryptoCore) {
    this.crypto = crypto;
    this.methods = new MethodBook(this);
    this.database = new DatabaseSync(":memory:");
    this.store = new NodeStore(() => this.database, this.clock);
    this.permissions = new Permissions(this);
    this.denials = new DenialLog(this);
  }

  static async create(): Promise<TestParts> {
    return new TestParts(await LocalCryptoCore.create());
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
