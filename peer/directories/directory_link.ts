/**
 * One directory on the node's list: who it is, being registered there, and asking it for pairs.
 *
 * @module
 */
import { sleep } from "../../ports/sleep.ts";
import { isNodeId, type NodeId } from "../../crypto/encoding.ts";
import type { DirectoryView } from "../../protocol/admin_api.ts";
import type { ConnectionAnswer } from "../../protocol/directory_api.ts";
import { hasCode, OpenRedError } from "../../protocol/errors.ts";
import { type VerifiedRecord, verifyRecord } from "../../protocol/record.ts";
import { DirectoryClient } from "./client.ts";
import { ClockSkew } from "./clock_skew.ts";
import type { DirectoryLinkParts } from "./directory_parts.ts";
import { PinnedDirectory } from "./pinned_directory.ts";
import { Registration } from "./registration.ts";

/** Stays registered with one directory and asks it for pairs. */
export class DirectoryLink {
  /** As it stands on the list. */
  readonly entry: string;
  readonly url: string;
  readonly client: DirectoryClient;
  readonly #parts: DirectoryLinkParts;
  readonly #pinned: PinnedDirectory;
  readonly #skew: ClockSkew;
  readonly #registration: Registration;

  /**
   * @param entry A URL, or URL`#`id.
   * @throws {OpenRedError} `bad_request` for an entry of another form.
   */
  constructor(parts: DirectoryLinkParts, entry: string) {
    const [url = "", id] = entry.split("#");
    if (!URL.canParse(url) || !/^https?:\/\//.test(url) || (id !== undefined && !isNodeId(id))) {
      throw new OpenRedError("bad_request", "A directory is written URL or URL#id");
    }
    this.#parts = parts;
    this.entry = entry;
    this.url = url.replace(/\/+$/, "");
    this.client = new DirectoryClient(parts, this.url);
    this.#pinned = new PinnedDirectory(parts, { url: this.url, expectedId: id ?? null });
    this.#skew = new ClockSkew(parts, this.url);
    this.#registration = new Registration(parts, {
      url: this.url,
      client: this.client,
      pinned: this.#pinned,
      skew: this.#skew,
    });
  }

  /** The newest record this node holds of the directory, or `null` before the first answer. */
  get record(): VerifiedRecord | null {
    return this.#pinned.record;
  }

  /** Reads what was pinned in an earlier run. */
  load(): Promise<void> {
    return this.#pinned.load();
  }

  /** Begins to register, and to do so again whenever it is due. */
  start(): void {
    this.#registration.start();
  }

  /** Tries again at once if this node is not registered. */
  hurry(): void {
    this.#registration.hurry();
  }

  /** Announces at once, registered or not. */
  announce(): void {
    this.#registration.announce();
  }

  async stop(): Promise<void> {
    await this.#registration.stop();
  }

  view(): DirectoryView {
    return this.#registration.view();
  }

  /** Takes a record of the pinned directory, if it is newer and not ahead of this clock. */
  async takeRecord(record: VerifiedRecord): Promise<void> {
    await this.#pinned.takeRecord(record);
  }

  /** Asks for the directory's record. @returns Whether its URL is another one than was known. */
  async #hasMoved(signal: AbortSignal): Promise<boolean> {
    const held = this.#pinned.record;
    if (held === null) return false;
    const { record } = await this.client.lookUp(held.id, signal);
    await this.#pinned.takeRecord(await verifyRecord(this.#parts.crypto, record));
    return this.#pinned.record?.payload.api_url !== held.payload.api_url;
  }

  /**
   * Asks this directory for a pair. A proof that crossed a restart of the directory is made once more, and so is one
   * that names a URL which the directory had before, or came with a record that is ahead.
   * @throws {OpenRedError} What the directory answered, or `unreachable`.
   */
  async requestConnection(
    target: NodeId,
    signal: AbortSignal,
  ): Promise<{ answer: ConnectionAnswer; directory: VerifiedRecord }> {
    const ask = async () => {
      const record = await this.#parts.ownRecord.current();
      const directoryUrl = this.#pinned.record?.payload.api_url ?? this.url;
      const { own } = this.#parts;
      return await this.client.requestConnection(
        { target, record: record.text, own, directoryUrl },
        signal,
      );
    };
    let answer: ConnectionAnswer;
    try {
      answer = await ask();
    } catch (error) {
      if (hasCode(error, "clock_skew")) this.#skew.refused(error);
      if (hasCode(error, "proof_replayed")) await sleep(this.#parts.clock, 1_000, signal);
      else if (hasCode(error, "clock_ahead")) this.#parts.ownRecord.refused("clock_ahead");
      else if (!hasCode(error, "proof_invalid") || !await this.#hasMoved(signal)) throw error;
      answer = await ask();
    }
    await this.#pinned.pin(answer);
    const directory = this.#pinned.record;
    if (directory === null) throw new OpenRedError("forbidden", "The directory is not pinned");
    return { answer, directory };
  }
}
