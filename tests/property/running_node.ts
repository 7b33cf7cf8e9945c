/**
 * A node in this process, on ports of the test's choice.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { Buffer } from "node:buffer";
import { LocalCryptoCore } from "../../crypto/core.ts";
import { decodeBase64Url, encodeBase64Url, type NodeId } from "../../crypto/encoding.ts";
import type { OpenNode } from "../../peer/node.ts";
import type { BuiltInModule } from "../../peer/modules/host.ts";
import type { Clock, Files, OpenDatabase } from "../../ports/ports.ts";
import type { StatusView } from "../../protocol/admin_api.ts";
import type { InboxView } from "../../protocol/messaging_api.ts";
import { FAKE_DIRECTORY_URL, FakeNetwork } from "./fake_network.ts";
import { MemoryFiles } from "../world/memory_files.ts";
import { MemoryLog } from "../world/memory_log.ts";
import { composeNode } from "../world/compose_node.ts";
import { memoryPorts } from "../world/node_ports.ts";

export const NODE_URL = "https://node.example";
const ADMIN_TOKEN = encodeBase64Url(randomBytes(32));

export interface NodeOptions {
  readonly handshakesPerMinute?: number;
  readonly clock?: Clock;
  readonly files?: Files;
  readonly openDatabase?: OpenDatabase;
  /** What is around a node that starts again. */
  readonly network?: FakeNetwork;
  /** Further modules. */
  readonly modules?: readonly BuiltInModule[];
}

interface ShownRecord {
  readonly text: string;
  readonly noiseKey: Uint8Array;
}

function readRecord(text: string): ShownRecord {
  const payload = Buffer.from(text.split(".")[1] ?? "", "base64url").toString();
  return { text, noiseKey: decodeBase64Url(JSON.parse(payload).noise_key)! };
}

export class RunningNode implements AsyncDisposable {
  readonly network: FakeNetwork;
  readonly #log = new MemoryLog();
  #node!: OpenNode;
  #record!: ShownRecord;
  #secrets: readonly string[] = [];
  #count = 0;

  private constructor(network: FakeNetwork) {
    this.network = network;
  }

  /** Starts a node and waits until it is registered with the fake directory. */
  static async start(options: NodeOptions = {}): Promise<RunningNode> {
    const running = new RunningNode(options.network ?? await FakeNetwork.create());
    const files = options.files ?? new MemoryFiles();
    const node = await running.#compose(options, files);
    running.#node = node;
    const registered = new Promise<void>((resolve) => {
      node.inside.events.subscribe(({ type }) => void (type === "registered" && resolve()));
    });
    await node.start();
    await registered;
    running.#record = readRecord((await running.#ask<{ record: string }>("/admin/v1/id")).record);
    const secret = Buffer.from((await files.read("node-secret"))!);
    running.#secrets = [ADMIN_TOKEN, secret.toString("base64url"), secret.toString("base64")];
    return running;
  }

  async #compose(options: NodeOptions, files: Files): Promise<OpenNode> {
    const { clock, openDatabase, handshakesPerMinute = 1_000_000, modules } = options;
    return await composeNode({
      ports: {
        ...memoryPorts(),
        ...(clock === undefined ? {} : { clock }),
        ...(openDatabase === undefined ? {} : { openDatabase }),
        files,
        http: this.network,
        crypto: await LocalCryptoCore.create(),
        log: this.#log,
      },
      config: {
        apiUrl: NODE_URL,
        directories: [FAKE_DIRECTORY_URL],
        adminToken: ADMIN_TOKEN,
        handshakesPerMinute,
      },
      modules,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#node.stop();
  }

  /** What the node logged as an error. */
  get logged(): readonly string[] {
    return this.#log.errors;
  }

  /** Notes a block and nothing else: sessions and pairs stay. */
  noteBlock(peer: string): Promise<void> {
    return this.#node.inside.permissions.block(peer as NodeId);
  }

  get id(): string {
    return this.#node.id;
  }

  get record(): ShownRecord {
    return this.#record;
  }

  get secrets(): readonly string[] {
    return this.#secrets;
  }

  get adminHeaders(): Record<string, string> {
    return { host: "127.0.0.1", authorization: `Bearer ${ADMIN_TOKEN}` };
  }

  /** Every request comes from an address of its own, so that no limit of addresses is met. */
  handle(request: Request): Promise<Response> {
    // The URL of a request from a socket need not be one.
    if (/^[^/]*\/\/[^/]*\/(admin|m\/)/.test(request.url)) return this.#node.handleAdmin(request);
    return this.handleFrom(request, `address ${++this.#count}`);
  }

  handleFrom(request: Request, address: string): Promise<Response> {
    return this.#node.handle(request, { address });
  }

  /** Posts JSON and reads the answer. */
  // deno-lint-ignore no-explicit-any
  async exchange(path: string, content: object): Promise<any> {
    const request = new Request(NODE_URL + path, { method: "POST", body: JSON.stringify(content) });
    return await (await this.handle(request)).json();
  }

  status(): Promise<StatusView> {
    return this.#ask("/admin/v1/status");
  }

  /** Ids of the messages in the node's inbox. */
  async inboxIds(): Promise<string[]> {
    const { messages } = await this.#ask<InboxView>("/m/messaging/inbox?limit=1000");
    return messages.map(({ id }) => id);
  }

  async #ask<T>(path: string): Promise<T> {
    const request = new Request(NODE_URL + path, { headers: this.adminHeaders });
    return await (await this.handle(request)).json();
  }
}
