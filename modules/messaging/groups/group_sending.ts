/**
 * What goes to the people of groups: what this node wrote to everybody, and what one asks for that others wrote.
 *
 * @module
 */
import { encodeUtf8 } from "../../../crypto/encoding.ts";
import type {
  ModuleContext,
  ModuleSignatures,
  ModuleTables,
  NodeId,
  OutgoingFrame,
} from "../../api.ts";
import { newFrameId } from "../frame_ids.ts";
import type { InboxShares } from "../inbox_shares.ts";
import type { GroupMessage } from "./core/messages.ts";
import { readSummary, readVector, writeSummary, writeVector } from "./core/vectors.ts";
import { Deliveries } from "./deliveries.ts";
import { frameIdOf, type Going, GoingMessages } from "./going_messages.ts";
import type { Group } from "./group.ts";
import { GroupLanes } from "./group_lanes.ts";
import { GroupVectors, hasForUs, isBlocked, type MessageNumber } from "./group_vectors.ts";
import type { Groups } from "./groups.ts";
import { type Lane, type Said, type Signed, WINDOW } from "./lane.ts";
import {
  enqueue,
  enqueueAll,
  enqueueLacking,
  enqueueStatements,
  hashesOf,
  hasMore,
  lacksSigned,
} from "./signed_texts.ts";

/** How long what came waits for more of it, before others are told. */
const SPREAD_MS = 2_000;

interface SendingParts extends
  Pick<
    ModuleContext,
    "clock" | "events" | "log" | "own" | "peers" | "random" | "send" | "storage"
  > {
  readonly tables: ModuleTables;
  readonly groups: Groups;
  readonly shares: InboxShares;
  readonly signatures: Pick<ModuleSignatures, "ownSuccessions">;
}

/** What a message builds on. */
type Builds = Pick<GroupMessage, "iss" | "after" | "replyTo" | "to">;

export class GroupSending {
  readonly lanes: GroupLanes;
  readonly #parts: SendingParts;
  readonly #vectors: GroupVectors;
  readonly #going: GoingMessages;
  readonly #deliveries: Deliveries;
  readonly #spreading = new Map<string, () => void>();
  #isStopped = false;

  constructor(parts: SendingParts) {
    this.#parts = parts;
    this.lanes = new GroupLanes(parts, (lane) => this.#fill(lane));
    this.#vectors = new GroupVectors(parts);
    this.#going = new GoingMessages({ ...parts, vectors: this.#vectors });
    this.#deliveries = new Deliveries({ ...parts, lanes: this.lanes });
  }

  /** Begins to send what an earlier run left. */
  async start(): Promise<void> {
    for await (const group of this.#parts.groups.all()) await this.toAll(group);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const cancel of this.#spreading.values()) cancel();
    await this.lanes.stop();
  }

  /** Sends what each lacks of this node's own, and to those who are invited what an invitation is. */
  async toAll(group: Group): Promise<void> {
    for (const { id, state } of group.roster.standing()) {
      if (!await this.#reaches(group, id)) continue;
      const lane = this.lanes.get(group.id, id);
      if (state === "invited" && this.#isOwner(group)) enqueueAll(group, lane);
      this.#pump(lane);
    }
  }

  /**
   * Who is in a group has changed: nothing more is written to whoever is out, or by this node if it is, and what counts no
   * more goes to nobody.
   */
  withdraw(group: Group): void {
    const isIn = group.isIn(this.#parts.own.id);
    for (const lane of this.lanes.ofGroup(group.id)) {
      if (!isIn || !group.roster.isMember(lane.peer)) lane.withdraw();
      else this.#withdrawGone(group, lane);
    }
  }

  #withdrawGone({ id }: Group, lane: Lane): void {
    if (lane.messages.size === 0) return;
    const hashes = [...lane.messages.values()].map(({ hash }) => hash);
    const counting = new Set(
      this.#parts.tables.statement(
        `SELECT hash FROM messaging_group_messages WHERE conversation = ?
         AND number IS NOT NULL AND hash IN (SELECT value FROM json_each(?))`,
      ).all(id, JSON.stringify(hashes)).map(({ hash }) => String(hash)),
    );
    lane.withdrawMessages(({ hash }) => !counting.has(hash));
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
      const lane = this.lanes.get(group.id, id);
      // Who is invited has nothing of the group so far, and hears of it by its owner.
      if (state !== "invited") enqueue(lane, signed);
      else if (this.#isOwner(group)) enqueueAll(group, lane);
      this.#pump(lane);
    }
  }

  /** Resolves once everybody has a message. */
  wrote(group: Group, hash: string): Promise<number> {
    const delivered = this.#deliveries.wait(group, hash);
    this.toAll(group).catch((error: unknown) => this.#failed(error));
    return delivered;
  }

  /** A session with somebody counts from now on. */
  async confirmed(peer: NodeId): Promise<void> {
    for await (const group of this.#parts.groups.all()) {
      const known = this.lanes.find(group.id, peer);
      if (known !== undefined) known.hasProven = false;
      if (group.roster.find(peer)?.state === "removed") this.#tellRemoved(group, peer);
      if (!this.#speaksWith(group, peer)) continue;
      const lane = this.lanes.get(group.id, peer);
      lane.begin();
      const isInvited = group.roster.find(peer)?.state === "invited";
      const isInvitation = isInvited && this.#isOwner(group);
      // What was given may be gone with a backup, and whoever is invited may have come in.
      if (!isInvitation || lane.given.size > 0) this.#say(group, lane, "group_summary");
      if (isInvitation) enqueueAll(group, lane);
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
  cameFrom(group: Group, peer: NodeId, { id, run, n }: MessageNumber): void {
    this.lanes.find(group.id, peer)?.add(id, run, n);
  }

  /** What somebody wrote names own messages that they have: that is their own word, whoever brought it. */
  heardOf(group: Group, { iss, after, replyTo, to }: Builds): void {
    if (!group.roster.isMember(iss)) return;
    const { own, tables } = this.#parts;
    const lane = this.lanes.get(group.id, iss);
    for (const hash of [...after, replyTo, to]) {
      if (hash === null) continue;
      const row = tables.statement(
        `SELECT run, n FROM messaging_group_messages
         WHERE conversation = ? AND hash = ? AND own = 1 AND number IS NOT NULL`,
      ).get(group.id, hash);
      if (row === undefined) continue;
      const number = { run: String(row.run), n: Number(row.n) };
      if (lane.has(own.id, number.run, number.n)) continue;
      lane.add(own.id, number.run, number.n);
      this.lanes.markIn(lane);
      this.#deliveries.note(group, number, 0);
    }
  }

  /** Of two messages under one number everybody is given both: they prove what their author did. */
  offerRivals(group: Group, hashes: readonly string[]): void {
    for (const { id } of group.roster.members()) {
      if (!this.#speaksWith(group, id)) continue;
      const lane = this.lanes.get(group.id, id);
      for (const hash of hashes) if (lane.rivals.size < WINDOW) lane.rivals.add(hash);
      this.#pump(lane);
    }
  }

  /** A peer says which statements and memberships it has. @throws {OpenRedError} `bad_request`, `too_large`. */
  takeSummary(group: Group, peer: NodeId, body: Uint8Array): void {
    const summary = readSummary(body);
    const lane = this.lanes.get(group.id, peer);
    lane.forgive();
    enqueueLacking(group, lane, summary);
    this.#pump(lane);
    if (hasMore(group, summary)) this.#say(group, lane, "group_summary");
  }

  /** A member says which messages it has. @throws {OpenRedError} `bad_request`, `too_large`. */
  takeVector(group: Group, peer: NodeId, body: Uint8Array): void {
    const theirs = readVector(body);
    const lane = this.lanes.get(group.id, peer);
    const own = this.#vectors.told(group, peer);
    lane.take(theirs, own, ({ id, run }, n) => this.#vectors.hashesUnder(group, { id, run, n }));
    this.lanes.markIn(lane);
    this.#deliveries.noteAll(group);
    this.#pump(lane);
    if (hasForUs(group, theirs, own)) this.#say(group, lane, "group_vector");
  }

  /** Asks every member who is there for what is not here. */
  async askAll(group: Group): Promise<void> {
    for (const { id } of group.roster.members()) {
      const { connected } = await this.#parts.peers.get(id);
      if (connected) this.#say(group, this.lanes.get(group.id, id), "group_vector");
    }
  }

  /** Tells somebody what is here, and what is not taken now. */
  tellHeld(group: Group, peer: NodeId): void {
    this.#say(group, this.lanes.get(group.id, peer), "group_vector");
  }

  /** What is missing here may be with whoever brought something that builds on it. */
  ask(group: Group, peer: NodeId): void {
    this.#say(group, this.lanes.get(group.id, peer), "group_summary");
  }

  /** Whether this node has to do with somebody in a group at all. */
  #speaksWith(group: Group, peer: NodeId): boolean {
    return group.isIn(this.#parts.own.id) && this.#answers(group, peer);
  }

  /**
   * Whether somebody who speaks of a group may be asked for what is signed of it, though this node be out: it may lack
   * its own word that it is in, and theirs, said after the backup that it was set back to.
   */
  #answers(group: Group, peer: NodeId): boolean {
    const { own, tables } = this.#parts;
    if (peer === own.id || isBlocked(tables, group, peer)) return false;
    const state = group.roster.find(peer)?.state;
    return state === "member" || state === "invited";
  }

  /** Whether something is sent to somebody now: nobody is looked for whom the owner does not know. */
  async #reaches(group: Group, peer: NodeId): Promise<boolean> {
    const { own, tables, peers } = this.#parts;
    if (peer === own.id || isBlocked(tables, group, peer)) return false;
    const { known, connected } = await peers.get(peer);
    const isMet = known || tables.peers.standing(peer, "message") === "allowed";
    return isMet || connected || group.facts.introduces;
  }

  #isOwner(group: Group): boolean {
    return group.chain.owner.id === this.#parts.own.id;
  }

  async #spread(id: string): Promise<void> {
    const { own, peers, groups } = this.#parts;
    const group = await groups.find(id);
    if (group === null || !group.isIn(own.id)) return;
    const others = this.#vectors.of(group).filter((entry) => entry.id !== own.id);
    for (const { id: peer, state } of group.roster.standing()) {
      if (!this.#speaksWith(group, peer) || !(await peers.get(peer)).connected) continue;
      const lane = this.lanes.get(group.id, peer);
      if (state === "member" && lane.lacks(others).length > 0) {
        this.#say(group, lane, "group_vector");
      }
      if (lacksSigned(group, lane)) this.#say(group, lane, "group_summary");
    }
  }

  /** Somebody speaks of a group that they are out of, or in which they are by another story: they hear it once a session. */
  tellOut(group: Group, peer: NodeId): void {
    const { own, tables } = this.#parts;
    if (!group.isIn(own.id) || isBlocked(tables, group, peer)) return;
    const member = group.roster.find(peer);
    const wasAdded = member !== null ||
      group.chain.displaced().some(({ add }) => add.some(({ id }) => id === peer));
    if (!wasAdded) return;
    const lane = this.lanes.get(group.id, peer);
    if (lane.hasProven) return;
    lane.hasProven = true;
    lane.begin();
    for (const hash of hashesOf(group)) lane.given.delete(hash);
    enqueueStatements(group, lane, { from: 1, to: member?.place.until ?? Infinity });
    if (member?.state === "left") {
      enqueue(lane, { type: "group_member", ...member.membership! });
    }
    this.#pump(lane);
  }

  /** Who was away when they were removed hears of it from whomever they meet. */
  #tellRemoved(group: Group, peer: NodeId): void {
    const { own, tables } = this.#parts;
    const until = group.roster.find(peer)?.place.until ?? null;
    if (until === null || !group.isIn(own.id) || isBlocked(tables, group, peer)) return;
    const lane = this.lanes.get(group.id, peer);
    lane.begin();
    enqueueStatements(group, lane, { from: 1, to: until });
    this.#pump(lane);
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
    const mayBeTold = what === "group_summary"
      ? this.#answers(group, lane.peer)
      : this.#speaksWith(group, lane.peer);
    if (!mayBeTold) return;
    lane.saidMs.set(what, clock.monotonicMs());
    lane.saying.get(what)?.cancel();
    const body = what === "group_summary"
      ? writeSummary(group.summary())
      : writeVector(this.#vectors.told(group, lane.peer));
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

  /**
   * Somebody does not know that this node is in the group, or nothing of the group any more: all that was signed shows
   * it, whoever brings it.
   */
  #prove(group: Group, lane: Lane): void {
    const state = group.roster.find(lane.peer)?.state;
    const isFor = state === "member" || (state === "invited" && this.#isOwner(group));
    if (lane.hasProven || !isFor) return;
    lane.hasProven = true;
    lane.begin();
    for (const hash of hashesOf(group)) lane.given.delete(hash);
    enqueueAll(group, lane);
    this.#pump(lane);
  }

  #pump(lane: Lane): void {
    lane.filling.run().catch((error: unknown) => this.#failed(error));
  }

  async #fill(lane: Lane): Promise<void> {
    const { groups, own } = this.#parts;
    if (this.#isStopped || lane.isRefusing) return;
    const group = await groups.find(lane.group);
    if (group === null) return;
    for (const { type, hash, text, n } of [...lane.signed.values()]) {
      const id = frameIdOf(hash, lane.peer);
      // What others stand above is forgotten where there is too much of it, and then need not go.
      if (type === "group_statement" && !group.chain.has(hash)) {
        lane.signed.delete(hash);
        lane.underWay.get(id)?.cancel();
        continue;
      }
      if (lane.underWay.size >= WINDOW) return;
      const frame = { type, id, header: { group: lane.group }, body: encodeUtf8(text) };
      this.#go(lane, frame, (rttMs) => {
        if (lane.isRefused(id)) this.#prove(group, lane);
        if (rttMs === null) return;
        lane.signed.delete(hash);
        lane.given.add(hash);
      });
      if (n === 0) return;
    }
    if (!group.isIn(own.id) || !group.roster.isMember(lane.peer)) return;
    // Reading for each acknowledgement would cost more than what it sends.
    if (lane.underWay.size > WINDOW / 2) return;
    for (const going of await this.#going.next(group, lane)) this.#goMessage(group, lane, going);
  }

  #goMessage(group: Group, lane: Lane, going: Going): void {
    const { frame } = going;
    const hasGone = this.#go(lane, frame, (rttMs) => {
      lane.messages.delete(frame.id);
      lane.noteGoing(going, false);
      if (rttMs !== null) this.#taken(group, lane, { ...going, rttMs });
    });
    if (!hasGone) return;
    lane.messages.set(frame.id, going);
    lane.noteGoing(going, true);
  }

  /**
   * Sends a frame, unless it is under way, or refused.
   * @param ended Gets the round-trip time, or `null` where it was not acknowledged.
   */
  #go(lane: Lane, frame: Going["frame"], ended: (rttMs: number | null) => void): boolean {
    const { id } = frame;
    if (lane.underWay.has(id) || lane.isRefused(id) || lane.isRefusing) return false;
    if (!this.lanes.isOpen(lane)) return false;
    const sending = this.#parts.send({ ...frame, peer: lane.peer } satisfies OutgoingFrame);
    lane.underWay.set(id, sending);
    void sending.acknowledged.then((rttMs) => {
      lane.underWay.delete(id);
      if (sending.refused) lane.refuse(id);
      ended(rttMs);
      if (rttMs !== null) this.#pump(lane);
    });
    return true;
  }

  #taken(
    group: Group,
    lane: Lane,
    { hash, id, run, n, rttMs }: Omit<Going, "frame"> & { readonly rttMs: number },
  ): void {
    lane.add(id, run, n);
    lane.settle({ id, run, numbers: [[n, n]] });
    if (id !== this.#parts.own.id) return;
    this.lanes.markIn(lane);
    const told = { id: hash, peer: lane.peer, group: group.id, rtt_ms: rttMs };
    this.#parts.events.emit("delivered", told);
    this.#deliveries.note(group, { run, n }, rttMs);
  }

  #failed(error: unknown): void {
    this.#parts.log.log("error", "group_sending_failed", { text: String(error) });
  }
}
