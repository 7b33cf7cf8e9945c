/**
 * What is kept for others: which messages are passed on, and what came of somebody who was out by then.
 *
 * @module
 */
import type { ModuleContext, ModuleSignatures, ModuleTables, NodeId } from "../../api.ts";
import { boxOf } from "../rows.ts";
import type { Timeline } from "../timeline.ts";
import { type GroupMessage, openMessage } from "./core/messages.ts";
import type { Group } from "./group.ts";
import type { GroupRows } from "./group_rows.ts";
import type { MessageNumber } from "./group_vectors.ts";
import type { Groups } from "./groups.ts";

const DAY_MS = 24 * 3_600_000;
/** For how long others are given a message, and how much of one group and of one author. */
const KEPT_MS = 30 * DAY_MS;
const MAX_GROUP_BYTES = 64 * 2 ** 20;
const MAX_AUTHOR_DAY_BYTES = 4 * 2 ** 20;
const MAX_ASIDE = 100;
const MAX_ASIDE_BYTES = 2 ** 20;
const SWEEP_AT_ONCE = 1_000;
/** For how long what was added up is taken for what it is. */
const COUNTED_MS = 10 * 60_000;

interface KeepingParts extends Pick<ModuleContext, "clock" | "own"> {
  readonly tables: ModuleTables;
  readonly signatures: ModuleSignatures;
  readonly groups: Groups;
  readonly rows: Pick<GroupRows, "withdraw">;
  readonly timeline: Timeline;
}

/** A message that does not count as things stand. */
export interface Aside {
  readonly message: GroupMessage;
  readonly sealed: Uint8Array | null;
  readonly receivedAt: number;
}

type Columns = Record<string, unknown>;

export class Keeping {
  readonly #parts: KeepingParts;
  /** Added up once in a while: adding up for each message would cost more with each. */
  readonly #counted = new Map<string, { readonly atMs: number; bytes: number }>();

  constructor(parts: KeepingParts) {
    this.#parts = parts;
  }

  /**
   * Inside the transaction that has stored a message: decides whether it is passed on. Own ones always are.
   * @returns Whether it is.
   */
  writeKept(
    group: Group,
    { hash, author, bytes }: { hash: string; author: NodeId; bytes: number },
  ): boolean {
    const { tables, own, clock } = this.#parts;
    if (author === own.id) return true;
    const ofDay = this.#count(
      `${group.id} ${author}`,
      bytes,
      () =>
        this.#bytes("conversation = ? AND author = ? AND kept_at > ?", [
          group.id,
          author,
          clock.nowMs() - DAY_MS,
        ]),
    );
    const ofGroup = this.#count(group.id, bytes, () => this.#bytes("conversation = ?", [group.id]));
    if (ofDay <= MAX_AUTHOR_DAY_BYTES && ofGroup <= MAX_GROUP_BYTES) return true;
    tables.statement(
      "UPDATE messaging_group_messages SET kept = 0 WHERE conversation = ? AND hash = ?",
    ).run(group.id, hash);
    return false;
  }

  /** What has been passed on for long enough is not any more; what came of no group of ours goes. */
  async sweep(): Promise<void> {
    const { tables, clock, own, groups } = this.#parts;
    await groups.forgetComing(clock.nowMs() - DAY_MS);
    const rows = tables.statement(
      `SELECT conversation, hash, author, run, n FROM messaging_group_messages
       WHERE kept = 1 AND kept_at <= ? AND author <> ? LIMIT ?`,
    ).all(clock.nowMs() - KEPT_MS, own.id, SWEEP_AT_ONCE);
    if (rows.length === 0) return;
    await tables.write(() => {
      for (const { conversation, hash } of rows) {
        tables.statement(
          "UPDATE messaging_group_messages SET kept = 0 WHERE conversation = ? AND hash = ?",
        ).run(conversation!, hash!);
      }
    });
    for (const row of rows) {
      const group = await groups.find(String(row.conversation));
      group?.addHeld({ ...numberOf(row), isKept: false });
    }
  }

  /**
   * Keeps a message that is beyond what counts of its author: the chain may yet come to say otherwise. What finds no room
   * is not kept, and need not come again.
   */
  async setAside(group: Group, aside: Aside): Promise<void> {
    await this.#parts.tables.write(() => this.#writeAside(group, aside));
  }

  /**
   * Who is in a group has changed: what counts no more is set aside, and what counts again is given back.
   * @returns What counts again. It is not here any more: whoever asked stores it.
   */
  async judgeAnew(group: Group): Promise<readonly Aside[]> {
    const rows = this.#parts.tables.statement(
      `SELECT * FROM messaging_group_messages INDEXED BY messaging_group_aside
       WHERE conversation = ? AND aside = 1`,
    ).all(group.id);
    await this.#demote(group);
    const again: Aside[] = [];
    for (const row of rows) {
      if (judge(group, row) !== "ordinary") continue;
      const message = await openMessage(this.#parts.signatures, String(row.shell));
      const sealed = row.sealed as Uint8Array | null;
      again.push({ message, sealed, receivedAt: Number(row.kept_at) });
    }
    if (again.length > 0) await this.#forget(group, again.map(({ message }) => message.hash));
    return again;
  }

  /**
   * Sets aside what is here and counts no more: of people who are out what is beyond what counts of them, and what was
   * written under a statement that stands no more by somebody whom no other one had added by then.
   */
  async #demote(group: Group): Promise<void> {
    const { tables, timeline } = this.#parts;
    const displaced = group.chain.displaced().map(({ hash }) => hash);
    const beyond = this.#authors(group).flatMap((id) => {
      const isOut = isEnded(group, id);
      if (!isOut && displaced.length === 0) return [];
      return tables.statement(
        `SELECT * FROM messaging_group_messages INDEXED BY messaging_group_numbers
         WHERE conversation = ? AND author = ? AND aside = 0 AND number IS NOT NULL
         AND (? = 1 OR stm IN (SELECT value FROM json_each(?)))`,
      ).all(group.id, id, Number(isOut), JSON.stringify(displaced));
    }).filter((row) => judge(group, row) !== "ordinary");
    if (beyond.length === 0) return;
    let gone: MessageNumber[] = [];
    await tables.write(() => {
      gone = beyond.flatMap((row) => this.#writeDemoted(group, row));
    });
    timeline.forget();
    this.noteGone(group, gone);
  }

  /**
   * Messages are here no more: of two stories the other one may still be.
   * @returns Whether something is missing now.
   */
  noteGone(group: Group, gone: readonly MessageNumber[]): boolean {
    const missing = gone.map(({ id: author, run, n }) => ({ author, run, n }))
      .filter((number) => !this.#isHeld(group, number));
    for (const number of missing) group.removeHeld(number);
    return missing.length > 0;
  }

  /** Whether a message that counts is here under a number: of two stories one may have gone. */
  #isHeld(
    { id }: Group,
    { author, run, n }: { readonly author: NodeId; readonly run: string; readonly n: number },
  ): boolean {
    return this.#parts.tables.statement(
      `SELECT 1 FROM messaging_group_messages INDEXED BY messaging_group_numbers
       WHERE conversation = ? AND author = ? AND run = ? AND n = ? AND aside = 0`,
    ).get(id, author, run, n) !== undefined;
  }

  #authors({ id }: Group): NodeId[] {
    return this.#parts.tables
      .statement("SELECT DISTINCT author FROM messaging_group_messages WHERE conversation = ?")
      .all(id).map(({ author }) => author as NodeId);
  }

  /** @returns What is not here any more. */
  #writeDemoted(group: Group, row: Columns): MessageNumber[] {
    const { tables, rows } = this.#parts;
    const box = boxOf(Number(row.own) === 1);
    const stored = tables.statement(`SELECT sealed FROM ${box} WHERE number = ?`)
      .get(Number(row.number));
    const gone = rows.withdraw(group.id, String(row.hash));
    const sealed = stored === undefined ? null : stored.sealed as Uint8Array;
    this.#writeRow(group, {
      ...row,
      bytes: Number(row.bytes),
      sealed: sealed?.length === 0 ? null : sealed,
    });
    return gone;
  }

  #writeAside(group: Group, { message, sealed, receivedAt }: Aside): void {
    this.#writeRow(group, {
      hash: message.hash,
      author: message.iss,
      run: message.run,
      n: message.n,
      stm: message.stm,
      shell: message.text,
      bytes: message.text.length + (sealed?.length ?? 0),
      kept_at: receivedAt,
      sealed,
    });
  }

  /** What this node wrote itself is nobody else's to keep, and always finds room. */
  #writeRow(group: Group, row: Columns & { readonly bytes: number }): void {
    const { tables, own } = this.#parts;
    if (row.author !== own.id && !this.#hasRoomAside(group, row.bytes)) return;
    tables.statement(
      `INSERT OR IGNORE INTO messaging_group_messages
         (conversation, hash, author, run, n, stm, shell, bytes, kept_at, kept, aside, sealed)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 1, ?)`,
    ).run(
      group.id,
      String(row.hash),
      String(row.author),
      String(row.run),
      Number(row.n),
      String(row.stm),
      String(row.shell),
      row.bytes,
      Number(row.kept_at),
      row.sealed as Uint8Array | null,
    );
  }

  #hasRoomAside(group: Group, bytes: number): boolean {
    const { tables, own } = this.#parts;
    const held = tables.statement(
      `SELECT COUNT(*) AS count, SUM(bytes) AS bytes
       FROM messaging_group_messages INDEXED BY messaging_group_aside
       WHERE conversation = ? AND aside = 1 AND author <> ?`,
    ).get(group.id, own.id);
    return Number(held?.count ?? 0) < MAX_ASIDE &&
      Number(held?.bytes ?? 0) + bytes <= MAX_ASIDE_BYTES;
  }

  async #forget(group: Group, hashes: readonly string[]): Promise<void> {
    const { tables } = this.#parts;
    await tables.write(() => {
      for (const hash of hashes) {
        tables.statement(
          "DELETE FROM messaging_group_messages WHERE conversation = ? AND hash = ? AND aside = 1",
        ).run(group.id, hash);
      }
    });
  }

  #count(key: string, bytes: number, addUp: () => number): number {
    const nowMs = this.#parts.clock.monotonicMs();
    const held = this.#counted.get(key);
    if (held !== undefined && nowMs - held.atMs < COUNTED_MS) return held.bytes += bytes;
    const counted = { atMs: nowMs, bytes: addUp() };
    this.#counted.set(key, counted);
    return counted.bytes;
  }

  #bytes(condition: string, values: (string | number)[]): number {
    const row = this.#parts.tables.statement(
      `SELECT SUM(bytes) AS bytes FROM messaging_group_messages
       WHERE kept = 1 AND aside = 0 AND ${condition}`,
    ).get(...values);
    return Number(row?.bytes ?? 0);
  }
}

/** Whether something says what counts of somebody: they left, were removed, or another key has followed. */
function isEnded({ roster, chain }: Group, id: NodeId): boolean {
  const wasRemoved = chain.placesOf(id).some(({ until }) => until !== null);
  return wasRemoved || roster.find(id)?.state !== "member";
}

function numberOf(row: Columns) {
  return { author: row.author as NodeId, run: String(row.run), n: Number(row.n) };
}

function judge(group: Group, row: Columns) {
  return group.roster.judge({
    group: group.id,
    iss: row.author as NodeId,
    stm: String(row.stm),
    run: String(row.run),
    n: Number(row.n),
    hash: String(row.hash),
  });
}
