/**
 * A node on loopback whose data directory outlives it: it can be stopped and started again.
 *
 * @module
 */
import { LocalCryptoCore } from "../../crypto/core.ts";
import type { NodeId } from "../../crypto/encoding.ts";
import type { CryptoCore } from "../../crypto/interface.ts";
import type { NodeConfig } from "../../peer/config.ts";
import type { BuiltInModule } from "../../peer/modules/host.ts";
import type { NodePorts, OpenNode } from "../../peer/node.ts";
import type { Clock } from "../../ports/ports.ts";
import { systemClock } from "../../ports/system.ts";
import type { StatusView } from "../../protocol/admin_api.ts";
import { AdminClient } from "./admin_client.ts";
import { ADMIN_TOKEN, composeNode } from "./compose_node.ts";
import { NodeListener } from "./node_listener.ts";
import { MemoryLog } from "./memory_log.ts";
import { systemPorts } from "./node_ports.ts";

export class LoopbackNode implements AsyncDisposable {
  readonly data: string;
  readonly log = new MemoryLog();
  readonly admin = new AdminClient((request) => this.node.handleAdmin(request), ADMIN_TOKEN);
  /** What it has besides the program's own modules. */
  modules: readonly BuiltInModule[] = [];
  /** What it is given instead of the ports of the machine. */
  ports: Partial<NodePorts> = {};
  protected listener = new NodeListener();
  #core: CryptoCore | null = null;
  #node: OpenNode | null = null;

  constructor(data: string = Deno.makeTempDirSync()) {
    this.data = data;
  }

  get url(): string {
    return this.listener.url;
  }

  /** @throws {TypeError} While it does not run. */
  get node(): OpenNode {
    if (this.#node === null) throw new TypeError("The node does not run");
    return this.#node;
  }

  get id(): NodeId {
    return this.node.id;
  }

  get inside(): OpenNode["inside"] {
    return this.node.inside;
  }

  /** Makes the node, which is asked from then on. */
  protected async open(config: Partial<NodeConfig>, clock: Clock): Promise<void> {
    const core = await LocalCryptoCore.create();
    this.#core = core;
    const node = await composeNode({
      ports: {
        ...systemPorts(this.data),
        clock,
        log: this.log,
        crypto: this.watch(core),
        ...this.ports,
      },
      config: { apiUrl: this.url, allowPrivate: true, handshakesPerMinute: 10_000, ...config },
      modules: this.modules,
    });
    this.#node = node;
    this.listener.handler = (request, address) => node.handle(request, { address });
  }

  /** What the node is given as its core. */
  protected watch(core: CryptoCore): CryptoCore {
    return core;
  }

  async start(config: Partial<NodeConfig> = {}, clock: Clock = systemClock): Promise<this> {
    await this.open(config, clock);
    await this.node.start();
    return this;
  }

  /** Ends the node; its data and its socket stay for another `start`. */
  async stop(): Promise<void> {
    this.listener.handler = () => new Response(null, { status: 503 });
    await this.#node?.stop();
    await this.#core?.stop();
    this.#node = null;
    this.#core = null;
  }

  // deno-lint-ignore no-explicit-any
  ask<T = any>(method: string, path: string, body?: unknown): Promise<T> {
    return this.admin.ask<T>(method, path, body);
  }

  status(): Promise<StatusView> {
    return this.admin.status();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#node !== null) await this.stop();
    await this.listener[Symbol.asyncDispose]();
    Deno.removeSync(this.data, { recursive: true });
  }
}
