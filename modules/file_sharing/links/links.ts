/**
 * Links for people without a node: which files they give, to whom, until when and how often.
 *
 * @module
 * @see docs/PROTOCOL.md, "Links"
 */
import { encodeBase64Url } from "../../../crypto/encoding.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { MAX_SHARE_FILES } from "../../../protocol/file_frames.ts";
import type { ShareState } from "../../../protocol/file_sharing_api.ts";
import {
  LINK_ID_BYTES,
  LINK_PATH,
  LINK_SECRET_BYTES,
  type LinkEnd,
} from "../../../protocol/file_links.ts";
import type { FileHashes, ModuleContext, NodeId, OwnerFiles, Passwords } from "../../api.ts";
import { lookAt } from "../given_files.ts";
import { type HashingProgress, HashingQueue } from "../hashing_queue.ts";
import type { Held, Records } from "../records.ts";
import type { FolderLists } from "../shared_disk.ts";
import { Guesses } from "./guesses.ts";
import { hashLinked } from "./linked_files.ts";
import { LinkRows } from "./link_rows.ts";
import {
  addTicket,
  digest,
  headOf,
  isEqual,
  isOver,
  type Link,
  type LinkedFile,
  maxTickets,
  noLink,
} from "./link.ts";
import { deriveAccess, deriveSealing, passwordBytes } from "./page/link_crypto.js";

const MAX_LINKS = 1_000;
/** Those that say that they were revoked. */
const MAX_REVOKED = 1_000;
const TICKET_MS = 86_400_000;

/** What somebody shows of a link. */
export interface Shown {
  readonly link: string;
  readonly access: Uint8Array;
  readonly open?: Uint8Array | undefined;
  readonly source: string;
}

export interface LinkParts
  extends Pick<ModuleContext, "clock" | "random" | "log" | "events" | "storage" | "own" | "audit"> {
  readonly disk: OwnerFiles;
  readonly hashes: FileHashes;
  readonly passwords: Passwords;
  readonly records: Records<Link>;
}

/** The links of one node. */
export class Links {
  readonly #parts: LinkParts;
  readonly #guesses: Guesses;
  readonly rows: LinkRows;
  readonly #hashing: HashingQueue;

  constructor(parts: LinkParts) {
    this.#parts = parts;
    this.#hashing = new HashingQueue({
      log: parts.log,
      hash: (id, progress) => this.#hash(id, progress),
    });
    this.#guesses = new Guesses(parts.clock);
    this.rows = new LinkRows(parts.storage);
  }

  /** Goes on with what was not hashed to its end. */
  start(): void {
    for (const { id, value } of this.#parts.records.all()) {
      if (value.state === "hashing") this.#hashing.add(id);
    }
  }

  async stop(): Promise<void> {
    await this.#hashing.stop();
  }

  /** Those that the owner sees. */
  all(): readonly Held<Link>[] {
    return this.#parts.records.all().filter(({ value }) => value.state !== "revoked");
  }

  /**
   * @returns Its name here, and what stands behind the node's URL, which is kept nowhere.
   * @throws {OpenRedError} `not_found`; `forbidden` for what is neither file nor folder; `too_large`; `overloaded`.
   */
  async add(
    wanted: Pick<Link, "expiresAt" | "count" | "note"> & {
      readonly paths: readonly string[];
      readonly password: string | null;
    },
  ): Promise<{ id: string; path: string }> {
    const { records, random, clock, own } = this.#parts;
    if (this.all().length >= MAX_LINKS) {
      throw new OpenRedError("overloaded", `There are ${MAX_LINKS} links; remove some`);
    }
    const { paths, password, ...rest } = wanted;
    const files: LinkedFile[] = [];
    for (const path of paths) {
      const looked = await lookAt(this.#parts.disk, path);
      files.push(...looked.map((file) => ({ ...file, tickets: [] })));
    }
    if (files.length > MAX_SHARE_FILES) {
      const text = `Expected at most ${MAX_SHARE_FILES} files; a folder counts as two`;
      throw new OpenRedError("too_large", text);
    }
    const most = maxTickets(files.length);
    if ((rest.count ?? 0) > most) {
      const text = `Expected a count of at most ${most} for ${files.length} files`;
      throw new OpenRedError("too_large", text);
    }
    const secrets = { id: random.bytes(LINK_ID_BYTES), secret: random.bytes(LINK_SECRET_BYTES) };
    const { access, salt } = await deriveAccess(secrets);
    const stretched = password === null
      ? null
      : await this.#parts.passwords.stretch(passwordBytes(password), salt);
    const { open, sealing } = await deriveSealing(secrets, stretched?.slice() ?? null);
    const id = records.newId();
    const link = encodeBase64Url(secrets.id);
    const value: Link = {
      link,
      createdAt: clock.nowMs(),
      ...rest,
      state: "hashing",
      why: null,
      sealing: encodeBase64Url(sealing),
      access: await digest(access),
      open: open === null ? null : await digest(open),
      head: null,
      files,
    };
    await records.add({ id, peer: own.id as NodeId, value });
    this.#parts.audit?.note("files_shared", { success: true, link: id }, "owner");
    this.#hashing.add(id);
    return { id, path: `${LINK_PATH.slice(1)}${link}#${encodeBase64Url(secrets.secret)}` };
  }

  async #hash(id: string, progress: HashingProgress): Promise<void> {
    const { records } = this.#parts;
    const before = records.get(id)?.value.files ?? [];
    const { signal } = this.#hashing;
    const hashed = (bytes: number) => progress.bytes = bytes;
    let files: readonly LinkedFile[];
    try {
      const parts = { ...this.#parts, rows: this.rows };
      files = await hashLinked(parts, { link: id, files: before }, { signal, hashed });
    } catch (error) {
      if (!(error instanceof OpenRedError)) throw error;
      return await this.fail(id, error.message);
    }
    // It may have been taken back meanwhile.
    if (records.get(id)?.value.state !== "hashing") return await this.rows.remove(id);
    await this.#change(id, (value) => {
      if (value.state !== "hashing") return value;
      const head = headOf({ ...value, files });
      return head === null
        ? { ...value, state: "failed", why: "The list of files is too long; share it in parts" }
        : { ...value, state: "ready", files, head };
    });
  }

  /** A link gives nothing any more. */
  async fail(id: string, why: string): Promise<void> {
    await this.#change(
      id,
      (value) => value.state === "revoked" ? value : { ...value, state: "failed", why },
    );
  }

  /** Takes a link back. What it gave is forgotten; that it was revoked is not. @returns Whether there was one. */
  async revoke(id: string): Promise<boolean> {
    const { records } = this.#parts;
    const held = records.get(id);
    if (held === null || held.value.state === "revoked") return false;
    await this.#change(id, (value) => ({
      ...value,
      state: "revoked",
      why: null,
      note: null,
      sealing: "",
      head: null,
      files: [],
    }));
    this.#parts.audit?.note("files_unshared", { success: true, link: id }, "owner");
    await this.rows.remove(id);
    const revoked = records.all().filter(({ value }) => value.state === "revoked");
    for (const { id: old } of revoked.slice(0, -MAX_REVOKED)) await records.remove(old);
    return true;
  }

  async #change(id: string, change: (value: Link) => Link): Promise<void> {
    const { records, events } = this.#parts;
    await records.change(id, change);
    const state = records.get(id)?.value.state;
    if (state !== undefined) events.emit("link", { id, state });
  }

  /**
   * The link that somebody shows to have, whether it asks for a password or not.
   * @throws {OpenRedError} `not_found` for an unknown link and a wrong secret alike; to who has the secret: `link_over`,
   *   `overloaded` while its files are read.
   */
  async find({ link, access }: Pick<Shown, "link" | "access">): Promise<Held<Link>> {
    const held = this.byLink(link);
    const shown = await digest(access);
    if (!isEqual(shown, held?.value.access ?? "") || held === null) throw noLink();
    const end = this.endOf(held.value);
    if (end !== null) {
      this.#parts.audit?.note("files_refused", { success: false, link: held.id, end }, "stranger");
      throw isOver(end);
    }
    if (held.value.state === "hashing") {
      throw new OpenRedError("overloaded", "The files of the link are still being read", {
        retryAfterMs: 2_000,
      });
    }
    return held;
  }

  byLink(link: string): Held<Link> | null {
    return this.#parts.records.all().find(({ value }) => value.link === link) ?? null;
  }

  /**
   * The link that somebody has, with its password where it has one.
   * @returns `null` where the password is wanted and was not shown.
   * @throws {OpenRedError} As {@linkcode find}; `password_wrong`; `rate_limited` after too many of these.
   */
  async open(shown: Shown): Promise<Held<Link> | null> {
    const held = await this.find(shown);
    if (held.value.open === null) return held;
    if (shown.open === undefined) return null;
    const { link, source } = shown;
    this.#guesses.begin(link, source);
    if (!isEqual(await digest(shown.open), held.value.open)) {
      this.#parts.audit?.note("files_refused", { success: false, link: held.id }, "stranger");
      throw new OpenRedError("password_wrong", "This is not the password");
    }
    this.#guesses.right(link, source);
    return held;
  }

  /**
   * Takes a ticket for one download of a file; it counts from now on, durably.
   * @throws {OpenRedError} As {@linkcode open}; `unauthorized` without the password; `bad_request` for no such file.
   */
  async take(shown: Shown, file: number): Promise<string> {
    const held = await this.open(shown);
    if (held === null) throw new OpenRedError("unauthorized", "This link has a password");
    const linked = held.value.files[file];
    if (linked === undefined) throw new OpenRedError("bad_request", "The link has no such file");
    const { records, random, clock } = this.#parts;
    // Others may have taken tickets since it was looked at.
    const now = records.get(held.id);
    if (now === null || this.endOf(now.value) !== null) throw isOver("revoked");
    if (now.value.files[file]!.tickets.length >= (now.value.count ?? Infinity)) {
      throw isOver("used");
    }
    const ticket = { id: encodeBase64Url(random.bytes(LINK_ID_BYTES)), takenAt: clock.nowMs() };
    await records.change(held.id, (value) => addTicket(value, { file, ticket }));
    this.#parts.audit?.note("files_granted", { success: true, link: held.id, file }, "stranger");
    return ticket.id;
  }

  /**
   * What a ticket gives.
   * @throws {OpenRedError} `not_found`; `link_over` once the link has ended.
   */
  ticket(link: string, ticket: string): { held: Held<Link>; file: number } {
    const held = this.byLink(link);
    const atLeast = this.#parts.clock.nowMs() - TICKET_MS;
    const file =
      held?.value.files.findIndex(({ tickets }) =>
        tickets.some(({ id, takenAt }) => isEqual(id, ticket) && takenAt >= atLeast)
      ) ?? -1;
    if (held === null || file < 0) throw noLink();
    const end = this.endOf(held.value);
    if (end !== null && end !== "used") throw isOver(end);
    return { held, file };
  }

  /** Why a link gives nothing; `null` while it does. */
  endOf(link: Link): LinkEnd | null {
    const state = this.stateOf(link);
    if (link.state === "revoked") return "revoked";
    return state === "hashing" || state === "ready" ? null : state;
  }

  stateOf({ state, expiresAt, count, files }: Link): ShareState {
    if (state === "revoked") return "failed";
    if (state !== "ready") return state;
    if (expiresAt !== null && this.#parts.clock.nowMs() >= expiresAt) return "expired";
    return count !== null && files.every(({ tickets }) => tickets.length >= count)
      ? "used"
      : "ready";
  }

  /** The lists of the folders of links. */
  readonly lists: FolderLists = async ({ share: link, file }) => {
    const length = this.#parts.records.get(link)?.value.files[file]?.length ?? 0;
    return length === 0 ? null : await this.rows.get({ link, file, part: "list" }, length);
  };

  hashedBytes(id: string): number {
    return this.#hashing.hashedBytes(id);
  }
}
