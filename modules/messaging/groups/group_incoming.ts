/**
 * What comes of groups: bound, read, checked against who may say it, then stored.
 *
 * @module
 */
import { encodeBase64Url } from "../../../crypto/encoding.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { parseInput } from "../../../protocol/schemas.ts";
import type {
  ModuleContext,
  ModuleSignatures,
  ModuleTables,
  NodeId,
  PeerFrame,
} from "../../api.ts";
import type { InboxShares } from "../inbox_shares.ts";
import { readUpto, writeRead } from "../read_marks.ts";
import { aadOfRow, type BoundRow, GROUP_FORM, sealTexts } from "../sealed_texts.ts";
import type { Timeline } from "../timeline.ts";
import { openMembership } from "./core/memberships.ts";
import { checkContent, type GroupMessage, keptUnderNumber, openMessage } from "./core/messages.ts";
import { isNear } from "./core/ranges.ts";
import { openStatement, type Statement } from "./core/statements.ts";
import { groupHeaderSchema, groupMessageSchema, groupReadSchema, readBodyText } from "./frames.ts";
import type { Group } from "./group.ts";
import { conversationOf, type GroupRows, type StoredRow } from "./group_rows.ts";
import type { GroupSending } from "./group_sending.ts";
import { isBlocked } from "./group_vectors.ts";
import type { Groups } from "./groups.ts";
import type { Invitations } from "./invitations.ts";
import type { Aside, Keeping } from "./keeping.ts";
import { bytesOf, kindOf, readText, rowOf } from "./message_rows.ts";

interface IncomingParts
  extends Pick<ModuleContext, "clock" | "events" | "log" | "own" | "storage"> {
  readonly tables: ModuleTables;
  readonly signatures: ModuleSignatures;
  readonly groups: Groups;
  readonly invitations: Invitations;
  readonly rows: GroupRows;
  readonly keeping: Keeping;
  readonly sending: GroupSending;
  readonly shares: InboxShares;
  readonly timeline: Timeline;
}

/** A message whose signature and body hold. */
interface Came extends Aside {
  /** `null` where it is not told of. */
  readonly text: string | null;
}

export class GroupIncoming {
  readonly #parts: IncomingParts;

  constructor(parts: IncomingParts) {
    this.#parts = parts;
  }

  /** Whether a peer is one of a group's people, whatever else it may: a block was asked about before. */
  admits(peer: NodeId, header: PeerFrame["header"]): boolean {
    if (typeof header.group !== "string") return false;
    const isOneOfThem = this.#parts.invitations.admits(header.group, peer);
    if (!isOneOfThem) this.#tellOut(header.group, peer);
    return isOneOfThem;
  }

  /** Whoever was in a group and takes themselves for a member is told that they are none. */
  #tellOut(id: string, peer: NodeId): void {
    const { groups, sending, log } = this.#parts;
    if (groups.facts(id)?.stage !== "joined") return;
    groups.find(id).then((group) => {
      if (group !== null) sending.tellOut(group, peer);
    }).catch((error: unknown) => {
      log.log("warn", "group_out_not_told", { text: String(error) });
    });
  }

  /**
   * Whether a peer may bring a statement or a membership: of a group that this node has to do with anybody may, who may be
   * one of its people by that very text.
   */
  admitsSigned(peer: NodeId, header: PeerFrame["header"]): boolean {
    if (typeof header.group !== "string") return false;
    const stage = this.#parts.groups.facts(header.group)?.stage;
    return stage === "coming" ? this.admits(peer, header) : stage !== undefined;
  }

  /** @throws {OpenRedError} What makes it refused for good; `overloaded`. */
  async statement({ peer, header, body, isRequest }: PeerFrame): Promise<boolean> {
    const { group: id } = parseInput(groupHeaderSchema, header);
    const { own, groups, signatures, invitations, sending } = this.#parts;
    const known = await groups.find(id);
    if (known === null) invitations.check(peer, isRequest);
    const isOutside = known !== null && !invitations.admits(id, peer);
    if (isOutside && !known.isIn(own.id)) throw notHere();
    if (this.#isHeld(id)) return false;
    if (known !== null) invitations.checkRoom(known, body.length);
    const statement = await openStatement(signatures, readBodyText(body));
    if (statement.group !== id) throw notOfGroup();
    const group = await groups.find(id);
    if (group === null) return await this.#begin(statement, { peer, isRequest });
    // Of somebody who may be one of the people by now, only what comes next shows it.
    if (isOutside && !group.chain.has(statement.hash) && !group.chain.allows(statement)) {
      throw notHere();
    }
    const { isStored, isNew } = await groups.takeStatement(group, statement);
    if (isNew) await this.changed(group);
    else if (!isStored) sending.ask(group, peer);
    return isStored;
  }

  async membership({ peer, header, body }: PeerFrame): Promise<boolean> {
    const { own, groups, signatures, invitations, sending } = this.#parts;
    const { group: id } = parseInput(groupHeaderSchema, header);
    const group = await groups.find(id);
    const isOutside = !invitations.admits(id, peer);
    if (group === null || (isOutside && !group.isIn(own.id))) throw notHere();
    if (this.#isHeld(id)) return false;
    invitations.checkRoom(group, body.length);
    const membership = await openMembership(signatures, readBodyText(body));
    if (membership.group !== id) throw notOfGroup();
    // Who has followed one of the people may be known by their own word alone.
    if (isOutside && membership.iss !== peer) this.#refuse(group, peer);
    const { isStored, isNew } = await groups.takeMembership(group, membership);
    if (isOutside && !isNew) this.#refuse(group, peer);
    if (isNew) await this.changed(group);
    else if (!isStored) sending.ask(group, peer);
    return isStored;
  }

  async summary({ peer, header, body }: PeerFrame): Promise<boolean> {
    const group = await this.groupOf({ header, peer });
    this.#parts.sending.takeSummary(group, peer, body);
    return true;
  }

  async vector({ peer, header, body }: PeerFrame): Promise<boolean> {
    const group = await this.groupOf({ header, peer });
    // Before its membership has come it is nobody who asks.
    if (!group.roster.isMember(peer)) return false;
    this.#parts.sending.takeVector(group, peer, body);
    return true;
  }

  async read({ peer, header }: PeerFrame): Promise<boolean> {
    const { upto } = parseInput(groupReadSchema, header);
    const group = await this.groupOf({ header, peer });
    const { own, tables, events } = this.#parts;
    const n = Math.min(upto.n, group.heldOf(own.id, upto.run).at(-1)?.[1] ?? 0);
    if (n === 0 || !group.roster.isMember(peer)) return true;
    const reader = { conversation: group.id, member: peer };
    if (n <= readUpto(tables, reader, upto.run)) return true;
    await tables.write(() => writeRead(tables, reader, { run: upto.run, n }));
    events.emit("read", { peer, group: group.id });
    return true;
  }

  /** @returns Whether it is stored; what cannot be judged yet comes again. */
  async message({ peer, header, body }: PeerFrame): Promise<boolean> {
    const group = await this.groupOf({ header, peer });
    const { own, signatures, sending, tables } = this.#parts;
    if (!group.isIn(own.id) || !group.roster.isMember(peer)) {
      sending.ask(group, peer);
      return false;
    }
    if (this.#isHeld(group.id)) return false;
    const { message: shell, salt } = parseInput(groupMessageSchema, header);
    const message = await openMessage(signatures, shell);
    if (message.group !== group.id) throw notOfGroup();
    const { iss: id, run, n } = message;
    if (isBlocked(tables, group, id)) {
      // Others hear that nothing of it is taken here: of a member, and of as many runs as one has.
      const place = group.roster.placeOf(message);
      const isMember = place !== null && place !== "unknown";
      if (isMember && group.hasRoomForRun(id, run)) group.noteRun(id, run);
      return true;
    }
    if (this.#has(group, message.hash)) {
      sending.cameFrom(group, peer, { id, run, n });
      return true;
    }
    const outcome = group.roster.judge(message);
    if (outcome === "refused") {
      throw new OpenRedError("forbidden", "Its author was not in the group");
    }
    if (outcome === "waits") {
      sending.ask(group, peer);
      return false;
    }
    this.#checkNumber(group, message);
    const text = readText(message, salt === undefined ? null : body);
    if (salt !== undefined) await checkContent(signatures, message, { salt, body });
    const sealed = salt === undefined ? null : await this.#seal(message, salt, text);
    const came = { message, text, sealed, receivedAt: this.#parts.clock.nowMs() };
    if (outcome === "aside") {
      await this.#parts.keeping.setAside(group, came);
      return true;
    }
    const isStored = await this.#store(group, came);
    if (isStored) sending.cameFrom(group, peer, { id, run, n });
    else if (peer !== id && !this.#hasRoomFor(message)) {
      // Its author keeps it; whoever passes it on has others to pass on meanwhile.
      group.noteRun(id, run);
      sending.tellHeld(group, peer);
    }
    return isStored;
  }

  async #begin(
    first: Statement,
    { peer, isRequest }: { readonly peer: NodeId; readonly isRequest: boolean },
  ): Promise<boolean> {
    // The first one is taken before any other goes: whoever sends this takes the group for known here.
    if (first.n !== 0) throw notHere();
    const group = await this.#parts.groups.begin(first, {
      stage: "coming",
      inviter: peer,
      ofStranger: isRequest,
      introduces: false,
      since: this.#parts.clock.nowMs(),
      decided: -1,
    });
    await this.#parts.groups.noteOwnPlace(group);
    return true;
  }

  /** Who is in a group has changed. */
  async changed(group: Group): Promise<void> {
    const { sending, keeping, own } = this.#parts;
    for (const again of await keeping.judgeAnew(group)) {
      await this.#store(group, { ...again, text: null });
    }
    sending.withdraw(group);
    if (!group.isIn(own.id)) return;
    await sending.toAll(group);
    sending.spread(group);
    await sending.askAll(group);
  }

  /** @throws {OpenRedError} `forbidden` for a group that is not here, and who has no part in it. */
  async groupOf({ header, peer }: Pick<PeerFrame, "header" | "peer">): Promise<Group> {
    const { group: id } = parseInput(groupHeaderSchema, header);
    const group = await this.#parts.groups.find(id);
    if (group === null) throw notHere();
    this.#checkSpeaker(group, peer);
    return group;
  }

  #checkSpeaker(group: Group, peer: NodeId): void {
    const { tables, invitations } = this.#parts;
    if (isBlocked(tables, group, peer)) throw notHere();
    if (!invitations.admits(group.id, peer)) this.#refuse(group, peer);
  }

  #refuse(group: Group, peer: NodeId): never {
    this.#tellOut(group.id, peer);
    throw notHere();
  }

  #isHeld(group: string): boolean {
    return this.#parts.timeline.isHeld(conversationOf(group));
  }

  #has(group: Group, hash: string): boolean {
    return this.#parts.tables.statement(
      "SELECT 1 FROM messaging_group_messages WHERE conversation = ? AND hash = ?",
    ).get(group.id, hash) !== undefined;
  }

  /** @throws {OpenRedError} `forbidden` for numbers that are far from all others, and for too many runs. */
  #checkNumber(group: Group, { iss, run, n }: GroupMessage): void {
    if (!group.hasRoomForRun(iss, run)) {
      throw new OpenRedError("forbidden", "Its author has too many runs in this group");
    }
    if (!isNear(group.heldOf(iss, run), n)) {
      throw new OpenRedError("forbidden", "Its number is far ahead of those before it");
    }
  }

  async #seal(message: GroupMessage, salt: Uint8Array, text: string): Promise<Uint8Array> {
    const bound = { form: GROUP_FORM, id: message.hash } as BoundRow;
    const whole = { aad: aadOfRow(bound), text: encodeBase64Url(salt) + text };
    const [sealed] = await sealTexts(this.#parts.storage, [whole]);
    return sealed!;
  }

  async #store(group: Group, came: Came): Promise<boolean> {
    const { tables, timeline, own, keeping, sending } = this.#parts;
    const { message } = came;
    const { iss, run, n } = message;
    if (!this.#hasRoomFor(message)) return false;
    let stored = "known" as StoredRow | "known" | "incomplete";
    let isKept = false;
    const rivals = this.#underNumber(group, message);
    try {
      await tables.write(() => {
        stored = this.#write(group, came);
        if (typeof stored === "string") return;
        const { hash } = message;
        isKept = keeping.writeKept(group, { hash, author: iss, bytes: bytesOf(came) });
      });
    } catch (error) {
      timeline.forget();
      throw error;
    }
    if (typeof stored === "string") return stored === "known";
    group.addHeld({ author: iss, run, n, isKept });
    // What went for it is asked for anew: others may have it with its text.
    if (keeping.noteGone(group, stored.gone)) await sending.askAll(group);
    if (iss !== own.id) {
      group.saw(iss, { run, n, hash: message.hash });
      sending.heardOf(group, message);
    }
    this.#tell(group, came, stored);
    if (isKept) sending.spread(group);
    if (rivals.length > 0) sending.offerRivals(group, [...rivals, message.hash]);
    return true;
  }

  #hasRoomFor(message: GroupMessage): boolean {
    const { shares, own } = this.#parts;
    const isRemoval = kindOf(message) === "remove";
    return message.iss === own.id || shares.hasRoomFor(message.iss, { isRemoval });
  }

  /** Inside a transaction: gives a message that counts its row. */
  #write(group: Group, came: Came): StoredRow | "known" | "incomplete" {
    const { rows } = this.#parts;
    const { hash } = came.message;
    if (this.#has(group, hash)) return "known";
    const rivals = this.#underNumber(group, came.message);
    if (!keptUnderNumber([...rivals, hash]).includes(hash)) return "known";
    const row = rowOf(group, { ...came, rivals }, this.#parts.own.id);
    // What takes the text away may be on its way.
    if (came.sealed === null && !rows.mayBeGone(row)) return "incomplete";
    return rows.write(row);
  }

  #underNumber(group: Group, { iss, run, n, hash }: GroupMessage): string[] {
    return this.#parts.tables.statement(
      `SELECT hash FROM messaging_group_messages INDEXED BY messaging_group_numbers
       WHERE conversation = ? AND author = ? AND run = ? AND n = ? AND hash <> ? AND aside = 0`,
    ).all(group.id, iss, run, n, hash).map((row) => String(row.hash));
  }

  #tell(group: Group, { message, text, receivedAt }: Came, stored: StoredRow): void {
    const { events, own } = this.#parts;
    const kind = kindOf(message);
    const { hash: id, iss: peer } = message;
    if (kind !== "text") return events.emit("changed", { peer, group: group.id, kind });
    if (text === null || stored.erased !== null || peer === own.id) return;
    events.emit("message", {
      message: {
        number: stored.number,
        id,
        peer,
        conversation: conversationOf(group.id),
        group: group.name,
        petname: this.#parts.tables.peers.petname(peer),
        text,
        received_at: receivedAt,
        standing: "allowed",
      },
    });
  }
}

function notOfGroup(): OpenRedError {
  return new OpenRedError("bad_request", "This is of another group");
}

/** Whoever asks about groups of others hears of all the same. */
function notHere(): OpenRedError {
  return new OpenRedError("forbidden", "There is no such group for this peer");
}
