/**
 * A whole node over fakes, a directory it has pinned, and a peer that speaks its protocol by hand.
 *
 * @module
 */
import { machinePorts } from "../world/node_ports.ts";
import { Buffer } from "node:buffer";
import { DatabaseSync } from "node:sqlite";
import { LocalCryptoCore } from "../../crypto/core.ts";
import { decodeBase64Url, encodeBase64Url } from "../../crypto/encoding.ts";
import type { CryptoCore, KeyRef, OpenedEnvelope } from "../../crypto/interface.ts";
import type { NodeConfig } from "../../peer/config.ts";
import type { BuiltInModule } from "../../peer/modules/host.ts";
import type { Node, NodePorts } from "../../peer/node.ts";
import { createKeptSettings } from "../../cli/kept_settings.ts";
import type { KeptSettings } from "../../ports/kept_settings.ts";
import type { Channel } from "../../ports/ports.ts";
import { unreachable } from "../../protocol/unreachable.ts";
import { type VerifiedRecord, verifyRecord } from "../../protocol/record.ts";
import { decodePairStatement } from "../../protocol/statements.ts";
import { SeededRandom } from "../world/seeded_random.ts";
import { FakeDirectory } from "./directories/directory_world.ts";
import { answerJson, FakeHttp } from "../world/fake_http.ts";
import { START_MS } from "./parts.ts";
import { TestNodeKeys } from "./test_node_keys.ts";
import { VirtualClock } from "../world/virtual_clock.ts";
import { MemoryFiles } from "../world/memory_files.ts";
import { MemoryLog } from "../world/memory_log.ts";
import { settle } from "../world/settle.ts";
import { AdminClient } from "../world/admin_client.ts";
import { ADMIN_TOKEN, composeNode } from "../world/compose_node.ts";
import { keepOpen } from "../world/kept_database.ts";

export const NODE_URL = "https://node.example/r/x";

// deno-lint-ignore no-explicit-any
export type Answered = { status: number; headers: Headers; body: any };

export async function readAnswer(response: Response): Promise<Answered> {
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === "" ? null : JSON.parse(text),
  };
}

export class TestNode implements AsyncDisposable {
  readonly clock = new VirtualClock(START_MS);
  readonly files = new MemoryFiles();
  readonly log = new MemoryLog();
  readonly http = new FakeHttp();
  readonly database = new DatabaseSync(":memory:");
  readonly #owner = new AdminClient((request) => this.node.handleAdmin(request), ADMIN_TOKEN);
  readonly upgraded: Channel[] = [];
  readonly crypto: CryptoCore;
  readonly directory: FakeDirectory;
  /** Who speaks by hand. */
  peer: TestNodeKeys;
  node: Node;
  /** Hosts whose names do not resolve. */
  readonly lostHosts = new Set<string>();
  /** What names resolve to; 8.8.8.8 unless it stands here. */
  readonly addresses = new Map<string, string>();
  /** Frames the node posted to the peer, oldest first. */
  readonly posted: Uint8Array<ArrayBuffer>[] = [];

  /** What `openred.toml` has. */
  settings: string | null = null;
  readonly keptSettings: KeptSettings = createKeptSettings({
    read: () => Promise.resolve(this.settings),
    write: (_, text) => Promise.resolve(void (this.settings = text)),
  }, { data: "data", given: {}, env: () => undefined });
  #modules: readonly BuiltInModule[] = [];
  /** What it has in the place of the ports here. */
  #ports: Partial<NodePorts> = {};

  private constructor(crypto: CryptoCore, directory: FakeDirectory, peer: TestNodeKeys) {
    this.crypto = crypto;
    this.directory = directory;
    this.peer = peer;
    this.node = undefined as unknown as Node;
  }

  /** @param modules Further ones, besides those of the program. */
  static async start(
    config: Partial<NodeConfig> = {},
    modules: readonly BuiltInModule[] = [],
    ports: Partial<NodePorts> = {},
  ): Promise<TestNode> {
    const crypto = await LocalCryptoCore.create();
    const directory = new FakeDirectory(
      await TestNodeKeys.create(crypto),
      "https://directory.example",
    );
    const test = new TestNode(crypto, directory, await TestNodeKeys.create(crypto));
    await directory.serve(test.http);
    const { api_url } = (await test.peer.record()).payload;
    test.http.serve(`${api_url}/p2p/message`, ({ body }) => {
      const { data } = JSON.parse(new TextDecoder().decode(body));
      test.posted.push(decodeBase64Url(data)!);
      return answerJson(200, { received: true });
    });
    test.#modules = modules;
    test.#ports = ports;
    await test.boot(config);
    return test;
  }

  /** Starts a process on what is on the disk. */
  async boot(config: Partial<NodeConfig> = {}): Promise<void> {
    this.node = await composeNode({
      ports: {
        clock: this.clock,
        random: new SeededRandom("a node"),
        http: this.http,
        resolver: { resolve: (host) => this.#resolve(host) },
        crypto: this.crypto,
        files: this.files,
        openDatabase: () => keepOpen(this.database),
        upgrader: { upgrade: () => this.#upgrade() },
        ...machinePorts(),
        log: this.log,
        keptSettings: this.keptSettings,
        ...this.#ports,
      },
      config: { apiUrl: NODE_URL, directories: [this.directory.url], pq: "off", ...config },
      modules: this.#modules,
    });
    await this.node.start();
    await settle();
  }

  #resolve(host: string): Promise<string[]> {
    return this.lostHosts.has(host)
      ? Promise.reject(unreachable("The other end", "name_unknown"))
      : Promise.resolve([this.addresses.get(host) ?? "8.8.8.8"]);
  }

  #upgrade(): { response: Response; channel: Channel } {
    const channel = {
      bufferedBytes: 0,
      listen: () => {},
      flushed: () => Promise.resolve(),
      send: () => {},
      close: () => {},
    };
    this.upgraded.push(channel);
    return { response: new Response(null), channel };
  }

  async ask(
    method: string,
    path: string,
    options: { body?: BodyInit; headers?: Record<string, string>; address?: string } = {},
  ): Promise<Answered> {
    const { body = null, headers = {}, address = "192.0.2.1" } = options;
    const request = new Request(NODE_URL + path, { method, body, headers });
    return await readAnswer(await this.node.handle(request, { address }));
  }

  post(path: string, content: unknown, address?: string): Promise<Answered> {
    const body = JSON.stringify(content);
    return this.ask("POST", path, address === undefined ? { body } : { body, address });
  }

  async admin(method: string, path: string, content?: unknown): Promise<Answered> {
    return await readAnswer(await this.#owner.request(method, path, content));
  }

  /** Decides about the peer, who is no stranger from then on. */
  async decide(peer = this.peer.id): Promise<void> {
    const { status } = await this.admin("POST", "/peers/allow", { peer, permission: "message" });
    if (status !== 200) throw new Error(`The decision was answered with ${status}`);
  }

  async record(): Promise<VerifiedRecord> {
    const { body } = await this.admin("GET", "/id");
    return await verifyRecord(this.crypto, body.record);
  }

  /** Pushes a half to the node. @returns The peer's own half, with which it can call. */
  async introduce(): Promise<OpenedEnvelope> {
    const node = await this.record();
    const issuedAt = this.clock.nowMs();
    const { keys } = this.directory;
    const issued = await this.crypto.issuePair({
      noiseKey: keys.noiseKey,
      issuer: keys.id,
      method: "alpha",
      epoch: Math.floor(issuedAt / 3_600_000),
      issuedAt,
      expiresAt: issuedAt + 300_000,
      a: {
        id: this.peer.id,
        noiseKey: this.peer.noisePublic,
        record: await this.peer.recordText(),
      },
      b: { id: node.id, noiseKey: node.payload.noise_key, record: node.text },
    });
    const envelope = await keys.sign("openred-pair+jwt", {
      v: 3,
      iss: keys.id,
      aud: node.id,
      pair_id: encodeBase64Url(issued.pairId),
      iat: Math.floor(issuedAt / 1000),
      exp: Math.floor(issuedAt / 1000) + 300,
      noise: encodeBase64Url(issued.noiseB),
    });
    const { record: directory } = this.directory;
    const { status } = await this.post("/tokens/receive", { envelope, directory });
    if (status !== 200) throw new Error(`The half was answered with ${status}`);
    return await this.crypto.openEnvelope({
      noiseKeys: [this.peer.noiseKey],
      directoryNoiseKey: keys.noisePublic,
      directoryId: keys.id,
      nodeId: this.peer.id,
      pairId: decodePairStatement(envelope).pair_id,
      noise: issued.noiseA,
    });
  }

  /** The peer calls the node on its half. @returns Its session, not confirmed yet. */
  async call(half: OpenedEnvelope): Promise<PeerSession> {
    const started = await this.crypto.startHandshake({
      noiseKey: this.peer.noiseKey,
      peerNoiseKey: (await this.record()).payload.noise_key,
      suite: "ik-x25519",
      half: half.half,
      record: await this.peer.recordText(),
    });
    const { status, body } = await this.post("/p2p/handshake", {
      v: 3,
      suite: "ik-x25519",
      pair_id: encodeBase64Url(half.info.pairId),
      noise: encodeBase64Url(started.noise),
    });
    if (status !== 200) throw new Error(`Message 1 was answered with ${status}`);
    const { handshake } = started;
    await this.crypto.readAnswer({ handshake, noise: decodeBase64Url(body.noise)! });
    const { session, sessionId } = await this.crypto.completeHandshake({
      handshake,
      nowMs: this.clock.monotonicMs(),
    });
    return new PeerSession(this, session, sessionId);
  }

  /** Introduces, calls and says hello. */
  async connect(): Promise<PeerSession> {
    const session = await this.call(await this.introduce());
    await session.send({ type: "core.hello" });
    return session;
  }

  /** How many lines the vault has on disk, of a pair or of a set: the last one of each name counts. */
  get vaultLines(): number {
    const lines = this.files.text(".env").matchAll(/^(NODE_z[^=]+)=(.*)$/gm);
    const values = new Map([...lines].map(([, name, value]) => [name, value]));
    return [...values.values()].filter((value) => value !== "").length;
  }

  /** Stops in good order. */
  async stop(): Promise<void> {
    const stopping = this.node.stop();
    await this.clock.advance(1_000);
    await stopping;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    this.database.close();
    await this.crypto.stop();
  }
}

/** The peer's end of a session with the node. */
export class PeerSession {
  readonly #test: TestNode;
  readonly #ref: KeyRef;
  readonly id: string;
  readonly sessionId: Uint8Array;

  constructor(test: TestNode, ref: KeyRef, sessionId: Uint8Array) {
    this.#test = test;
    this.#ref = ref;
    this.sessionId = sessionId;
    this.id = Buffer.from(sessionId).toString("hex");
  }

  seal(header: Record<string, unknown>, body?: Uint8Array): Promise<Uint8Array> {
    return this.sealText(JSON.stringify(header), body);
  }

  /** Seals a frame with this text for a header. */
  async sealText(header: string, body?: Uint8Array): Promise<Uint8Array> {
    const { frame } = await this.#test.crypto.seal({
      session: this.#ref,
      nowMs: this.#test.clock.monotonicMs(),
      mayStep: true,
      header,
      ...(body === undefined ? {} : { body }),
    });
    return frame;
  }

  post(frame: Uint8Array, path = "/p2p/message"): Promise<Answered> {
    const session_id = encodeBase64Url(this.sessionId);
    return this.#test.post(path, { session_id, data: encodeBase64Url(frame) });
  }

  /** The header and body of a frame of the node's. */
  async open(frame: Uint8Array): Promise<{ header: Record<string, unknown>; body: Uint8Array }> {
    const nowMs = this.#test.clock.monotonicMs();
    const opened = await this.#test.crypto.open({ session: this.#ref, nowMs, frame });
    if (!("header" in opened)) throw new Error(`The frame was ${opened.outcome}`);
    return { header: JSON.parse(opened.header), body: opened.body };
  }

  /** Seals and posts a frame, and lets the node deal with it. */
  async send(header: Record<string, unknown>, body?: Uint8Array): Promise<Answered> {
    const answer = await this.post(await this.seal(header, body));
    await settle();
    return answer;
  }

  /** The headers of all that the node posted on this session and was not read yet. */
  async read(): Promise<Record<string, unknown>[]> {
    const headers: Record<string, unknown>[] = [];
    for (const frame of this.#test.posted.splice(0)) {
      const nowMs = this.#test.clock.monotonicMs();
      const opened = await this.#test.crypto.open({ session: this.#ref, nowMs, frame });
      if ("header" in opened) headers.push(JSON.parse(opened.header));
    }
    return headers;
  }
}
