/**
 * The sessions of a node: confirming them, taking their frames, and seeing them through their life.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { NodeId } from "../../crypto/encoding.ts";
import { CryptoError, type OpenedFrame } from "../../crypto/interface.ts";
import type { HttpClient, Random } from "../../ports/ports.ts";
import type { SessionView } from "../../protocol/admin_api.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import {
  ackHeaderSchema,
  closeHeaderSchema,
  frameHeaderSchema,
  keepHeaderSchema,
  recordHeaderSchema,
  syncHeaderSchema,
} from "../../protocol/frames.ts";
import { CONFIRMATION_MS } from "../../protocol/limits.ts";
import type { HandshakeRequest } from "../../protocol/peer_api.ts";
import { frameSessionId } from "../../protocol/peer_api.ts";
import { verifyRecord } from "../../protocol/record.ts";
import { parseGrowing, parseInput, parseJson } from "../../protocol/schemas.ts";
import type { Background } from "../background.ts";
import { jitter, sleep } from "../backoff.ts";
import type { Directories } from "../directories/directories.ts";
import type { Carrier } from "../p2p/carrier.ts";
import type { FrameGate, ModuleFrame } from "../permissions/frame_gate.ts";
import { AckGatherer } from "./acks.ts";
import { MAX_CALLS_IN_TURN } from "./call_turns.ts";
import { Caller } from "./caller.ts";
import { ClockWatch } from "./clock_watch.ts";
import { Keeping } from "./keeping.ts";
import { PeerLinks } from "./links.ts";
import { ReliableSender } from "./reliable.ts";
import { type HandshakeAnswer, type HandshakeParts, Responder } from "./responder.ts";
import type { Session } from "./session.ts";
import { Revoking } from "./revoking.ts";
import { isRenewalDue, redatedSet, setOf, tooManySets } from "./standby.ts";
import { Syncing } from "./syncing.ts";

const SWEEP_MS = 5_000;
const HELLO_FIRST_REPEAT_MS = 1_000;
const HELLO_LAST_REPEAT_MS = 15_000;
const HELLO_ANSWER_PAUSE_MS = 1_000;
/** Over how long a node with many peers spreads its calls when it starts. */
const START_MS_PER_PEER = 50;
const MAX_START_MS = 60_000;

export type { FrameHandler } from "../permissions/frame_gate.ts";

export interface SessionsParts extends HandshakeParts {
  readonly random: Random;
  readonly http: HttpClient;
  readonly background: Background;
  readonly directories: Directories;
  readonly carrier: Carrier;
  readonly checkUrl: (url: string, signal: AbortSignal) => Promise<void>;
  /** The only way to the modules. */
  readonly gate: FrameGate;
  /** Called after a session was confirmed. */
  readonly confirmed: (peer: NodeId) => void;
}

/** What became of a frame, for whoever carried it. */
export type FrameVerdict =
  | { readonly kind: "unknown" | "refused" }
  | { readonly kind: "taken"; readonly session: Session; readonly fresh: boolean };

/** All sessions of one node. */
export class Sessions {
  readonly links: PeerLinks;
  readonly reliable: ReliableSender;
  readonly revoking: Revoking;
  readonly #parts: SessionsParts;
  readonly #responder: Responder;
  readonly #keeping: Keeping;
  readonly #syncing: Syncing;
  readonly #acks: AckGatherer;
  #cancelSweep: (() => void) | null = null;
  readonly #clockWatch: ClockWatch;

  constructor(parts: SessionsParts) {
    this.#parts = parts;
    this.#responder = new Responder(parts);
    const caller = new Caller(parts);
    this.reliable = new ReliableSender(parts);
    this.links = new PeerLinks({
      ...parts,
      call: (peer, signal) => caller.call(peer, signal),
      greet: (session, signal) => this.#greet(session, signal),
    });
    const close = (session: Session, why: string) => this.#close(session, why);
    this.revoking = new Revoking({ ...parts, links: this.links, close });
    this.#keeping = new Keeping({
      ...parts,
      reliable: this.reliable,
      ownId: parts.own.id,
      close,
    });
    const send = (peer: NodeId, header: Record<string, unknown>) => {
      parts.background.run("send", this.send(peer, header));
    };
    this.#syncing = new Syncing({ ...parts, send });
    this.#acks = new AckGatherer(parts.clock, (peer, ids) => send(peer, { type: "core.ack", ids }));
    this.#clockWatch = new ClockWatch(parts.clock);
  }

  /** Calls every peer this node ever had a session with and that was not revoked since, and begins to watch over sessions. */
  async start(): Promise<void> {
    await this.#dropOrphans();
    const peers = this.#parts.book.all().filter((peer) => peer.known && peer.revokedAt === null);
    const withinMs = Math.min(peers.length * START_MS_PER_PEER, MAX_START_MS);
    // As many as have a turn at once need no spreading.
    const spread = peers.length > MAX_CALLS_IN_TURN ? { withinMs } : {};
    for (const { id } of peers) this.links.want(id, { patient: true, ...spread });
    this.#scheduleSweep();
  }

  /** Standby pairs whose handshake this node answered and that were not confirmed before it ended. */
  async #dropOrphans(): Promise<void> {
    const { vault } = this.#parts;
    const drop = vault.all().filter(({ standby, half }) =>
      half !== null && standby?.role === "responder" && standby.confirmedAt === null
    );
    if (drop.length > 0) await vault.commit({ drop: drop.map((entry) => entry.pairId) });
  }

  /** Says `core.close` on every session, then ends. */
  async stop(): Promise<void> {
    this.#cancelSweep?.();
    await this.links.stop();
    this.#keeping.stop();
    this.reliable.stop();
    const { table, carrier } = this.#parts;
    await Promise.all(
      table.all().map(async (session) => {
        if (session.confirmed && session.sends && session === table.current(session.peer)) {
          carrier.send(session.peer, await session.seal({ type: "core.close" }));
        }
        session.close();
      }),
    );
  }

  /** @throws {OpenRedError} `handshake_rejected`. */
  answer(request: HandshakeRequest): Promise<HandshakeAnswer> {
    return this.#responder.answer(request);
  }

  /** Sends a frame that nobody acknowledges; without a session it is dropped. */
  async send(peer: NodeId, header: Record<string, unknown>, body?: Uint8Array): Promise<void> {
    const frame = await this.sealFor(peer, header, body);
    if (frame !== null) this.#parts.carrier.send(peer, frame);
  }

  /** Seals a frame on the session that counts now, or `null` without one. */
  async sealFor(
    peer: NodeId,
    header: Record<string, unknown>,
    body?: Uint8Array,
  ): Promise<Uint8Array<ArrayBuffer> | null> {
    const session = this.#parts.table.current(peer);
    if (session === null) return null;
    this.#parts.events.count("frames_sent");
    return await session.sealUnlessGone(header, body);
  }

  /**
   * Takes a frame from whatever carried it. What is inside goes on by itself; the verdict says only whether it opened.
   */
  async receive(frame: Uint8Array): Promise<FrameVerdict> {
    const { events, table } = this.#parts;
    const sessionId = frameSessionId(frame);
    if (sessionId === null) {
      events.count("frames_refused");
      return { kind: "refused" };
    }
    const session = table.get(Buffer.from(sessionId).toString("hex"));
    if (session === null || session.over) return { kind: "unknown" };
    const opened = await this.#open(session, frame);
    if (opened === null) return { kind: "unknown" };
    switch (opened.outcome) {
      case "refused":
        events.count("frames_refused");
        return { kind: "refused" };
      case "dropped":
        events.count("frames_dropped");
        return { kind: "taken", session, fresh: false };
      default: {
        const fresh = opened.outcome === "opened";
        events.count(fresh ? "frames_opened" : "frames_repeated");
        this.#background("frame", this.#dispatch(session, opened));
        return { kind: "taken", session, fresh };
      }
    }
  }

  async #open(session: Session, frame: Uint8Array): Promise<OpenedFrame | null> {
    try {
      return await session.open(frame);
    } catch (error) {
      if (error instanceof CryptoError && error.code === "key_unknown") return null;
      throw error;
    }
  }

  async #dispatch(
    session: Session,
    opened: OpenedFrame & { outcome: "opened" | "repeat" },
  ): Promise<void> {
    try {
      // A newer message 1 of the same pair may have replaced it while this frame was opened.
      if (this.#parts.table.get(session.id) !== session) return;
      if (!session.confirmed) await (session.confirming ??= this.#confirm(session));
      // It may have been cut off while it was confirmed.
      if (!session.confirmed || this.#parts.table.get(session.id) !== session) return;
      const input = parseJson(opened.header);
      const { type, id } = parseInput(frameHeaderSchema, input);
      if (opened.outcome === "repeat") this.#takeRepeat(session, { type, id });
      else if (type.startsWith("core.")) await this.#takeCore(session, { type, input });
      else await this.#takeModule(session, { type, id, input, body: opened.body });
    } catch (error) {
      if (!(error instanceof OpenRedError)) throw error;
      this.#parts.events.count("frames_dropped");
    }
  }

  /** A repeat is answered as before: a hello again, an acknowledgement if there was one. */
  #takeRepeat(session: Session, header: { type: string; id: string | undefined }): void {
    if (header.type === "core.hello") this.#answerHello(session);
    if (header.id === undefined) return;
    const { type, id } = header;
    const stored = type === "core.keep"
      ? session.hasKept(id)
      : this.#parts.gate.has(session.peer, { type, id });
    if (stored) this.#acks.add(session.peer, id);
  }

  async #takeModule(session: Session, frame: ModuleFrame): Promise<void> {
    const stored = await this.#parts.gate.take(session.peer, frame);
    if (stored && frame.id !== undefined) this.#acks.add(session.peer, frame.id);
  }

  async #takeCore(session: Session, frame: { type: string; input: unknown }): Promise<void> {
    const { input } = frame;
    switch (frame.type) {
      case "core.hello":
        parseGrowing(frameHeaderSchema, input);
        return this.#answerHello(session);
      case "core.tick":
        return void parseGrowing(frameHeaderSchema, input);
      case "core.ack":
        for (const id of parseGrowing(ackHeaderSchema, input).ids) {
          this.reliable.acknowledge(session.peer, id);
        }
        return;
      case "core.record":
        return await this.#takeRecord(session, parseGrowing(recordHeaderSchema, input).record);
      case "core.keep": {
        const header = parseGrowing(keepHeaderSchema, input);
        if (!(await this.#keeping.obey(session, header))) return;
        session.noteKept(header.id);
        this.#acks.add(session.peer, header.id);
        return;
      }
      case "core.close":
        if (parseGrowing(closeHeaderSchema, input).revoked) {
          return await this.revoking.obey(session);
        }
        this.#close(session, "the peer stops");
        return this.links.want(session.peer, { delayed: true });
      case "core.sync":
        return await this.#syncing.take(session.peer, parseGrowing(syncHeaderSchema, input).pairs);
      default:
        this.#parts.events.count("frames_dropped");
    }
  }

  async #takeRecord(session: Session, text: string): Promise<void> {
    const record = await verifyRecord(this.#parts.crypto, text);
    if (record.id !== session.peer) {
      throw new OpenRedError("bad_request", "The record is not the peer's own");
    }
    await this.#parts.book.take(record);
  }

  #answerHello(session: Session): void {
    if (session.role !== "responder" || !session.sends) return;
    const nowMs = this.#parts.clock.monotonicMs();
    if (nowMs - session.helloAnsweredMs < HELLO_ANSWER_PAUSE_MS) return;
    session.helloAnsweredMs = nowMs;
    this.#background("hello", this.#sendOn(session, { type: "core.hello" }));
  }

  async #sendOn(session: Session, header: Record<string, unknown>): Promise<void> {
    const frame = await session.sealUnlessGone(header);
    if (frame === null) return;
    this.#parts.events.count("frames_sent");
    this.#parts.carrier.send(session.peer, frame);
  }

  /** Says hello, the same bytes with back-off, until a frame of the peer has opened. */
  async #greet(session: Session, signal: AbortSignal): Promise<boolean> {
    const { carrier, table } = this.#parts;
    // Its keys go when it leaves the table.
    if (table.get(session.id) !== session) return false;
    const frame = await session.seal({ type: "core.hello" });
    for (
      let delayMs = HELLO_FIRST_REPEAT_MS;;
      delayMs = Math.min(2 * delayMs, HELLO_LAST_REPEAT_MS)
    ) {
      carrier.send(session.peer, frame.slice(), { post: true });
      const leftMs = CONFIRMATION_MS - session.ageMs;
      if (await this.#isConfirmedWithin(session, Math.min(delayMs, leftMs), signal)) return true;
      if (session.ageMs >= CONFIRMATION_MS || table.get(session.id) !== session) return false;
    }
  }

  async #isConfirmedWithin(
    session: Session,
    delayMs: number,
    signal: AbortSignal,
  ): Promise<boolean> {
    const wake = new AbortController();
    session.onConfirmed = () => wake.abort();
    await sleep(this.#parts.clock, delayMs, AbortSignal.any([signal, wake.signal]))
      .catch((error: unknown) => {
        if (!wake.signal.aborted) throw error;
      });
    session.onConfirmed = null;
    return session.confirmed;
  }

  /** Makes a session count, durably: its pair is spent, its standby pairs may be used. */
  async #confirm(session: Session): Promise<void> {
    const { vault, book, clock, ownRecord, events, random, own, confirmed } = this.#parts;
    const nowMs = clock.nowMs();
    const wasKnown = book.get(session.peer)?.known === true;
    const pair = vault.get(session.pair.pairId);
    const standby = setOf(vault, session).map((entry) => ({
      ...entry,
      standby: entry.standby === null ? null : { ...entry.standby, confirmedAt: nowMs },
    }));
    const spent = pair === null ? [] : [{ ...pair, half: null, session: session.id }];
    try {
      const drop = tooManySets(vault, session.peer);
      await vault.commit({
        put: [...spent, ...standby.filter((entry) => !drop.includes(entry.pairId))],
        drop,
      });
      await Promise.all([book.setKnown(session.peer), ownRecord.shown(session.recordSeq)]);
    } catch (error) {
      session.confirming = null;
      throw error;
    }
    if (this.#parts.table.get(session.id) !== session) return;
    session.confirmed = true;
    session.confirmedMs = clock.monotonicMs();
    const part = own.id < session.peer ? 2 / 3 : 5 / 6;
    session.renewAtMs = session.madeMs +
      jitter(random, { spanMs: session.lifeMs * part, part: 0.03 });
    const renews = this.#parts.table.forPeer(session.peer)
      .some((other) => other !== session && other.confirmed);
    events.audit(renews ? "session_renewed" : "session", { peer: session.peer, success: true });
    events.emit({ type: "session", session: this.view(session) });
    session.onConfirmed?.();
    this.links.confirmed(session.peer);
    this.#keeping.settle(session.peer);
    this.reliable.resend(session.peer);
    if (wasKnown) this.#syncing.ask(session.peer);
    confirmed(session.peer);
  }

  #close(session: Session, why: string): void {
    if (session.closed) return;
    session.close();
    this.reliable.forget(session);
    this.#parts.events.audit("session_closed", { peer: session.peer, success: true, why });
    this.#parts.events.emit({
      type: "session_ended",
      session_id: session.id,
      peer: session.peer,
      why,
    });
    this.reliable.resend(session.peer);
  }

  /** Notes that somebody said a session of this peer is unknown there: a hint, tried with growing pauses. */
  hintUnknown(peer: NodeId): void {
    if (this.#parts.table.current(peer) === null) return;
    this.links.want(peer, { fresh: true, delayed: true });
  }

  /**
   * Ends everything with a peer at once and without a word: sessions, calls, channels, pairs. What a directory gave is
   * remembered as spent, so that the same half is not taken again.
   */
  async cutOff(peer: NodeId, why: string): Promise<void> {
    const { table, vault, carrier, validations } = this.#parts;
    this.links.cancel(peer);
    this.reliable.forgetPeer(peer);
    const cut = [...table.forPeer(peer)];
    for (const session of cut) {
      session.close();
      table.remove(session);
      this.#parts.events.emit({ type: "session_ended", session_id: session.id, peer, why });
    }
    carrier.drop(peer);
    const known = vault.forPeer(peer);
    for (const { pairId } of known) validations.forget(pairId);
    const pairs = known.filter(({ half }) => half !== null);
    const put = pairs.filter((pair) => pair.envelope !== null).map((pair) => ({
      ...pair,
      half: null,
    }));
    const drop = pairs.filter((pair) => pair.envelope === null).map((pair) => pair.pairId);
    await Promise.all([vault.commit({ put, drop }), ...cut.map((session) => session.release())]);
  }

  /** Whether the wall clock has been right for hours, as far as a node can know. */
  get isClockSteady(): boolean {
    return this.#clockWatch.isSteady;
  }

  /** Calls peers whose standby pairs near their end: it would take a directory to meet them again. */
  renewStandby(): void {
    const { book, vault, clock } = this.#parts;
    for (const { id, known } of book.all()) {
      if (known && isRenewalDue(vault, { peer: id, nowMs: clock.nowMs() })) {
        this.links.want(id, { fresh: true, patient: true });
      }
    }
  }

  /** Ends everything with a peer whose contact has moved to another id. */
  async forgetPeer(peer: NodeId): Promise<void> {
    for (const session of this.#parts.table.forPeer(peer)) {
      this.#close(session, "the peer has a new id");
    }
    const drop = this.#parts.vault.forPeer(peer).map((entry) => entry.pairId);
    await this.#parts.vault.commit({ drop });
  }

  view(session: Session): SessionView {
    const { info } = session.pair;
    return {
      session_id: session.id,
      peer: session.peer,
      role: session.role,
      state: session.closed ? "closed" : session.confirmed ? "confirmed" : "unconfirmed",
      suite: session.suite,
      post_quantum: session.suite === "ik-x25519-mlkem768",
      method: info.method,
      epoch: Math.floor(info.issuedAt / 3_600_000),
      issuer: info.issuer,
      send_step: session.step,
      carrier: this.#parts.carrier.hasChannel(session.peer) ? "channel" : "post",
      age_ms: Math.round(session.ageMs),
      life_ms: session.lifeMs,
      rtt_ms: session.rttMs,
    };
  }

  #background(name: string, work: Promise<unknown>): void {
    this.#parts.background.run(name, work);
  }

  #scheduleSweep(): void {
    this.#cancelSweep = this.#parts.clock.setTimer(SWEEP_MS, () => {
      this.#scheduleSweep();
      this.#sweep();
    });
  }

  #sweep(): void {
    const { table, crypto, clock } = this.#parts;
    const sessions = table.all();
    if (sessions.length > 0) {
      this.#background("wipe", crypto.wipeSpentKeys({ nowMs: clock.monotonicMs() }));
    }
    for (const session of sessions) {
      if (session.over) this.#background("remove", this.#remove(session));
      else if (session.stepDue) {
        this.#background("tick", this.#sendOn(session, { type: "core.tick" }));
      }
      this.#renew(session);
    }
    this.#noteClockJump();
  }

  async #remove(session: Session): Promise<void> {
    const { table, vault } = this.#parts;
    table.remove(session);
    this.reliable.forget(session);
    await session.release();
    if (!session.confirmed && session.role === "responder") {
      const drop = setOf(vault, session).map((entry) => entry.pairId);
      if (drop.length > 0) await vault.commit({ drop });
    }
  }

  /** Calls for a newer session when one nears its end, and when it ended without one. */
  #renew(session: Session): void {
    const { clock, table } = this.#parts;
    if (clock.monotonicMs() < session.renewAtMs) return;
    const [newest] = table.forPeer(session.peer);
    // One that is not confirmed may never be: until that is known, this one stays due.
    if (newest !== session && newest?.confirmed === false) return;
    session.renewAtMs = Infinity;
    if (newest === session) this.links.want(session.peer, { fresh: true, patient: true });
  }

  #noteClockJump(): void {
    if (!this.#clockWatch.note()) return;
    const { table, vault, events } = this.#parts;
    events.audit("clock_jump", { success: true });
    const put = table.all().flatMap((session) => redatedSet(this.#parts, session));
    if (put.length > 0) this.#background("redate", vault.commit({ put }));
    this.#syncing.reset();
    const peers = new Set(
      table.all().filter((session) => session.confirmed && session.sends)
        .map((session) => session.peer),
    );
    for (const peer of peers) this.#syncing.ask(peer);
  }
}
