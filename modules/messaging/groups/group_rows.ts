/**
 * The messages of groups in the tables: what was signed, and the rows of the boxes that their texts stand in.
 *
 * @module
 */
import type { ModuleTables, NodeId } from "../../api.ts";
import { eraseTarget } from "../erasing.ts";
import { chainNumber, groupChain, nameText, readName, type RunNumber } from "../names.ts";
import { boxOf, DELIVERY, type Erased, type Kind as KnownKind } from "../rows.ts";
import { GROUP_FORM } from "../sealed_texts.ts";
import type { Timeline } from "../timeline.ts";
import { keptUnderNumber } from "./core/messages.ts";
import { GroupLinks } from "./group_links.ts";
import type { MessageNumber } from "./group_vectors.ts";

/** `other`: of a type that a later version knows; it is kept and passed on. */
export type Kind = KnownKind | "other";

/** Where messages of a group are kept: its id stands where a conversation of two has its peer's. */
export function conversationOf(group: string): NodeId {
  return group as NodeId;
}

/** A message that counts, on its way into the tables. */
export interface GroupMessageRow {
  readonly group: string;
  readonly hash: string;
  readonly shell: string;
  readonly stm: string;
  readonly author: NodeId;
  readonly own: boolean;
  readonly run: string;
  readonly n: number;
  readonly kind: Kind;
  /** Hashes of what it builds on, without its target. */
  readonly seen: readonly string[];
  readonly replyTo: string | null;
  /** What an edit or a removal changes: a message of the same author. */
  readonly target: RunNumber | null;
  /** The hash of what a reaction is about. */
  readonly to: string | null;
  readonly sentAt: number;
  readonly receivedAt: number;
  readonly expiresAt: number | null;
  /** Salt and text under the module's key; `null` where the text is gone. */
  readonly sealed: Uint8Array | null;
  readonly bytes: number;
  /** The hashes of other messages of its author that have its number. */
  readonly rivals: readonly string[];
}

/** What became of a message that was stored. */
export interface StoredRow {
  readonly number: number;
  readonly place: number | null;
  readonly erased: Erased | null;
  /** Numbers of messages that went for it. */
  readonly gone: readonly MessageNumber[];
}

/** What a row names, in this node's words. */
interface RowNames {
  readonly after: string;
  readonly reply: string | null;
  readonly target: string | null;
}

/** A run of somebody, or a message that stands beside it. */
interface ChainOf {
  readonly group: string;
  readonly author: string;
  readonly run: string;
  readonly fork?: string;
}

/** Writes messages of groups, inside of transactions. */
export class GroupRows {
  readonly #tables: ModuleTables;
  readonly #timeline: Timeline;
  readonly #links: GroupLinks;

  constructor(parts: { readonly tables: ModuleTables; readonly timeline: Timeline }) {
    this.#tables = parts.tables;
    this.#timeline = parts.timeline;
    this.#links = new GroupLinks({ ...parts, rows: this });
  }

  /** Stores a message that is not there yet. */
  write(message: GroupMessageRow): StoredRow {
    const { group, own, author, run, n, kind } = message;
    const conversation = conversationOf(group);
    const { fork, gone } = this.#forkOf(message);
    const chain = this.#chainOf({ group, author, run, fork });
    if (message.target !== null) this.#chainOf({ group, author, run: message.target.run });
    const names = this.#namesOf(message);
    const erased = this.#erasedAtOnce(message, names.target) ?? leftOut(message);
    const row = { conversation, own, run: chain, n, id: message.hash, sentAt: message.sentAt };
    const place = this.#timeline.admit({ ...row, ...names });
    const number = this.#insert(message, { chain, names, place, erased });
    this.#tables.statement(
      `INSERT INTO messaging_group_messages
         (conversation, hash, author, run, n, stm, shell, own, number, bytes, kept_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(
      group,
      message.hash,
      author,
      run,
      n,
      message.stm,
      message.shell,
      Number(own),
      number,
      message.bytes,
      message.receivedAt,
    );
    if (kind === "remove" && names.target !== null) this.#erase(message, names.target);
    // What came before it and is about it has no text any more, either.
    if (kind === "text" && erased !== null) {
      eraseTarget(this.#tables, { conversation, target: nameText({ own, run: chain, n }) }, erased);
    }
    this.#links.await(message, number);
    this.#links.arrived(message);
    return { number, place, erased, gone };
  }

  /**
   * Of messages under one number two are kept, and the smaller hash stands in the chain: so all have them in one order.
   * @returns The fork that a message stands in, empty for the chain, and what is not here any more.
   */
  #forkOf(
    { group, author, run, n, hash, rivals }: GroupMessageRow,
  ): { readonly fork: string; readonly gone: readonly MessageNumber[] } {
    const kept = keptUnderNumber([...rivals, hash]);
    const gone = rivals.filter((rival) => !kept.includes(rival))
      .flatMap((rival) => this.withdraw(group, rival));
    const [first] = kept;
    if (first !== hash) return { fork: hash, gone };
    const former = this.nameOf(group, kept[1] ?? "");
    if (former === null || rivals.length === 0) return { fork: "", gone };
    const chain = this.#chainOf({ group, author, run, fork: kept[1]! });
    this.#links.rename(group, former, nameText({ own: readName(former).own, run: chain, n }));
    return { fork: "", gone };
  }

  /**
   * Inside a transaction: a message is not here any more, and whoever names it waits for it. What a removal took away goes
   * with it, and comes again from whoever has it.
   * @returns The numbers of all that went.
   */
  withdraw(group: string, hash: string): MessageNumber[] {
    const undone = this.#takenAwayBy(group, hash);
    this.#links.gone(group, hash);
    const row = this.#tables.statement(
      `DELETE FROM messaging_group_messages WHERE conversation = ? AND hash = ?
       RETURNING own, number, author, run, n`,
    ).get(group, hash);
    if (row === undefined) return [];
    if (row.number !== null) {
      this.#tables.statement(`DELETE FROM ${boxOf(Number(row.own) === 1)} WHERE number = ?`)
        .run(Number(row.number));
    }
    const number = { id: row.author as NodeId, run: String(row.run), n: Number(row.n) };
    // Nothing stands beside its chain any more, and nothing names it.
    this.#tables.statement(
      `DELETE FROM messaging_group_chains
       WHERE conversation = ? AND author = ? AND run = ? AND fork = ?`,
    ).run(group, number.id, number.run, hash);
    return [number, ...undone.flatMap((other) => this.withdraw(group, other))];
  }

  /** The hashes of what has no text because of a removal; none for any other message. */
  #takenAwayBy(group: string, hash: string): string[] {
    const name = this.nameOf(group, hash);
    if (name === null) return [];
    const removal = readName(name);
    const about = this.#tables.statement(
      `SELECT target FROM ${boxOf(removal.own)}
       WHERE conversation = ? AND run = ? AND n = ? AND kind = 'remove' AND target IS NOT NULL`,
    ).get(group, removal.run, removal.n);
    if (about === undefined) return [];
    const names = this.#namesBeside(group, String(about.target)).map((text) => readName(text));
    return names.flatMap(({ own, run, n }) =>
      [false, true].flatMap((isOwn) =>
        this.#tables.statement(
          `SELECT message.hash FROM ${boxOf(isOwn)} AS box
           CROSS JOIN messaging_group_messages AS message
             ON message.own = ? AND message.number = box.number
           WHERE box.conversation = ? AND box.erased = 'removed'
             AND ((message.own = ? AND box.run = ? AND box.n = ?) OR box.target = ?)`,
        ).all(Number(isOwn), group, Number(own), run, n, nameText({ own, run, n }))
      )
    ).map((row) => String(row.hash));
  }

  /** The names of all that a removal means: what stands in the chain, and what stands beside it under the same number. */
  #namesBeside(group: string, name: string): string[] {
    const { run, n } = readName(name);
    const rows = this.#tables.statement(
      `SELECT message.hash FROM messaging_group_chains AS chain
       CROSS JOIN messaging_group_messages AS message INDEXED BY messaging_group_numbers
         ON message.conversation = chain.conversation AND message.author = chain.author
         AND message.run = chain.run
       WHERE chain.chain = ? AND message.n = ? AND message.number IS NOT NULL`,
    ).all(chainNumber(run), n);
    const names = rows.flatMap(({ hash }) => this.nameOf(group, String(hash)) ?? []);
    return [...new Set([name, ...names])];
  }

  /**
   * Whether the text of a message may be gone: it has expired, or it was removed, or what it is about was. Without one of
   * these whoever passes it on has left the text out. One that is said to be of a later time has expired for whoever had
   * it first before it does here.
   */
  mayBeGone(message: GroupMessageRow): boolean {
    const { kind, expiresAt, sentAt, receivedAt } = message;
    if (kind === "other" || (expiresAt !== null && sentAt > receivedAt)) return true;
    return this.#erasedAtOnce(message, this.#namesOf(message).target) !== null;
  }

  /** How a message of a group stands in the boxes; `null` where it is not here. */
  nameOf(group: string, hash: string): string | null {
    const row = this.#tables.statement(
      "SELECT own, number FROM messaging_group_messages WHERE conversation = ? AND hash = ?",
    ).get(group, hash);
    if (row === undefined || row.number === null) return null;
    const own = Number(row.own) === 1;
    const stored = this.#tables.statement(`SELECT run, n FROM ${boxOf(own)} WHERE number = ?`)
      .get(Number(row.number));
    if (stored === undefined) return null;
    return nameText({ own, run: String(stored.run), n: Number(stored.n) });
  }

  /** The hash of the message that stands in a box under a name; `null` where it is none of this group's. */
  hashOf(group: string, name: string): string | null {
    const { own, run, n } = readName(name);
    const row = this.#tables.statement(
      `SELECT id FROM ${boxOf(own)} WHERE conversation = ? AND run = ? AND n = ?`,
    ).get(group, run, n);
    return row === undefined ? null : String(row.id);
  }

  #chainOf(of: ChainOf): string {
    const { group, author, run, fork = "" } = of;
    this.#tables.statement(
      `INSERT OR IGNORE INTO messaging_group_chains (conversation, author, run, fork)
       VALUES (?, ?, ?, ?)`,
    ).run(group, author, run, fork);
    return this.#knownChain(of)!;
  }

  /** The same where something was stored in it, or names it; `null` for any other. */
  #knownChain(of: ChainOf): string | null {
    const { group, author, run, fork = "" } = of;
    const row = this.#tables.statement(
      `SELECT chain FROM messaging_group_chains
       WHERE conversation = ? AND author = ? AND run = ? AND fork = ?`,
    ).get(group, author, run, fork);
    return row === undefined ? null : groupChain(Number(row.chain));
  }

  /** What a message names, as far as it is here; what an edit or a removal changes may come later. */
  #namesOf({ group, own, author, seen, replyTo, target, to }: GroupMessageRow): RowNames {
    const after = seen.flatMap((hash) => this.nameOf(group, hash) ?? []).join(" ");
    const reply = replyTo === null ? null : this.nameOf(group, replyTo);
    if (target === null) return { after, reply, target: to && this.nameOf(group, to) };
    const run = this.#knownChain({ group, author, run: target.run });
    return { after, reply, target: run && nameText({ own, run, n: target.n }) };
  }

  #insert(
    message: GroupMessageRow,
    { chain, names, place, erased }: {
      readonly chain: string;
      readonly names: RowNames;
      readonly place: number | null;
      readonly erased: Erased | null;
    },
  ): number {
    const sealed = erased === null ? message.sealed! : new Uint8Array();
    const common = [
      message.hash,
      sealed,
      message.sentAt,
      GROUP_FORM,
      message.group,
      place,
      message.kind,
      chain,
      message.n,
      names.after,
      names.reply,
      names.target,
      message.expiresAt,
      erased,
    ];
    const columns = "id, sealed, sent_at, form, conversation, place, kind, run, n, after, reply, " +
      "target, expires_at, erased";
    const more = message.own
      ? { columns: "peer, delivered", values: [message.group, DELIVERY.delivered] }
      : { columns: "peer, request, received_at", values: [message.author, 0, message.receivedAt] };
    const marks = [...common, ...more.values].map(() => "?").join(", ");
    if (!message.own) this.#freeId(message);
    const { lastInsertRowid } = this.#tables.statement(
      `INSERT INTO ${boxOf(message.own)} (${columns}, ${more.columns}) VALUES (${marks})`,
    ).run(...common, ...more.values);
    return Number(lastInsertRowid);
  }

  /** What its author sent this node under the hash of a message to come would keep that one out, and goes. */
  #freeId({ author, hash }: GroupMessageRow): void {
    const { changes } = this.#tables
      .statement("DELETE FROM messaging_inbox WHERE peer = ? AND id = ? AND form <> ?")
      .run(author, hash, GROUP_FORM);
    if (Number(changes) > 0) this.#timeline.forget();
  }

  /** What was removed, or has expired, before it came. */
  #erasedAtOnce(message: GroupMessageRow, target: string | null): Erased | null {
    const { group, own, author, run, n, kind, expiresAt, receivedAt } = message;
    if (expiresAt !== null && expiresAt <= receivedAt) return "expired";
    if (kind === "remove") return null;
    const chain = this.#knownChain({ group, author, run });
    if (chain !== null && this.#isRemoved(group, nameText({ own, run: chain, n }))) {
      return "removed";
    }
    if (kind === "text" || kind === "other" || target === null) return null;
    return this.#isRemoved(group, target) || this.isErased(group, target) ? "removed" : null;
  }

  /** Whether a removal of what stands under a name is here. */
  #isRemoved(group: string, name: string): boolean {
    return this.#tables.statement(
      `SELECT 1 FROM ${boxOf(readName(name).own)}
       WHERE conversation = ? AND target = ? AND kind = 'remove'`,
    ).get(group, name) !== undefined;
  }

  /** Whether what stands under a name has no text any more. */
  isErased(group: string, name: string): boolean {
    const { own, run, n } = readName(name);
    return this.#tables.statement(
      `SELECT 1 FROM ${boxOf(own)} WHERE conversation = ? AND run = ? AND n = ?
       AND erased IS NOT NULL`,
    ).get(group, run, n) !== undefined;
  }

  /** A removal takes away both of two messages under one number, and what was said about either. */
  #erase({ group }: GroupMessageRow, name: string): void {
    const conversation = conversationOf(group);
    for (const target of this.#namesBeside(group, name)) {
      eraseTarget(this.#tables, { conversation, target }, "removed");
    }
  }
}

/** Why a message has no text whose carrier had none. */
function leftOut({ sealed, expiresAt }: GroupMessageRow): Erased | null {
  if (sealed !== null) return null;
  return expiresAt === null ? "removed" : "expired";
}
