/**
 * All directories of a node: registering with each, asking them all, and believing the highest `seq`.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import { CryptoError } from "../../crypto/interface.ts";
import type { DirectoryView, DiscoverView } from "../../protocol/admin_api.ts";
import { hasCode, OpenRedError } from "../../protocol/errors.ts";
import { MAX_SUCCESSION_CHAIN } from "../../protocol/limits.ts";
import type { RelayAddress } from "../../protocol/relay.ts";
import { compareRecords, type VerifiedRecord, verifyRecord } from "../../protocol/record.ts";
import type { ContactDirectories } from "./contact_directories.ts";
import type { PeerBook } from "../peers/peer_book.ts";
import type { EnvelopeReceiver } from "../tokens/receive.ts";
import { DirectoryLink } from "./directory_link.ts";
import type { DirectoryLinkParts } from "./directory_parts.ts";

interface LookUp {
  readonly record: VerifiedRecord | null;
  /** Successions that directories answered with. */
  readonly successions: readonly string[];
  readonly error: OpenRedError | null;
}

interface Asking {
  readonly links: readonly DirectoryLink[];
  readonly signal: AbortSignal;
}

/** A relay that a directory named. */
export interface NamedRelay extends RelayAddress {
  /** The directory's URL. */
  readonly namedBy: string;
}

export interface DirectoriesOptions {
  /** Each a URL, or URL`#`id. */
  readonly entries: readonly string[];
  readonly book: PeerBook;
  readonly receiver: EnvelopeReceiver;
  readonly contactDirectories: ContactDirectories;
  /** Refuses URLs that must not be called. */
  readonly checkUrl: (url: string, signal: AbortSignal) => Promise<void>;
}

/** The directories on a node's list. */
export class Directories {
  readonly #parts: DirectoryLinkParts;
  readonly #book: PeerBook;
  readonly #receiver: EnvelopeReceiver;
  #links: readonly DirectoryLink[];
  readonly #options: DirectoriesOptions;
  #isStarted = false;
  #following: Promise<void> = Promise.resolve();

  constructor(parts: DirectoryLinkParts, options: DirectoriesOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#book = options.book;
    this.#receiver = options.receiver;
    this.#links = options.entries.map((entry) => new DirectoryLink(parts, entry));
  }

  /** The list as it is now, each a URL, or URL`#`id. */
  get entries(): readonly string[] {
    return this.#links.map(({ entry }) => entry);
  }

  async load(): Promise<void> {
    await Promise.all(this.#links.map((link) => link.load()));
  }

  start(): void {
    this.#isStarted = true;
    for (const link of this.#links) link.start();
  }

  /**
   * Takes another list: registers with what is new on it at once, and no more with what is gone. Calls that meet are
   * followed one after the other.
   * @throws {OpenRedError} `bad_request` for an entry of another form; nothing was changed.
   */
  follow(entries: readonly string[]): Promise<void> {
    const followed = this.#following.then(() => this.#follow(entries));
    this.#following = followed.catch(() => {});
    return followed;
  }

  async #follow(entries: readonly string[]): Promise<void> {
    const held = new Map(this.#links.map((link) => [link.entry, link]));
    const links = entries.map((entry) => held.get(entry) ?? new DirectoryLink(this.#parts, entry));
    const fresh = links.filter((link) => !this.#links.includes(link));
    const gone = this.#links.filter((link) => !links.includes(link));
    await Promise.all(fresh.map((link) => link.load()));
    this.#links = links;
    await Promise.all(gone.map((link) => link.stop()));
    for (const { url } of gone) this.#parts.events.settle(`directory ${url}`);
    if (this.#isStarted) { for (const link of fresh) link.start(); }
  }

  /** Announces at once where an announcement has failed: this node can be called now. */
  hurry(): void {
    for (const link of this.#links) link.hurry();
  }

  /** Announces at once: this node is called at another URL now. */
  announce(): void {
    for (const link of this.#links) link.announce();
  }

  /** The relays that these directories name; of one that does not answer none. */
  async relays(signal: AbortSignal): Promise<NamedRelay[]> {
    const named = await Promise.all(this.#links.map(async ({ url, client }) => {
      try {
        const relays = await client.relays(signal);
        return relays.map((relay) => ({ url: relay.url, id: relay.id ?? null, namedBy: url }));
      } catch (error) {
        if (!(error instanceof OpenRedError)) throw error;
        return [];
      }
    }));
    return named.flat();
  }

  async stop(): Promise<void> {
    await this.#following;
    this.#isStarted = false;
    await Promise.all(this.#links.map((link) => link.stop()));
  }

  views(): DirectoryView[] {
    return this.#links.map((link) => link.view());
  }

  /** Whether this node can be called, as far as the directories that have called it back tell. */
  get isCalledBack(): boolean {
    const views = this.views();
    const isRefused = ({ last_error }: DirectoryView) =>
      last_error === "callback_failed" || last_error === "url_refused";
    return !views.some(isRefused) || views.some(({ state }) => state === "registered");
  }

  get urls(): string[] {
    return this.#links.map((link) => link.url);
  }

  /**
   * The directories to ask about one peer: those on the list, and the one that its contact link named. What the latter
   * pushes unasked is never taken, and this node does not register there.
   */
  async #linksFor(peer: NodeId, signal: AbortSignal): Promise<readonly DirectoryLink[]> {
    const url = this.#options.contactDirectories.of(peer);
    if (url === null || this.urls.includes(url)) return this.#links;
    const link = await this.#linkTo(url, signal);
    return link === null ? this.#links : [...this.#links, link];
  }

  /** A directory that is not on the list, or `null` if this node must not call it. */
  async #linkTo(url: string, signal: AbortSignal): Promise<DirectoryLink | null> {
    try {
      await this.#options.checkUrl(url, signal);
      const link = new DirectoryLink(this.#parts, url);
      await link.load();
      return link;
    } catch (error) {
      if (error instanceof OpenRedError) return null;
      throw error;
    }
  }

  /** Tells whether a directory that is not on the list has a record of a peer, which is not taken. */
  async isKnownAt(url: string, asked: { peer: NodeId; signal: AbortSignal }): Promise<boolean> {
    const { peer, signal } = asked;
    const link = await this.#linkTo(url, signal);
    if (link === null) return false;
    return (await this.#askAll(peer, { links: [link], signal })).record !== null;
  }

  /**
   * Takes a pushed envelope, and first the directory's record that came with it if it is of a pinned one and newer.
   * @throws {OpenRedError} `envelope_refused` and those of {@linkcode EnvelopeReceiver.receive}.
   */
  async receivePush(push: { envelope: string; directory: string }): Promise<void> {
    const shown = await verifyRecord(this.#parts.crypto, push.directory).catch((cause) => {
      throw new OpenRedError("envelope_refused", "The envelope was refused", { cause });
    });
    const links = this.#links.filter((link) => link.record?.id === shown.id);
    await Promise.all(links.map((link) => link.takeRecord(shown)));
    const held = links[0]?.record;
    if (held == null) throw new OpenRedError("envelope_refused", "The envelope was refused");
    await this.#receiver.receive(push.envelope, held);
  }

  /**
   * Asks one directory after the other to introduce this node to `target`.
   * @returns The new pair's id, hex.
   * @throws {OpenRedError} The last directory's refusal; `unreachable` if none answered.
   */
  async introduce(target: NodeId, signal: AbortSignal): Promise<string> {
    let last = new OpenRedError("unreachable", "There is no directory to ask for an introduction");
    const links = await this.#linksFor(target, signal);
    for (const link of links) {
      try {
        this.#receiver.noteAsked(target);
        const { answer, directory } = await link.requestConnection(target, signal);
        const pairId = await this.#receiver.receive(answer.envelope, directory);
        if (this.#receiver.leadsTo(pairId, target)) return pairId;
        last = new OpenRedError("envelope_refused", "The directory introduced somebody else");
      } catch (error) {
        if (!(error instanceof OpenRedError)) throw error;
        if (error.code === "succeeded" && typeof error.members.succession === "string") {
          await this.#followAll([error.members.succession], { links, signal });
        }
        last = error;
      }
    }
    throw last;
  }

  /**
   * Asks every directory for a node's record and takes the newest into the book.
   * @returns The newest record, the one held already included.
   * @throws {OpenRedError} `node_unknown` if nobody has one, or what the directories answered.
   */
  async lookUp(id: NodeId, signal: AbortSignal): Promise<VerifiedRecord> {
    const asking = { links: await this.#linksFor(id, signal), signal };
    const { record, successions, error } = await this.#askAll(id, asking);
    await this.#followAll(successions, asking);
    if (record !== null) return (await this.#book.take(record)).record;
    const held = this.#book.get(id);
    if (held !== null) return held.record;
    throw error ?? new OpenRedError("node_unknown", "No directory knows this node");
  }

  async #askAll(id: NodeId, { links, signal }: Asking): Promise<LookUp> {
    const successions: string[] = [];
    let error: OpenRedError | null = null;
    const found = await Promise.all(links.map(async (link) => {
      try {
        const { record } = await link.client.lookUp(id, signal);
        return await verifyRecord(this.#parts.crypto, record);
      } catch (failure) {
        if (!(failure instanceof OpenRedError)) throw failure;
        error = failure;
        const { succession } = failure.members;
        if (hasCode(failure, "succeeded") && typeof succession === "string") {
          successions.push(succession);
        }
        return null;
      }
    }));
    const records = found.filter((record) => record?.id === id) as VerifiedRecord[];
    records.sort(compareRecords);
    return { record: records.at(-1) ?? null, successions, error };
  }

  /** Follows successions, link by link, to an id that has a record, and moves the contact there. */
  async #followAll(successions: readonly string[], asking: Asking): Promise<void> {
    for (const text of successions) {
      const chain = [text];
      while (chain.length <= MAX_SUCCESSION_CHAIN) {
        const id = await this.#successor(chain.at(-1) ?? "");
        if (id === null) break;
        const { record, successions: further } = await this.#askAll(id, asking);
        if (record !== null) {
          if (await this.#book.follow({ chain, record }).catch(() => false)) return;
          break;
        }
        const [next] = further;
        if (next === undefined) break;
        chain.push(next);
      }
    }
  }

  async #successor(text: string): Promise<NodeId | null> {
    try {
      const { iss } = await this.#parts.crypto.verifyJws({ text, typ: "openred-succession+jwt" });
      return iss as NodeId;
    } catch (error) {
      if (error instanceof CryptoError && error.code === "bad_signature") return null;
      throw error;
    }
  }

  /** Lists nodes of all directories; of one id the highest `seq` wins. */
  async discover(query: URLSearchParams, signal: AbortSignal): Promise<DiscoverView> {
    const best = new Map<string, { record: VerifiedRecord; node: DiscoverView["nodes"][number] }>();
    const failed: { url: string; code: string }[] = [];
    await Promise.all(this.#links.map(async (link) => {
      try {
        const { nodes } = await link.client.discover(query, signal);
        for (const node of nodes) {
          const record = await verifyRecord(this.#parts.crypto, node.record).catch(() => null);
          if (record === null) continue;
          const held = best.get(record.id);
          if (held !== undefined && compareRecords(record, held.record) <= 0) continue;
          const { status, last_seen } = node;
          const { api_url, alias = null } = record.payload;
          best.set(record.id, {
            record,
            node: { node_id: record.id, alias, api_url, status, last_seen, directory: link.url },
          });
        }
      } catch (error) {
        if (!(error instanceof OpenRedError)) throw error;
        failed.push({ url: link.url, code: error.code });
      }
    }));
    const nodes = [...best.values()].map(({ node }) => node);
    nodes.sort((a, b) => (a.node_id < b.node_id ? -1 : 1));
    return { nodes, failed };
  }
}
