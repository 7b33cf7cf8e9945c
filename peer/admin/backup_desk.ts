/**
 * Backups of the running node, for the admin API.
 *
 * @module
 */
import type { CryptoCore, KeystoreCost } from "../../crypto/interface.ts";
import type { Clock, Files, OpenDatabase } from "../../ports/ports.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { MIN_NEW_PASSPHRASE_BYTES } from "../../protocol/passphrase_text.ts";
import type { AuditLog } from "../audit/audit_log.ts";
import { writeArchive } from "../backup/archive.ts";
import { readDataFiles } from "../backup/data_files.ts";
import { SCHEMA_VERSION } from "../store/migrations.ts";
import type { NodeStore } from "../store/store.ts";
import { canonicalForm } from "./passphrase_desk.ts";

const RETRY_MS = 5_000;

interface BackupDeskParts {
  readonly crypto: CryptoCore;
  readonly clock: Clock;
  readonly files: Files;
  readonly openDatabase: OpenDatabase;
  readonly store: NodeStore;
  readonly audit: AuditLog;
}

/** Makes one backup at a time. */
export class BackupDesk {
  readonly #parts: BackupDeskParts;
  readonly #config: { readonly version: string; readonly keystoreCost?: KeystoreCost };
  #isBusy = false;

  constructor(
    parts: BackupDeskParts,
    config: { readonly version: string; readonly keystoreCost?: KeystoreCost },
  ) {
    this.#parts = parts;
    this.#config = config;
  }

  /**
   * Answers with the bytes of a backup, once the first of them are there. The passphrase is wiped. A stream that breaks
   * off is no backup.
   * @throws {OpenRedError} `bad_request` for a passphrase that is none, or too short; `overloaded` while another backup is
   *   made, or where there is no room for a copy of the database.
   */
  async answer({ passphrase: typed }: { passphrase: Uint8Array }): Promise<Response> {
    let passphrase: Uint8Array;
    try {
      passphrase = canonicalForm(typed, MIN_NEW_PASSPHRASE_BYTES);
    } finally {
      typed.fill(0);
    }
    if (this.#isBusy) {
      passphrase.fill(0);
      throw new OpenRedError("overloaded", "Another backup is being made", {
        retryAfterMs: RETRY_MS,
      });
    }
    this.#isBusy = true;
    const bytes = this.#make(passphrase);
    const first = [await bytes.next(), await bytes.next()];
    const stream = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const next = first.shift() ?? await bytes.next();
        if (next.done === true) controller.close();
        else controller.enqueue(next.value);
      },
      cancel: async () => void (await bytes.return(undefined)),
    });
    return new Response(stream as ReadableStream<Uint8Array<ArrayBuffer>>, {
      headers: { "content-type": "application/octet-stream", "cache-control": "no-store" },
    });
  }

  async *#make(passphrase: Uint8Array): AsyncGenerator<Uint8Array> {
    const { crypto, clock, audit } = this.#parts;
    let release = () => {};
    try {
      release = await audit.hold();
      // On a full disk no entry comes to an end: that is when a backup is needed most.
      void audit.record("backup", { success: true }).catch(() => undefined);
      yield* writeArchive(crypto, {
        passphrase,
        cost: this.#config.keystoreCost,
        version: this.#config.version,
        schema: SCHEMA_VERSION,
        createdAt: clock.nowMs(),
        files: readDataFiles(this.#parts),
      });
    } finally {
      passphrase.fill(0);
      release();
      this.#isBusy = false;
    }
  }
}
