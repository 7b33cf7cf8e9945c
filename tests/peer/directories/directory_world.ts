/**
 * A node's directories with fake directories behind them.
 *
 * @module
 */
import { encodeBase64Url } from "../../../crypto/encoding.ts";
import type { RestoredMark } from "../../../peer/own/restored_mark.ts";
import { NODE_DEFAULTS } from "../../../protocol/node_settings.ts";
import { ContactDirectories } from "../../../peer/directories/contact_directories.ts";
import type { KeyForDirectory } from "../../../peer/directories/directory_parts.ts";
import { Directories } from "../../../peer/directories/directories.ts";
import { OwnRecord } from "../../../peer/own/own_record.ts";
import { PeerBook } from "../../../peer/peers/peer_book.ts";
import type { OwnSuccession } from "../../../peer/own/own_succession.ts";
import { EnvelopeReceiver } from "../../../peer/tokens/receive.ts";
import { TokenVault } from "../../../peer/tokens/vault.ts";
import type { HttpAnswer, HttpRequest } from "../../../ports/ports.ts";
import type { NodeEvent } from "../../../protocol/admin_api.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { answerJson, FakeHttp } from "../../world/fake_http.ts";
import { START_MS, TestParts } from "../parts.ts";
import { issuePair, TestNodeKeys } from "../test_node_keys.ts";

export const REANNOUNCE_MS = 3_600_000;

/** What a directory answers instead of what it ought to, except to {@linkcode FakeDirectory.nodeId}. */
type Instead = (request: HttpRequest) => HttpAnswer | null;

export class FakeDirectory {
  readonly keys: TestNodeKeys;
  readonly url: string;
  readonly registered: string[] = [];
  /** More members of the answer to register. */
  more: Record<string, unknown> = {};
  /** Headers of the answer to register. */
  answerHeaders: Record<string, string> = {};
  /** Who looks itself up before it registers, of which `instead` is not told. */
  nodeId: string | null = null;
  instead: Instead = () => null;
  /** Texts of records by id, for look-ups. */
  readonly records = new Map<string, string>();
  record = "";

  constructor(keys: TestNodeKeys, url: string) {
    this.keys = keys;
    this.url = url;
  }

  async serve(http: FakeHttp): Promise<void> {
    this.record = await this.keys.recordText({ api_url: this.url, suites: [] });
    http.serve(`${this.url}/api/v3/`, (request) => {
      const isOwnLookUp = request.url.endsWith(`/nodes/${this.nodeId}`);
      return (isOwnLookUp ? null : this.instead(request)) ?? this.#answer(request);
    });
  }

  #answer(request: HttpRequest): HttpAnswer {
    if (request.url.endsWith("/nodes/register")) {
      const { record } = JSON.parse(new TextDecoder().decode(request.body));
      this.registered.push(record);
      this.records.set(String(payloadOf(record).iss), record);
      return answerJson(201, this.#registerAnswer(), this.answerHeaders);
    }
    const record = this.records.get(request.url.slice(request.url.lastIndexOf("/") + 1));
    if (record === undefined) return answerJson(404, { code: "node_unknown" });
    return answerJson(200, nodeAnswer(record));
  }

  #registerAnswer(): Record<string, unknown> {
    return {
      node_id: this.keys.id,
      status: "active",
      lease_ms: 2 * REANNOUNCE_MS,
      reannounce_after_ms: REANNOUNCE_MS,
      directory_id: this.keys.id,
      directory_noise_key: encodeBase64Url(this.keys.noisePublic),
      directory: this.record,
      ...this.more,
    };
  }
}

export function payloadOf(text: string): Record<string, unknown> {
  const [, payload = ""] = text.split(".");
  return JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/")));
}

export function nodeAnswer(record: string): Record<string, unknown> {
  const { iss, api_url } = payloadOf(record);
  return { record, node_id: iss, api_url, last_seen: START_MS, status: "active" };
}

export class DirectoryWorld implements AsyncDisposable {
  readonly parts: TestParts;
  readonly http = new FakeHttp();
  readonly own: TestNodeKeys;
  readonly peer: TestNodeKeys;
  ownRecord: OwnRecord;
  readonly book: PeerBook;
  readonly vault: TokenVault;
  readonly receiver: EnvelopeReceiver;
  readonly contactDirectories: ContactDirectories;
  /** URLs that must not be called. */
  readonly refusedUrls = new Set<string>();
  readonly events: NodeEvent[] = [];
  readonly started: Directories[] = [];
  restored: RestoredMark | null = null;
  directoryKey: KeyForDirectory = () => Promise.resolve(null);
  succession: OwnSuccession | null = null;

  private constructor(parts: TestParts, own: TestNodeKeys, peer: TestNodeKeys) {
    this.parts = parts;
    this.own = own;
    this.peer = peer;
    this.ownRecord = this.#openOwnRecord();
    this.book = new PeerBook(parts, own.id);
    this.vault = new TokenVault(parts, own.keys.vault);
    this.receiver = new EnvelopeReceiver({ ...parts, book: this.book, vault: this.vault }, {
      id: own.id,
      noiseKeys: own.keys.noiseKeys,
    });
    this.contactDirectories = new ContactDirectories(parts.store);
    parts.events.subscribe((event) => this.events.push(event));
  }

  static async create(): Promise<DirectoryWorld> {
    const parts = await TestParts.create();
    const own = await TestNodeKeys.create(parts.crypto);
    await parts.store.setSelf("node_id", own.id);
    return new DirectoryWorld(parts, own, await TestNodeKeys.create(parts.crypto));
  }

  async directory(name: string, keys?: TestNodeKeys): Promise<FakeDirectory> {
    const made = keys ?? await TestNodeKeys.create(this.parts.crypto);
    const directory = new FakeDirectory(made, `https://${name}.example`);
    directory.nodeId = this.own.id;
    await directory.serve(this.http);
    return directory;
  }

  /** The directories of a process that starts now. */
  async open(...entries: string[]): Promise<Directories> {
    const { own, http, ownRecord, book, receiver, contactDirectories } = this;
    const { restored, succession } = this;
    const directories = new Directories({
      ...this.parts,
      http,
      ownRecord,
      own: { id: own.id, key: own.keys.identity },
      directoryKey: (url) => this.directoryKey(url),
      ...(restored === null ? {} : { restored }),
      ...(succession === null ? {} : { succession }),
    }, { entries, book, receiver, contactDirectories, checkUrl: (url) => this.#checkUrl(url) });
    await directories.load();
    return directories;
  }

  /** Opens, starts, and lets the first registration happen. */
  async start(...entries: string[]): Promise<Directories> {
    const directories = await this.open(...entries);
    this.started.push(directories);
    directories.start();
    await this.parts.clock.advance(0);
    return directories;
  }

  #openOwnRecord(): OwnRecord {
    const { identity } = this.own.keys;
    return new OwnRecord(this.parts, {
      ...NODE_DEFAULTS,
      apiUrl: "https://node.example",
      pq: "off",
    }, { identity, noiseKey: this.own.noisePublic });
  }

  /** What is started from now on knows of the past only what is stored. */
  restart(): void {
    this.ownRecord = this.#openOwnRecord();
    this.parts.events.settle("own_key_used_elsewhere");
  }

  async stop(): Promise<void> {
    for (const directories of this.started.splice(0)) await directories.stop();
  }

  /** An answer to request-connection in which this node may call `target`. */
  async introduction(directory: FakeDirectory, target: TestNodeKeys): Promise<HttpAnswer> {
    const issuedAt = this.parts.clock.nowMs();
    const pair = await issuePair(directory.keys, { a: this.own, b: target, issuedAt });
    return answerJson(200, {
      pair_id: encodeBase64Url(pair.pairId),
      method: "alpha",
      epoch: Math.floor(issuedAt / 3_600_000),
      issued_at: issuedAt,
      expires_at: issuedAt + 300_000,
      delivered: false,
      envelope: pair.a,
      directory: directory.record,
    });
  }

  #checkUrl(url: string): Promise<void> {
    if (!this.refusedUrls.has(url)) return Promise.resolve();
    return Promise.reject(new OpenRedError("url_refused", "The URL is refused"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    this.parts[Symbol.dispose]();
  }
}
