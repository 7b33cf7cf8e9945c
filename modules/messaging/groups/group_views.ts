/**
 * Groups as their owner's programs see them: who is in one, and what became of each message.
 *
 * @module
 */
import { OpenRedError } from "../../../protocol/errors.ts";
import { isNodeId } from "../../../crypto/encoding.ts";
import type { GroupMemberView, GroupView } from "../../../protocol/groups_api.ts";
import type {
  DeliveryState,
  MessageView,
  WaitingMessage,
} from "../../../protocol/messaging_api.ts";
import type { ModuleContext, ModuleTables, NodeId } from "../../api.ts";
import type { Conversations } from "../conversations.ts";
import { openRows } from "../opened_texts.ts";
import { readUpto } from "../read_marks.ts";
import { type MessageRow, readRow } from "../rows.ts";
import { contains, difference, type Ranges } from "./core/ranges.ts";
import type { Group } from "./group.ts";
import { conversationOf } from "./group_rows.ts";
import type { GroupSending } from "./group_sending.ts";
import type { Groups } from "./groups.ts";

interface ViewParts extends Pick<ModuleContext, "events" | "own" | "peers" | "storage"> {
  readonly tables: ModuleTables;
  readonly conversations: Conversations;
  readonly groups: Groups;
  readonly sending: GroupSending;
}

/** The beginning of an id, or its beginning and end as narrow tables show them. */
const PART = /^([\w-]{8,42})(?:(?:…|\.\.\.)([\w-]{4,}))?$/;

/** What a row of a group is called outside. */
interface Signed {
  readonly run: string;
  readonly n: number;
  readonly stm: string;
  /** Whether others are given it. */
  readonly isKept: boolean;
}

export class GroupViews {
  readonly #parts: ViewParts;

  constructor(parts: ViewParts) {
    this.#parts = parts;
  }

  /** Groups and invitations, the newest last. */
  async list(): Promise<GroupView[]> {
    const views: GroupView[] = [];
    for await (const group of this.#parts.groups.all()) {
      if (group.facts.stage !== "coming") views.push(this.view(group));
    }
    return views;
  }

  view(group: Group): GroupView {
    const { own, tables, conversations } = this.#parts;
    const { stage, inviter, introduces } = group.facts;
    return {
      group: group.id,
      name: group.name,
      stage: stage === "coming" ? "invited" : stage,
      you: own.id,
      owner: group.chain.owner.id,
      inviter,
      history: group.chain.historyAt(group.chain.head.n),
      introduces,
      members: group.roster.standing().map(({ id, state }): GroupMemberView => ({
        id,
        petname: tables.peers.petname(id),
        state: state === "removed" ? "left" : state,
      })),
      ...(group.isSplit ? { two_stories: true } : {}),
      unread: conversations.unread(conversationOf(group.id)),
    };
  }

  /**
   * The group that a word means: an id, or a name that one group has and no peer; or else a part of an id.
   * @returns `null` where it is none.
   * @throws {OpenRedError} `bad_request` for a name, or a part of the ids, of several.
   */
  async find(word: string): Promise<Group | null> {
    if (isNodeId(word)) return null;
    const { groups, peers } = this.#parts;
    const stage = groups.facts(word)?.stage;
    if (stage !== undefined) return stage === "coming" ? null : await groups.find(word);
    const [, begin, end = ""] = PART.exec(word) ?? [];
    const isPart = (id: string) => begin !== undefined && id.startsWith(begin) && id.endsWith(end);
    const named: Group[] = [];
    const begun: Group[] = [];
    for await (const group of groups.all()) {
      if (group.facts.stage === "coming") continue;
      if (group.name === word) named.push(group);
      else if (isPart(group.id)) begun.push(group);
    }
    const meant = named.length > 0 ? named : begun;
    if (meant.length === 0 || await isPeer(peers, word)) return null;
    const joined = meant.filter(({ facts }) => facts.stage === "joined");
    const fitting = joined.length > 0 ? joined : meant;
    if (fitting.length === 1) return fitting[0]!;
    throw new OpenRedError("bad_request", "Several groups are called so: say the whole id of one");
  }

  /** @throws {OpenRedError} `not_found`, `bad_request`. */
  async need(word: string): Promise<Group> {
    const group = await this.find(word);
    if (group === null) throw new OpenRedError("not_found", "There is no such group");
    return group;
  }

  /** What became of a message, by whom it is for. */
  async statesOf(group: Group, row: MessageRow): Promise<Record<string, DeliveryState>> {
    const { own, conversations } = this.#parts;
    if (!row.own) {
      const isRead = row.number <= conversations.seen(row.conversation);
      return { [own.id]: isRead ? "read" : "delivered" };
    }
    const signed = this.#signed(group.id, row.id);
    if (signed === null) return {};
    const states: Record<string, DeliveryState> = {};
    for (const id of this.#recipients(group, signed.stm)) {
      states[id] = await this.#stateAt(group, id, { hash: row.id, ...signed });
    }
    return states;
  }

  /** Messages of the inbox, with how the groups are called that they were written to. */
  async named(messages: readonly MessageView[]): Promise<MessageView[]> {
    return await Promise.all(messages.map(async (message) => {
      if (message.conversation === undefined) return message;
      const group = await this.#parts.groups.find(message.conversation);
      return { ...message, group: group?.name ?? "" };
    }));
  }

  /** The author's run and number of a message. */
  numberOf(row: MessageRow): { readonly run: string; readonly n: number } | null {
    return this.#signed(row.conversation, row.id);
  }

  /** Whether another message of its author has the same number. */
  hasRival(row: MessageRow): boolean {
    return this.#parts.tables.statement(
      `SELECT 1 FROM messaging_group_messages AS one JOIN messaging_group_messages AS other
         ON other.conversation = one.conversation AND other.author = one.author
         AND other.run = one.run AND other.n = one.n AND other.hash <> one.hash
       WHERE one.conversation = ? AND one.hash = ? LIMIT 1`,
    ).get(row.conversation, row.id) !== undefined;
  }

  /** The latest reactions to a message, by who reacted. */
  reactions(row: MessageRow, name: string): readonly MessageRow[] {
    const latest = new Map<string, MessageRow>();
    const rows = this.#parts.tables.statement(
      `SELECT * FROM messaging_messages WHERE conversation = ? AND target = ? AND kind = 'react'
       AND erased IS NULL ORDER BY place IS NULL, place, n`,
    ).all(row.conversation, name).map(readRow);
    for (const reaction of rows) latest.set(this.authorOf(reaction), reaction);
    return [...latest.values()];
  }

  authorOf({ own, peer }: Pick<MessageRow, "own" | "peer">): string {
    return own ? this.#parts.own.id : peer;
  }

  /** Own messages that somebody does not have yet, the oldest of each group first. */
  async waiting(limit: number): Promise<WaitingMessage[]> {
    const { own, tables } = this.#parts;
    const found: { readonly row: MessageRow; readonly group: Group }[] = [];
    for await (const group of this.#parts.groups.all()) {
      if (!group.isIn(own.id)) continue;
      for (const { run, lacked } of this.#lackedRuns(group)) {
        for (const [from, to] of lacked) {
          const rows = tables.statement(
            `SELECT 1 AS own, box.sent_at AS received_at, box.*
             FROM messaging_group_messages AS message
             JOIN messaging_outbox AS box ON box.number = message.number
             WHERE message.conversation = ? AND message.author = ? AND message.run = ?
               AND message.n BETWEEN ? AND ? AND message.own = 1 ORDER BY message.n LIMIT ?`,
          ).all(group.id, own.id, run, from, to, Math.max(0, limit - found.length)).map(readRow);
          found.push(...rows.map((row) => ({ row, group })));
        }
      }
    }
    const texts = await openRows(this.#parts, found.map(({ row }) => row));
    return await Promise.all(found.map(async ({ row, group }, index): Promise<WaitingMessage> => {
      const states = Object.values(await this.statesOf(group, row));
      return {
        id: row.id,
        peer: group.id,
        petname: null,
        group: group.name,
        kind: row.kind,
        text: texts[index] ?? "",
        ...(texts[index] === null ? { damaged: true } : {}),
        sent_at: row.sentAt,
        state: states.includes("sent") ? "sent" : "waiting",
      };
    }));
  }

  /** The group in which an own message waits for somebody; `null` where none of this id does. */
  async waitsIn(hash: string): Promise<Group | null> {
    const { tables, own, groups } = this.#parts;
    const row = tables.statement(
      `SELECT message.conversation, message.run, message.n FROM messaging_groups AS its
       CROSS JOIN messaging_group_messages AS message
         ON message.conversation = its.conversation AND message.hash = ?
       WHERE message.own = 1`,
    ).get(hash);
    const group = row === undefined ? null : await groups.find(String(row.conversation));
    if (group === null || !group.isIn(own.id)) return null;
    const lacked = this.#lackedRuns(group).find(({ run }) => run === row!.run)?.lacked ?? [];
    return contains(lacked, Number(row!.n)) ? group : null;
  }

  /** How many own messages of a group somebody lacks. */
  waitingIn(group: Group): number {
    const lacked = this.#lackedRuns(group).flatMap(({ lacked }) => lacked);
    return lacked.reduce((sum, [from, to]) => sum + to - from + 1, 0);
  }

  #lackedRuns(group: Group): { readonly run: string; readonly lacked: Ranges }[] {
    const { own, sending } = this.#parts;
    const others = group.roster.members().map(({ id }) => id).filter((id) => id !== own.id);
    return group.vector(() => false).filter(({ id }) => id === own.id).map(({ run, held }) => ({
      run,
      lacked: held.flatMap(([from, to]): Ranges => {
        const lacked = others.map((id) =>
          difference([[from, to]], sending.lanes.heldBy(group.id, id, run))
        );
        const numbers = lacked.flat();
        return numbers.length === 0
          ? []
          : [[Math.min(...numbers.map(([a]) => a)), Math.max(...numbers.map(([, b]) => b))]];
      }),
    })).filter(({ lacked }) => lacked.length > 0);
  }

  #recipients({ roster }: Group, stm: string): NodeId[] {
    const { own } = this.#parts;
    return roster.members().map(({ id }) => id)
      .filter((id) => id !== own.id && roster.mayHave(id, stm));
  }

  async #stateAt(
    group: Group,
    member: NodeId,
    { hash, run, n, isKept }: Signed & { readonly hash: string },
  ): Promise<DeliveryState> {
    const { sending, peers, tables } = this.#parts;
    const state = sending.lanes.stateOf(group.id, member, { hash, run, n });
    if (state !== "delivered" && !isKept) return "given_up";
    if (state === "left") return (await peers.get(member)).connected ? "sent" : "waiting";
    if (state === "waiting") return "waiting";
    return n <= readUpto(tables, { conversation: group.id, member }, run) ? "read" : "delivered";
  }

  #signed(group: string, hash: string): Signed | null {
    const row = this.#parts.tables.statement(
      "SELECT run, n, stm, kept FROM messaging_group_messages WHERE conversation = ? AND hash = ?",
    ).get(group, hash);
    if (row === undefined) return null;
    const { run, n, stm, kept } = row;
    return { run: String(run), n: Number(n), stm: String(stm), isKept: Number(kept) === 1 };
  }
}

async function isPeer(peers: ModuleContext["peers"], word: string): Promise<boolean> {
  try {
    await peers.find(word);
    return true;
  } catch (error) {
    if (error instanceof OpenRedError) return false;
    throw error;
  }
}
