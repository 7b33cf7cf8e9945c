/**
 * A real node on loopback, and what it tells its owner.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { NodeConfig } from "../../peer/config.ts";
import type { IdView, NodeEvent, SessionView, StatusView } from "../../protocol/admin_api.ts";
import type { InboxView, MessageView, SentView } from "../../protocol/messaging_api.ts";
import { LoopbackNode } from "../world/loopback_node.ts";
import { ShiftedClock } from "../world/shifted_clock.ts";
import { until } from "../world/until.ts";
import { Inbox } from "./inbox.ts";

export class RealNode extends LoopbackNode {
  readonly clock = new ShiftedClock();
  readonly events = new Inbox<NodeEvent>("the node's events");
  #reading: Promise<void> = Promise.resolve();

  override async start(config: Partial<NodeConfig> = {}): Promise<this> {
    await this.open(config, this.clock);
    this.#reading = this.#readEvents(await this.admin.request("GET", "/events"));
    await this.node.start();
    return this;
  }

  override async stop(): Promise<void> {
    await super.stop();
    await this.#reading;
  }

  async registered(directoryUrl: string): Promise<void> {
    await this.events.take((event) =>
      event.type === "registered" && event.directory.startsWith(directoryUrl)
    );
  }

  identity(): Promise<IdView> {
    return this.ask("GET", "/id");
  }

  async inbox(): Promise<InboxView["messages"]> {
    return (await this.ask<InboxView>("GET", "/m/messaging/inbox?limit=1000")).messages;
  }

  /** Its owner decides about a peer: a stranger is not called at a start. */
  async decide(peer: string): Promise<void> {
    const allowed = { name: "messaging", allowed: true };
    await this.inside.permissions.decide(peer as NodeId, allowed);
  }

  connect(peer: string, waitMs = 0): Promise<SessionView> {
    return this.ask("POST", "/connect", { peer, wait_ms: waitMs });
  }

  /** Has the node connect, and waits for nothing. */
  async want(peer: string): Promise<void> {
    await (await this.admin.request("POST", "/connect", { peer, wait_ms: 0 })).body?.cancel();
  }

  send(peer: string, text: string, waitMs = 0): Promise<SentView> {
    return this.admin.send({ peer, text, waitMs });
  }

  /** The next message that arrives. */
  async message(): Promise<{ id: string; peer: string; text: string }> {
    const event = await this.events.take((event) => event.type === "messaging.message");
    if (!("message" in event)) throw new TypeError("Not a message");
    return event.message as MessageView;
  }

  /** Waits until the status shows something. */
  async until(holds: (status: StatusView) => boolean, what: string): Promise<StatusView> {
    let status = await this.status();
    await until(async () => holds(status = await this.status()), what);
    return status;
  }

  async #readEvents(response: Response): Promise<void> {
    let buffer = "";
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      const parts = (buffer + chunk).split("\n\n");
      buffer = parts.pop()!;
      for (const part of parts) {
        const data = part.split("\n").find((line) => line.startsWith("data:"));
        if (data !== undefined) this.events.push(JSON.parse(data.slice("data:".length)));
      }
    }
  }
}
