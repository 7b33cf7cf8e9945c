/**
 * Two processes full of nodes, each node with one peer in the other process.
 *
 * @module
 */
import { LocalCryptoCore } from "../crypto/core.ts";
import { decodeBase64Url, encodeBase64Url } from "../crypto/encoding.ts";
import { Child } from "./child.ts";
import type { Introduction } from "./programs/bench_node.ts";
import type { NodeView } from "./programs/nodes.ts";
import { type CoreNode, createCoreNode, issuePair, type PairMember } from "./two_nodes.ts";

interface Opened {
  readonly port: number;
  readonly rawPort: number;
  readonly nodes: readonly NodeView[];
}

function memberOf(view: NodeView): PairMember {
  return { ...view, noisePublic: decodeBase64Url(view.noisePublic)! };
}

/** Both processes; node `i` of the one has met node `i` of the other. */
export class NodeProcesses implements AsyncDisposable {
  readonly a: Child;
  readonly b: Child;
  /** Of the bare WebSockets in process b. */
  rawPortB = 0;

  private constructor(children: { a: Child; b: Child }) {
    this.a = children.a;
    this.b = children.b;
  }

  /** @param options `isDurable`: data goes to disk, not to memory. */
  static async start(
    options: { count: number; isDurable: boolean },
  ): Promise<NodeProcesses> {
    const processes = new NodeProcesses({ a: Child.start("nodes.ts"), b: Child.start("nodes.ts") });
    await processes.#open(options);
    return processes;
  }

  get pids(): readonly number[] {
    return [this.a.pid, this.b.pid];
  }

  async #open(options: { count: number; isDurable: boolean }): Promise<void> {
    const [a, b] = await Promise.all([
      this.a.call<Opened>("open", options),
      this.b.call<Opened>("open", options),
    ]);
    this.rawPortB = b.rawPort;
    const core = await LocalCryptoCore.create();
    const directory = await createCoreNode(core);
    for (let number = 0; number < options.count; number++) {
      const views = { a: a.nodes[number]!, b: b.nodes[number]! };
      await this.#introduce(directory, { number, ...views });
    }
    await core.stop();
  }

  async #introduce(
    directory: CoreNode,
    views: { number: number; a: NodeView; b: NodeView },
  ): Promise<void> {
    const { number, a, b } = views;
    const members = { a: memberOf(a), b: memberOf(b), nowMs: Date.now() };
    const { pairId, noiseA, noiseB } = await issuePair(directory, members);
    const common = {
      pairId: encodeBase64Url(pairId),
      directoryId: directory.id,
      directoryNoiseKey: encodeBase64Url(directory.noisePublic),
    };
    const toA: Introduction = {
      ...common,
      peerRecord: b.record,
      noise: encodeBase64Url(noiseA),
    };
    const toB: Introduction = {
      ...common,
      peerRecord: a.record,
      noise: encodeBase64Url(noiseB),
    };
    await this.b.call("meet", { number, introduction: toB });
    await this.a.call("meet", { number, introduction: toA });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled([this.a.call("close"), this.b.call("close")]);
    await Promise.all([this.a[Symbol.asyncDispose](), this.b[Symbol.asyncDispose]()]);
  }
}
