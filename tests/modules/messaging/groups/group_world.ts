/**
 * Several people who have groups: messaging of each in a host of its own, and a network between them that the test has
 * in its hands.
 *
 * @module
 */
import { LocalCryptoCore } from "../../../../crypto/core.ts";
import type { NodeId } from "../../../../modules/api.ts";
import type { GroupsView, GroupView } from "../../../../protocol/groups_api.ts";
import type {
  HistoryMessage,
  HistoryView,
  OutboxView,
  SentView,
} from "../../../../protocol/messaging_api.ts";
import { SELF_NAMES } from "../../../../peer/own/self_names.ts";
import type { ReliableMessage } from "../../../../peer/sessions/reliable.ts";
import { TestParts } from "../../../peer/parts.ts";
import { TestNodeKeys } from "../../../peer/test_node_keys.ts";
import { copyDatabase, type DatabaseCopy } from "../../../sim/database_copy.ts";
import { settle } from "../../../world/settle.ts";
import { MessagingWorld } from "../messaging_world.ts";

/** How many random bytes lie between what two people draw. */
const APART = 10_000;
/** Rounds after which a network has to be quiet. */
const MAX_ROUNDS = 200;
/** Longer than anything here waits before it speaks. */
const PAUSE_MS = 5_000;

/** A frame on its way. */
export interface Travelling {
  readonly from: Person;
  readonly to: Person;
  /** `null` for one that nobody acknowledges. */
  readonly message: ReliableMessage | null;
  readonly header: Record<string, unknown>;
  readonly body?: Uint8Array;
}

export class Person implements Disposable {
  readonly messaging: MessagingWorld;
  readonly id: NodeId;
  readonly name: string;

  constructor(messaging: MessagingWorld, id: NodeId, name: string) {
    this.messaging = messaging;
    this.id = id;
    this.name = name;
  }

  ask<T>(method: string, path: string, content?: unknown): Promise<T> {
    return this.messaging.hosted.ask(method, `/m/messaging${path}`, content);
  }

  create(name: string, members: readonly Person[], more: object = {}): Promise<GroupView> {
    const ids = members.map(({ id }) => id);
    return this.ask("POST", "/groups", { name, members: ids, ...more });
  }

  accept(group: string, more: object = {}): Promise<GroupView> {
    return this.ask("POST", "/groups/accept", { group, ...more });
  }

  decline(group: string): Promise<GroupView> {
    return this.ask("POST", "/groups/decline", { group });
  }

  leave(group: string): Promise<GroupView> {
    return this.ask("POST", "/groups/leave", { group });
  }

  invite(group: string, ...people: readonly Person[]): Promise<GroupView> {
    return this.ask("POST", "/groups/invite", { group, peers: people.map(({ id }) => id) });
  }

  expel(group: string, ...people: readonly Person[]): Promise<GroupView> {
    return this.ask("POST", "/groups/remove", { group, peers: people.map(({ id }) => id) });
  }

  handOver(group: string, to: Person): Promise<GroupView> {
    return this.ask("POST", "/groups/owner", { group, peer: to.id });
  }

  show(group: string): Promise<GroupView> {
    return this.ask("GET", `/groups/show?${new URLSearchParams({ group })}`);
  }

  async groups(): Promise<readonly GroupView[]> {
    return (await this.ask<GroupsView>("GET", "/groups")).groups;
  }

  /** Whom this person takes for members, by name in their order. */
  async members(group: string, people: readonly Person[]): Promise<readonly string[]> {
    const { members } = await this.show(group);
    return members.filter(({ state }) => state === "member")
      .map(({ id }) => people.find((person) => person.id === id)?.name ?? id).sort();
  }

  async send(group: string, text: string, more: object = {}): Promise<string> {
    const input = { peer: group, text, wait_ms: 0, ...more };
    return (await this.ask<SentView>("POST", "/messages", input)).id;
  }

  remove(group: string, id: string): Promise<unknown> {
    return this.ask("POST", "/remove", { peer: group, id });
  }

  async react(group: string, id: string, reaction: string): Promise<string> {
    return (await this.ask<{ id: string }>("POST", "/react", { peer: group, id, reaction })).id;
  }

  async history(group: string, query = "&limit=1000"): Promise<readonly HistoryMessage[]> {
    return (await this.ask<HistoryView>("GET", `/history?peer=${group}${query}`)).messages;
  }

  async texts(group: string): Promise<readonly string[]> {
    return (await this.history(group)).map(({ text }) => text);
  }

  async waiting(): Promise<OutboxView["messages"]> {
    return (await this.ask<OutboxView>("GET", "/outbox")).messages;
  }

  /** What became of an own message, by name. */
  async states(group: string, id: string, people: readonly Person[]) {
    const message = (await this.history(group)).find((other) => other.id === id)!;
    const named = Object.entries(message.state).map(([id, state]) =>
      [people.find((person) => person.id === id)?.name ?? id, state] as const
    );
    return Object.fromEntries(named);
  }

  told(type: string): unknown[] {
    return this.messaging.world.told.filter((event) => event.type === `messaging.${type}`);
  }

  /** The process ends and starts anew: what was under way is forgotten. */
  async restart(): Promise<void> {
    await this.messaging.restart();
    await this.#forgetSent();
  }

  /** What the disk has now. */
  backup(): DatabaseCopy {
    return copyDatabase(this.messaging.world.parts.database);
  }

  /** The process starts anew with the data of a backup. */
  async restore(copy: DatabaseCopy): Promise<void> {
    await this.messaging.restore(copy);
    await this.#forgetSent();
  }

  async #forgetSent(): Promise<void> {
    const { sender } = this.messaging.world;
    sender.sent.length = 0;
    sender.once.length = 0;
    await settle();
  }

  [Symbol.dispose](): void {
    this.messaging[Symbol.dispose]();
  }
}

/** As many as a test asked for. */
type People = readonly [Person, Person, Person, Person, Person, ...Person[]];

export class GroupWorld implements Disposable {
  people: People;
  /** Pairs between which nothing goes. */
  readonly #apart = new Set<string>();
  readonly #online = new Set<Person>();

  private constructor(people: People) {
    this.people = people;
    for (const person of people) this.#online.add(person);
  }

  /**
   * @param count At most 26; they are called a, b, c …
   * @param friends Whether each has accepted each other. All are online, and each has a session with each other.
   */
  static async start(count: number, { friends = true } = {}): Promise<GroupWorld> {
    const people = await Promise.all(
      Array.from({ length: count }, (_, index) => startPerson(index)),
    );
    const world = new GroupWorld(people as unknown as People);
    if (friends) {
      for (const one of people) {
        for (const other of people) {
          if (one !== other) await one.messaging.world.parts.permissions.accept(other.id);
        }
      }
    }
    await world.connectAll();
    return world;
  }

  /** Whether frames of one reach the other now. */
  areConnected(one: Person, other: Person): boolean {
    return this.#online.has(one) && this.#online.has(other) && !this.#apart.has(pair(one, other));
  }

  /** Goes offline: nothing goes to or from them. */
  async away(...people: readonly Person[]): Promise<void> {
    for (const person of people) this.#online.delete(person);
    await this.connectAll([]);
  }

  /** Comes back, and everybody whom they reach has a new session with them. */
  async back(...people: readonly Person[]): Promise<void> {
    for (const person of people) this.#online.add(person);
    await this.connectAll(people);
  }

  /** Nothing goes between these two any more, or again. */
  async part(one: Person, other: Person): Promise<void> {
    this.#apart.add(pair(one, other));
    await this.connectAll([]);
  }

  async join(one: Person, other: Person): Promise<void> {
    this.#apart.delete(pair(one, other));
    await this.connectAll([one, other]);
  }

  /** Somebody goes on under another identity. @param isTold Whether those who knew the former one hear of it. */
  async replace(former: Person, next: Person, { isTold = true } = {}): Promise<void> {
    this.#online.delete(former);
    this.#online.add(next);
    this.people = this.people.map((one) => one === former ? next : one) as unknown as People;
    const { keys, parts: { store } } = next.messaging.world;
    const chain = [store.self(SELF_NAMES.succession)!];
    const record = await keys.record();
    for (const { messaging } of isTold ? this.people : []) {
      const { parts, book } = messaging.world;
      if (messaging === next.messaging) continue;
      await book.follow({ chain, record });
      await parts.permissions.accept(next.id);
      await parts.store.write(() => messaging.hosted.host.writeMove(former.id, next.id));
    }
    await this.connectAll();
  }

  /** Tells everybody who is there. @param anew Who has new sessions: everybody, unless it says so. */
  async connectAll(anew: readonly Person[] = this.people): Promise<void> {
    for (const one of this.people) {
      const { sender } = one.messaging.world;
      for (const other of this.people) {
        if (one === other) continue;
        const isThere = this.areConnected(one, other);
        if (isThere) sender.connected.add(other.id);
        else sender.connected.delete(other.id);
        if (isThere && (anew.includes(one) || anew.includes(other))) {
          one.messaging.hosted.host.confirmed(other.id);
        }
      }
    }
    await settle();
  }

  /** Takes everything that would arrive now out of the hands of those who sent it. */
  takeAll(): Travelling[] {
    return this.people.flatMap((from) => {
      const { sender } = from.messaging.world;
      const travelling: Travelling[] = [];
      const left: ReliableMessage[] = [];
      for (const message of sender.sent.splice(0)) {
        if (!sender.isUnderWay(message.id)) continue;
        const to = this.#find(message.peer);
        if (to === undefined || !this.areConnected(from, to)) left.push(message);
        else travelling.push({ ...message, from, to, message });
      }
      sender.sent.push(...left);
      for (const { peer, header, body } of sender.once.splice(0)) {
        const to = this.#find(peer);
        if (to === undefined || !this.areConnected(from, to)) continue;
        travelling.push({ from, to, message: null, header, ...(body ? { body } : {}) });
      }
      return travelling;
    });
  }

  /**
   * One frame arrives.
   * @returns Whether it was acknowledged; one that was not goes again, unless it was refused.
   */
  async arrive(
    { from, to, message, header, body }: Travelling,
    { isAcknowledged = true } = {},
  ): Promise<boolean> {
    const { hosted } = to.messaging;
    const type = String(header.type);
    const id = message?.id;
    const frame = { type, header, ...(id ? { id } : {}), ...(body ? { body } : {}) };
    let isTaken = false;
    let isRefused = false;
    try {
      isTaken = await hosted.take(from.id, frame);
      isRefused = !isTaken && hosted.gate.refuses(from.id, { type, input: header });
    } catch {
      isRefused = true;
    }
    if (message === null) return false;
    const { sender } = from.messaging.world;
    if (isTaken && isAcknowledged) sender.acknowledge(message.id);
    else if (isRefused) message.refused?.();
    else sender.sent.push(message);
    return isTaken && isAcknowledged;
  }

  /** Brings everything to whom it is for, until nobody has anything to say. */
  async deliver(): Promise<void> {
    for (let round = 0, quiet = 0; quiet < 2; round++) {
      if (round > MAX_ROUNDS) throw new Error("The network does not come to rest");
      await settle();
      const frames = this.takeAll();
      let taken = 0;
      for (const frame of frames) taken += Number(await this.arrive(frame));
      await settle();
      quiet = taken === 0 ? quiet + 1 : 0;
      if (taken === 0) await this.pause();
    }
  }

  /** Time passes for everybody. */
  async pause(ms = PAUSE_MS): Promise<void> {
    for (const { messaging } of this.people) await messaging.world.parts.clock.advance(ms);
    await settle();
  }

  /** A group of these people, the first of them the owner, all of them members. */
  async group(people: readonly Person[] = this.people, more: object = {}): Promise<string> {
    const [owner, ...others] = people;
    const { group } = await owner!.create("friends", others, more);
    await this.deliver();
    for (const person of others) await person.accept(group);
    await this.deliver();
    return group;
  }

  #find(id: string): Person | undefined {
    return this.people.find((person) => person.id === id);
  }

  [Symbol.dispose](): void {
    for (const person of this.people) person[Symbol.dispose]();
  }
}

function pair(one: Person, other: Person): string {
  return [one.name, other.name].sort().join(" ");
}

async function startPerson(index: number): Promise<Person> {
  const crypto = await LocalCryptoCore.create();
  const keys = await TestNodeKeys.create(crypto);
  const parts = await TestParts.create({ crypto });
  parts.random.bytes(1 + index * APART);
  const name = String.fromCharCode("a".charCodeAt(0) + index);
  return new Person(await MessagingWorld.start({ parts, keys }), keys.id, name);
}
