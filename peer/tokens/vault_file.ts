/**
 * The file of a token vault. A change is appended and synced; what has died in the file meanwhile goes when the file
 * is written anew, whole, once the dead part outweighs the living one.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { decodeUtf8, encodeUtf8 } from "../../crypto/encoding.ts";
import type { Files } from "../../ports/ports.ts";
import { storageFailed } from "../store/store.ts";
import {
  formatChange,
  formatLine,
  lineLength,
  MASTER_KEY_LINE,
  type PlacedLine,
  readVaultText,
  type VaultLine,
} from "./vault_text.ts";

export const VAULT_FILE = ".env";
export const DAMAGED_FILE = ".env.damaged";
/** So much may be dead before a small file is written anew. */
const DEAD_BYTES = 64 * 1024;

/** One change of the file: names, and what is sealed under them; `null` takes a name away. */
export type FileChange = ReadonlyMap<string, string | null>;

/** The file of one vault. */
export class VaultFile {
  readonly #files: Files;
  /** What the file says, with all that was queued: what is sealed under each name. */
  readonly #sealed = new Map<string, string>();
  #comments: readonly string[] = [];
  #liveBytes = 0;
  #fileBytes = 0;
  #queued: string[] = [];
  #mustRewrite = true;
  #writing: Promise<void> = Promise.resolve();
  #next: Promise<void> | null = null;
  /** Whether something was queued that no write has begun for, or whose write failed. */
  #isDirty = false;

  constructor(files: Files) {
    this.#files = files;
  }

  /** Reads the file; empty where there is none. What is to stay is said with {@linkcode keep}. */
  async read(): Promise<{ lines: readonly VaultLine[]; damaged: readonly PlacedLine[] }> {
    const content = await this.#files.read(VAULT_FILE);
    if (content === null) return { lines: [], damaged: [] };
    const { lines, damaged, comments, isComplete } = readVaultText(decodeLeniently(content));
    this.#comments = comments;
    this.#fileBytes = content.length;
    this.#mustRewrite = !isComplete;
    return { lines, damaged };
  }

  /** Takes over what was read. */
  keep(name: string, sealed: string): void {
    this.#put(name, sealed);
  }

  /** Moves lines to a file of their own, and writes this one without them. */
  async setAside(damaged: readonly PlacedLine[]): Promise<void> {
    const lines = damaged.toSorted((a, b) => a.place - b.place).map(({ text }) => `${text}\n`);
    await this.#files.append(DAMAGED_FILE, encodeUtf8(lines.join("")));
    this.#mustRewrite = true;
    this.#isDirty = true;
    await this.flush();
  }

  /** Has the next write replace the file, whatever it takes along. */
  rewriteNext(): void {
    this.#mustRewrite = true;
  }

  /** Adds a change to what the next write takes along, whole. */
  queue(change: FileChange): void {
    if (change.size === 0) return;
    for (const [name, sealed] of change) this.#put(name, sealed);
    const lines = Array.from(change, ([name, sealed]) => formatLine(name, sealed));
    this.#queued.push(formatChange(lines));
    this.#isDirty = true;
  }

  #put(name: string, sealed: string | null): void {
    const former = this.#sealed.get(name);
    if (former !== undefined) this.#liveBytes -= lineLength(name, former);
    if (sealed === null) {
      this.#sealed.delete(name);
    } else {
      this.#sealed.set(name, sealed);
      this.#liveBytes += lineLength(name, sealed);
    }
  }

  /**
   * Waits until all that was queued is on disk.
   * @throws {OpenRedError} `overloaded` if the file could not be written; the next flush tries again.
   */
  async flush(): Promise<void> {
    try {
      await (this.#isDirty ? this.#write() : this.#writing);
    } catch (cause) {
      throw storageFailed(cause);
    }
  }

  /** A write that has not begun yet takes later changes along. */
  #write(): Promise<void> {
    this.#next ??= this.#writing.catch(() => {}).then(() => {
      this.#next = null;
      this.#writing = this.#writeQueued();
      return this.#writing;
    });
    return this.#next;
  }

  async #writeQueued(): Promise<void> {
    const appended = encodeUtf8(this.#queued.join(""));
    this.#queued = [];
    this.#isDirty = false;
    const dead = this.#fileBytes + appended.length - this.#liveBytes;
    try {
      if (this.#mustRewrite || dead > Math.max(this.#liveBytes, DEAD_BYTES)) await this.#rewrite();
      else await this.#append(appended);
    } catch (error) {
      // Whatever is in the file now, the next write replaces it.
      this.#mustRewrite = true;
      this.#isDirty = true;
      throw error;
    }
  }

  async #append(content: Uint8Array): Promise<void> {
    await this.#files.append(VAULT_FILE, content);
    this.#fileBytes += content.length;
  }

  async #rewrite(): Promise<void> {
    const head = [MASTER_KEY_LINE, ...this.#comments].map((line) => `${line}\n`);
    const lines = Array.from(this.#sealed, ([name, sealed]) => formatLine(name, sealed));
    const content = encodeUtf8([...head, ...lines].join(""));
    await this.#files.write(VAULT_FILE, content);
    this.#fileBytes = content.length;
    this.#mustRewrite = false;
  }
}

/** Bytes that are no UTF-8 damage their own line only. */
export function decodeLeniently(content: Uint8Array): string {
  try {
    return decodeUtf8(content);
  } catch {
    return Buffer.from(content).toString("latin1");
  }
}
