/**
 * Two real nodes that exchange messages, one of which runs modules from files.
 *
 * @module
 */
import { encodeBase64Url, encodeUtf8 } from "../../../crypto/encoding.ts";
import type { ModulesView, ModuleView } from "../../../protocol/module_api.ts";
import { LoopbackNode } from "../../world/loopback_node.ts";
import { RealDirectory } from "../../world/real_directory.ts";
import { until } from "../../world/until.ts";

const WAIT_MS = 20_000;

export class TwoNodes implements AsyncDisposable {
  readonly directory = new RealDirectory();
  readonly alice = new LoopbackNode();
  readonly bob = new LoopbackNode();
  #sent = 0;

  /** @param ports What alice's node is given instead of the ports of the machine. */
  static async start(ports: LoopbackNode["ports"] = {}): Promise<TwoNodes> {
    const test = new TwoNodes();
    test.alice.ports = ports;
    await test.directory.start();
    for (const node of [test.alice, test.bob]) {
      await node.start({ directories: [test.directory.url] });
      await until(
        async () => (await node.status()).directories[0]?.state === "registered",
        "the node is registered",
      );
    }
    await test.alice.admin.connect(test.bob.id, WAIT_MS);
    await test.exchange();
    await test.bob.admin.decide("allow", { peer: test.alice.id, permission: "message" });
    return test;
  }

  /** Loads a file at alice's. */
  async load(
    text: string,
    { grants = [], change = "new" }: { grants?: readonly string[]; change?: string } = {},
  ): Promise<ModuleView> {
    return await loadFile(this.alice, text, { grants, change });
  }

  async view(name: string): Promise<ModuleView> {
    const { modules } = await this.alice.ask<ModulesView>("GET", "/modules");
    const found = modules.find((one) => one.name === name);
    if (found === undefined) throw new TypeError(`There is no module ${name}`);
    return found;
  }

  /** Waits until a module has failed. @returns Why. */
  async whyEnded(name: string): Promise<string> {
    let why = "";
    await until(async () => {
      const view = await this.view(name);
      why = view.why ?? "";
      return view.state === "failed";
    }, `${name} ends`);
    return why;
  }

  async unload(name: string): Promise<void> {
    await this.alice.ask("POST", "/modules/unload", { module: name, forget: true });
  }

  /** One message from alice to bob. @returns Milliseconds until it was acknowledged. */
  async exchange(): Promise<number> {
    const startMs = performance.now();
    const text = `message ${++this.#sent}`;
    await this.alice.admin.send({ peer: this.bob.id, text, waitMs: WAIT_MS });
    return performance.now() - startMs;
  }

  /** Exchanges messages, each `pauseMs` after the former one, until something is over. */
  async exchangeUntil(over: Promise<unknown>, pauseMs: number): Promise<number[]> {
    const spansMs: number[] = [];
    let isOver = false;
    over.then(() => isOver = true, () => isOver = true);
    while (!isOver) {
      spansMs.push(await this.exchange());
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    return spansMs;
  }

  get sent(): number {
    return this.#sent;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of [this.alice, this.bob]) await node[Symbol.asyncDispose]();
    await this.directory[Symbol.asyncDispose]();
  }
}

export function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

/** Loads a module from a file. */
export async function loadFile(
  node: LoopbackNode,
  text: string,
  { grants = [], change = "new" }: { grants?: readonly string[]; change?: string } = {},
): Promise<ModuleView> {
  const code = encodeUtf8(text);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", code)).toHex();
  const input = { code: encodeBase64Url(code), sha256: hash, grants, change };
  return await node.ask<ModuleView>("POST", "/modules/load", input);
}
