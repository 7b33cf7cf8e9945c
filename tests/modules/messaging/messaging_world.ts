/**
 * Messaging in a host, as its owner and its peers meet it.
 *
 * @module
 */
import { encodeNodeId, encodeUtf8 } from "../../../crypto/encoding.ts";
import type { NodeId, PeerFrame } from "../../../modules/api.ts";
import { createMessaging } from "../../../modules/messaging/mod.ts";
import type { InboxView, MessageView, SentView } from "../../../protocol/messaging_api.ts";
import { type DatabaseCopy, refillDatabase } from "../../sim/database_copy.ts";
import { HostedModules } from "../../world/hosted_modules.ts";
import { ContextWorld } from "../../world/module_context.ts";
import { settle } from "../../world/settle.ts";

/** Ids that nobody has the keys of. */
export const PEERS = Array.from(
  { length: 64 },
  (_, index) => encodeNodeId(new Uint8Array(32).fill(index + 1)),
) as [NodeId, NodeId, NodeId, NodeId, ...NodeId[]];

/** A message that came, as a test writes it. */
export interface TestText {
  readonly peer: NodeId;
  readonly id: string;
  readonly body?: Uint8Array;
  readonly header?: Readonly<Record<string, unknown>>;
  readonly isRequest?: boolean;
}

export class MessagingWorld implements Disposable {
  readonly world: ContextWorld;
  #hosted!: HostedModules;

  private constructor(world: ContextWorld) {
    this.world = world;
  }

  static async start(
    options: Parameters<typeof ContextWorld.create>[0] = {},
  ): Promise<MessagingWorld> {
    const messaging = await MessagingWorld.create(options);
    await messaging.open();
    return messaging;
  }

  /** Everything around the module, before it starts. */
  static async create(
    options: Parameters<typeof ContextWorld.create>[0] = {},
  ): Promise<MessagingWorld> {
    return new MessagingWorld(await ContextWorld.create(options));
  }

  /** The module in the hands of a process that starts anew. */
  async restart(): Promise<void> {
    await this.#hosted.host.stop();
    await this.open();
  }

  /** The module in the hands of a process that starts anew with the data of a backup. */
  async restore(copy: DatabaseCopy): Promise<void> {
    const { database, store, clock } = this.world.parts;
    await this.#hosted.host.stop();
    refillDatabase(database, copy);
    await store.setSelf("restored", `${clock.nowMs()}`);
    await this.open();
  }

  async open(): Promise<void> {
    this.#hosted = await HostedModules.start(this.world, createMessaging());
  }

  get hosted(): HostedModules {
    return this.#hosted;
  }

  /** Writes a text and waits for nobody. */
  send(peer: NodeId, text: string, waitMs = 0): Promise<SentView> {
    const input = { peer, text, wait_ms: waitMs };
    return this.#hosted.ask("POST", "/m/messaging/messages", input);
  }

  /** A text comes. @returns Whether it is acknowledged. */
  receive({ peer, id, body, header, isRequest = false }: TestText): Promise<boolean> {
    const type = "messaging.text";
    const frame: PeerFrame = {
      peer,
      type,
      id,
      header: header ?? { type, id },
      body: body ?? encodeUtf8("hi"),
      isRequest,
    };
    return this.#handler.receive(frame);
  }

  has(peer: NodeId, id: string): boolean {
    return this.#handler.has!(peer, id);
  }

  get #handler() {
    return this.#hosted.host.runs.get("messaging")!.registered.frames.get("text")!;
  }

  async inbox(query = "limit=1000"): Promise<readonly MessageView[]> {
    const view: InboxView = await this.#hosted.ask("GET", `/m/messaging/inbox?${query}`);
    return view.messages;
  }

  clear(peer: NodeId, before: number): Promise<unknown> {
    return this.#hosted.ask("POST", "/m/messaging/inbox/clear", { peer, before });
  }

  /** How many messages wait for a peer. */
  waiting(peer: NodeId): number {
    return this.#hosted.host.waiting(peer);
  }

  /** The peer has stored a message, and the node deals with that. */
  async acknowledge(id: string, rttMs?: number): Promise<void> {
    this.world.sender.acknowledge(id, rttMs);
    await settle();
  }

  /** What the module told of a type. */
  told(type: "message" | "delivered"): number {
    return this.world.told.filter((event) => event.type === `messaging.${type}`).length;
  }

  /** Changes one byte of a stored text. */
  damage(table: "messaging_inbox" | "messaging_outbox", id: string): void {
    const { database } = this.world.parts;
    const row = database.prepare(`SELECT sealed FROM ${table} WHERE id = ?`).get(id);
    const sealed = row!.sealed as Uint8Array;
    sealed[sealed.length >> 1]! ^= 1;
    database.prepare(`UPDATE ${table} SET sealed = ? WHERE id = ?`).run(sealed, id);
  }

  [Symbol.dispose](): void {
    this.world[Symbol.dispose]();
  }
}
