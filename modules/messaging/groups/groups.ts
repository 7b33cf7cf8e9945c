/**
 * The groups of this node: what was signed about each is stored, and counted anew when more of it comes.
 *
 * @module
 */
import { decodeUtf8, encodeUtf8 } from "../../../crypto/encoding.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import type { ModuleContext, ModuleSignatures, ModuleTables, NodeId } from "../../api.ts";
import { Chain } from "./core/chain.ts";
import type { LastOfRun } from "./core/fields.ts";
import { MAX_RUNS } from "./core/limits.ts";
import { type Membership, openMembership } from "./core/memberships.ts";
import { openStatement, type Statement } from "./core/statements.ts";
import { Group, type GroupFacts, type HeldNumber, type Stage } from "./group.ts";

/** Groups that are held in memory; those that were asked for last. */
const MAX_HELD = 256;
const SEALED_AT_ONCE = 32;
/** Groups of one peer that were declined, or that it took back, and that are remembered. */
const MAX_ENDED = 32;

interface GroupsParts extends Pick<ModuleContext, "clock" | "events" | "log" | "own" | "storage"> {
  readonly tables: ModuleTables;
  readonly signatures: ModuleSignatures;
}

/** What changed when something signed came. */
export interface Taken {
  readonly group: Group;
  /** Whether it is, or was, stored, or is too much of what others stand above; what waits for one before it is not. */
  readonly isStored: boolean;
  readonly isNew: boolean;
}

export class Groups {
  readonly #parts: GroupsParts;
  readonly #held = new Map<string, Promise<Group | null>>();

  constructor(parts: GroupsParts) {
    this.#parts = parts;
  }

  /** The ids of all groups. */
  ids(): string[] {
    return this.#parts.tables.statement("SELECT conversation FROM messaging_groups ORDER BY since")
      .all().map(({ conversation }) => String(conversation));
  }

  /** Whether there is such a group, without reading it. */
  has(id: string): boolean {
    return this.facts(id) !== null;
  }

  facts(id: string): GroupFacts | null {
    const row = this.#parts.tables
      .statement("SELECT * FROM messaging_groups WHERE conversation = ?").get(id);
    if (row === undefined) return null;
    return {
      stage: row.stage as Stage,
      inviter: row.inviter as NodeId,
      ofStranger: Number(row.of_stranger) === 1,
      introduces: Number(row.introduces) === 1,
      since: Number(row.since),
      decided: Number(row.decided),
    };
  }

  /** A group, as far as it is known here; `null` for another one. */
  find(id: string): Promise<Group | null> {
    const held = this.#held.get(id);
    if (held !== undefined) {
      this.#held.delete(id);
      this.#held.set(id, held);
      return held;
    }
    const loading = this.#load(id);
    this.#held.set(id, loading);
    if (this.#held.size > MAX_HELD) this.#held.delete(this.#held.keys().next().value!);
    loading.catch(() => this.#held.delete(id));
    return loading;
  }

  /** @throws {OpenRedError} `not_found`. */
  async need(id: string): Promise<Group> {
    const group = await this.find(id);
    if (group === null) throw new OpenRedError("not_found", "There is no such group");
    return group;
  }

  /** Every group, one after the other. */
  async *all(): AsyncGenerator<Group> {
    for (const id of this.ids()) {
      const group = await this.find(id);
      if (group !== null) yield group;
    }
  }

  /** Stores the first statement of a group that is not here. */
  async begin(first: Statement, facts: GroupFacts): Promise<Group> {
    const chain = Chain.begin(first);
    if (chain === null) throw new OpenRedError("bad_request", "This founds no group");
    const group = new Group({ chain, facts, memberships: [], held: [], heads: [] });
    const rows = await this.#sealed([{ kind: "statement", ...first }]);
    await this.#parts.tables.write(() => {
      this.#writeForgetEnded(facts.inviter);
      this.#writeFacts(group.id, facts);
      for (const row of rows) this.#writeSigned(group.id, row);
      this.#writePeople(group);
    });
    this.#held.set(group.id, Promise.resolve(group));
    return group;
  }

  /** @throws {OpenRedError} `bad_request` for a statement that may not stand where it says. */
  async takeStatement(group: Group, statement: Statement): Promise<Taken> {
    const before = knownOf(group.chain);
    const { outcome, proof } = group.chain.take(statement);
    if (outcome === "refused") {
      throw new OpenRedError("bad_request", "This statement may not stand in its group");
    }
    const news = [...group.chain.statements, ...group.chain.displaced()]
      .filter(({ hash }) => !before.has(hash));
    if (news.length === 0) return { group, isStored: outcome !== "waits", isNew: false };
    const forgotten = [...before].filter((hash) => !group.chain.has(hash));
    group.judgeAnew();
    await this.#storing(group, async () => {
      const rows = await this.#sealed(news.map((one) => ({ kind: "statement", ...one })));
      await this.#parts.tables.write(() => {
        for (const row of rows) this.#writeSigned(group.id, row);
        this.#writeForgotten(group.id, forgotten);
        this.#writePeople(group);
      });
    });
    if (proof !== null) this.#noteSplit(group);
    await this.noteOwnPlace(group);
    this.#parts.events.emit("group", { group: group.id });
    return { group, isStored: true, isNew: true };
  }

  /** One that matters no more is taken for stored; one of a place that is not here yet is not. */
  async takeMembership(group: Group, membership: Membership): Promise<Taken> {
    if (group.hasMembership(membership.hash)) return { group, isStored: true, isNew: false };
    if (!group.chain.has(membership.stm)) return { group, isStored: false, isNew: false };
    group.judgeAnew([membership]);
    if (!group.hasMembership(membership.hash)) return { group, isStored: true, isNew: false };
    await this.#storing(group, async () => {
      const rows = await this.#sealed([{ kind: "member", n: 0, ...membership }]);
      const counting = new Set(group.roster.counting().map(({ hash }) => hash));
      await this.#parts.tables.write(() => {
        this.#writeSigned(group.id, rows[0]!);
        this.#writeForget(group.id, counting);
        this.#writePeople(group);
      });
    });
    await this.noteOwnPlace(group);
    this.#parts.events.emit("group", { group: group.id });
    return { group, isStored: true, isNew: true };
  }

  async setFacts(group: Group, change: Partial<GroupFacts>): Promise<void> {
    const facts = { ...group.facts, ...change };
    await this.#parts.tables.write(() => this.#writeFacts(group.id, facts));
    group.facts = facts;
    this.#parts.events.emit("group", { group: group.id });
  }

  /** Forgets groups of which something came and that never came to add this node. */
  async forgetComing(beforeMs: number): Promise<void> {
    const { tables } = this.#parts;
    const rows = tables.statement(
      "SELECT conversation FROM messaging_groups WHERE stage = 'coming' AND since <= ?",
    ).all(beforeMs);
    if (rows.length === 0) return;
    await tables.write(() => {
      for (const { conversation } of rows) this.#writeForgetGroup(String(conversation));
    });
  }

  /** Inside a transaction: what a peer has brought that nobody here has accepted goes. */
  writeDrop(peer: NodeId): void {
    const rows = this.#parts.tables.statement(
      `SELECT conversation FROM messaging_groups
       WHERE inviter = ? AND stage IN ('coming', 'invited', 'declined')`,
    ).all(peer);
    for (const { conversation } of rows) this.#writeForgetGroup(String(conversation));
  }

  /** Inside a transaction: of what a peer has brought in vain the newest stay, and all in which something was written. */
  #writeForgetEnded(peer: NodeId): void {
    const rows = this.#parts.tables.statement(
      `SELECT conversation FROM messaging_groups AS its
       WHERE inviter = ? AND stage IN ('declined', 'removed') AND NOT EXISTS (
         SELECT 1 FROM messaging_group_messages AS message
         WHERE message.conversation = its.conversation)
       ORDER BY since DESC LIMIT -1 OFFSET ?`,
    ).all(peer, MAX_ENDED);
    for (const { conversation } of rows) this.#writeForgetGroup(String(conversation));
  }

  #writeForgetGroup(id: string): void {
    for (const table of ["groups", "group_statements", "group_people"]) {
      this.#parts.tables.statement(`DELETE FROM messaging_${table} WHERE conversation = ?`).run(id);
    }
    this.#held.delete(id);
  }

  /** The last message of each run of somebody, under all keys that spoke for them: what is held here. */
  lastsOf(group: Group, keys: readonly NodeId[]): LastOfRun[] {
    const marks = keys.map(() => "?").join(", ");
    return this.#parts.tables.statement(
      `SELECT run, n, hash FROM (
         SELECT run, MAX(n) AS n, hash, kept_at FROM messaging_group_messages
         WHERE conversation = ? AND author IN (${marks}) AND aside = 0 GROUP BY run)
       ORDER BY kept_at DESC LIMIT ?`,
    ).all(group.id, ...keys, MAX_RUNS)
      .map(({ run, n, hash }) => ({ run: String(run), n: Number(n), hash: String(hash) }));
  }

  /** Reads everything anew that could not be stored. */
  async #storing(group: Group, store: () => Promise<void>): Promise<void> {
    try {
      await store();
    } catch (error) {
      this.#held.delete(group.id);
      throw error;
    }
  }

  /** What the chain and the memberships say of this node. */
  async noteOwnPlace(group: Group): Promise<void> {
    const { own, clock, signatures } = this.#parts;
    const { stage, decided } = group.facts;
    const member = group.roster.find(own.id);
    const isIn = stage === "joined" || stage === "invited";
    // Who has just followed another identity has not said so in this group yet.
    if (member === null && signatures.ownSuccessions.length > 0) return;
    // Its own word counts that it is in: after a backup, and where what had removed it stands no more.
    if (stage !== "joined" && member?.state === "member") {
      await this.setFacts(group, { stage: "joined" });
    } else if (stage === "joined" && member?.state === "left") {
      await this.setFacts(group, { stage: "left" });
    } else if (isIn && (member === null || member.state === "removed")) {
      await this.setFacts(group, { stage: "removed" });
    } else if (stage !== "invited" && member?.state === "invited" && member.place.from > decided) {
      // One who was removed and is invited anew has agreed to the former place, not to this one.
      await this.setFacts(group, { stage: "invited", since: clock.nowMs() });
      this.#parts.events.emit("group_invitation", { group: group.id });
    }
  }

  #noteSplit(group: Group): void {
    group.isSplit = true;
    this.#parts.events.emit("group_split", { group: group.id });
    this.#parts.events.warn(
      `group_split ${group.id}`,
      `The owner of the group ${group.id} has signed two statements under one number: others may have seen another ` +
        "one, and nothing that the owner says of it is to be relied upon",
    );
  }

  async #load(id: string): Promise<Group | null> {
    const facts = this.facts(id);
    if (facts === null) return null;
    const { tables, signatures } = this.#parts;
    const texts = await this.#openSigned(id);
    const statements: Statement[] = [];
    const memberships: Membership[] = [];
    for (const { kind, text } of texts) {
      if (kind === "statement") statements.push(await openStatement(signatures, text));
      else memberships.push(await openMembership(signatures, text));
    }
    const first = statements.find(({ n }) => n === 0);
    const chain = first === undefined ? null : Chain.begin(first);
    if (chain === null) return null;
    const proofs = statements.filter(({ n }) => n > 0)
      .map((statement) => chain.take(statement).proof !== null);
    const held = tables.statement(
      `SELECT author, run, n, kept FROM messaging_group_messages
       WHERE conversation = ? AND aside = 0`,
    ).all(id).map((row): HeldNumber => ({
      author: row.author as NodeId,
      run: String(row.run),
      n: Number(row.n),
      isKept: Number(row.kept) === 1,
    }));
    const group = new Group({ chain, memberships, facts, held, heads: this.#headsOf(id) });
    if (proofs.includes(true)) this.#noteSplit(group);
    return group;
  }

  #headsOf(id: string) {
    return this.#parts.tables.statement(
      `SELECT author, run, n, hash, MAX(number) AS number FROM messaging_group_messages
       WHERE conversation = ? AND own = 0 AND aside = 0 GROUP BY author ORDER BY number`,
    ).all(id).map((row) => ({
      author: row.author as NodeId,
      run: String(row.run),
      n: Number(row.n),
      hash: String(row.hash),
    }));
  }

  async #openSigned(id: string): Promise<{ kind: string; text: string }[]> {
    const { tables, storage, events } = this.#parts;
    const rows = tables.statement(
      "SELECT kind, hash, sealed FROM messaging_group_statements WHERE conversation = ? ORDER BY n",
    ).all(id);
    const opened: { kind: string; text: string }[] = [];
    for (let at = 0; at < rows.length; at += SEALED_AT_ONCE) {
      const some = rows.slice(at, at + SEALED_AT_ONCE);
      const texts = await storage.open(some.map(({ hash, sealed }) => ({
        aad: aadOf(String(hash)),
        sealed: sealed as Uint8Array,
      })));
      for (const [index, { kind }] of some.entries()) {
        const text = texts[index];
        if (text == null) events.warn("damaged", "What was signed of a group was changed on disk");
        else opened.push({ kind: String(kind), text: decodeUtf8(text) });
      }
    }
    return opened;
  }

  /** Names of groups stand in statements: these are sealed as texts are. */
  async #sealed<T extends { readonly hash: string; readonly text: string }>(
    signed: readonly T[],
  ): Promise<(T & { readonly sealed: Uint8Array })[]> {
    const rows: (T & { readonly sealed: Uint8Array })[] = [];
    for (let at = 0; at < signed.length; at += SEALED_AT_ONCE) {
      const some = signed.slice(at, at + SEALED_AT_ONCE);
      const sealed = await this.#parts.storage.seal(
        some.map(({ hash, text }) => ({ aad: aadOf(hash), content: encodeUtf8(text) })),
      );
      rows.push(...some.map((row, index) => ({ ...row, sealed: sealed[index]! })));
    }
    return rows;
  }

  #writeFacts(id: string, facts: GroupFacts): void {
    this.#parts.tables.statement(
      `INSERT OR REPLACE INTO messaging_groups
         (conversation, stage, inviter, of_stranger, introduces, since, decided)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    ).run(
      id,
      facts.stage,
      facts.inviter,
      Number(facts.ofStranger),
      Number(facts.introduces),
      facts.since,
      facts.decided,
    );
  }

  /** Who is asked about while a frame waits to be let in. */
  #writePeople({ id, roster }: Group): void {
    const { tables } = this.#parts;
    tables.statement("DELETE FROM messaging_group_people WHERE conversation = ?").run(id);
    for (const person of roster.standing()) {
      if (person.state === "left") continue;
      tables.statement(
        "INSERT OR IGNORE INTO messaging_group_people (conversation, id) VALUES (?, ?)",
      ).run(id, person.id);
    }
  }

  #writeSigned(
    id: string,
    { hash, kind, n, sealed }: {
      readonly hash: string;
      readonly kind: string;
      readonly n: number;
      readonly sealed: Uint8Array;
    },
  ): void {
    this.#parts.tables.statement(
      `INSERT OR IGNORE INTO messaging_group_statements (conversation, hash, kind, n, sealed)
       VALUES (?, ?, ?, ?, ?)`,
    ).run(id, hash, kind, n, sealed);
  }

  /** Statements that others stand above, more than are kept. */
  #writeForgotten(id: string, hashes: readonly string[]): void {
    for (const hash of hashes) {
      this.#parts.tables.statement(
        "DELETE FROM messaging_group_statements WHERE conversation = ? AND hash = ?",
      ).run(id, hash);
    }
  }

  /** Memberships that others have followed. */
  #writeForget(id: string, counting: ReadonlySet<string>): void {
    this.#parts.tables.statement(
      `DELETE FROM messaging_group_statements WHERE conversation = ? AND kind = 'member'
       AND hash NOT IN (SELECT value FROM json_each(?))`,
    ).run(id, JSON.stringify([...counting]));
  }
}

function aadOf(hash: string): Uint8Array {
  return encodeUtf8(JSON.stringify(["group_statement", hash]));
}

function knownOf(chain: Chain): Set<string> {
  return new Set([...chain.statements, ...chain.displaced()].map(({ hash }) => hash));
}
