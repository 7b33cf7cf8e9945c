/**
 * Who has read what in groups, and who is writing: said to members who are there, and never passed on.
 *
 * @module
 */
import type { ModuleContext, ModuleTables, NodeId, PeerFrame, Sending } from "../../api.ts";
import { newFrameId } from "../frame_ids.ts";
import type { Conversations } from "../conversations.ts";
import { GROUP_READ, GROUP_TYPING } from "../manifest.ts";
import type { RunNumber } from "../names.ts";
import { GAP_MS, type Reading } from "../reading.ts";
import type { Ranges } from "./core/ranges.ts";
import type { Group } from "./group.ts";
import { conversationOf } from "./group_rows.ts";
import type { Groups } from "./groups.ts";

const TYPING_EVERY_MS = 3_000;
const MAX_HEARD = 1_000;

interface ReadingParts
  extends Pick<ModuleContext, "clock" | "events" | "log" | "own" | "peers" | "random" | "send"> {
  readonly tables: ModuleTables;
  readonly conversations: Conversations;
  readonly reading: Reading;
  readonly groups: Groups;
}

/** A receipt on its way. */
interface Telling extends RunNumber {
  readonly sending: Sending;
}

export class GroupReading {
  readonly #parts: ReadingParts;
  /** Of each group one to each. */
  readonly #telling = new Map<string, Telling>();
  /** What was refused waits for a new session. */
  readonly #refused = new Set<string>();
  readonly #typing = new Map<string, number>();

  constructor(parts: ReadingParts) {
    this.#parts = parts;
  }

  /** Tells each author who is there up to where their messages were read. */
  async tell(group: Group): Promise<void> {
    for (const { id } of group.roster.members()) await this.#tellOne(group, id);
  }

  /** A session with somebody counts: what they have not heard of, or refused, is told. */
  async confirmed(peer: NodeId): Promise<void> {
    for await (const group of this.#parts.groups.all()) {
      this.#refused.delete(keyOf(group, peer));
      await this.#tellOne(group, peer);
    }
  }

  /** Nobody of a group is told any more what was read. */
  silence(group: Group): void {
    for (const { id } of group.roster.standing()) {
      this.#telling.get(keyOf(group, id))?.sending.cancel();
    }
  }

  async #tellOne(group: Group, peer: NodeId): Promise<void> {
    const { own, tables, peers } = this.#parts;
    const key = keyOf(group, peer);
    if (peer === own.id || !group.roster.isMember(peer) || this.#refused.has(key)) return;
    if (tables.peers.isBlocked(peer) || !(await peers.get(peer)).connected) return;
    const due = this.#due(group, peer);
    if (due !== null) this.#send(group, peer, due);
  }

  #send(group: Group, peer: NodeId, upto: RunNumber): void {
    const { random, send, log } = this.#parts;
    const key = keyOf(group, peer);
    const former = this.#telling.get(key);
    if (former !== undefined && former.run === upto.run && former.n === upto.n) return;
    former?.sending.cancel();
    const id = newFrameId(random);
    const sending = send({ peer, type: GROUP_READ, id, header: { group: group.id, upto } });
    this.#telling.set(key, { ...upto, sending });
    sending.acknowledged.then(async (rttMs) => {
      if (this.#telling.get(key)?.sending === sending) this.#telling.delete(key);
      if (sending.refused) this.#refused.add(key);
      if (rttMs === null) return;
      await this.#noteTold(group, peer, upto);
      await this.#tellOne(group, peer);
    }).catch((error: unknown) => log.log("warn", "read_failed", { peer, text: String(error) }));
  }

  /** What an author is to be told next: one run after the other. */
  #due(group: Group, author: NodeId): RunNumber | null {
    const { own, tables, reading, conversations } = this.#parts;
    const conversation = conversationOf(group.id);
    if (!group.isIn(own.id) || !reading.isToTell(conversation)) return null;
    const seen = conversations.seen(conversation);
    for (const { id, run, held } of group.runsOfOthers(own.id)) {
      if (id !== author) continue;
      const end = Math.min(
        this.#unread(group, { author, run, seen }),
        this.#gap(group, { author, run, held }),
      );
      const row = tables.statement(
        `SELECT n FROM messaging_group_messages WHERE conversation = ? AND author = ? AND run = ?
         AND n < ? AND own = 0 AND aside = 0 AND number <= ? ORDER BY n DESC LIMIT 1`,
      ).get(group.id, author, run, Math.min(end, Number.MAX_SAFE_INTEGER), seen);
      if (row !== undefined && Number(row.n) > this.#told(group, author, run)) {
        return { run, n: Number(row.n) };
      }
    }
    return null;
  }

  /** The lowest number of a run that the owner has not read. */
  #unread(
    group: Group,
    { author, run, seen }: { readonly author: NodeId; readonly run: string; readonly seen: number },
  ): number {
    const row = this.#parts.tables.statement(
      `SELECT MIN(message.n) AS n FROM messaging_inbox AS box
       JOIN messaging_group_messages AS message ON message.own = 0 AND message.number = box.number
       WHERE box.conversation = ? AND box.kind = 'text' AND box.erased IS NULL AND box.number > ?
         AND message.author = ? AND message.run = ?`,
    ).get(group.id, seen, author, run);
    return row?.n == null ? Infinity : Number(row.n);
  }

  /**
   * The number behind the first one that is missing and may still come. What was written before this node came in need
   * not come.
   */
  #gap(
    group: Group,
    { author, run, held }: { readonly author: NodeId; readonly run: string; readonly held: Ranges },
  ): number {
    const { own, tables, clock } = this.#parts;
    const from = group.roster.find(own.id)?.place.from ?? 0;
    const isLater = from > 0 && !group.chain.historyAt(from);
    const behind = held.map(([first]) => first).filter((first, index) =>
      first > 1 && !(index === 0 && isLater)
    );
    return behind.find((first) => {
      const row = tables.statement(
        `SELECT 1 FROM messaging_group_messages INDEXED BY messaging_group_numbers
         WHERE conversation = ? AND author = ? AND run = ? AND n = ? AND kept_at > ?`,
      ).get(group.id, author, run, first, clock.nowMs() - GAP_MS);
      return row !== undefined;
    }) ?? Infinity;
  }

  #told(group: Group, author: NodeId, run: string): number {
    const row = this.#parts.tables.statement(
      "SELECT n FROM messaging_group_told WHERE conversation = ? AND author = ? AND run = ?",
    ).get(group.id, author, run);
    return Number(row?.n ?? 0);
  }

  async #noteTold(group: Group, author: NodeId, { run, n }: RunNumber): Promise<void> {
    const { tables } = this.#parts;
    await tables.write(() => {
      tables.statement(
        `INSERT INTO messaging_group_told (conversation, author, run, n) VALUES (?, ?, ?, ?)
         ON CONFLICT (conversation, author, run) DO UPDATE SET n = MAX(n, excluded.n)`,
      ).run(group.id, author, run, n);
    });
  }

  /** Says that the owner writes, to those who are there. */
  async say(group: Group): Promise<void> {
    const { own, peers, send } = this.#parts;
    if (!group.isIn(own.id) || !this.#isTime(`say ${group.id}`)) return;
    for (const { id } of group.roster.members()) {
      if (id === own.id) continue;
      const { connected, blocked } = await peers.get(id);
      if (connected && !blocked) {
        send({ peer: id, type: GROUP_TYPING, header: { group: group.id } });
      }
    }
  }

  heard(group: Group, { peer }: PeerFrame): void {
    if (!group.roster.isMember(peer) || !this.#isTime(keyOf(group, peer))) return;
    this.#parts.events.emit("typing", { peer, group: group.id });
  }

  #isTime(key: string): boolean {
    const nowMs = this.#parts.clock.monotonicMs();
    if (nowMs - (this.#typing.get(key) ?? -Infinity) < TYPING_EVERY_MS) return false;
    if (this.#typing.size >= MAX_HEARD) this.#typing.clear();
    this.#typing.set(key, nowMs);
    return true;
  }
}

function keyOf({ id }: Group, peer: NodeId): string {
  return `${id} ${peer}`;
}
