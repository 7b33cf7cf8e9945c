/**
 * Messages of a group as they go to a member: which are next, and their frames.
 *
 * @module
 */
import { decodeBase64Url, encodeUtf8 } from "../../../crypto/encoding.ts";
import type { ModuleContext, ModuleTables, NodeId, OutgoingFrame } from "../../api.ts";
import { nameText, readName, type RunNumber } from "../names.ts";
import { boxOf, type MessageRow, readRow } from "../rows.ts";
import { aadOfRow, openTexts, SALT_LENGTH } from "../sealed_texts.ts";
import type { Group } from "./group.ts";
import type { GroupVectors } from "./group_vectors.ts";
import { type Lane, MAX_REFUSED, type NumberedHash, WINDOW } from "./lane.ts";

/** A message as it goes. */
export interface Going extends NumberedHash {
  readonly frame: Omit<OutgoingFrame, "peer"> & { readonly id: string };
}

/** A message with its row in a box. */
interface Stored extends RunNumber {
  readonly hash: string;
  readonly author: NodeId;
  readonly stm: string;
  readonly shell: string;
  readonly isKept: boolean;
  readonly own: boolean;
  readonly box: MessageRow;
}

interface GoingParts extends Pick<ModuleContext, "own" | "storage"> {
  readonly tables: ModuleTables;
  readonly vectors: GroupVectors;
}

export class GoingMessages {
  readonly #parts: GoingParts;

  constructor(parts: GoingParts) {
    this.#parts = parts;
  }

  /** The next messages that a member lacks and may have, as far as there is room for more under way. */
  async next(group: Group, lane: Lane): Promise<Going[]> {
    const rows = this.#rows(group, lane);
    rows.push(...this.#rivals(group, lane, WINDOW - lane.underWay.size - rows.length));
    const there = rows.filter(({ box }) => box.erased === null);
    const texts = await openTexts(
      this.#parts.storage,
      there.map(({ box }) => ({ aad: aadOfRow(box), sealed: box.sealed })),
    );
    const byRow = new Map(there.map((row, index) => [row, texts[index] ?? null]));
    return rows.flatMap((row) => {
      const text = byRow.get(row) ?? null;
      const { author: id, run, n, hash } = row;
      // A text that was changed on disk is nothing to pass on.
      if (row.box.erased === null && text === null) {
        lane.settle({ id, run, numbers: [[n, n]] });
        return [];
      }
      return [{ id, run, n, hash, frame: frameOf(group.id, lane.peer, { ...row, text }) }];
    });
  }

  #rows(group: Group, lane: Lane): Stored[] {
    const { own, tables, vectors } = this.#parts;
    const rows = new Map<string, Stored>();
    const mayHave = (stm: string) => group.roster.mayHave(lane.peer, stm);
    for (const { id, run, numbers } of lane.next(vectors.of(group), own.id)) {
      for (const [from, to] of numbers) {
        const room = WINDOW - lane.underWay.size - rows.size;
        if (room <= 0) return [...rows.values()];
        const some = tables.statement(
          `SELECT * FROM messaging_group_messages WHERE conversation = ? AND author = ? AND run = ?
           AND n BETWEEN ? AND ? AND number IS NOT NULL ORDER BY n LIMIT ?`,
        ).all(group.id, id, run, from, to, room + MAX_REFUSED).map((row) => this.#read(row));
        for (const row of some) {
          if (this.#isGoing(lane, row)) continue;
          const reasons = this.#reasons(group, lane, row);
          const mayGo = reasons?.every(({ isKept, stm }) => isKept && mayHave(stm)) ?? false;
          if (!mayGo || !mayHave(row.stm)) {
            lane.settle({ id, run, numbers: [[row.n, row.n]] });
            continue;
          }
          for (const one of [...reasons!, row]) {
            if (!this.#isGoing(lane, one)) rows.set(one.hash, one);
          }
          if (rows.size + lane.underWay.size >= WINDOW) break;
        }
      }
    }
    return [...rows.values()];
  }

  #isGoing(lane: Lane, { hash }: Stored): boolean {
    const frameId = frameIdOf(hash, lane.peer);
    return lane.underWay.has(frameId) || lane.isRefused(frameId);
  }

  /**
   * What says why a message has no text, where that is lacked: nobody takes the message without, so it goes first. It is
   * the removal, or what the message is about, which has expired.
   * @returns `null` where it is not here any more.
   */
  #reasons(group: Group, lane: Lane, { own, box }: Stored): Stored[] | null {
    const { run, n, target, kind, erased } = box;
    if (erased === null || kind === "remove") return [];
    if (erased === "expired" && target === null) return [];
    const names = [...run === null || n === null ? [] : [nameText({ own, run, n })]];
    if (target !== null) names.push(target);
    const removals = names.flatMap((name) => this.#removalsOf(group, name));
    const [reason] = removals.length > 0 || target === null ? removals : this.#named(group, target);
    if (reason === undefined) return target === null ? [] : null;
    return lane.has(reason.author, reason.run, reason.n) ? [] : [reason];
  }

  #removalsOf(group: Group, name: string): Stored[] {
    const isOwn = readName(name).own;
    return this.#parts.tables.statement(
      `SELECT message.* FROM ${boxOf(isOwn)} AS box
       CROSS JOIN messaging_group_messages AS message
         ON message.own = ? AND message.number = box.number
       WHERE box.conversation = ? AND box.target = ? AND box.kind = 'remove'`,
    ).all(Number(isOwn), group.id, name).map((row) => this.#read(row));
  }

  #named(group: Group, name: string): Stored[] {
    const { own, run, n } = readName(name);
    return this.#parts.tables.statement(
      `SELECT message.* FROM ${boxOf(own)} AS box
       CROSS JOIN messaging_group_messages AS message
         ON message.own = ? AND message.number = box.number
       WHERE box.conversation = ? AND box.run = ? AND box.n = ?`,
    ).all(Number(own), group.id, run, n).map((row) => this.#read(row));
  }

  #rivals(group: Group, lane: Lane, room: number): Stored[] {
    const hashes = [...lane.rivals].slice(0, Math.max(0, room));
    for (const hash of hashes) lane.rivals.delete(hash);
    return hashes.flatMap((hash) =>
      this.#parts.tables.statement(
        `SELECT * FROM messaging_group_messages
         WHERE conversation = ? AND hash = ? AND number IS NOT NULL`,
      ).all(group.id, hash).map((row) => this.#read(row))
    ).filter(({ stm }) => group.roster.mayHave(lane.peer, stm));
  }

  #read(row: Columns): Stored {
    const own = Number(row.own) === 1;
    const box = this.#parts.tables.statement(
      `SELECT ? AS own, 0 AS received_at, 1 AS delivered, * FROM ${boxOf(own)} WHERE number = ?`,
    ).get(Number(own), Number(row.number))!;
    return {
      hash: String(row.hash),
      author: row.author as NodeId,
      run: String(row.run),
      n: Number(row.n),
      stm: String(row.stm),
      shell: String(row.shell),
      isKept: Number(row.kept) === 1,
      own,
      box: readRow(box),
    };
  }
}

/** The same whenever it goes to the same peer. */
export function frameIdOf(hash: string, peer: NodeId): string {
  return `${hash.slice(0, 32)}${peer.slice(0, 32)}`;
}

type Columns = NonNullable<ReturnType<ReturnType<ModuleTables["statement"]>["get"]>>;

function frameOf(
  group: string,
  peer: NodeId,
  { hash, shell, text }: { readonly hash: string; readonly shell: string; text: string | null },
): Going["frame"] {
  const id = frameIdOf(hash, peer);
  const header = { group, message: shell };
  if (text === null) return { type: "group_message", id, header };
  const salt = text.slice(0, SALT_LENGTH);
  if (decodeBase64Url(salt) === null) throw new RangeError("A stored text has no salt");
  const body = encodeUtf8(text.slice(SALT_LENGTH));
  return { type: "group_message", id, header: { ...header, salt }, body };
}
