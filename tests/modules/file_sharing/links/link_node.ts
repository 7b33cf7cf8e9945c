/**
 * A node on loopback whose owner makes links, and somebody who has one.
 *
 * @module
 */
import { decodeUtf8, encodeBase64Url } from "../../../../crypto/encoding.ts";
import {
  deriveAccess,
  derivePartKey,
  deriveSealing,
  fromBase64Url,
  openPiece,
} from "../../../../modules/file_sharing/links/page/link_crypto.js";
import {
  type LinkHead,
  type LinksView,
  type LinkView,
  type NewLinkView,
  type NewRequestView,
  parseLink,
  type RequestsView,
  type RequestView,
} from "../../../../protocol/file_links.ts";
import { ShiftedClock } from "../../../world/shifted_clock.ts";
import { until } from "../../../world/until.ts";
import { SharingNode } from "../sharing_nodes.ts";

export class LinkNode extends SharingNode {
  readonly clock = new ShiftedClock();

  static async start(): Promise<LinkNode> {
    const node = new LinkNode();
    await node.start({}, node.clock);
    return node;
  }

  async links(): Promise<readonly LinkView[]> {
    return (await this.ask<LinksView>("GET", "/m/file_sharing/links")).links;
  }

  /** Shares by link what was written, and waits until it can be fetched. @returns Its name here, and the link. */
  async link(
    paths: readonly string[],
    more: Record<string, unknown> = {},
  ): Promise<{ id: string; link: string }> {
    const input = { paths, ...more };
    const made = await this.ask<NewLinkView>("POST", "/m/file_sharing/links", input);
    await until(
      async () => (await this.links()).find(({ id }) => id === made.id)?.state !== "hashing",
      "the files are hashed",
    );
    return { id: made.id, link: `${this.url}/${made.path}` };
  }

  /** Lets people without a node send into a folder. @returns Its name here, and the link. */
  async request(more: Record<string, unknown> = {}): Promise<{ id: string; link: string }> {
    const input = { folder: this.folder, ...more };
    const made = await this.ask<NewRequestView>("POST", "/m/file_sharing/requests", input);
    return { id: made.id, link: `${this.url}/${made.path}` };
  }

  /** Writes a folder with a large file, a small one, an empty one and an empty folder. @returns Its path. */
  makeFolder(name: string, large: Uint8Array): string {
    const path = `${this.folder}/${name}`;
    for (const folder of ["deep/er", "empty"]) {
      Deno.mkdirSync(`${path}/${folder}`, { recursive: true });
    }
    Deno.writeFileSync(`${path}/deep/er/large.bin`, large);
    Deno.writeTextFileSync(`${path}/small.txt`, "abc");
    Deno.writeTextFileSync(`${path}/zero`, "");
    return path;
  }

  async requests(): Promise<readonly RequestView[]> {
    return (await this.ask<RequestsView>("GET", "/m/file_sharing/requests")).requests;
  }

  async unshare(id: string): Promise<void> {
    await this.ask("POST", `/m/file_sharing/shares/${id}/revoke`);
  }
}

/** An answer of a node to anybody. */
export interface Told {
  readonly status: number;
  // deno-lint-ignore no-explicit-any
  readonly body: any;
}

/** Somebody who has a link and no node. */
export class Holder {
  readonly #url: string;
  readonly #id: Uint8Array<ArrayBuffer>;
  readonly #secret: Uint8Array<ArrayBuffer>;
  open: string | null = null;
  sealing: Uint8Array<ArrayBuffer> | null = null;

  constructor(link: string) {
    const { url, id, secret } = parseLink(link)!;
    [this.#id, this.#secret] = [id, secret];
    this.#url = `${url}/f/${encodeBase64Url(id)}`;
  }

  /** @param stretched What Argon2id gave; `null` without a password. */
  async derive(stretched: Uint8Array<ArrayBuffer> | null): Promise<void> {
    const { open, sealing } = await deriveSealing(this.#keys, stretched);
    this.open = open === null ? null : encodeBase64Url(open);
    this.sealing = sealing;
  }

  get #keys() {
    return { id: this.#id, secret: this.#secret };
  }

  salt(): Promise<Uint8Array<ArrayBuffer>> {
    return deriveAccess(this.#keys).then(({ salt }) => salt);
  }

  async #post(path: string, more: object): Promise<Told> {
    const access = encodeBase64Url((await deriveAccess(this.#keys)).access);
    const shown = this.open === null ? {} : { open: this.open };
    const body = JSON.stringify({ access, ...shown, ...more });
    const answer = await fetch(`${this.#url}/${path}`, { method: "POST", body });
    return { status: answer.status, body: await answer.json() };
  }

  head(): Promise<Told> {
    return this.#post("head", {});
  }

  ticket(file = 0): Promise<Told> {
    return this.#post("tickets", { file });
  }

  async openHead(): Promise<LinkHead> {
    const { body } = await this.head();
    const what = { transfer: this.#id, part: "head", root: new Uint8Array(), length: 0 } as const;
    const key = await derivePartKey(this.sealing!, what);
    const sealed = fromBase64Url(body.head)!;
    return JSON.parse(decodeUtf8((await openPiece(key, what, { number: 0, sealed }))!));
  }

  read(ticket: string, part: "layer" | "data", range?: string): Promise<Response> {
    const headers = range === undefined ? {} : { range };
    return fetch(`${this.#url}/${ticket}/${part}`, { headers });
  }

  /** Opens sealed pieces of a file. @returns `null` where one does not open. */
  async openPieces(
    sealed: Uint8Array<ArrayBuffer>,
    of: { part: "layer" | number; root: string; length: number; from?: number },
  ): Promise<Uint8Array | null> {
    const root = fromBase64Url(of.root)!;
    const what = { transfer: this.#id, part: of.part, root, length: of.length };
    const key = await derivePartKey(this.sealing!, what);
    const size = 2 ** 20 + 16;
    const opened = [];
    for (let at = 0; at < sealed.length; at += size) {
      const number = (of.from ?? 0) + at / size;
      const piece = await openPiece(key, what, { number, sealed: sealed.slice(at, at + size) });
      if (piece === null) return null;
      opened.push(piece);
    }
    return new Uint8Array(await new Blob(opened).arrayBuffer());
  }
}
