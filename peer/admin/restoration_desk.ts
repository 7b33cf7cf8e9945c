/**
 * Restoring a backup in the place of a running node's data (docs/ARCHITECTURE.md, "Backup"). What comes lies beside the
 * data until it is proven whole and its keys have opened; then the node begins anew with it.
 *
 * @module
 */
import { concatBytes, encodeBase64Url, encodeUtf8, type NodeId } from "../../crypto/encoding.ts";
import { BACKUP_MAGIC, type CryptoCore, CryptoError } from "../../crypto/interface.ts";
import { openKeystoreFiles, releaseKeys } from "../../ports/keystore_files.ts";
import { readNodeSecret } from "../../ports/node_secret.ts";
import type { Clock, Files, OpenDatabase, Random } from "../../ports/ports.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import {
  backupPieceInputSchema,
  beginRestorationInputSchema,
  type ComingBackupView,
  lookAtBackupInputSchema,
  makeRestorationInputSchema,
  type OpenedBackupView,
  type RestorationView,
} from "../../protocol/restoration_api.ts";
import { nothingSchema, SECRET_BYTES } from "../../protocol/sign_in_api.ts";
import { checkCost } from "../backup/archive.ts";
import { restoreNode } from "../backup/restore.ts";
import type { NextRun } from "../config.ts";
import { incomingData, removeIncoming, writeRestoration } from "../data/restoration.ts";
import type { NodeEvents } from "../events/events.ts";
import { storageFailed } from "../store/store.ts";
import type { KeyChanges } from "./key_changes.ts";
import { canonicalForm } from "./passphrase_desk.ts";
import type { AddPost } from "./peer_routes.ts";

const PART_BYTES = 4 * 2 ** 20;
const PART_PREFIX = "part-";
const SEEN_BYTES = 16;
const RETRY_MS = 5_000;
/** How long a backup waits for its next piece, or for whoever has looked at it. */
const IDLE_MS = 30 * 60_000;

interface RestorationDeskParts {
  readonly crypto: CryptoCore;
  readonly clock: Clock;
  readonly random: Random;
  readonly files: Files;
  readonly openDatabase: OpenDatabase;
  readonly events: Pick<NodeEvents, "audit">;
  readonly own: { readonly id: NodeId };
  readonly keyChanges: KeyChanges;
  readonly reopen: (next: NextRun) => void;
}

/** Passphrases of the keys in the backup, and of those that the node has now. */
interface Given {
  readonly seen: string;
  readonly passphrase: Uint8Array | null;
  readonly current: Uint8Array | null;
}

/** A file on its way here. */
interface Coming {
  readonly bytes: number;
  at: number;
  parts: number;
  /** What is not on disk yet. */
  held: Uint8Array[];
}

/** Restores one backup at a time, in steps that nothing else comes between. */
export class RestorationDesk {
  readonly #parts: RestorationDeskParts;
  readonly #incoming: { readonly files: Files; readonly openDatabase: OpenDatabase };
  #coming: Coming | null = null;
  /** Whose data lie there, proven; `null`: nobody's. */
  #opened: { readonly id: string; readonly seen: string } | null = null;
  #isBusy = false;
  #isMade = false;
  #usedMs = 0;

  constructor(parts: RestorationDeskParts) {
    this.#parts = parts;
    this.#incoming = incomingData(parts);
  }

  /** Expects a file, in the place of any that was on its way. @throws {OpenRedError} `overloaded`. */
  async begin(bytes: number): Promise<ComingBackupView> {
    return await this.#step(async () => {
      await this.#forget();
      this.#coming = { bytes, at: 0, parts: 0, held: [] };
      return { at: 0, bytes };
    });
  }

  /**
   * Takes the next bytes.
   * @throws {OpenRedError} `not_found` where none is expected; `bad_request` for bytes of another place, with the right
   *   one, and for what does not begin as a backup; `overloaded` where the disk takes nothing.
   */
  async take(
    { at, data }: { readonly at: number; readonly data: Uint8Array },
  ): Promise<ComingBackupView> {
    return await this.#step(async () => {
      const coming = this.#expected();
      if (at !== coming.at || data.length === 0 || data.length > coming.bytes - at) {
        const text = `Expected the bytes from ${coming.at} on, of ${coming.bytes}`;
        throw new OpenRedError("bad_request", text, { members: { at: coming.at } });
      }
      if (at === 0) await this.#checkBegin(data);
      coming.held.push(data);
      coming.at += data.length;
      const heldBytes = coming.held.reduce((sum, { length }) => sum + length, 0);
      if (heldBytes >= PART_BYTES || coming.at === coming.bytes) await this.#writePart(coming);
      return { at: coming.at, bytes: coming.bytes };
    });
  }

  /**
   * Reads all of the file, and lays what is in it beside the data of this node.
   * @param passphrase Of the backup; wiped.
   * @throws {OpenRedError} `not_found` where the file is not there in full; `forbidden` for a wrong passphrase, or a file
   *   that was changed, which stays for another try; `unsupported` for one of a newer program; `bad_request` for one
   *   that makes no node; `overloaded` where there is no room for it.
   */
  async look(passphrase: Uint8Array): Promise<OpenedBackupView> {
    try {
      return await this.#step(() => this.#look(passphrase));
    } finally {
      passphrase.fill(0);
    }
  }

  /**
   * Makes it certain, once the keys have opened, and has the node begin anew.
   * @param given Both are wiped.
   * @throws {OpenRedError} `not_found` where nothing was looked at; `forbidden` for a wrong or missing passphrase;
   *   `overloaded` where the disk takes nothing, or while keys are changed otherwise. Nothing was changed then.
   */
  async make(given: Given): Promise<RestorationView> {
    try {
      return await this.#step(() => this.#make(given));
    } finally {
      given.passphrase?.fill(0);
      given.current?.fill(0);
    }
  }

  /** Lets go of what came. */
  async cancel(): Promise<Record<string, never>> {
    await this.#step(() => this.#forget());
    return {};
  }

  /** As {@linkcode cancel}, where nobody went on for half an hour. */
  async forgetIdle(): Promise<void> {
    const isIdle = this.#parts.clock.monotonicMs() - this.#usedMs >= IDLE_MS;
    const isThere = this.#coming !== null || this.#opened !== null;
    if (isIdle && isThere && !this.#isBusy && !this.#isMade) await this.cancel();
  }

  async #step<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isBusy || this.#isMade) {
      throw new OpenRedError("overloaded", "A backup is being restored", {
        retryAfterMs: RETRY_MS,
      });
    }
    this.#isBusy = true;
    try {
      return await work();
    } catch (error) {
      if (error instanceof OpenRedError) throw error;
      await this.#forget().catch(() => undefined);
      throw storageFailed(error);
    } finally {
      this.#isBusy = false;
      this.#usedMs = this.#parts.clock.monotonicMs();
    }
  }

  async #forget(): Promise<void> {
    this.#coming = null;
    this.#opened = null;
    await removeIncoming(this.#parts.files);
  }

  async #checkBegin(data: Uint8Array): Promise<void> {
    try {
      if (!beginsAsBackup(data)) {
        throw new OpenRedError("unsupported", "This is not a backup of a node");
      }
      checkCost(data);
    } catch (error) {
      await this.#forget();
      throw error;
    }
  }

  #expected(): Coming {
    if (this.#coming !== null) return this.#coming;
    throw new OpenRedError("not_found", "No backup is on its way here; begin anew");
  }

  async #writePart(coming: Coming): Promise<void> {
    const content = concatBytes(...coming.held);
    coming.held = [];
    await this.#incoming.files.write(partName(coming.parts), content);
    coming.parts += 1;
  }

  async *#read({ parts }: Coming): AsyncGenerator<Uint8Array> {
    for (let part = 0; part < parts; part++) {
      const content = await this.#incoming.files.read(partName(part));
      if (content === null) throw new Error(`${partName(part)} is gone`);
      yield content;
    }
  }

  async #look(typed: Uint8Array): Promise<OpenedBackupView> {
    const coming = this.#expected();
    if (coming.at < coming.bytes) {
      throw new OpenRedError("not_found", "The backup is not here in full yet");
    }
    const passphrase = formOf(typed);
    const { id, createdAt, contacts } = await this.#restore(coming, passphrase);
    if (id === null) {
      await this.#forget();
      throw new OpenRedError("bad_request", "The backup is of a node that never ran");
    }
    const secret = await readNodeSecret(this.#incoming.files);
    if (secret?.kind === "plain") secret.secret.fill(0);
    const seen = encodeBase64Url(this.#parts.random.bytes(SEEN_BYTES));
    this.#opened = { id, seen };
    return {
      seen,
      node_id: id,
      is_own: id === this.#parts.own.id,
      created_at: createdAt,
      contacts,
      has_passphrase: secret?.kind === "sealed",
    };
  }

  /** The file is let go once all of it lies there opened. */
  async #restore(
    coming: Coming,
    passphrase: Uint8Array,
  ): Promise<Awaited<ReturnType<typeof restoreNode>>> {
    try {
      const restored = await restoreNode(this.#parts, {
        passphrase,
        input: () => this.#read(coming),
        target: () => Promise.resolve(this.#incoming),
      });
      for (let part = 0; part < coming.parts; part++) {
        await this.#incoming.files.remove(partName(part));
      }
      this.#coming = null;
      return restored;
    } catch (cause) {
      if (cause instanceof CryptoError && cause.code === "unseal_failed") {
        throw wrongPassphrase(cause);
      }
      await this.#forget();
      throw cause;
    }
  }

  async #make(given: Given): Promise<RestorationView> {
    const { clock, events, files, keyChanges, random, reopen } = this.#parts;
    const id = this.#opened?.seen === given.seen ? this.#opened.id : null;
    if (id === null) throw new OpenRedError("not_found", "No backup was looked at; begin anew");
    const end = keyChanges.begin();
    let passphrase: Uint8Array | null = null;
    try {
      await this.#assertOwner(given.current);
      passphrase = canonicalForm(given.passphrase, 1);
      await this.#assertOpens(id, passphrase);
      const kept = await writeRestoration(files, clock.nowMs());
      this.#isMade = true;
      events.audit("restoration_made", { success: true, next: id });
      const link = encodeBase64Url(random.bytes(SECRET_BYTES));
      reopen({ passphrase: passphrase?.slice() ?? null, consoleLink: link });
      return { node_id: id, kept, link };
    } finally {
      passphrase?.fill(0);
      // What was changed after it was made would go with what it takes the place of.
      if (!this.#isMade) end();
    }
  }

  /** Whoever found a page open has no passphrase of the node that it would cost. */
  async #assertOwner(given: Uint8Array | null): Promise<void> {
    const { crypto, files } = this.#parts;
    const stored = await readNodeSecret(files);
    if (stored?.kind === "plain") stored.secret.fill(0);
    if (stored?.kind !== "sealed") return;
    const passphrase = canonicalForm(given, 1);
    if (passphrase === null) throw this.#refused({ of: "current", is: "missing" });
    try {
      (await crypto.openSecret({ sealed: stored.sealed, passphrase })).fill(0);
    } catch (cause) {
      if (!(cause instanceof CryptoError) || cause.code !== "unseal_failed") throw cause;
      throw this.#refused({ of: "current", is: "wrong", cause });
    } finally {
      passphrase.fill(0);
    }
  }

  #refused(
    { of, is, cause }: {
      readonly of: keyof Given;
      readonly is: "missing" | "wrong";
      readonly cause?: unknown;
    },
  ): OpenRedError {
    this.#parts.events.audit("restoration_made", { success: false });
    const whose = of === "current" ? "this node" : "the keys in the backup";
    const text = `The passphrase of ${whose} is ${is}; nothing was changed`;
    return new OpenRedError("forbidden", text, { cause, members: { of } });
  }

  /** A node whose keys do not open would not start. */
  async #assertOpens(id: string, passphrase: Uint8Array | null): Promise<void> {
    const { crypto, random } = this.#parts;
    try {
      const keys = await openKeystoreFiles({ crypto, files: this.#incoming.files, random }, {
        ...(passphrase === null ? {} : { passphrase: passphrase.slice() }),
      });
      await releaseKeys(crypto, keys);
      if (keys.nodeId === id) return;
    } catch (cause) {
      const isRefused = cause instanceof CryptoError || cause instanceof OpenRedError;
      if (!isRefused) throw cause;
      const is = passphrase === null ? "missing" : "wrong";
      throw this.#refused({ of: "passphrase", is, cause });
    }
    throw new OpenRedError("bad_request", "The keys in the backup are those of another node");
  }
}

function wrongPassphrase(cause: unknown): OpenRedError {
  const text = "The passphrase is wrong, or the file is damaged";
  return new OpenRedError("forbidden", text, { cause });
}

/** What can be no passphrase is none that a backup has. */
function formOf(typed: Uint8Array): Uint8Array {
  try {
    return canonicalForm(typed, 1);
  } catch (cause) {
    throw wrongPassphrase(cause);
  }
}

function partName(part: number): string {
  return `${PART_PREFIX}${String(part).padStart(7, "0")}`;
}

function beginsAsBackup(data: Uint8Array): boolean {
  return encodeUtf8(BACKUP_MAGIC).every((byte, at) => data[at] === byte);
}

/** Adds the routes: what takes the place of a node outranks all else in a browser. */
export function addRestorationRoutes(post: AddPost, desk: RestorationDesk): void {
  post("/restoration", beginRestorationInputSchema, ({ bytes }) => desk.begin(bytes));
  post("/restoration/piece", backupPieceInputSchema, (piece) => desk.take(piece));
  post("/restoration/look", lookAtBackupInputSchema, ({ passphrase }) => desk.look(passphrase));
  post("/restoration/make", makeRestorationInputSchema, (input) => desk.make(input), {
    stepUp: "once",
  });
  post("/restoration/cancel", nothingSchema, () => desk.cancel());
}
