/**
 * A conversation of two: messaging of either side in a host of its own, and what leaves one brought to the other.
 *
 * @module
 */
import type { NodeId } from "../../../modules/api.ts";
import type {
  HistoryMessage,
  HistoryView,
  OutboxView,
  SentView,
} from "../../../protocol/messaging_api.ts";
import { settle } from "../../world/settle.ts";
import { TestNodeKeys } from "../../peer/test_node_keys.ts";
import { LocalCryptoCore } from "../../../crypto/core.ts";
import { TestParts } from "../../peer/parts.ts";
import { MessagingWorld } from "./messaging_world.ts";

type SentFrame = MessagingWorld["world"]["sender"]["sent"][number];

/** One of the two. */
export class Side implements Disposable {
  readonly messaging: MessagingWorld;
  readonly id: NodeId;
  other!: Side;

  constructor(messaging: MessagingWorld, id: NodeId) {
    this.messaging = messaging;
    this.id = id;
  }

  ask<T>(method: string, path: string, content?: unknown): Promise<T> {
    return this.messaging.hosted.ask(method, `/m/messaging${path}`, content);
  }

  async send(text: string, more: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const input = { peer: this.other.id, text, wait_ms: 0, ...more };
    return (await this.ask<SentView>("POST", "/messages", input)).id;
  }

  remove(id: string): Promise<unknown> {
    return this.ask("POST", "/remove", { peer: this.other.id, id });
  }

  react(id: string, reaction: string): Promise<unknown> {
    return this.ask("POST", "/react", { peer: this.other.id, id, reaction });
  }

  read(upto?: string): Promise<unknown> {
    return this.ask("POST", "/read", { peer: this.other.id, ...(upto ? { upto } : {}) });
  }

  view(query = ""): Promise<HistoryView> {
    return this.ask("GET", `/history?peer=${this.other.id}${query}`);
  }

  async history(query = ""): Promise<readonly HistoryMessage[]> {
    return (await this.view(query)).messages;
  }

  async texts(): Promise<readonly string[]> {
    return (await this.history()).map(({ text }) => text);
  }

  async waiting(): Promise<OutboxView["messages"]> {
    return (await this.ask<OutboxView>("GET", "/outbox")).messages;
  }

  /** What became of each own message at the other side. */
  async states(): Promise<readonly string[]> {
    const own = (await this.history()).filter(({ from }) => from === this.id);
    return own.map(({ state }) => state[this.other.id]!);
  }

  told(type: string): unknown[] {
    return this.messaging.world.told.filter((event) => event.type === `messaging.${type}`);
  }

  /**
   * Brings what was sent to the other side, and its acknowledgements back.
   * @param order What of it comes, and when; all of it, as it was sent, unless it says so.
   * @returns The types of the frames that were taken.
   */
  async deliver(order: <T>(frames: readonly T[]) => readonly T[] = (frames) => frames) {
    const { sender } = this.messaging.world;
    const taken: string[] = [];
    for (;;) {
      await settle();
      const frames = order(sender.sent.splice(0));
      if (frames.length === 0) return taken;
      for (const { id, header, body } of frames) {
        const frame = { type: String(header.type), id, header, ...(body ? { body } : {}) };
        const isTaken = await this.other.messaging.hosted.take(this.id, frame)
          .catch(() => false);
        if (!isTaken) continue;
        taken.push(frame.type);
        sender.acknowledge(id);
      }
      await settle();
    }
  }

  /** Takes what was sent off its way, for a test that brings it itself. */
  async sent(): Promise<SentFrame[]> {
    await settle();
    return this.messaging.world.sender.sent.splice(0);
  }

  /** Brings one frame to the other side. @returns Whether it is taken; its acknowledgement comes back then. */
  async bring({ id, header, body }: SentFrame): Promise<boolean> {
    const frame = { type: String(header.type), id, header, ...(body ? { body } : {}) };
    const isTaken = await this.other.messaging.hosted.take(this.id, frame);
    if (isTaken) await this.messaging.acknowledge(id);
    return isTaken;
  }

  [Symbol.dispose](): void {
    this.messaging[Symbol.dispose]();
  }
}

/** Both sides; each has accepted the other. */
export class TwoSides implements Disposable {
  readonly a: Side;
  readonly b: Side;

  private constructor(a: Side, b: Side) {
    this.a = a;
    this.b = b;
    a.other = b;
    b.other = a;
  }

  static async start(): Promise<TwoSides> {
    const [a, b] = await Promise.all([startSide(0), startSide(10_000)]);
    const sides = new TwoSides(a, b);
    await a.messaging.world.parts.permissions.accept(b.id);
    await b.messaging.world.parts.permissions.accept(a.id);
    return sides;
  }

  /** Brings everything both ways. */
  async deliver(): Promise<void> {
    let count: number;
    do {
      count = (await this.a.deliver()).length + (await this.b.deliver()).length;
    } while (count > 0);
  }

  [Symbol.dispose](): void {
    this.a[Symbol.dispose]();
    this.b[Symbol.dispose]();
  }
}

/** @param skipped How many random bytes are left out, so that two sides draw different ones. */
async function startSide(skipped: number): Promise<Side> {
  const crypto = await LocalCryptoCore.create();
  const keys = await TestNodeKeys.create(crypto);
  const parts = await TestParts.create({ crypto });
  parts.random.bytes(skipped);
  return new Side(await MessagingWorld.start({ parts, keys }), keys.id);
}
