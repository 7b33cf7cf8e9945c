/**
 * Links by which people without a node send files: who may, how much, until when and how often.
 *
 * @module
 * @see docs/PROTOCOL.md, "Links to send by"
 */
import { decodeBase64Url, encodeBase64Url } from "../../../crypto/encoding.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import {
  DEFAULT_REQUEST_BYTES,
  DEFAULT_REQUEST_MS,
  LINK_ID_BYTES,
  LINK_PATH,
} from "../../../protocol/file_links.ts";
import type { ModuleContext, OwnerFiles } from "../../api.ts";
import type { Held, Records } from "../records.ts";
import { type IncomingParts, type IncomingPiece, IncomingUploads } from "./incoming_uploads.ts";
import { digest, isEqual, isOver, noLink } from "./link.ts";
import { publicKeyOf } from "./page/hpke.js";
import { deriveAccess } from "./page/link_crypto.js";
import { type LinkRequest, requestEnd } from "./request.ts";

const KEY_BYTES = 32;
const MAX_REQUESTS = 1_000;
const MAX_GROWING = 100;

export interface RequestParts
  extends IncomingParts, Pick<ModuleContext, "events" | "own" | "audit"> {
  readonly disk: OwnerFiles;
  readonly records: Records<LinkRequest>;
}

/** What somebody shows of a link. */
export interface ShownRequest {
  readonly link: string;
  readonly access: Uint8Array;
}

export class Requests {
  readonly #parts: RequestParts;
  readonly #uploads: IncomingUploads;

  constructor(parts: RequestParts) {
    this.#parts = parts;
    this.#uploads = new IncomingUploads(parts);
  }

  /** Removes what an earlier run has left. */
  async start(): Promise<void> {
    for (const { id, value } of this.#parts.records.all()) {
      for (const grown of value.growing) await this.#uploads.remove(value.folder, grown);
      if (value.growing.length > 0) await this.#change(id, { growing: [] });
    }
  }

  stop(): Promise<void> {
    return this.#uploads.stop();
  }

  all(): readonly Held<LinkRequest>[] {
    return this.#parts.records.all().filter(({ value }) => !value.isRevoked);
  }

  /**
   * @returns Its name here, and what stands behind the node's URL.
   * @throws {OpenRedError} `not_found`, `forbidden` for the folder; `overloaded`.
   */
  async add(
    wanted: {
      readonly folder: string;
      readonly expiresAt: number | null;
      readonly count: number | null;
      readonly maxBytes: number | null;
    },
  ): Promise<{ id: string; path: string }> {
    const { records, random, clock, own, disk } = this.#parts;
    if (records.size >= MAX_REQUESTS) {
      const oldest = records.all().find(({ value }) => value.isRevoked);
      if (oldest === undefined) {
        throw new OpenRedError("overloaded", `There are ${MAX_REQUESTS} links; remove some`);
      }
      await records.remove(oldest.id);
    }
    const { path } = await disk.openFolder(wanted.folder);
    const linkId = random.bytes(LINK_ID_BYTES);
    const privateKey = random.bytes(KEY_BYTES);
    const publicKey = await publicKeyOf(privateKey);
    const { access } = await deriveAccess({ id: linkId, secret: decodeBase64Url(publicKey)! });
    const id = records.newId();
    const link = encodeBase64Url(linkId);
    const value: LinkRequest = {
      link,
      createdAt: clock.nowMs(),
      expiresAt: wanted.expiresAt ?? clock.nowMs() + DEFAULT_REQUEST_MS,
      maxBytes: wanted.maxBytes ?? DEFAULT_REQUEST_BYTES,
      count: wanted.count ?? 1,
      folder: path,
      isRevoked: false,
      access: await digest(access),
      publicKey,
      privateKey: encodeBase64Url(privateKey),
      growing: [],
      received: [],
    };
    await records.add({ id, peer: own.id, value });
    this.#parts.audit?.note("files_shared", { success: true, link: id, request: true }, "owner");
    return { id, path: `${LINK_PATH.slice(1)}${link}#r${publicKey}` };
  }

  /** Takes a link back; nothing of what is on its way stays. @returns Whether there was one. */
  async revoke(id: string): Promise<boolean> {
    const held = this.#parts.records.get(id);
    if (held === null || held.value.isRevoked) return false;
    await this.#change(id, { isRevoked: true, privateKey: "", received: [] });
    const noted = { success: true, link: id, request: true };
    this.#parts.audit?.note("files_unshared", noted, "owner");
    await this.#uploads.end(id);
    return true;
  }

  async #change(id: string, change: Partial<LinkRequest>): Promise<void> {
    await this.#parts.records.change(id, (value) => ({ ...value, ...change }));
  }

  /**
   * The link that somebody shows to have.
   * @throws {OpenRedError} `not_found` for an unknown link and a wrong key alike; `link_over` to who has it.
   */
  async find({ link, access }: ShownRequest): Promise<Held<LinkRequest>> {
    const held = this.#byLink(link);
    const shown = await digest(access);
    if (!isEqual(shown, held?.value.access ?? "") || held === null) throw noLink();
    const end = requestEnd(held.value, this.#parts.clock.nowMs());
    if (end !== null) {
      const noted = { success: false, link: held.id, end, request: true };
      this.#parts.audit?.note("files_refused", noted, "stranger");
      throw isOver(end);
    }
    return held;
  }

  #byLink(link: string): Held<LinkRequest> | null {
    return this.#parts.records.all().find(({ value }) => value.link === link) ?? null;
  }

  /** Begins to send. @throws {OpenRedError} As {@linkcode find}; `too_large`; as {@linkcode IncomingUploads.begin}. */
  async begin(
    shown: ShownRequest,
    wanted: { readonly files: number; readonly bytes: number },
  ): Promise<string> {
    const held = await this.find(shown);
    if (wanted.bytes > held.value.maxBytes) {
      throw new OpenRedError("too_large", `Expected at most ${held.value.maxBytes} bytes`);
    }
    const upload = await this.#uploads.begin(held, wanted, async (grown) => {
      await this.#parts.records.change(held.id, (value) => ({
        ...value,
        growing: [...value.growing, grown].slice(-MAX_GROWING),
      }));
    });
    const noted = { success: true, link: held.id, request: true };
    this.#parts.audit?.note("files_granted", noted, "stranger");
    return upload;
  }

  /** Takes a piece. @returns The number of the next one. @throws {OpenRedError} As {@linkcode IncomingUploads.take}. */
  take(link: string, piece: IncomingPiece): Promise<number> {
    return this.#uploads.take(this.#sending(link), piece);
  }

  /** Lets all land that came. Said again, it is answered alike. @throws {OpenRedError} As {@linkcode IncomingUploads.land}. */
  async land(link: string, upload: string): Promise<void> {
    const { records, events } = this.#parts;
    if (this.#byLink(link)?.value.received.some((one) => one.upload === upload)) return;
    const held = this.#sending(link);
    const received = await this.#uploads.land(held, upload);
    await records.change(held.id, (value) => ({
      ...value,
      received: [...value.received, received],
    }));
    const { id } = held;
    const noted = { success: true, link: id, bytes: received.bytes };
    this.#parts.audit?.note("files_fetched", noted, "stranger");
    events.emit("received", { id, folder: held.value.folder, name: received.folder });
  }

  /** Who has an upload's name may send; a link that was taken back or has expired takes nothing more. */
  #sending(link: string): Held<LinkRequest> {
    const held = this.#byLink(link);
    if (held === null) throw noLink();
    const end = requestEnd(held.value, this.#parts.clock.nowMs());
    if (end === "revoked" || end === "expired") throw isOver(end);
    return held;
  }
}
