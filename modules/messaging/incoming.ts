/**
 * What peers wrote: stored once, then acknowledged.
 *
 * @module
 */
import { OpenRedError } from "../../protocol/errors.ts";
import type { ModuleContext, ModuleTables, NodeId, PeerFrame } from "../api.ts";
import { type ContactRequests, MAX_REQUEST_BYTES } from "./contact_requests.ts";
import { eraseTarget } from "./erasing.ts";
import { Gathering } from "./gathering.ts";
import { type CameMessage, readMessage } from "./headers.ts";
import type { Inbox } from "./inbox.ts";
import type { InboxShare, InboxShares } from "./inbox_shares.ts";
import type { Outbox } from "./outbox.ts";
import { nameText, readName } from "./names.ts";
import { type Erased, rowsOfBox } from "./rows.ts";
import { aadOfRow, sealTexts } from "./sealed_texts.ts";
import type { Timeline } from "./timeline.ts";

interface IncomingParts extends Pick<ModuleContext, "clock" | "events" | "log" | "storage"> {
  readonly tables: ModuleTables;
  readonly inbox: Inbox;
  readonly requests: ContactRequests;
  readonly shares: InboxShares;
  readonly timeline: Timeline;
  readonly outbox: Outbox;
}

/** A message on its way into the inbox. */
interface Arriving extends CameMessage {
  readonly peer: NodeId;
  readonly id: string;
  readonly isRequest: boolean;
  readonly receivedAt: number;
  readonly expiresAt: number | null;
  readonly sentAt: number;
}

/** What became of it: stored under a number, there before, no room, or refused. */
type End = Stored | "known" | "full" | OpenRedError;

/** Under which number it is stored. */
interface Numbered {
  readonly run: string | null;
  readonly n: number | null;
  readonly hasNumber: boolean;
}

/** A message, and who waits to hear of it. */
interface Waiting {
  readonly message: Arriving;
  readonly resolve: (isStored: boolean) => void;
  readonly reject: (error: unknown) => void;
}

interface Stored {
  readonly number: number;
  /** `null` where something that came before is about it, or comes behind it. */
  readonly place: number | null;
  readonly erased: Erased | null;
}

/** What changes no earlier message. */
const MAY_BE_NAMELESS: ReadonlySet<string> = new Set(["text", "react"]);

/** Takes messages of peers. */
export class Incoming {
  readonly #parts: IncomingParts;
  /** In the order in which it came, so that a message has its place at once. */
  readonly #gathering: Gathering<Waiting>;
  /** What is on its way into the inbox, by sender and id, and the numbers of it. */
  readonly #storing = new Map<string, Promise<boolean>>();
  readonly #coming = new Set<string>();
  /** What the senders of this turn had filled at its beginning; what is stored is held against what they have then. */
  readonly #filled = new Map<NodeId, InboxShare>();

  constructor(parts: IncomingParts) {
    this.#parts = parts;
    this.#gathering = new Gathering(parts.clock, (waiting) => this.#storeAll(waiting));
  }

  /**
   * Stores a message once, while its peer has room for more; a stranger's only while all of them have.
   * @param id What tells it from the others of its sender.
   * @returns Whether it is stored.
   * @throws {OpenRedError} `bad_request`, `too_large` for one that is never taken; `overloaded`.
   */
  async receive({ peer, type, header, body, isRequest }: PeerFrame, id: string): Promise<boolean> {
    const came = readMessage(type, header, body);
    const { clock, timeline } = this.#parts;
    const key = `${peer} ${id}`;
    const storing = this.#storing.get(key);
    if (storing !== undefined) return await storing;
    const holder = this.#holderOf(peer, id);
    if (holder === "peer") return true;
    if (timeline.isHeld(peer)) return false;
    if (holder === "own") throw new OpenRedError("bad_request", "The id is another's");
    // Of a stranger the owner sees texts alone; what is about them comes again once it is none.
    if (isRequest && (came.kind !== "text" || body.length > MAX_REQUEST_BYTES)) return false;
    if (!this.#hasRoomFor({ ...came, peer, isRequest })) return false;
    const message = arriving(came, { peer, id, isRequest, receivedAt: clock.nowMs() });
    const known = { ...message, ...this.#knownNames(message), ...this.#freeName(message) };
    if (!isEmptied(known)) this.#coming.add(numberText(known));
    const stored = new Promise<boolean>((resolve, reject) => {
      this.#gathering.add({ message: known, resolve, reject });
    });
    this.#storing.set(key, stored);
    try {
      return await stored;
    } finally {
      this.#storing.delete(key);
    }
  }

  /** Seals and stores messages together. */
  async #storeAll(waiting: readonly Waiting[]): Promise<void> {
    try {
      const messages = waiting.map(({ message }) => message);
      const sealed = await sealTexts(
        this.#parts.storage,
        messages.map((message) => ({ aad: aadOfRow(boundOf(message)), text: message.text })),
      );
      // Whoever is told of one does not hold up those that come.
      void this.#tellAll(waiting, await this.#store(messages, sealed));
    } catch (error) {
      this.#failAll(waiting, error);
    }
    for (const { message } of waiting) this.#coming.delete(numberText(message));
  }

  async #tellAll(waiting: readonly Waiting[], ends: readonly End[]): Promise<void> {
    try {
      for (const [index, { message, resolve, reject }] of waiting.entries()) {
        const end = ends[index]!;
        if (end instanceof OpenRedError) {
          reject(end);
          continue;
        }
        if (typeof end === "object") {
          if (message.kind === "remove") await this.#takeBackAbout(message);
          await this.#tell(message, end);
        }
        resolve(end !== "full");
      }
    } catch (error) {
      this.#failAll(waiting, error);
    }
  }

  #failAll(waiting: readonly Waiting[], error: unknown): void {
    this.#parts.timeline.forget();
    for (const { reject } of waiting) reject(error);
  }

  /**
   * Whose message has an id: its sender's, also as that of the id that its sender had before, or this node's own. What
   * is said of an own one would be said of either.
   */
  #holderOf(peer: NodeId, id: string): "peer" | "own" | null {
    const row = this.#parts.tables.statement(
      `SELECT 'peer' AS holder FROM messaging_inbox WHERE peer = ? AND id = ?
       UNION ALL SELECT 'peer' FROM messaging_inbox WHERE conversation = ? AND id = ?
       UNION ALL SELECT 'own' FROM messaging_outbox WHERE conversation = ? AND id = ? LIMIT 1`,
    ).get(peer, id, peer, id, peer, id);
    return row === undefined ? null : row.holder as "peer" | "own";
  }

  #hasRoomFor(
    { peer, kind, isRequest }: Pick<Arriving, "peer" | "kind" | "isRequest">,
    filled: InboxShare = this.#filledBy(peer),
  ): boolean {
    const { requests, shares } = this.#parts;
    if (isRequest && !requests.hasRoomFor(peer)) return false;
    // It makes room.
    return shares.hasRoomFor(peer, { isRemoval: kind === "remove", filled });
  }

  #filledBy(peer: NodeId): InboxShare {
    const { clock, shares } = this.#parts;
    if (this.#filled.size === 0) clock.setTimer(0, () => this.#filled.clear());
    const filled = this.#filled.get(peer) ?? shares.of(peer);
    this.#filled.set(peer, filled);
    return filled;
  }

  /** Names of this node's own messages that it never gave hold nothing up and say nothing, now or later. */
  #knownNames(
    { peer, after, reply, target }: Arriving,
  ): Pick<Arriving, "after" | "reply" | "target"> {
    const { timeline } = this.#parts;
    const isKnown = (name: string) => !readName(name).own || timeline.holds(peer, name);
    const known = (name: string | null) => name !== null && isKnown(name) ? name : null;
    return { after: after.filter(isKnown), reply: known(reply), target: known(target) };
  }

  /**
   * A node whose disk was set back without its knowing gives numbers that it has given before. What it writes then is
   * not lost for that: it has no name. What changes an earlier message keeps its own, and is refused; so is what comes
   * under a number of which it was said that it stays empty.
   */
  #freeName(message: Arriving): Pick<Arriving, "run" | "n"> {
    const { peer, run, n, kind } = message;
    if (run === null || n === null || !MAY_BE_NAMELESS.has(kind)) return { run, n };
    if (this.#coming.has(numberText(message))) return { run: null, n: null };
    if (n > this.#parts.timeline.newest(peer, { own: false, run })) return { run, n };
    const holder = this.#parts.tables.statement(
      "SELECT kind, target FROM messaging_inbox WHERE conversation = ? AND run = ? AND n = ?",
    ).get(peer, run, n);
    const isFree = holder === undefined ||
      isEmptied({ run, n, kind: `${holder.kind}`, target: `${holder.target}` });
    return isFree ? { run, n } : { run: null, n: null };
  }

  async #store(
    messages: readonly Arriving[],
    sealed: readonly Uint8Array[],
  ): Promise<readonly End[]> {
    let ends: readonly End[] = [];
    await this.#parts.tables.write(() => {
      const shares = new Map<NodeId, InboxShare>();
      ends = messages.map((message, index) => this.#storeOne(message, sealed[index]!, shares));
    });
    return ends;
  }

  /** @param shares What the senders have filled, with those before it. */
  #storeOne(message: Arriving, sealed: Uint8Array, shares: Map<NodeId, InboxShare>): End {
    const { peer } = message;
    const filled = shares.get(peer) ?? this.#parts.shares.of(peer);
    if (!this.#hasRoomFor(message, filled)) return "full";
    const number = this.#numberOf(message);
    if (number instanceof OpenRedError) return number;
    const stored = this.#insert(message, number, sealed);
    if (stored === "known") return stored;
    const hasMadeRoom = message.kind === "remove" || stored.erased !== null;
    if (hasMadeRoom) shares.delete(peer);
    else shares.set(peer, { count: filled.count + 1, bytes: filled.bytes + sealed.length });
    return stored;
  }

  #insert(
    message: Arriving,
    { run, n, hasNumber }: Numbered,
    sealed: Uint8Array,
  ): Stored | "known" {
    const { tables, timeline } = this.#parts;
    const { peer, kind, target } = message;
    const erased = this.#erasedAtOnce(message);
    const after = message.after.join(" ");
    const place = timeline.admit({
      ...message,
      conversation: peer,
      own: false,
      run,
      n,
      after,
    });
    const { changes, lastInsertRowid } = tables.statement(
      `INSERT INTO messaging_inbox (peer, id, sealed, received_at, request, form, conversation,
         place, kind, run, n, after, reply, target, expires_at, erased, sent_at)
       VALUES (?, ?, ?, ?, ?, 2, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (peer, id) DO NOTHING`,
    ).run(
      peer,
      message.id,
      erased === null ? sealed : new Uint8Array(),
      message.receivedAt,
      Number(message.isRequest),
      peer,
      place,
      kind,
      run,
      n,
      after,
      message.reply,
      target,
      message.expiresAt,
      erased,
      message.sentAt,
    );
    // Its sender's message in a group has taken the id meanwhile.
    if (Number(changes) === 0) {
      timeline.forget();
      return "known";
    }
    if (kind === "remove") eraseTarget(tables, { conversation: peer, target: target! }, "removed");
    // What came before it and is about it has no text any more, either.
    if (kind === "text" && erased !== null && run !== null && n !== null) {
      const name = nameText({ own: false, run, n });
      eraseTarget(tables, { conversation: peer, target: name }, erased);
    }
    if (hasNumber) this.#noteDangling(message);
    return { number: Number(lastInsertRowid), place, erased };
  }

  /** The word that a number never comes may follow what came under it. */
  #numberOf(message: Arriving): Numbered | OpenRedError {
    const { peer, run, n } = message;
    if (run === null || n === null) return { run, n, hasNumber: false };
    const name = nameText({ own: false, run, n });
    if (!this.#parts.timeline.holds(peer, name)) return { run, n, hasNumber: true };
    if (isEmptied(message)) return { run: null, n: null, hasNumber: false };
    return new OpenRedError("bad_request", "Another message has this number");
  }

  /** What was removed, or has expired, before it came. */
  #erasedAtOnce({ peer, kind, run, n, target, expiresAt, receivedAt }: Arriving): Erased | null {
    const { tables } = this.#parts;
    if (expiresAt !== null && expiresAt <= receivedAt) return "expired";
    if (kind === "react" && target === null) return "removed";
    if (kind === "remove" || run === null || n === null) return null;
    const removal = tables.statement(
      "SELECT 1 FROM messaging_inbox WHERE conversation = ? AND target = ? AND kind = 'remove'",
    );
    if (removal.get(peer, nameText({ own: false, run, n })) !== undefined) return "removed";
    if (kind === "text") return null;
    const { own, ...named } = readName(target!);
    if (!own && removal.get(peer, target) !== undefined) return "removed";
    const [row] = rowsOfBox(
      tables,
      own,
      "WHERE conversation = ? AND run = ? AND n = ?",
      ...[peer, named.run, named.n],
    );
    return row === undefined || row.erased === null ? null : "removed";
  }

  /** Remembers which messages something that is here builds on, and that may still come. */
  #noteDangling({ peer, reply, target }: Arriving): void {
    const { timeline } = this.#parts;
    for (const name of [reply, target]) {
      if (name === null || readName(name).own || timeline.holds(peer, name)) continue;
      timeline.writeDangling(peer, name);
    }
  }

  /** What the owner said of a message that its writer took away need not go any more. */
  async #takeBackAbout({ peer, target }: Arriving): Promise<void> {
    const { outbox, log } = this.#parts;
    const named = { ...readName(target!), conversation: peer, number: 0 };
    await outbox.takeBackAbout([named], "removed").catch((error: unknown) => {
      log.log("warn", "take_back_failed", { peer, text: String(error) });
    });
  }

  async #tell(message: Arriving, { number, place, erased }: Stored): Promise<void> {
    const { inbox, events } = this.#parts;
    const { kind, peer, text } = message;
    if (kind !== "text") return events.emit("changed", { peer, kind });
    if (erased !== null) return;
    const view = place === null
      ? (await inbox.listAfter({ after: number - 1, limit: 1 }))[0]
      : inbox.view({
        row: { ...message, number, erased },
        text,
        isEdited: false,
        isDamaged: false,
      });
    if (view?.number === number) events.emit("message", { message: view });
  }
}

function arriving(
  came: CameMessage,
  options: { peer: NodeId; id: string; isRequest: boolean; receivedAt: number },
): Arriving {
  const { receivedAt } = options;
  const sentAt = came.sentAt ?? receivedAt;
  const expiresAt = came.expiresMs === null ? null : Math.min(sentAt, receivedAt) + came.expiresMs;
  return { ...came, ...options, sentAt, expiresAt };
}

/** Whether it says that nothing comes under its own number. */
function isEmptied(
  { kind, run, n, target }: Pick<Arriving, "run" | "n" | "target"> & { readonly kind: string },
): boolean {
  return kind === "remove" && run !== null && n !== null &&
    target === nameText({ own: false, run, n });
}

/** The number of a message, among all that come; the same for all that have none. */
function numberText({ peer, run, n }: Pick<Arriving, "peer" | "run" | "n">): string {
  return `${peer} ${run} ${n}`;
}

function boundOf({ after, ...message }: Arriving) {
  return { ...message, own: false, form: 2, writtenTo: "", after: after.join(" ") };
}
