/**
 * The sessions of a node, from the first call to the last word.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { HttpClient, Random } from "../../ports/ports.ts";
import type { RateLimit } from "../../ports/rate_limits.ts";
import type { SessionView } from "../../protocol/admin_api.ts";
import type { HandshakeRequest } from "../../protocol/peer_api.ts";
import type { Background } from "../timing/background.ts";
import type { Directories } from "../directories/directories.ts";
import type { HeldInvitations } from "../peers/held_invitations.ts";
import type { Invitations } from "../peers/invitations.ts";
import type { Carrier } from "./carrier.ts";
import type { CallGate, ModuleGate } from "./module_gate.ts";
import { AckGatherer } from "./acks.ts";
import { Bundles } from "./bundles.ts";
import { MAX_CALLS_IN_TURN } from "./call_turns.ts";
import { Caller } from "./caller.ts";
import { Confirming } from "./confirming.ts";
import { Ending } from "./ending.ts";
import { type CallVerdict, FrameIntake, type FrameVerdict } from "./frame_intake.ts";
import { Greeting } from "./greeting.ts";
import { HandshakeFrames } from "./handshake_frames.ts";
import { Inviting } from "./inviting.ts";
import { Keeping } from "./keeping.ts";
import { Newcomers } from "./newcomers.ts";
import { PeerClocks } from "./peer_clocks.ts";
import { PeerLinks } from "./links.ts";
import { ReliableSender } from "./reliable.ts";
import {
  type HandshakeAnswer,
  type HandshakeParts,
  type PairHolder,
  Responder,
} from "./responder.ts";
import { Revoking } from "./revoking.ts";
import type { MessageTraces } from "./message_traces.ts";
import type { Session } from "./session.ts";
import { sessionView } from "./session_view.ts";
import { isRenewalDue } from "./standby.ts";
import { Strangers } from "./strangers.ts";
import { Sweep } from "./sweep.ts";
import { Syncing } from "./syncing.ts";

/** Over how long a node with many peers spreads its calls when it starts. */
const START_MS_PER_PEER = 50;
const MAX_START_MS = 60_000;

export interface SessionsParts extends HandshakeParts {
  readonly random: Random;
  readonly http: HttpClient;
  readonly background: Background;
  readonly directories: Directories;
  readonly carrier: Carrier;
  readonly invitations: Invitations;
  readonly held: HeldInvitations;
  /** Counts the handshakes of one peer, however they come. */
  readonly peerHandshakes: RateLimit;
  readonly checkUrl: (url: string, signal: AbortSignal) => Promise<void>;
  /** The URL to call a peer at now. */
  readonly urlOf?: (peer: NodeId) => string | null;
  /** The only ways to the modules. */
  readonly gate: ModuleGate;
  readonly calls: CallGate;
  /** Called after a session was confirmed. */
  readonly confirmed: (peer: NodeId) => void;
  /** Follows messages, where somebody asked for it. */
  readonly traces?: MessageTraces | null;
  /** Takes where in a local network a peer can be called; nothing of it counts if absent. */
  readonly paths?: (peer: NodeId, paths: readonly string[]) => void;
  /** Whether something of a module waits for a peer. */
  readonly isAwaited: (peer: NodeId) => boolean;
}

/** All sessions of one node. */
export class Sessions {
  readonly links: PeerLinks;
  readonly reliable: ReliableSender;
  readonly revoking: Revoking;
  readonly ending: Ending;
  readonly strangers: Strangers;
  readonly inviting: Inviting;
  readonly #newcomers: Newcomers;
  readonly #parts: SessionsParts;
  readonly #bundles: Bundles;
  readonly #responder: Responder;
  readonly #keeping: Keeping;
  readonly #syncing: Syncing;
  readonly #intake: FrameIntake;
  readonly #sweep: Sweep;

  constructor(parts: SessionsParts) {
    this.#parts = parts;
    this.#responder = new Responder(parts);
    const handshakes = new HandshakeFrames({
      ...parts,
      answer: (request) => this.#responder.answer(request),
    });
    const caller = new Caller({ ...parts, frames: handshakes });
    const greeting = new Greeting(parts);
    this.#bundles = new Bundles(parts);
    this.reliable = new ReliableSender({
      ...parts,
      bundles: this.#bundles,
      acknowledged: (ms) => parts.events.observe("openred_acknowledgement_seconds", ms),
    });
    this.links = new PeerLinks({
      ...parts,
      call: (peer, options) => caller.call(peer, options),
      greet: (session, signal) => greeting.greet(session, signal),
    });
    const shared = { ...parts, greeting, reliable: this.reliable, links: this.links };
    this.ending = new Ending(shared);
    this.strangers = new Strangers({ ...parts, ending: this.ending });
    this.inviting = new Inviting(shared);
    this.#newcomers = new Newcomers(parts);
    const close = (session: Session, why: string) => this.ending.close(session, why);
    this.revoking = new Revoking({ ...shared, close });
    this.#keeping = new Keeping({ ...shared, ownId: parts.own.id, close });
    const send = (peer: NodeId, header: Record<string, unknown>) => this.send(peer, header);
    this.#syncing = new Syncing({
      ...parts,
      send: (peer, header) => parts.background.run("send", this.sendAlone(peer, header), peer),
    });
    this.#intake = new FrameIntake({
      ...shared,
      confirming: new Confirming(parts, (session, { wasKnown }) => {
        this.#begin(session.peer, { wasKnown });
      }),
      acks: new AckGatherer(parts.clock, (peer, ids) => send(peer, { type: "core.ack", ids })),
      refusals: new AckGatherer(
        parts.clock,
        (peer, ids) => send(peer, { type: "core.refused", ids }),
      ),
      used: (peer) => this.strangers.used(peer),
      keeping: this.#keeping,
      syncing: this.#syncing,
      revoking: this.revoking,
      inviting: this.inviting,
      clocks: new PeerClocks(parts),
      handshakes,
      ending: this.ending,
    });
    this.#sweep = new Sweep({ ...shared, ending: this.ending, syncing: this.#syncing });
  }

  /** What follows once a session counts. */
  #begin(peer: NodeId, { wasKnown }: { wasKnown: boolean }): void {
    this.links.confirmed(peer);
    this.inviting.show(peer);
    this.#newcomers.met(peer);
    this.#keeping.settle(peer);
    this.reliable.resend(peer);
    if (wasKnown) this.#syncing.ask(peer);
    this.#parts.confirmed(peer);
    const { background } = this.#parts;
    background.run("surplus", this.ending.endSurplus(peer), peer);
    background.run("strangers", this.strangers.met(peer), peer);
  }

  /**
   * Calls every peer that it ever had a session with, that somebody here decided about and that was not revoked since,
   * and begins to watch over sessions. A stranger calls again itself.
   */
  async start(): Promise<void> {
    await this.#dropOrphans();
    this.strangers.gather();
    const decided = this.#parts.decisions.all();
    const peers = this.#parts.book.all().filter(({ id, known, revokedAt }) =>
      known && revokedAt === null && decided.has(id)
    );
    const withinMs = Math.min(peers.length * START_MS_PER_PEER, MAX_START_MS);
    // As many as have a turn at once need no spreading.
    const spread = peers.length > MAX_CALLS_IN_TURN ? { withinMs } : {};
    for (const { id } of peers) this.links.want(id, { patient: true, ...spread });
    this.inviting.start();
    this.#sweep.start();
  }

  /** Standby pairs whose handshake this node answered and that were not confirmed before it ended. */
  async #dropOrphans(): Promise<void> {
    const { vault } = this.#parts;
    const drop = vault.all().filter(({ standby, half }) =>
      half !== null && standby?.role === "responder" && standby.confirmedAt === null
    );
    if (drop.length > 0) await vault.commit({ drop: drop.map((entry) => entry.pairId) });
  }

  /** Says `core.close` on every session that sends, then ends. */
  async stop(): Promise<void> {
    this.#sweep.stop();
    await this.links.stop();
    this.#keeping.stop();
    this.inviting.stop();
    this.#newcomers.stop();
    this.reliable.stop();
    const { table, carrier } = this.#parts;
    await Promise.all(
      table.all().map(async (session) => {
        if (session.confirmed && session.sends) {
          const frame = await session.sealUnlessGone({ type: "core.close" });
          if (frame !== null) carrier.send(session.peer, frame);
        }
        session.close();
      }),
    );
  }

  /** As {@linkcode Responder.callerOf}. */
  callerOf(pairId: Uint8Array): PairHolder | null {
    return this.#responder.callerOf(pairId);
  }

  /** @throws {OpenRedError} `handshake_rejected`. */
  answer(request: HandshakeRequest): Promise<HandshakeAnswer> {
    return this.#responder.answer(request);
  }

  /** Tells whether frames of a session would be opened. @param sessionId 16 bytes. */
  knows(sessionId: Uint8Array): boolean {
    return this.#intake.knows(sessionId);
  }

  /** As {@linkcode FrameIntake.checkRoom}. */
  checkRoom(sessionId: Uint8Array): void {
    this.#intake.checkRoom(sessionId);
  }

  /** Takes a frame from whatever carried it. */
  receive(frame: Uint8Array): Promise<FrameVerdict> {
    return this.#intake.take(frame);
  }

  /** Takes a POST to the path of a sealed call. @throws {OpenRedError} As {@linkcode FrameIntake.takeCall}. */
  receiveCall(frame: Uint8Array, type: string): Promise<CallVerdict> {
    return this.#intake.takeCall(frame, type);
  }

  /**
   * Sends a message that nobody acknowledges, perhaps with others in its frame: a module's, or of acknowledgements.
   * Without a session it is dropped.
   */
  send(peer: NodeId, header: Record<string, unknown>, body?: Uint8Array): void {
    const session = this.#parts.table.current(peer);
    if (session === null) return;
    this.#parts.events.count("frames_sent");
    void this.#bundles.send(session, { header, body });
  }

  /** Sends a message that must have a frame of its own, as all of `core.*` but acknowledgements. */
  async sendAlone(peer: NodeId, header: Record<string, unknown>): Promise<void> {
    const frame = await this.sealFor(peer, header);
    if (frame !== null) this.#parts.carrier.send(peer, frame);
  }

  /**
   * Seals a frame to open a channel with, or `null` without a session. One that was made here and is not confirmed yet
   * goes first: the peer may have lost those before it, and its answer may have no other way to this node.
   */
  sealFirst(peer: NodeId): Promise<Uint8Array<ArrayBuffer> | null> {
    const { table } = this.#parts;
    const [newest] = table.forPeer(peer);
    const isAwaited = newest?.role === "initiator" && !newest.confirmed && newest.sends;
    return this.#seal(isAwaited ? newest : table.current(peer), { type: "core.tick" });
  }

  /** Seals a frame on the session that counts now, or `null` without one. */
  sealFor(
    peer: NodeId,
    header: Record<string, unknown>,
    body?: Uint8Array,
  ): Promise<Uint8Array<ArrayBuffer> | null> {
    return this.#seal(this.#parts.table.current(peer), header, body);
  }

  async #seal(
    session: Session | null,
    header: Record<string, unknown>,
    body?: Uint8Array,
  ): Promise<Uint8Array<ArrayBuffer> | null> {
    if (session === null) return null;
    this.#parts.events.count("frames_sent");
    return await session.sealUnlessGone(header, body);
  }

  /**
   * Tells peers that this node is called at another URL now: by a frame, which may be lost, and, as after a restart, by
   * a new session, in which the record is shown.
   */
  tellMoved(): void {
    const { decisions, table } = this.#parts;
    const peers = table.peers();
    this.tellRecord();
    const withinMs = Math.min(peers.length * START_MS_PER_PEER, MAX_START_MS);
    for (const peer of peers) {
      if (decisions.isDecided(peer)) {
        this.links.want(peer, { fresh: true, patient: true, withinMs });
      }
    }
  }

  /** Shows the newest record to every peer that a session leads to. */
  tellRecord(): void {
    this.#parts.background.run("tell_record", this.#sendRecord());
  }

  async #sendRecord(): Promise<void> {
    const { ownRecord, table } = this.#parts;
    const { text: record } = await ownRecord.current();
    for (const peer of table.peers()) await this.sendAlone(peer, { type: "core.record", record });
  }

  /** Notes that somebody said a session of this peer is unknown there: a hint, tried with growing pauses. */
  hintUnknown(peer: NodeId): void {
    const { table, decisions } = this.#parts;
    if (table.current(peer) === null || !decisions.isDecided(peer)) return;
    this.links.want(peer, { fresh: true, delayed: true });
  }

  /** Calls peers, but no strangers, whose standby pairs near their end: it would take a directory to meet them again. */
  renewStandby(): void {
    const { book, vault, clock, decisions } = this.#parts;
    const decided = decisions.all();
    for (const { id, known } of book.all()) {
      if (known && decided.has(id) && isRenewalDue(vault, { peer: id, nowMs: clock.nowMs() })) {
        this.links.want(id, { fresh: true, patient: true });
      }
    }
  }

  /** Whether the wall clock has been right for hours, as far as a node can know. */
  get isClockSteady(): boolean {
    return this.#sweep.isClockSteady;
  }

  view(session: Session): SessionView {
    return sessionView(session, this.#parts.carrier);
  }
}
