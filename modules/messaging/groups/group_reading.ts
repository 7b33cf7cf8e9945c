/**
 * Who has read what in groups, and who is writing: said to members who are there, and never passed on.
 *
 * @module
 */
import type { ModuleContext, ModuleTables, NodeId, PeerFrame, Sending } from "../../api.ts";
import { newFrameId } from "../frame_ids.ts";
import type { Conversations } from "../conversations.ts";
import { GROUP_READ, GROUP_TYPING } from "../manifest.ts";
import type { Reading } from "../reading.ts";
import type { Group } from "./group.ts";
import { conversationOf } from "./group_rows.ts";

const TYPING_EVERY_MS = 3_000;
const MAX_HEARD = 1_000;

interface ReadingParts
  extends Pick<ModuleContext, "clock" | "events" | "own" | "peers" | "random" | "send"> {
  readonly tables: ModuleTables;
  readonly conversations: Conversations;
  readonly reading: Reading;
}

export class GroupReading {
  readonly #parts: ReadingParts;
  /** Of several only the newest to each goes. */
  readonly #telling = new Map<string, Sending>();
  readonly #typing = new Map<string, number>();

  constructor(parts: ReadingParts) {
    this.#parts = parts;
  }

  /** Tells each author up to where their messages were read. */
  tell(group: Group): void {
    const { own, tables, reading, conversations, send, random } = this.#parts;
    const conversation = conversationOf(group.id);
    if (!group.isIn(own.id) || !reading.tells(conversation)) return;
    const rows = tables.statement(
      `SELECT author, run, n, MAX(number) AS number FROM messaging_group_messages
       WHERE conversation = ? AND own = 0 AND aside = 0 AND number <= ? GROUP BY author`,
    ).all(group.id, conversations.seen(conversation));
    for (const { author, run, n } of rows) {
      const peer = author as NodeId;
      if (!group.roster.isMember(peer) || tables.peers.isBlocked(peer)) continue;
      const key = `${group.id} ${peer}`;
      this.#telling.get(key)?.cancel();
      const id = newFrameId(random);
      const header = { group: group.id, upto: { run: String(run), n: Number(n) } };
      const sending = send({ peer, type: GROUP_READ, id, header });
      this.#telling.set(key, sending);
      void sending.acknowledged.then(() => {
        if (this.#telling.get(key) === sending) this.#telling.delete(key);
      });
    }
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
    if (!group.roster.isMember(peer) || !this.#isTime(`${group.id} ${peer}`)) return;
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
