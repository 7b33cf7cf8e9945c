/**
 * What the context of a module is made from in tests: real parts, and a sender that notes what leaves.
 *
 * @module
 */
import { Grants } from "../../peer/modules/grants.ts";
import { FakeHttp } from "./fake_http.ts";
import { machinePorts } from "./node_ports.ts";
import { decodeNodeId, encodeBase64Url, isNodeId } from "../../crypto/encoding.ts";
import type { KeyRef } from "../../crypto/interface.ts";
import type { AskFactors, ModuleContext, NodeId } from "../../modules/api.ts";
import { Asking } from "../../peer/modules/asking.ts";
import { ModuleAsks } from "../../peer/modules/module_asks.ts";
import { type ContextParts, createContext } from "../../peer/modules/module_context.ts";
import { ModuleSends } from "../../peer/modules/module_sends.ts";
import { ModuleTells } from "../../peer/modules/module_tells.ts";
import type { ModuleKind } from "../../peer/modules/running_module.ts";
import { SessionTable } from "../../peer/sessions/session.ts";
import { PeerBook } from "../../peer/peers/peer_book.ts";
import { Petnames } from "../../peer/peers/petnames.ts";
import { manifestSchema } from "../../protocol/module_manifest.ts";
import type { NodeEvent } from "../../protocol/admin_api.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { parseInput } from "../../protocol/schemas.ts";
import { TestParts } from "../peer/parts.ts";
import { TestNodeKeys } from "../peer/test_node_keys.ts";
import { RecordingSender } from "./recording_sender.ts";
import { type TestManifest, testManifest } from "./test_module.ts";

function nobodyThere(): Promise<never> {
  return Promise.reject(new OpenRedError("unreachable", "Nobody is there"));
}

export class ContextWorld implements Disposable {
  readonly parts: TestParts;
  readonly keys: TestNodeKeys;
  readonly sender = new RecordingSender();
  readonly book: PeerBook;
  readonly petnames: Petnames;
  /** Nobody is there to be asked. */
  readonly asking: Asking;
  /** Nobody serves anything. */
  peerBytes: ModuleContext["peerBytes"] = () =>
    Promise.reject(new OpenRedError("unreachable", "Nobody is there"));
  /** No module asks for factors. */
  askFactors: AskFactors | null = null;
  /** Whatever the node told since it was made. */
  readonly told: NodeEvent[] = [];

  private constructor(parts: TestParts, keys: TestNodeKeys) {
    this.parts = parts;
    this.keys = keys;
    this.book = new PeerBook(parts, keys.id);
    this.petnames = new Petnames(parts.store);
    this.asking = new Asking({
      ...parts,
      table: new SessionTable(),
      carrier: {
        send: () => {},
        hasChannel: () => false,
        postCall: () => Promise.resolve(true),
      },
      want: (peer) => this.sender.want(peer),
      waitForSession: (_peer, { signal }) =>
        new Promise((resolve) => signal.addEventListener("abort", () => resolve(null))),
    });
    parts.events.subscribe((event) => this.told.push(event));
  }

  /** @param options The small parts, and the keys of their node; new ones unless it says so. */
  static async create(
    options: { readonly parts?: TestParts; readonly keys?: TestNodeKeys } = {},
  ): Promise<ContextWorld> {
    const parts = options.parts ?? await TestParts.create();
    return new ContextWorld(parts, options.keys ?? await TestNodeKeys.create(parts.crypto));
  }

  /** What the keys of modules come from. */
  get storageKey(): KeyRef {
    return this.keys.keys.storage;
  }

  /** The owner's words are ids here, and whoever is meant has been met. */
  get contextParts(): ContextParts {
    const { parts, book, petnames, sender } = this;
    return {
      ...parts,
      book,
      petnames,
      sender,
      ...machinePorts(),
      peerBytes: (request) => this.peerBytes(request),
      askFactors: () => this.askFactors,
      watch: {
        version: "test",
        uptimeMs: 0,
        metrics: () => Promise.resolve(""),
        numbers: () => Promise.resolve([]),
        troubles: () => [],
        examine: () => Promise.resolve([]),
      },
      web: { post: nobodyThere, bytes: nobodyThere },
      http: new FakeHttp(),
      resolver: { resolve: () => Promise.resolve(["93.184.216.34"]) },
      own: { id: this.keys.id, alias: "tests" },
      identity: this.keys.keys.identity,
      words: {
        resolve: (word) => {
          if (isNodeId(word)) return word;
          throw new OpenRedError("not_found", "Nobody is called so");
        },
        meet: async (word) => {
          const { permissions } = this.parts;
          if (!permissions.isBlocked(word as NodeId)) await permissions.accept(word as NodeId);
          return word as NodeId;
        },
        widens: () => false,
      },
      binding: (peer) => sender.isConnected(peer) ? new Uint8Array(32).fill(7) : null,
    };
  }

  /** The context of a module as the host makes it. */
  async contextOf(
    input: TestManifest,
    kind: ModuleKind = "built-in",
  ): Promise<{ context: ModuleContext; sends: ModuleSends }> {
    const manifest = parseInput(manifestSchema, testManifest(input));
    const { name } = manifest;
    const key = await this.parts.crypto.deriveModuleKey({
      storage: this.storageKey,
      module: name,
      salt: new Uint8Array(16),
    });
    const types = new Set(manifest.frames.map(({ type }) => type));
    const sends = new ModuleSends(this.sender, { name, kind, types });
    const grants = new Grants([]);
    const asks = new ModuleAsks(this.asking, { name, kind, frames: manifest.frames });
    const tells = new ModuleTells(this.parts, { name, kind });
    const options = { kind, manifest, sends, asks, tells, key, grants, options: {} };
    return { context: createContext(this.contextParts, options), sends };
  }

  /** A peer that another identity has followed, as the book knows it. */
  async succeeded(): Promise<{ old: NodeId; next: NodeId }> {
    const { old, next, follow } = await this.succeeding();
    await follow();
    return { old, next };
  }

  /** A peer that another identity can follow. */
  async succeeding(): Promise<{ old: NodeId; next: NodeId; follow: () => Promise<void> }> {
    const { crypto } = this.parts;
    const [old, next] = await TestNodeKeys.createTwo(crypto);
    const pin = encodeBase64Url(await crypto.sha256(decodeNodeId(next.id)!));
    await this.book.take(await old.record({ next: pin }));
    const follow = async () => {
      const chain = [await next.succession(old.id)];
      await this.book.follow({ chain, record: await next.record() });
    };
    return { old: old.id, next: next.id, follow };
  }

  [Symbol.dispose](): void {
    this.parts[Symbol.dispose]();
  }
}
