/**
 * Frames that came: opening them, and giving each to what it is for.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import { hasCode, OpenRedError } from "../../protocol/errors.ts";
import {
  ackHeaderSchema,
  closeHeaderSchema,
  type FrameHeader,
  frameHeaderSchema,
  handshakeHeaderSchema,
  handshakenHeaderSchema,
  helloHeaderSchema,
  keepHeaderSchema,
  pathsHeaderSchema,
  recordHeaderSchema,
  refusedHeaderSchema,
  syncHeaderSchema,
} from "../../protocol/frames.ts";
import { invitationHeaderSchema, invitedHeaderSchema } from "../../protocol/invitation.ts";
import { parseGrowing, parseInput, parseJson } from "../../protocol/schemas.ts";
import type { Background } from "../timing/background.ts";
import type { NodeEvents } from "../events/events.ts";
import type { PeerBook } from "../peers/peer_book.ts";
import type { CallEnd, CallFrame, CallGate, ModuleFrame, ModuleGate } from "./module_gate.ts";
import type { AckGatherer } from "./acks.ts";
import type { Confirming } from "./confirming.ts";
import type { Ending } from "./ending.ts";
import { FrameOpening, type Opened } from "./frame_opening.ts";
import { FramesUnderWay } from "./frames_under_way.ts";
import type { Greeting } from "./greeting.ts";
import type { HandshakeFrames } from "./handshake_frames.ts";
import type { Inviting } from "./inviting.ts";
import type { Keeping } from "./keeping.ts";
import { type MessageTraces, TRACE_MEMBER } from "./message_traces.ts";
import type { PeerLinks } from "./links.ts";
import type { PeerClocks } from "./peer_clocks.ts";
import type { ReliableSender } from "./reliable.ts";
import type { Revoking } from "./revoking.ts";
import type { Session, SessionTable } from "./session.ts";
import type { Syncing } from "./syncing.ts";

/** What became of a frame, for whoever carried it. */
export type FrameVerdict =
  | { readonly kind: "unknown" | "refused" }
  | {
    readonly kind: "taken";
    readonly session: Session;
    readonly fresh: boolean;
    /** Resolves when there is room for more frames of this peer; absent where there is. */
    readonly room?: Promise<void>;
  };

/** What became of a sealed call, for the POST that carried it. */
export type CallVerdict = CallEnd | { readonly kind: "refused" };

type ParsedHeader = FrameHeader & { readonly input: unknown };

export interface IntakeParts {
  readonly events: NodeEvents;
  readonly background: Background;
  readonly book: PeerBook;
  readonly table: SessionTable;
  /** The only ways to the modules. */
  readonly gate: ModuleGate;
  readonly calls: CallGate;
  readonly confirming: Confirming;
  readonly greeting: Greeting;
  readonly acks: AckGatherer;
  /** Gathers the ids of what is refused. */
  readonly refusals: AckGatherer;
  readonly reliable: ReliableSender;
  readonly keeping: Keeping;
  readonly syncing: Syncing;
  readonly revoking: Revoking;
  readonly inviting: Inviting;
  readonly clocks: PeerClocks;
  readonly handshakes: HandshakeFrames;
  readonly ending: Ending;
  readonly links: PeerLinks;
  readonly traces?: MessageTraces | null;
  /** Takes where in a local network a peer can be called. */
  readonly paths?: (peer: NodeId, paths: readonly string[]) => void;
  /** Called for each frame that has opened. */
  readonly used: (peer: NodeId) => void;
}

/** What may be otherwise at the next repeat. */
const PASSING_CODES = ["overloaded", "rate_limited", "internal"] as const;

/** Takes the frames of one node. */
export class FrameIntake {
  readonly #parts: IntakeParts;
  readonly #opening: FrameOpening;
  readonly #underWay = new FramesUnderWay();

  constructor(parts: IntakeParts) {
    this.#parts = parts;
    this.#opening = new FrameOpening(parts);
  }

  /**
   * Takes a frame from whatever carried it. What is inside goes on by itself; the verdict says only whether it opened.
   */
  async take(frame: Uint8Array): Promise<FrameVerdict> {
    const opening = await this.#opening.open(frame);
    if (opening.kind === "unknown" || opening.kind === "refused") return opening;
    const { session } = opening;
    if (opening.kind === "dropped") return { kind: "taken", session, fresh: false };
    const { opened } = opening;
    const { peer } = session;
    const work = this.#dispatchAll(session, opened);
    const count = 1 + (opened.more?.length ?? 0);
    const counted = this.#underWay.during(work, { peer, bytes: frame.length, count });
    this.#parts.background.run("frame", counted, peer);
    const taken = { kind: "taken", session, fresh: opened.outcome === "opened" } as const;
    return this.#underWay.isFull(peer) ? { ...taken, room: this.#underWay.room(peer) } : taken;
  }

  /**
   * Looks whether frames of a session are taken that come by a way which cannot wait.
   * @param sessionId 16 bytes.
   * @throws {OpenRedError} `overloaded` while too many frames of its peer are under way; they come again.
   */
  checkRoom(sessionId: Uint8Array): void {
    const session = this.#opening.find(sessionId);
    if (session === null || !this.#underWay.isFull(session.peer)) return;
    throw new OpenRedError("overloaded", "Too many frames of this peer are under way", {
      retryAfterMs: 1_000,
    });
  }

  /** Tells whether frames of a session would be opened. */
  knows(sessionId: Uint8Array): boolean {
    return this.#opening.find(sessionId) !== null;
  }

  /**
   * Takes a POST of a sealed call to the path of its type, and waits a while for the answer.
   * @throws {OpenRedError} `bad_request` for any other frame, of which nothing comes; `rate_limited` for a call that was
   *   repeated too often; `overloaded` if its session could not be confirmed.
   */
  async takeCall(frame: Uint8Array, type: string): Promise<CallVerdict> {
    const opening = await this.#opening.open(frame);
    if (opening.kind === "unknown" || opening.kind === "refused") return opening;
    if (opening.kind === "dropped") return { kind: "later" };
    const { session, opened } = opening;
    const call = this.#callOf(opened, type);
    if (!await this.#opening.confirm(session)) return { kind: "unknown" };
    return await this.#parts.calls.call(session.peer, call, "post");
  }

  /** @throws {OpenRedError} `bad_request` for a frame that is no sealed call of this type. */
  #callOf(opened: Opened, type: string): CallFrame {
    try {
      const input = parseJson(opened.header);
      const header = parseInput(frameHeaderSchema, input);
      checkMarks(header);
      const { ask } = header;
      const isAlone = opened.more === undefined;
      if (isAlone && header.type === type && ask !== undefined) {
        return toCall(opened, { type, ask, input });
      }
    } catch (error) {
      if (!hasCode(error, "bad_request")) throw error;
    }
    this.#parts.events.count("frames_dropped");
    throw new OpenRedError("bad_request", `The frame is no sealed call ${type}`);
  }

  async #dispatchAll(session: Session, opened: Opened): Promise<void> {
    const { more } = opened;
    try {
      if (!await this.#opening.confirm(session)) return;
    } catch (error) {
      return this.#drop(error);
    }
    if (more === undefined) return await this.#dispatch(session, opened);
    const messages = [opened, ...more.map((message) => ({ ...opened, ...message }))];
    await Promise.all(messages.map((message) => this.#dispatch(session, message)));
  }

  /** @throws What is no fault of the frame. */
  #drop(error: unknown): void {
    if (!(error instanceof OpenRedError)) throw error;
    this.#parts.events.count("frames_dropped");
  }

  async #dispatch(session: Session, opened: Opened): Promise<void> {
    try {
      const input = parseJson(opened.header);
      const header = parseInput(frameHeaderSchema, input);
      const isCore = header.type.startsWith("core.");
      const isCall = header.ask !== undefined || header.answer !== undefined;
      if (opened.more !== undefined) checkCompany(header);
      if (isCall && !isCore) await this.#takeCall(session, { ...header, input }, opened);
      else if (opened.outcome === "repeat") this.#takeRepeat(session, header);
      else if (isCore) {
        await this.#takeCore(session, { type: header.type, input, body: opened.body });
      } else {
        const { type, id } = header;
        await this.#takeModule(session, { type, id, input, body: opened.body });
      }
    } catch (error) {
      this.#drop(error);
    }
  }

  /** A repeat is answered as before: a hello again, an acknowledgement if there was one. */
  #takeRepeat(session: Session, header: FrameHeader): void {
    const { greeting, gate, acks } = this.#parts;
    const { type, id } = header;
    if (type === "core.hello") greeting.answer(session);
    if (id === undefined) return;
    const stored = type === "core.keep"
      ? session.hasKept(id)
      : gate.has(session.peer, { type, id });
    if (stored) acks.add(session.peer, id);
  }

  /** A sealed call, or the answer to one; what came before answers nothing any more. */
  async #takeCall({ peer }: Session, header: ParsedHeader, opened: Opened): Promise<void> {
    checkMarks(header);
    const { calls } = this.#parts;
    const { type, ask, answer, input } = header;
    if (ask !== undefined) await calls.call(peer, toCall(opened, { type, ask, input }), "frame");
    else if (answer !== undefined && opened.outcome === "opened") {
      calls.answered(peer, { type, answer, input, body: opened.body });
    }
  }

  async #takeModule({ peer }: Session, frame: ModuleFrame): Promise<void> {
    const { gate, acks, refusals, traces } = this.#parts;
    const { id } = frame;
    const member = (frame.input as Record<string, unknown>)[TRACE_MEMBER];
    const trace = traces?.receiving(peer, { type: frame.type, member });
    let isStored = false;
    try {
      isStored = await gate.take(peer, frame);
      if (id === undefined) return;
      if (isStored) acks.add(peer, id);
      else if (gate.refuses(peer, frame)) refusals.add(peer, id);
    } catch (error) {
      // What a module refuses it refuses again, unless it has no room now.
      const isForGood = error instanceof OpenRedError && !hasCode(error, ...PASSING_CODES);
      if (isForGood && id !== undefined) refusals.add(peer, id);
      throw error;
    } finally {
      trace?.end(isStored);
    }
  }

  async #takeCore(
    session: Session,
    frame: { type: string; input: unknown; body: Uint8Array },
  ): Promise<void> {
    const { events, greeting, handshakes, reliable, syncing, inviting } = this.#parts;
    const { peer } = session;
    const { type, input, body } = frame;
    switch (type) {
      case "core.hello":
        this.#noteHello(session, input);
        return greeting.answer(session);
      case "core.tick":
        return void parseGrowing(frameHeaderSchema, input);
      case "core.ack":
        for (const id of parseGrowing(ackHeaderSchema, input).ids) reliable.acknowledge(peer, id);
        return;
      case "core.refused":
        for (const id of parseGrowing(refusedHeaderSchema, input).ids) reliable.refuse(peer, id);
        return;
      case "core.record":
        return await this.#takeRecord(session, parseGrowing(recordHeaderSchema, input).record);
      case "core.keep":
        return await this.#takeKeep(session, input);
      case "core.close":
        return await this.#takeClose(session, input);
      case "core.sync":
        return await syncing.take(peer, parseGrowing(syncHeaderSchema, input).pairs);
      case "core.invitation":
        return await inviting.take(session, parseGrowing(invitationHeaderSchema, input));
      case "core.invited":
        return await inviting.takeAnswer(peer, parseGrowing(invitedHeaderSchema, input));
      case "core.handshake":
        return await handshakes.take(session, parseGrowing(handshakeHeaderSchema, input), body);
      case "core.handshaken":
        return handshakes.takeAnswer(peer, parseGrowing(handshakenHeaderSchema, input), body);
      case "core.paths":
        return this.#parts.paths?.(peer, parseGrowing(pathsHeaderSchema, input).paths);
      default:
        events.count("frames_dropped");
    }
  }

  #noteHello(session: Session, input: unknown): void {
    const { messages, handshakes, at } = parseGrowing(helloHeaderSchema, input);
    session.peerMessages = messages;
    session.peerTakesHandshakes = handshakes;
    if (at !== undefined) this.#parts.clocks.compare(session, at);
  }

  async #takeRecord(session: Session, text: string): Promise<void> {
    const { book } = this.#parts;
    const record = await book.verifyShown(session.peer, text);
    if (record.id !== session.peer) {
      throw new OpenRedError("bad_request", "The record is not the peer's own");
    }
    await book.take(record);
  }

  async #takeKeep(session: Session, input: unknown): Promise<void> {
    const { keeping, acks } = this.#parts;
    const header = parseGrowing(keepHeaderSchema, input);
    if (!(await keeping.obey(session, header))) return;
    session.noteKept(header.id);
    acks.add(session.peer, header.id);
  }

  async #takeClose(session: Session, input: unknown): Promise<void> {
    const { revoking, ending, links } = this.#parts;
    if (parseGrowing(closeHeaderSchema, input).revoked) return await revoking.obey(session);
    ending.close(session, "the peer stops");
    links.want(session.peer, { delayed: true });
  }
}

function toCall(
  { header, body, outcome }: Opened,
  { type, ask, input }: { type: string; ask: string; input: unknown },
): CallFrame {
  return { type, ask, header, input, body, fresh: outcome === "opened" };
}

/** A sealed call and an answer want no acknowledgement, and no frame is both. */
function checkMarks({ id, ask, answer }: FrameHeader): void {
  if ([id, ask, answer].filter((mark) => mark !== undefined).length > 1) {
    throw new OpenRedError("bad_request", "A frame has one of id, ask and answer");
  }
}

/** Others than these have a frame of their own. */
function checkCompany({ type, ask, answer }: FrameHeader): void {
  const mayShare = type.startsWith("core.")
    ? type === "core.ack" || type === "core.refused"
    : ask === undefined && answer === undefined;
  if (!mayShare) throw new OpenRedError("bad_request", "The message stands in company");
}
