/**
 * What goes to the people of groups: what this node wrote to everybody, and what one asks for that others wrote.
 *
 * @module
 */
import { decodeBase64Url, encodeUtf8 } from "../../../crypto/encoding.ts";
import type { ModuleContext, ModuleTables, NodeId, OutgoingFrame, Sending } from "../../api.ts";
import { newFrameId } from "../frame_ids.ts";
import { boxOf, readRow } from "../rows.ts";
import { aadOfRow, openTexts, SALT_LENGTH } from "../sealed_texts.ts";
import { highest, type Ranges } from "./core/ranges.ts";
import {
  readSummary,
  readVector,
  type RunEntry,
  type Summary,
  writeSummary,
  writeVector,
} from "./core/vectors.ts";
import type { Group } from "./group.ts";
import type { Groups } from "./groups.ts";
import { Lane, type RunNumbers, type Said, type Signed, WINDOW } from "./lane.ts";

/** How long what came waits for more of it, before others are told. */
const SPREAD_MS = 2_000;
const MARK_MS = 100;

interface SendingParts extends
  Pick<
    ModuleContext,
    "clock" | "events" | "log" | "own" | "peers" | "random" | "send" | "storage"
  > {
  readonly tables: ModuleTables;
  readonly groups: Groups;
}

/** A message as it goes. */
interface Going extends RunNumbers {
  readonly hash: string;
  readonly n: number;
  readonly frame: Omit<OutgoingFrame, "peer">;
}

export class GroupSending {
  readonly #parts: SendingParts;
  readonly #lanes = new Map<string, Lane>();
  /** Lanes whose peer has acknowledged own messages since that was written down. */
  readonly #unmarked = new Set<Lane>();
  readonly #spreading = new Map<string, () => void>();
  /** Who waits to hear that a message is with everybody, by its hash. */
  readonly #delivered = new Map<string, (rttMs: number) => void>();
  #cancelMark: (() => void) | null = null;
  #isStopped = false;

  constructor(parts: SendingParts) {
    this.#parts = parts;
  }

  /** Begins to send what an earlier run left. */
  async start(): Promise<void> {
    for await (const group of this.#parts.groups.all()) await this.toAll(group);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const cancel of this.#spreading.values()) cancel();
    for (const lane of this.#lanes.values()) lane.end();
    await this.#mark();
  }

  /** Sends what each lacks of this node's own, and to those who are invited what an invitation is. */
  async toAll(group: Group): Promise<void> {
    for (const { id, state } of group.roster.standing()) {
      if (!await this.#reaches(group, id)) continue;
      const lane = this.#laneOf(group, id);
      if (state === "invited" && this.#isOwner(group)) this.#enqueueAll(group, lane);
      this.#pump(lane);
    }
  }

  /** Who is in a group has changed: nothing more is written to whoever is out, or by this node if it is. */
  withdraw(group: Group): void {
    const isIn = group.isIn(this.#parts.own.id);
    for (const lane of this.#lanes.values()) {
      if (lane.group !== group.id) continue;
      if (!isIn || !group.roster.isMember(lane.peer)) lane.withdraw();
    }
  }

  /** Sends what was just signed to everybody, those included who are no members yet or any more. */
  async push(group: Group, signed: Signed, also: readonly NodeId[] = []): Promise<void> {
    const people = new Set([...group.roster.standing().map(({ id }) => id), ...also]);
    for (const id of people) {
      if (!await this.#reaches(group, id)) continue;
      const state = group.roster.find(id)?.state;
      if (state === "left") continue;
      // Whoever is out lacks what was stated since: the last of it alone would wait for that for good.
      if (state === "removed") {
        this.#tellRemoved(group, id);
        continue;
      }
      const lane = this.#laneOf(group, id);
      // Who is invited has nothing of the group so far, and hears of it by its owner.
      if (state !== "invited") this.#enqueue(lane, signed);
      else if (this.#isOwner(group)) this.#enqueueAll(group, lane);
      this.#pump(lane);
    }
  }

  /** Resolves once everybody has a message. */
  wrote(group: Group, hash: string): Promise<number> {
    const delivered = new Promise<number>((resolve) => this.#delivered.set(hash, resolve));
    this.#noteEverybody(group, 0);
    this.toAll(group).catch((error: unknown) => this.#failed(error));
    return delivered;
  }

  /** A session with somebody counts from now on. */
  async confirmed(peer: NodeId): Promise<void> {
    for await (const group of this.#parts.groups.all()) {
      if (group.roster.find(peer)?.state === "removed") this.#tellRemoved(group, peer);
      if (!this.#speaksWith(group, peer)) continue;
      const lane = this.#laneOf(group, peer);
      lane.begin();
      lane.hasProven = false;
      const isInvited = group.roster.find(peer)?.state === "invited";
      if (isInvited && this.#isOwner(group)) this.#enqueueAll(group, lane);
      // Whoever is invited may have come in, and take others who have for invited in turn.
      else this.#say(group, lane, "group_summary");
      if (!isInvited) this.#say(group, lane, "group_vector");
      this.#pump(lane);
    }
  }

  /** Something of a group has changed that others may lack: whoever is there is told, after a while. */
  spread(group: Group): void {
    if (this.#isStopped || this.#spreading.has(group.id)) return;
    const cancel = this.#parts.clock.setTimer(SPREAD_MS, () => {
      this.#spreading.delete(group.id);
      this.#spread(group.id).catch((error: unknown) => this.#failed(error));
    });
    this.#spreading.set(group.id, cancel);
  }

  /** Somebody brought a message: they have it. */
  cameFrom(group: Group, peer: NodeId, of: { id: NodeId; run: string; n: number }): void {
    this.#lanes.get(keyOf(group.id, peer))?.add(of.id, of.run, of.n);
  }

  /** Of two messages under one number everybody is given both: they prove what their author did. */
  offerRivals(group: Group, hashes: readonly string[]): void {
    for (const { id } of group.roster.members()) {
      if (!this.#speaksWith(group, id)) continue;
      const lane = this.#laneOf(group, id);
      for (const hash of hashes) if (lane.rivals.size < WINDOW) lane.rivals.add(hash);
      this.#pump(lane);
    }
  }

  /** A peer says which statements and memberships it has. @throws {OpenRedError} `bad_request`, `too_large`. */
  takeSummary(group: Group, peer: NodeId, body: Uint8Array): void {
    const summary = readSummary(body);
    const lane = this.#laneOf(group, peer);
    const members = new Set(summary.members);
    lane.forgive();
    const lacking: Signed[] = [
      ...group.chain.lacking(summary.heads, summary.displaced)
        .map((statement) => ({ ...statement, type: "group_statement" as const })),
      ...group.roster.counting().filter(({ hash }) => !members.has(hash))
        .map((membership) => ({ ...membership, type: "group_member" as const })),
    ];
    for (const hash of hashesOf(group)) lane.given.add(hash);
    for (const signed of lacking) {
      lane.given.delete(signed.hash);
      this.#enqueue(lane, signed);
    }
    this.#pump(lane);
    if (hasMore(group, summary)) this.#say(group, lane, "group_summary");
  }

  /** A member says which messages it has. @throws {OpenRedError} `bad_request`, `too_large`. */
  takeVector(group: Group, peer: NodeId, body: Uint8Array): void {
    const theirs = readVector(body);
    const lane = this.#laneOf(group, peer);
    const own = this.#toldVector(group);
    lane.take(theirs, own, ({ id, run }, n) => this.#hashesUnder(group, { id, run, n }));
    this.#markIn(lane);
    this.#noteEverybody(group, 0);
    this.#pump(lane);
    if (this.#wants(group, theirs, own)) this.#say(group, lane, "group_vector");
  }

  /** Asks every member who is there for what is not here. */
  async askAll(group: Group): Promise<void> {
    for (const { id } of group.roster.members()) {
      const { connected } = await this.#parts.peers.get(id);
      if (connected) this.#say(group, this.#laneOf(group, id), "group_vector");
    }
  }

  /** What is missing here may be with whoever brought something that builds on it. */
  ask(group: Group, peer: NodeId): void {
    this.#say(group, this.#laneOf(group, peer), "group_summary");
  }

  /** Whether somebody has an own message, by their own word; and whether it left for them. */
  stateOf(
    group: string,
    member: NodeId,
    { hash, run, n }: { readonly hash: string; readonly run: string; readonly n: number },
  ): "waiting" | "left" | "delivered" {
    const lane = this.#lane(group, member);
    if (lane.has(this.#parts.own.id, run, n)) return "delivered";
    return lane.underWay.has(frameIdOf(hash, member)) ? "left" : "waiting";
  }

  /** Which numbers of an own run somebody has, by their own word. */
  heldBy(group: string, member: NodeId, run: string): Ranges {
    return this.#lane(group, member).heldOf(this.#parts.own.id).get(run) ?? [];
  }

  /** Inside a transaction: nothing goes to this id any more. */
  writeDrop(peer: NodeId): void {
    for (const [key, lane] of this.#lanes) {
      if (lane.peer !== peer) continue;
      lane.end();
      this.#unmarked.delete(lane);
      this.#lanes.delete(key);
    }
  }

  #lane(group: string, peer: NodeId): Lane {
    const key = keyOf(group, peer);
    const known = this.#lanes.get(key);
    if (known !== undefined) return known;
    const lane = new Lane(group, peer);
    const row = this.#parts.tables.statement(
      "SELECT held FROM messaging_group_vectors WHERE conversation = ? AND member = ?",
    ).get(group, peer);
    const held: [string, Ranges][] = row === undefined ? [] : JSON.parse(String(row.held));
    lane.addAll(held.map(([run, held]) => ({ id: this.#parts.own.id, run, held, never: [] })));
    this.#lanes.set(key, lane);
    return lane;
  }

  #laneOf(group: Group, peer: NodeId): Lane {
    return this.#lane(group.id, peer);
  }

  /** Whether this node has to do with somebody in a group at all. */
  #speaksWith(group: Group, peer: NodeId): boolean {
    const { own, tables } = this.#parts;
    if (peer === own.id || tables.peers.isBlocked(peer) || !group.isIn(own.id)) return false;
    const state = group.roster.find(peer)?.state;
    return state === "member" || state === "invited";
  }

  /** Whether something is sent to somebody now: nobody is looked for whom the owner does not know. */
  async #reaches(group: Group, peer: NodeId): Promise<boolean> {
    const { own, tables, peers } = this.#parts;
    if (peer === own.id || tables.peers.isBlocked(peer)) return false;
    const { known, connected } = await peers.get(peer);
    const isMet = known || tables.peers.standing(peer, "message") === "allowed";
    return isMet || connected || group.facts.introduces;
  }

  #isOwner(group: Group): boolean {
    return group.chain.owner.id === this.#parts.own.id;
  }

  #vectorOf(group: Group): RunEntry[] {
    return group.vector((id) => this.#parts.tables.peers.isBlocked(id));
  }

  /** With what shows whether others have other messages under the same numbers. */
  #toldVector(group: Group): RunEntry[] {
    const forks = this.#parts.tables.statement(
      `SELECT message.author, message.run, message.n FROM messaging_group_chains AS chain
       JOIN messaging_group_messages AS message
         ON message.conversation = chain.conversation AND message.hash = chain.fork
       WHERE chain.conversation = ? AND chain.fork <> ''`,
    ).all(group.id);
    return this.#vectorOf(group).map((entry) => {
      const { id, run, held } = entry;
      const twice = forks.filter((fork) => fork.author === id && fork.run === run)
        .map(({ n }) => Number(n));
      const [top] = held.length === 0
        ? []
        : this.#hashesUnder(group, { id, run, n: highest(held) });
      return { ...entry, ...(top === undefined ? {} : { top }), twice: [...new Set(twice)] };
    });
  }

  /** The messages that are here under one number, the smaller hash first. */
  #hashesUnder(group: Group, { id, run, n }: { id: NodeId; run: string; n: number }): string[] {
    return this.#parts.tables.statement(
      `SELECT hash FROM messaging_group_messages
       WHERE conversation = ? AND author = ? AND run = ? AND n = ? AND aside = 0 ORDER BY hash`,
    ).all(group.id, id, run, n).map(({ hash }) => String(hash));
  }

  /** Whether a peer has messages that this node lacks and takes. */
  #wants(group: Group, theirs: readonly RunEntry[], own: readonly RunEntry[]): boolean {
    const { own: self } = this.#parts;
    const mine = new Lane(group.id, self.id);
    mine.addAll(own);
    return mine.lacks(theirs).some(({ id }) => group.roster.find(id) !== null);
  }

  async #spread(id: string): Promise<void> {
    const { own, peers, groups } = this.#parts;
    const group = await groups.find(id);
    if (group === null || !group.isIn(own.id)) return;
    const others = this.#vectorOf(group).filter((entry) => entry.id !== own.id);
    for (const { id: peer, state } of group.roster.standing()) {
      if (!this.#speaksWith(group, peer) || !(await peers.get(peer)).connected) continue;
      const lane = this.#laneOf(group, peer);
      if (state === "member" && lane.lacks(others).length > 0) {
        this.#say(group, lane, "group_vector");
      }
      if (this.#lacksSigned(group, lane)) this.#say(group, lane, "group_summary");
    }
  }

  /** Who was away when they were removed hears of it from whomever they meet. */
  #tellRemoved(group: Group, peer: NodeId): void {
    const { own, tables } = this.#parts;
    const until = group.roster.find(peer)?.place.until ?? null;
    if (until === null || !group.isIn(own.id) || tables.peers.isBlocked(peer)) return;
    const lane = this.#laneOf(group, peer);
    lane.begin();
    for (const statement of group.chain.statements.slice(1, until + 1)) {
      this.#enqueue(lane, { type: "group_statement", ...statement });
    }
    this.#pump(lane);
  }

  #lacksSigned(group: Group, lane: Lane): boolean {
    return [...group.chain.statements, ...group.roster.counting()]
      .some(({ hash }) => !lane.given.has(hash) && !lane.told.has(hash));
  }

  #enqueueAll(group: Group, lane: Lane): void {
    for (const statement of group.chain.statements) {
      this.#enqueue(lane, { type: "group_statement", ...statement });
    }
    for (const membership of group.roster.counting()) {
      this.#enqueue(lane, { type: "group_member", ...membership });
    }
  }

  #enqueue(lane: Lane, { type, hash, text, n }: Signed): void {
    if (lane.given.has(hash)) return;
    lane.signed.set(hash, { type, hash, text, ...(n === undefined ? {} : { n }) });
  }

  /** Tells what is here; of several only the newest goes. */
  #say(group: Group, lane: Lane, what: Said): void {
    const { clock, random, send } = this.#parts;
    if (lane.delayed.has(what) || this.#isStopped) return;
    const delayMs = lane.delayOf(what, clock.monotonicMs());
    if (delayMs > 0) {
      lane.delayed.set(
        what,
        clock.setTimer(delayMs, () => {
          lane.delayed.delete(what);
          this.#say(group, lane, what);
        }),
      );
      return;
    }
    if (!this.#speaksWith(group, lane.peer)) return;
    lane.saidMs.set(what, clock.monotonicMs());
    lane.saying.get(what)?.cancel();
    const body = what === "group_summary"
      ? writeSummary(group.summary())
      : writeVector(this.#toldVector(group));
    const id = newFrameId(random);
    const sending = send({ peer: lane.peer, type: what, id, header: { group: group.id }, body });
    lane.saying.set(what, sending);
    const told = what === "group_summary" ? hashesOf(group) : [];
    void sending.acknowledged.then((rttMs) => {
      if (lane.saying.get(what) === sending) lane.saying.delete(what);
      // A member who lacks some of it answers, and is given it.
      if (rttMs !== null) { for (const hash of told) lane.told.add(hash); }
      else if (sending.refused && what === "group_summary") this.#prove(group, lane);
    });
  }

  /** Somebody does not know that this node is in the group: the statements show it, whoever brings them. */
  #prove(group: Group, lane: Lane): void {
    if (lane.hasProven || group.roster.find(lane.peer)?.state !== "member") return;
    lane.hasProven = true;
    lane.begin();
    for (const statement of group.chain.statements.slice(1)) {
      lane.given.delete(statement.hash);
      this.#enqueue(lane, { type: "group_statement", ...statement });
    }
    this.#pump(lane);
  }

  #pump(lane: Lane): void {
    if (lane.isPumping) {
      lane.isAskedAgain = true;
      return;
    }
    lane.isPumping = true;
    this.#fill(lane).catch((error: unknown) => this.#failed(error)).finally(() => {
      lane.isPumping = false;
      const isAskedAgain = lane.isAskedAgain;
      lane.isAskedAgain = false;
      if (isAskedAgain) this.#pump(lane);
    });
  }

  async #fill(lane: Lane): Promise<void> {
    const { groups, own } = this.#parts;
    if (this.#isStopped || lane.isRefusing) return;
    for (const { type, hash, text, n } of [...lane.signed.values()]) {
      if (lane.underWay.size >= WINDOW) return;
      const id = frameIdOf(hash, lane.peer);
      this.#go(lane, { type, id, header: { group: lane.group }, body: encodeUtf8(text) }, () => {
        lane.signed.delete(hash);
        lane.given.add(hash);
      });
      if (n === 0) return;
    }
    const group = await groups.find(lane.group);
    if (group === null || !group.isIn(own.id) || !group.roster.isMember(lane.peer)) return;
    // Reading for each acknowledgement would cost more than what it sends.
    if (lane.underWay.size > WINDOW / 2) return;
    for (const going of await this.#next(group, lane)) {
      const { hash, id, run, n, frame } = going;
      lane.messages.add(frame.id!);
      this.#go(lane, frame, (rttMs) => this.#taken(group, lane, { hash, id, run, n, rttMs }));
    }
  }

  #go(
    lane: Lane,
    frame: Omit<OutgoingFrame, "peer"> & { readonly id?: string },
    done: (rttMs: number) => void,
  ): void {
    const id = frame.id!;
    if (lane.underWay.has(id) || lane.isRefused(id) || lane.isRefusing) return;
    if (this.#lanes.get(keyOf(lane.group, lane.peer)) !== lane) return;
    const sending: Sending = this.#parts.send({ ...frame, peer: lane.peer });
    lane.underWay.set(id, sending);
    void sending.acknowledged.then((rttMs) => {
      lane.underWay.delete(id);
      lane.messages.delete(id);
      if (rttMs === null) {
        if (sending.refused) lane.refuse(id);
        return;
      }
      done(rttMs);
      this.#pump(lane);
    });
  }

  #taken(
    group: Group,
    lane: Lane,
    of: { hash: string; id: NodeId; run: string; n: number; rttMs: number },
  ): void {
    lane.add(of.id, of.run, of.n);
    lane.settle({ id: of.id, run: of.run, numbers: [[of.n, of.n]] });
    if (of.id !== this.#parts.own.id) return;
    this.#markIn(lane);
    const { hash: id, rttMs } = of;
    this.#parts.events.emit("delivered", { id, peer: lane.peer, group: group.id, rtt_ms: rttMs });
    this.#noteEverybody(group, rttMs);
  }

  /** Whoever waits for a message to be with everybody hears of it. */
  #noteEverybody(group: Group, rttMs: number): void {
    const { own, tables } = this.#parts;
    for (const [hash, resolve] of this.#delivered) {
      const row = tables.statement(
        "SELECT run, n, stm FROM messaging_group_messages WHERE conversation = ? AND hash = ?",
      ).get(group.id, hash);
      if (row === undefined) continue;
      const waits = group.roster.members().some(({ id }) =>
        id !== own.id && group.roster.mayHave(id, String(row.stm)) &&
        !this.#laneOf(group, id).has(own.id, String(row.run), Number(row.n))
      );
      if (waits) continue;
      this.#delivered.delete(hash);
      resolve(rttMs);
    }
  }

  /** The next messages that a member lacks and may have, as far as there is room for more under way. */
  async #next(group: Group, lane: Lane): Promise<Going[]> {
    const { own, tables, storage } = this.#parts;
    const rows: ReturnType<typeof readMessage>[] = [];
    for (const { id, run, numbers } of lane.next(this.#vectorOf(group), own.id)) {
      for (const [from, to] of numbers) {
        const room = WINDOW - lane.underWay.size - rows.length;
        if (room <= 0) break;
        const some = tables.statement(
          `SELECT * FROM messaging_group_messages WHERE conversation = ? AND author = ? AND run = ?
           AND n BETWEEN ? AND ? AND number IS NOT NULL ORDER BY n LIMIT ?`,
        ).all(group.id, id, run, from, to, WINDOW + room).map(readMessage);
        for (const row of some) {
          const frameId = frameIdOf(row.hash, lane.peer);
          if (lane.underWay.has(frameId) || lane.isRefused(frameId)) continue;
          if (group.roster.mayHave(lane.peer, row.stm)) rows.push(row);
          else lane.settle({ id, run, numbers: [[row.n, row.n]] });
          if (rows.length + lane.underWay.size >= WINDOW) break;
        }
      }
    }
    rows.push(...this.#rivalsFor(group, lane, WINDOW - lane.underWay.size - rows.length));
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
      const numbers: Ranges = [[row.n, row.n]];
      // A text that was changed on disk is nothing to pass on.
      if (box.erased === null && text === null) {
        lane.settle({ id: row.author, run: row.run, numbers });
        return [];
      }
      const { author: id, run, n, hash } = row;
      return [{ id, run, n, hash, numbers, frame: frameOf(group.id, lane.peer, { ...row, text }) }];
    });
  }

  #rivalsFor(group: Group, lane: Lane, room: number): ReturnType<typeof readMessage>[] {
    const hashes = [...lane.rivals].slice(0, Math.max(0, room));
    for (const hash of hashes) lane.rivals.delete(hash);
    return hashes.flatMap((hash) =>
      this.#parts.tables.statement(
        `SELECT * FROM messaging_group_messages
         WHERE conversation = ? AND hash = ? AND number IS NOT NULL`,
      ).all(group.id, hash).map(readMessage)
    ).filter(({ stm }) => group.roster.mayHave(lane.peer, stm));
  }

  #markIn(lane: Lane): void {
    this.#unmarked.add(lane);
    if (this.#isStopped) return;
    this.#cancelMark ??= this.#parts.clock.setTimer(MARK_MS, () => void this.#mark());
  }

  /** Writes down what others have of this node's own. */
  async #mark(): Promise<void> {
    const { tables, own } = this.#parts;
    this.#cancelMark?.();
    this.#cancelMark = null;
    const lanes = [...this.#unmarked];
    if (lanes.length === 0) return;
    this.#unmarked.clear();
    try {
      await tables.write(() => {
        for (const lane of lanes) {
          tables.statement(
            `INSERT INTO messaging_group_vectors (conversation, member, held) VALUES (?, ?, ?)
             ON CONFLICT (conversation, member) DO UPDATE SET held = excluded.held`,
          ).run(lane.group, lane.peer, JSON.stringify([...lane.heldOf(own.id)]));
        }
      });
    } catch (error) {
      this.#failed(error);
      for (const lane of lanes) this.#unmarked.add(lane);
    }
  }

  #failed(error: unknown): void {
    this.#parts.log.log("error", "group_sending_failed", { text: String(error) });
  }
}

function keyOf(group: string, peer: NodeId): string {
  return `${group} ${peer}`;
}

/** The same whenever it goes to the same peer. */
export function frameIdOf(hash: string, peer: NodeId): string {
  return `${hash.slice(0, 32)}${peer.slice(0, 32)}`;
}

function hashesOf(group: Group): string[] {
  return [...group.chain.statements, ...group.roster.counting()].map(({ hash }) => hash);
}

/** Whether a peer has statements or memberships that are not here. */
function hasMore(group: Group, { heads, displaced, members }: Summary): boolean {
  const named = [...heads.map(({ hash }) => hash), ...displaced];
  return named.some((hash) => !group.chain.has(hash)) ||
    members.some((hash) => !group.hasMembership(hash));
}

type MessageColumns = NonNullable<
  ReturnType<ReturnType<ModuleTables["statement"]>["get"]>
>;

function readMessage(row: MessageColumns) {
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
): Omit<OutgoingFrame, "peer"> {
  const id = frameIdOf(hash, peer);
  const header = { group, message: shell };
  if (text === null) return { type: "group_message", id, header };
  const salt = text.slice(0, SALT_LENGTH);
  if (decodeBase64Url(salt) === null) throw new RangeError("A stored text has no salt");
  const body = encodeUtf8(text.slice(SALT_LENGTH));
  return { type: "group_message", id, header: { ...header, salt }, body };
}
