/**
 * What the owner of this node does with groups: founds one, invites, accepts, leaves, removes, hands over.
 *
 * @module
 */
import { encodeBase64Url, type NodeId } from "../../../crypto/encoding.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { MAX_SUCCESSION_CHAIN } from "../../../protocol/limits.ts";
import type { ModuleContext, ModuleSignatures, ModuleTables } from "../../api.ts";
import type { Conversations } from "../conversations.ts";
import { type MembershipDraft, signMembership } from "./core/memberships.ts";
import { keysOf, type Member } from "./core/roster.ts";
import { signStatement, type StatementDraft } from "./core/statements.ts";
import { oldOf } from "./core/successions.ts";
import type { Group } from "./group.ts";
import type { GroupIncoming } from "./group_incoming.ts";
import { conversationOf } from "./group_rows.ts";
import type { GroupSending } from "./group_sending.ts";
import type { Groups } from "./groups.ts";
import type { Turns } from "./turns.ts";

const NONCE_BYTES = 16;

interface ActParts extends Pick<ModuleContext, "clock" | "options" | "own" | "random"> {
  readonly tables: ModuleTables;
  readonly signatures: ModuleSignatures;
  readonly conversations: Conversations;
  readonly groups: Groups;
  readonly incoming: GroupIncoming;
  readonly sending: GroupSending;
  readonly turns: Turns;
}

/** What a statement is to change. */
type Change = Omit<StatementDraft, "after" | "nonce" | "succession" | "iat">;

export class GroupActs {
  readonly #parts: ActParts;

  constructor(parts: ActParts) {
    this.#parts = parts;
  }

  /** Says in every group that this node has followed another identity. */
  async start(): Promise<void> {
    for await (const group of this.#parts.groups.all()) {
      const former = this.#former(group);
      if (former !== null && group.facts.stage === "joined") await this.#follow(group, former);
    }
  }

  /** Founds a group; everybody else is invited. */
  async found(
    { name, members, history }: {
      readonly name: string;
      readonly members: readonly NodeId[];
      readonly history: boolean;
    },
  ): Promise<Group> {
    const { own, random, groups, signatures, clock } = this.#parts;
    const people = [...new Set([own.id, ...members])];
    this.#checkCount(people.length);
    const first = await signStatement(signatures, {
      after: null,
      nonce: encodeBase64Url(random.bytes(NONCE_BYTES)),
      name,
      add: people.map((id) => ({ id, next: signatures.nextOf(id) })),
      ...(history ? { history } : {}),
      iat: this.#iat(),
    });
    const group = await groups.begin(first, {
      stage: "joined",
      inviter: own.id,
      ofStranger: false,
      introduces: true,
      since: clock.nowMs(),
      decided: -1,
    });
    await this.#say(group, { stm: first.hash, isIn: true });
    return group;
  }

  /** @throws {OpenRedError} `forbidden` for anybody but the owner; `bad_request` for what may not be stated. */
  async invite(group: Group, peers: readonly NodeId[]): Promise<void> {
    const { signatures } = this.#parts;
    const add = peers.map((id) => ({ id, next: signatures.nextOf(id) }));
    // Whoever left has a place that has to end before there is a new one.
    const left = peers.filter((id) => group.roster.find(id)?.state === "left");
    this.#checkCount(group.roster.standing().length - left.length + peers.length);
    if (left.length > 0) await this.remove(group, left);
    await this.#state(group, { add });
  }

  async remove(group: Group, peers: readonly NodeId[]): Promise<void> {
    await this.#state(group, () => {
      const members = peers.map((id) => this.#placeOf(group, id));
      return { remove: members.map((member) => this.#removal(group, member)) };
    }, peers);
  }

  async handOver(group: Group, peer: NodeId): Promise<void> {
    const member = this.#placeOf(group, peer);
    if (member.state !== "member") {
      throw new OpenRedError("bad_request", "Only a member who has accepted can own the group");
    }
    await this.#state(group, { owner: member.place.id });
  }

  async change(group: Group, change: Pick<Change, "name" | "history">): Promise<void> {
    await this.#state(group, change);
  }

  /** @throws {OpenRedError} `bad_request` where there is no invitation. */
  async accept(group: Group, introduces: boolean): Promise<void> {
    const member = this.#invitation(group);
    await this.#parts.groups.setFacts(group, { stage: "joined", introduces });
    await this.#say(group, { stm: member.place.stm, isIn: true });
    await this.#parts.incoming.changed(group);
  }

  /** Nobody hears of it. @throws {OpenRedError} `bad_request` where there is no invitation. */
  async decline(group: Group): Promise<void> {
    const { place } = this.#invitation(group);
    await this.#parts.groups.setFacts(group, { stage: "declined", decided: place.from });
  }

  /** @throws {OpenRedError} `bad_request` for the owner, and whoever is no member. */
  async leave(group: Group): Promise<void> {
    const { own, groups } = this.#parts;
    const member = group.roster.find(own.id);
    if (member?.state !== "member" || group.facts.stage !== "joined") {
      throw new OpenRedError("bad_request", "You are no member of this group");
    }
    const others = group.roster.members().length > 1;
    if (group.chain.owner.id === own.id && others) {
      throw new OpenRedError("bad_request", "Hand the group over to somebody before you leave it");
    }
    const people = group.roster.standing().map(({ id }) => id);
    const last = groups.lastsOf(group, keysOf(member));
    await this.#say(group, { stm: member.place.stm, isIn: false, last }, people);
  }

  /** The same people in a new group, all of them invited. */
  async refound(group: Group, name: string): Promise<Group> {
    const { own } = this.#parts;
    const members = group.roster.standing()
      .filter(({ state, id }) => state !== "left" && id !== own.id).map(({ id }) => id);
    const history = group.chain.historyAt(group.chain.head.n);
    return await this.found({ name, members, history });
  }

  /** @throws {OpenRedError} `bad_request` where the operator wants no larger groups. */
  #checkCount(count: number): void {
    const most = Number(this.#parts.options.group_members);
    if (count <= most) return;
    throw new OpenRedError("bad_request", `A group of this node has at most ${most} members`);
  }

  /** Signs a statement, if this node may, and tells everybody. */
  #state(
    group: Group,
    change: Change | (() => Change),
    also: readonly NodeId[] = [],
  ): Promise<void> {
    const { own, groups, incoming, sending, signatures, turns } = this.#parts;
    return turns.take(group.id, async () => {
      // What somebody states who has left reaches nobody but those whom it is about.
      if (!group.isIn(own.id)) {
        throw new OpenRedError("forbidden", "You are no member of this group");
      }
      const succession = this.#ownership(group);
      const statement = await signStatement(signatures, {
        ...(typeof change === "function" ? change() : change),
        after: group.chain.head,
        ...(succession === null ? {} : { succession }),
        iat: this.#iat(),
      });
      if (!group.chain.allows(statement)) {
        throw new OpenRedError("bad_request", "As things stand the group cannot be changed so");
      }
      await groups.takeStatement(group, statement);
      await sending.push(group, { ...statement, type: "group_statement" }, also);
      await incoming.changed(group);
    });
  }

  /**
   * What shows that this node may sign: `null` where it is the owner itself.
   * @throws {OpenRedError} `forbidden` where it may not.
   */
  #ownership(group: Group): readonly string[] | null {
    const owner = group.chain.owner.id;
    if (owner === this.#parts.own.id) return null;
    const succession = this.#successionsFrom(owner);
    if (succession.length > 0) return succession;
    throw new OpenRedError("forbidden", "Only the owner of the group can do this");
  }

  /** How this node follows from an identity; empty where it does not, as far as it knows. */
  #successionsFrom(id: NodeId): readonly string[] {
    const { ownSuccessions } = this.#parts.signatures;
    const at = ownSuccessions.findIndex((text) => oldOf(text) === id);
    return at < 0 ? [] : ownSuccessions.slice(at);
  }

  #removal(group: Group, member: Member) {
    return { id: member.place.id, last: this.#parts.groups.lastsOf(group, keysOf(member)) };
  }

  /** @throws {OpenRedError} `not_found`. */
  #placeOf(group: Group, peer: NodeId): Member {
    const member = group.roster.find(peer);
    if (member !== null && member.state !== "removed") return member;
    throw new OpenRedError("not_found", "There is nobody of this id in the group");
  }

  #invitation(group: Group): Member {
    const member = group.roster.find(this.#parts.own.id);
    const isOpen = ["invited", "declined"].includes(group.facts.stage);
    if (member?.state === "invited" && isOpen) return member;
    throw new OpenRedError("bad_request", "There is no invitation into this group");
  }

  /** Signs what this node says of its place, and tells everybody. */
  async #say(
    group: Group,
    draft: Omit<MembershipDraft, "group" | "iat">,
    also: readonly NodeId[] = [],
  ): Promise<void> {
    const { signatures, groups, sending } = this.#parts;
    const said = { ...draft, group: group.id, iat: this.#iat() };
    const membership = await signMembership(signatures, said);
    await groups.takeMembership(group, membership);
    await sending.push(group, { ...membership, type: "group_member" }, also);
  }

  /** The place of an identity that this one has followed, where nothing was said of that yet. */
  #former(group: Group): Member | null {
    const { own, signatures } = this.#parts;
    if (group.roster.find(own.id) !== null) return null;
    const former = signatures.ownSuccessions.toReversed()
      .map((text) => group.roster.find(oldOf(text)))
      .find((member) => member?.state === "member" || member?.state === "invited");
    return former ?? null;
  }

  async #follow(group: Group, former: Member): Promise<void> {
    const { tables, conversations, groups } = this.#parts;
    const before = former.membership?.line?.texts ?? [];
    const succession = [...before, ...this.#successionsFrom(former.id)];
    // Nobody follows a longer one: the owner has to invite this node anew.
    if (succession.length > MAX_SUCCESSION_CHAIN) return;
    await tables.write(() => conversations.writeNewRun(conversationOf(group.id)));
    const last = groups.lastsOf(group, keysOf(former));
    await this.#say(group, { stm: former.place.stm, isIn: true, last, succession });
  }

  #iat(): number {
    return Math.floor(this.#parts.clock.nowMs() / 1_000);
  }
}
