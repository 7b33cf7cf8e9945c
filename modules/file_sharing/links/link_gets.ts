/**
 * Links that this node's owner fetches from, as a browser would: whole files, each chunk checked before it is written.
 *
 * @module
 * @see docs/PROTOCOL.md, "Links"
 */
import { encodeBase64Url } from "../../../crypto/encoding.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import type { LinkGetView, LinkHead, ParsedLink } from "../../../protocol/file_links.ts";
import type { LandingFolder, ModuleContext, OwnerFiles } from "../../api.ts";
import { type Placed, placeOf, removeUnlanded } from "../folder_place.ts";
import { type Landing, newPartName } from "../landing.ts";
import type { OfferedFile } from "../offers.ts";
import { fetchLinkFile, type LinkFetchParts } from "./link_fetch.ts";
import { type OpenedLink, openLink } from "./link_opening.ts";

const ID_BYTES = 16;
const MAX_RUNNING = 16;
const MAX_KEPT = 100;

export interface LinkGetParts
  extends LinkFetchParts, Pick<ModuleContext, "random" | "events" | "log"> {
  readonly disk: OwnerFiles;
  readonly landing: Landing;
}

interface Fetched {
  readonly head: LinkHead;
  readonly link: OpenedLink;
  /** The owner's, as {@linkcode Fetched.placed} says where. */
  readonly folder: LandingFolder;
  readonly placed: Placed & { at: number; part: string };
}

interface Get {
  view: LinkGetView;
  readonly done: Promise<void>;
}

/** The fetching of one node, in memory: a link says who has it, so it is kept nowhere. */
export class LinkGets {
  readonly #parts: LinkGetParts;
  readonly #gets = new Map<string, Get>();
  readonly #stop = new AbortController();

  constructor(parts: LinkGetParts) {
    this.#parts = parts;
  }

  /** Ends all; of files that are not whole nothing stays. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all([...this.#gets.values()].map(({ done }) => done));
  }

  /**
   * Looks a link up, and begins to fetch.
   * @throws {OpenRedError} `not_found`, `link_over`, `unauthorized` where a password is wanted, `password_wrong`,
   *   `rate_limited`, `unreachable`, `url_refused`, `bad_signature` for a head that does not open; `overloaded`.
   */
  async begin(
    wanted: {
      readonly link: ParsedLink;
      readonly folder: string;
      readonly password: string | null;
      readonly keepTimes: boolean;
    },
  ): Promise<LinkGetView> {
    const running = [...this.#gets.values()].filter(({ view }) => view.state === "running");
    if (running.length >= MAX_RUNNING) {
      throw new OpenRedError("overloaded", "Too many links are being fetched from");
    }
    const folder = await this.#parts.disk.openFolder(wanted.folder);
    const { head, link } = await openLink(this.#parts, wanted, this.#stop.signal);
    const id = encodeBase64Url(this.#parts.random.bytes(ID_BYTES));
    const view: LinkGetView = {
      id,
      state: "running",
      why: null,
      name: head.files[0]!.name,
      bytes: head.files.reduce((sum, { length }) => sum + length, 0),
      done_bytes: 0,
      folder: folder.path,
      landed: [],
    };
    const get: Get = { view, done: Promise.resolve() };
    const files = head.files.map(({ root = null, ...file }) => ({ ...file, root }));
    const placed = { files: files as OfferedFile[], at: 0, part: "", keepTimes: wanted.keepTimes };
    const place = await placeOf(this.#parts, () => placed).openFolder(folder.path);
    const done = this.#fetch(get, { head, link, folder: place, placed }).catch((error) => {
      this.#parts.log.log("error", "link_get_failed", { text: String(error) });
    });
    this.#gets.set(id, Object.assign(get, { done }));
    for (const old of [...this.#gets.keys()].slice(0, -MAX_KEPT)) {
      if (this.#gets.get(old)?.view.state !== "running") this.#gets.delete(old);
    }
    return view;
  }

  /** @throws {OpenRedError} `not_found`. */
  view(id: string): LinkGetView {
    const get = this.#gets.get(id);
    if (get === undefined) throw new OpenRedError("not_found", "Nothing is fetched of this name");
    return get.view;
  }

  async #fetch(
    get: Get,
    of: Fetched,
  ): Promise<void> {
    const { id } = get.view;
    try {
      for (const [file, { name, length, kind }] of of.head.files.entries()) {
        const before = get.view.done_bytes;
        get.view = { ...get.view, name };
        of.placed.at = file;
        // What a folder contains grows beside its list.
        if (kind !== "content") of.placed.part = `${newPartName(this.#parts.random)}.part`;
        const landed = await this.#fetchOne(of, (bytes) => {
          get.view = { ...get.view, done_bytes: before + bytes };
        });
        const all = kind === "folder" ? get.view.landed : [...get.view.landed, landed];
        get.view = { ...get.view, done_bytes: before + length, landed: all };
      }
      get.view = { ...get.view, state: "done" };
    } catch (error) {
      const isKnown = error instanceof OpenRedError;
      if (!isKnown && !this.#stop.signal.aborted) throw error;
      get.view = { ...get.view, state: "failed", why: isKnown ? error.message : "The node stops" };
    }
    this.#parts.events.emit("link_get", { id, state: get.view.state });
  }

  /** @returns The name under which it has landed. */
  async #fetchOne(
    { head, link, folder, placed }: Fetched,
    reached: (bytes: number) => void,
  ): Promise<string> {
    const { landing, disk } = this.#parts;
    const { at: file, part, keepTimes = false } = placed;
    try {
      const growing = await folder.openPart(part);
      try {
        const { signal } = this.#stop;
        const wanted = { head, link, file, growing, keepTimes, reached };
        await fetchLinkFile(this.#parts, wanted, signal);
        const given = head.files[file]!.name;
        return await landing.land(folder, { part, given, chosen: () => Promise.resolve() });
      } finally {
        growing.close();
      }
    } catch (error) {
      await removeUnlanded(disk, { folder: folder.path, part });
      throw error;
    }
  }
}
