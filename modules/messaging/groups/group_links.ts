/**
 * What messages of a group build on: names of what is here, and hashes of what may still come.
 *
 * @module
 */
import type { ModuleTables, NodeId } from "../../api.ts";
import { readName } from "../names.ts";
import { boxOf } from "../rows.ts";
import type { Timeline } from "../timeline.ts";

/**
 * A message names another one in `after`, in `reply`, or as a reaction in `target`. It stands behind that one, and so is
 * among the few without a place once that one's place was taken away.
 */
const NAMES = `place IS NULL AND (INSTR(' ' || after || ' ', ' ' || ? || ' ') > 0
  OR reply = ? OR (target = ? AND kind = 'react'))`;

interface LinksParts {
  readonly tables: ModuleTables;
  readonly timeline: Timeline;
  readonly rows: {
    nameOf(group: string, hash: string): string | null;
    isErased(group: string, name: string): boolean;
  };
}

/** A message, by what it builds on. */
interface Building {
  readonly group: string;
  readonly own: boolean;
  readonly seen: readonly string[];
  readonly replyTo: string | null;
  readonly to: string | null;
}

/** Writes what messages name, inside of transactions. */
export class GroupLinks {
  readonly #parts: LinksParts;

  constructor(parts: LinksParts) {
    this.#parts = parts;
  }

  /** Remembers what a message builds on that is not here. */
  await({ group, seen, replyTo, to, own }: Building, number: number): void {
    const named = [
      ...seen.map((hash) => ({ hash, member: "after" })),
      ...(replyTo === null ? [] : [{ hash: replyTo, member: "reply" }]),
      ...(to === null ? [] : [{ hash: to, member: "target" }]),
    ];
    for (const { hash, member } of named) {
      if (this.#parts.rows.nameOf(group, hash) !== null) continue;
      this.#writeAwaited({ group, hash, own, number, member });
    }
  }

  /** What was waiting for a message names it from now on; from there on all get their places anew. */
  arrived({ group, hash }: { readonly group: string; readonly hash: string }): void {
    const { tables, rows } = this.#parts;
    const name = rows.nameOf(group, hash)!;
    const waiting = tables.statement(
      `DELETE FROM messaging_group_awaited WHERE conversation = ? AND hash = ?
       RETURNING own, number, member`,
    ).all(group, hash);
    const followers = tables.statement(
      `SELECT MIN(place) AS place FROM messaging_messages WHERE conversation = ? AND target = ?`,
    ).all(group, name);
    for (const { own, number, member } of waiting) {
      const box = boxOf(Number(own) === 1);
      const change = member === "after" ? "after = TRIM(after || ' ' || ?)" : `${member} = ?`;
      followers.push(
        ...tables.statement(`UPDATE ${box} SET ${change} WHERE number = ? RETURNING place`)
          .all(name, Number(number)),
      );
      if (member !== "target" || !rows.isErased(group, name)) continue;
      tables.statement(`UPDATE ${box} SET sealed = x'', erased = 'removed' WHERE number = ?`)
        .run(Number(number));
    }
    if (waiting.length > 0) this.#parts.timeline.noteLinks(group as NodeId);
    this.#unplace(group, followers.map(({ place }) => place));
  }

  /** A message goes: what names it waits for it anew, and stands behind it no more. */
  gone(group: string, hash: string): void {
    const { tables, rows } = this.#parts;
    const name = rows.nameOf(group, hash);
    if (name === null) return;
    this.#parts.timeline.noteLinks(group as NodeId);
    this.#unplace(group, [this.#placeOf(group, name)]);
    for (const own of [false, true]) {
      const box = boxOf(own);
      const naming = tables.statement(
        `SELECT number, after, reply, target, kind FROM ${box} WHERE conversation = ? AND ${NAMES}`,
      ).all(group, name, name, name);
      for (const { number, after, reply, target, kind } of naming) {
        const members = [
          ...String(after).split(" ").includes(name) ? ["after"] : [],
          ...reply === name ? ["reply"] : [],
          ...target === name && kind === "react" ? ["target"] : [],
        ];
        for (const member of members) {
          this.#writeAwaited({ group, hash, own, number: Number(number), member });
        }
      }
    }
    this.#replace(group, name, null);
    const { own, run, n } = readName(name);
    tables.statement(
      `DELETE FROM messaging_group_awaited WHERE conversation = ? AND own = ?
       AND number = (SELECT number FROM ${
        boxOf(own)
      } WHERE conversation = ? AND run = ? AND n = ?)`,
    ).run(group, Number(own), group, run, n);
  }

  /** A message stands under another name, also where others build on it. */
  rename(group: string, former: string, name: string): void {
    this.#parts.timeline.noteLinks(group as NodeId);
    this.#unplace(group, [this.#placeOf(group, former)]);
    const { own, run, n } = readName(former);
    this.#parts.tables.statement(
      `UPDATE ${boxOf(own)} SET run = ? WHERE conversation = ? AND run = ? AND n = ?`,
    ).run(readName(name).run, group, run, n);
    this.#replace(group, former, name);
  }

  #replace(group: string, former: string, name: string | null): void {
    const behind = [former, name ?? ""];
    const member = [former, name];
    for (const own of [false, true]) {
      this.#parts.tables.statement(
        `UPDATE ${boxOf(own)} SET
           after = TRIM(REPLACE(' ' || after || ' ', ' ' || ? || ' ', ' ' || ? || ' ')),
           reply = CASE WHEN reply = ? THEN ? ELSE reply END,
           target = CASE WHEN target = ? AND kind = 'react' THEN ? ELSE target END
         WHERE conversation = ? AND ${NAMES}`,
      ).run(...behind, ...member, ...member, group, former, former, former);
    }
  }

  #placeOf(group: string, name: string): unknown {
    const { own, run, n } = readName(name);
    return this.#parts.tables.statement(
      `SELECT place FROM ${boxOf(own)} WHERE conversation = ? AND run = ? AND n = ?`,
    ).get(group, run, n)?.place;
  }

  #unplace(group: string, places: readonly unknown[]): void {
    const placed = places.filter((place) => typeof place === "number");
    if (placed.length === 0) return;
    this.#parts.timeline.writeUnplaced(group as NodeId, Math.min(...placed));
  }

  #writeAwaited(
    awaited: {
      readonly group: string;
      readonly hash: string;
      readonly own: boolean;
      readonly number: number;
      readonly member: string;
    },
  ): void {
    const { group, hash, own, number, member } = awaited;
    this.#parts.tables.statement(
      `INSERT OR IGNORE INTO messaging_group_awaited (conversation, hash, own, number, member)
       VALUES (?, ?, ?, ?, ?)`,
    ).run(group, hash, Number(own), number, member);
  }
}
