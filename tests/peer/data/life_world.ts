/**
 * A node on loopback that can be worked on while it does not run, moved, and copied.
 *
 * @module
 */
import { LocalCryptoCore } from "../../../crypto/core.ts";
import type { NodeId } from "../../../crypto/encoding.ts";
import type { CryptoCore } from "../../../crypto/interface.ts";
import { initNode } from "../../../peer/data/init.ts";
import { type DataPorts, succeedNode } from "../../../peer/data/succeed.ts";
import type { InboxView } from "../../../protocol/messaging_api.ts";
import { CHEAP_COST, watchCore } from "../../world/cores.ts";
import { NodeListener } from "../../world/node_listener.ts";
import { LoopbackNode } from "../../world/loopback_node.ts";
import { systemPorts } from "../../world/node_ports.ts";
import { until } from "../../world/until.ts";

export class LifeNode extends LoopbackNode {
  /** The succession in each message 1 since it was made, oldest first. */
  readonly shown: (string | null)[] = [];

  /** Works on the data while the node does not run. */
  async onData<T>(work: (ports: DataPorts) => Promise<T>): Promise<T> {
    const crypto = await LocalCryptoCore.create();
    try {
      return await work({ ...systemPorts(this.data), crypto });
    } finally {
      await crypto.stop();
    }
  }

  /** Makes the node with a recovery phrase. @returns The phrase's bytes. */
  async init(): Promise<Uint8Array> {
    let shown = new Uint8Array();
    const show = ({ phrase }: { phrase: Uint8Array }) => {
      shown = phrase.slice();
      return Promise.resolve();
    };
    await this.onData((ports) => initNode(ports, { show, cost: CHEAP_COST }));
    return shown;
  }

  /** @returns The bytes of the new phrase. */
  async succeed(
    phrase: Uint8Array,
    from: NodeId | null = null,
    passphrase?: Uint8Array,
  ): Promise<Uint8Array> {
    let shown = new Uint8Array();
    const show = ({ phrase }: { phrase: Uint8Array }) => {
      shown = phrase.slice();
      return Promise.resolve();
    };
    await this.onData((ports) =>
      succeedNode(ports, { phrase: phrase.slice(), from, passphrase, show, cost: CHEAP_COST })
    );
    return shown;
  }

  /** Notes what each message 1 says of a succession. */
  protected override watch(core: CryptoCore): CryptoCore {
    return watchCore(core, (name, argument) => {
      if (name !== "startHandshake") return;
      this.shown.push((argument as { succession?: string }).succession ?? null);
    });
  }

  /** Takes the address of a node that does not run. */
  async takeAddress(of: LifeNode): Promise<void> {
    await this.listener[Symbol.asyncDispose]();
    this.listener = of.listener;
    of.listener = new NodeListener();
  }

  /** Leaves its address for another one. */
  async move(): Promise<void> {
    await this.listener[Symbol.asyncDispose]();
    this.listener = new NodeListener();
  }

  /** The data as it is now, in another directory. */
  copyData(): string {
    const copy = Deno.makeTempDirSync();
    for (const { name } of Deno.readDirSync(this.data)) {
      Deno.copyFileSync(`${this.data}/${name}`, `${copy}/${name}`);
    }
    return copy;
  }

  async registered(): Promise<void> {
    await until(
      async () => (await this.status()).directories.every(({ state }) => state === "registered"),
      "registered",
    );
  }

  async inbox(): Promise<readonly (readonly [peer: string, text: string])[]> {
    const { messages }: InboxView = await this.ask("GET", "/m/messaging/inbox?limit=1000");
    return messages.map(({ peer, text }) => [peer, text] as const);
  }

  /** Waits until there is a confirmed session with a peer. */
  async confirmed(peer: NodeId): Promise<void> {
    await until(
      async () =>
        (await this.status()).sessions.some((session) =>
          session.peer === peer && session.state === "confirmed"
        ),
      "a confirmed session",
    );
  }

  /** The events of the audit log. */
  async audited(): Promise<string[]> {
    const { entries } = await this.ask("GET", "/audit?limit=1000");
    return entries.map(({ event }: { event: string }) => event);
  }

  /** Waits until the audit log has an event: what a node does is seen before its entry is on the disk. */
  async untilAudited(event: string): Promise<void> {
    await until(async () => (await this.audited()).includes(event), `${event} in the audit log`);
  }
}
