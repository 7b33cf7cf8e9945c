/**
 * One of the people of a simulated group: messaging in a host of its own, and how its owner uses it.
 *
 * @module
 */
import type { CryptoCore } from "../../../../../crypto/interface.ts";
import type { NodeId } from "../../../../../modules/api.ts";
import type { GroupView } from "../../../../../protocol/groups_api.ts";
import type {
  HistoryMessage,
  HistoryView,
  SentView,
} from "../../../../../protocol/messaging_api.ts";
import { TestParts } from "../../../../peer/parts.ts";
import { TestNodeKeys } from "../../../../peer/test_node_keys.ts";
import type { DatabaseCopy } from "../../../../sim/database_copy.ts";
import type { RecordingSender } from "../../../../world/recording_sender.ts";
import { MessagingWorld } from "../../messaging_world.ts";

/** How many random bytes one draws at most: each has others. */
const DRAWN_BYTES = 200_000;

export class SimulatedPerson implements Disposable {
  readonly messaging: MessagingWorld;
  readonly id: NodeId;

  private constructor(messaging: MessagingWorld, id: NodeId) {
    this.messaging = messaging;
    this.id = id;
  }

  static async start(crypto: CryptoCore, place: number): Promise<SimulatedPerson> {
    const keys = await TestNodeKeys.create(crypto);
    const parts = await TestParts.create({ crypto });
    parts.random.bytes(place * DRAWN_BYTES);
    return new SimulatedPerson(await MessagingWorld.start({ parts, keys }), keys.id);
  }

  get sender(): RecordingSender {
    return this.messaging.world.sender;
  }

  ask<T>(method: string, path: string, content?: unknown): Promise<T> {
    return this.messaging.hosted.ask(method, `/m/messaging${path}`, content);
  }

  async accept(peer: NodeId): Promise<void> {
    await this.messaging.world.parts.permissions.accept(peer);
  }

  async found(name: string, members: readonly NodeId[], history: boolean): Promise<string> {
    const input = { name, members, history };
    return (await this.ask<GroupView>("POST", "/groups", input)).group;
  }

  /** What this node says of the group; `null` where it has not heard of it. */
  async view(group: string): Promise<GroupView | null> {
    return await this.ask<GroupView>("GET", `/groups/show?group=${group}`).catch(() => null);
  }

  async send(group: string, text: string, more: object = {}): Promise<string> {
    const input = { peer: group, text, wait_ms: 0, ...more };
    return (await this.ask<SentView>("POST", "/messages", input)).id;
  }

  async history(group: string): Promise<readonly HistoryMessage[]> {
    const view = await this.ask<HistoryView>("GET", `/history?peer=${group}&limit=1000`);
    return view.messages;
  }

  /** The process starts anew: what was under way is forgotten. */
  async restart(): Promise<void> {
    await this.messaging.hosted.host.stop();
    this.sender.sent.splice(0);
    await this.messaging.open();
  }

  /** The process starts anew with the data of a backup. */
  async restore(copy: DatabaseCopy): Promise<void> {
    await this.messaging.restore(copy);
    this.sender.sent.splice(0);
  }

  [Symbol.dispose](): void {
    this.messaging[Symbol.dispose]();
  }
}
