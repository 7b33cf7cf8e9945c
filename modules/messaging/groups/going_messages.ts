/**
 * Messages of a group as they go to a member: which are next, and their frames.
 *
 * @module
 */
import { decodeBase64Url, encodeUtf8 } from "../../../crypto/encoding.ts";
import type { ModuleContext, ModuleTables, NodeId, OutgoingFrame } from "../../api.ts";
import { boxOf, readRow } from "../rows.ts";
import { aadOfRow, openTexts, SALT_LENGTH } from "../sealed_texts.ts";
import type { Group } from "./group.ts";
import type { GroupVectors, MessageNumber } from "./group_vectors.ts";
import { type Lane, MAX_REFUSED, WINDOW } from "./lane.ts";

/** A message as it goes. */
export interface Going extends MessageNumber {
  readonly hash: string;
  readonly frame: Omit<OutgoingFrame, "peer"> & { readonly id: string };
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
    const { tables, storage } = this.#parts;
    const rows = this.#rows(group, lane);
    rows.push(...this.#rivals(group, lane, WINDOW - lane.underWay.size - rows.length));
    const boxes = rows.map(({ own: isOwn, number }) =>
      readRow({
        ...tables.statement(
          `SELECT ? AS own, 0 AS received_at, 1 AS delivered, * FROM ${boxOf(isOwn)}
           WHERE number = ?`,
        ).get(Number(isOwn), number)!,
      })
    );
    const there = boxes.filter(({ erased }) => erased === null);
    const texts = await openTexts(
      storage,
      there.map((row) => ({ aad: aadOfRow(row), sealed: row.sealed })),
    );
    const byRow = new Map(there.map((row, index) => [row, texts[index] ?? null]));
    return rows.flatMap((row, index) => {
      const box = boxes[index]!;
      const text = byRow.get(box) ?? null;
      const { author: id, run, n, hash } = row;
      // A text that was changed on disk is nothing to pass on.
      if (box.erased === null && text === null) {
        lane.settle({ id, run, numbers: [[n, n]] });
        return [];
      }
      return [{ id, run, n, hash, frame: frameOf(group.id, lane.peer, { ...row, text }) }];
    });
  }

  #rows(group: Group, lane: Lane): Stored[] {
    const { own, tables, vectors } = this.#parts;
    const rows: Stored[] = [];
    for (const { id, run, numbers } of lane.next(vectors.of(group), own.id)) {
      for (const [from, to] of numbers) {
        const room = WINDOW - lane.underWay.size - rows.length;
        if (room <= 0) return rows;
        const some = tables.statement(
          `SELECT * FROM messaging_group_messages WHERE conversation = ? AND author = ? AND run = ?
           AND n BETWEEN ? AND ? AND number IS NOT NULL ORDER BY n LIMIT ?`,
        ).all(group.id, id, run, from, to, room + MAX_REFUSED).map(readStored);
        for (const row of some) {
          const frameId = frameIdOf(row.hash, lane.peer);
          if (lane.underWay.has(frameId) || lane.isRefused(frameId)) continue;
          if (group.roster.mayHave(lane.peer, row.stm)) rows.push(row);
          else lane.settle({ id, run, numbers: [[row.n, row.n]] });
          if (rows.length + lane.underWay.size >= WINDOW) break;
        }
      }
    }
    return rows;
  }

  #rivals(group: Group, lane: Lane, room: number): Stored[] {
    const hashes = [...lane.rivals].slice(0, Math.max(0, room));
    for (const hash of hashes) lane.rivals.delete(hash);
    return hashes.flatMap((hash) =>
      this.#parts.tables.statement(
        `SELECT * FROM messaging_group_messages
         WHERE conversation = ? AND hash = ? AND number IS NOT NULL`,
      ).all(group.id, hash).map(readStored)
    ).filter(({ stm }) => group.roster.mayHave(lane.peer, stm));
  }
}

/** The same whenever it goes to the same peer. */
export function frameIdOf(hash: string, peer: NodeId): string {
  return `${hash.slice(0, 32)}${peer.slice(0, 32)}`;
}

type Columns = NonNullable<ReturnType<ReturnType<ModuleTables["statement"]>["get"]>>;
type Stored = ReturnType<typeof readStored>;

function readStored(row: Columns) {
  return {
    hash: String(row.hash),
    author: row.author as NodeId,
    run: String(row.run),
    n: Number(row.n),
    stm: String(row.stm),
    shell: String(row.shell),
    own: Number(row.own) === 1,
    number: Number(row.number),
  };
}

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
