/**
 * Frames that came: opening them, and giving each to what it is for.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { type CryptoCore, CryptoError, type OpenedFrame } from "../../crypto/interface.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import {
  ackHeaderSchema,
  closeHeaderSchema,
  frameHeaderSchema,
  keepHeaderSchema,
  recordHeaderSchema,
  syncHeaderSchema,
} from "../../protocol/frames.ts";
import { frameSessionId } from "../../protocol/peer_api.ts";
import { verifyRecord } from "../../protocol/record.ts";
import { parseGrowing, parseInput, parseJson } from "../../protocol/schemas.ts";
import type { Background } from "../timing/background.ts";
import type { NodeEvents } from "../events/events.ts";
import type { PeerBook } from "../peers/peer_book.ts";
import type { ModuleFrame, ModuleGate } from "./module_gate.ts";
import type { AckGatherer } from "./acks.ts";
import type { Confirming } from "./confirming.ts";
import type { Ending } from "./ending.ts";
import type { Greeting } from "./greeting.ts";
import type { Keeping } from "./keeping.ts";
import type { PeerLinks } from "./links.ts";
import type { ReliableSender } from "./reliable.ts";
import type { Revoking } from "./revoking.ts";
import type { Session, SessionTable } from "./session.ts";
import type { Syncing } from "./syncing.ts";

/** What became of a frame, for whoever carried it. */
export type FrameVerdict =
  | { readonly kind: "unknown" | "refused" }
  | { readonly kind: "taken"; readonly session: Session; readonly fresh: boolean };

export interface IntakeParts {
  readonly crypto: CryptoCore;
  readonly events: NodeEvents;
  readonly background: Background;
  readonly book: PeerBook;
  readonly table: SessionTable;
  /** The only way to the modules. */
  readonly gate: ModuleGate;
  readonly confirming: Confirming;
  readonly greeting: Greeting;
  readonly acks: AckGatherer;
  readonly reliable: ReliableSender;
  readonly keeping: Keeping;
  readonly syncing: Syncing;
  readonly revoking: Revoking;
  readonly ending: Ending;
  readonly links: PeerLinks;
}

/** Takes the frames of one node. */
export class FrameIntake {
  readonly #parts: IntakeParts;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
  }

  /**
   * Takes a frame from whatever carried it. What is inside goes on by itself; the verdict says only whether it opened.
   */
  async take(frame: Uint8Array): Promise<FrameVerdict> {
    const { events, background } = this.#parts;
    const sessionId = frameSessionId(frame);
    if (sessionId === null) {
      events.count("frames_refused");
      return { kind: "refused" };
    }
    const session = this.#find(sessionId);
    if (session === null) return { kind: "unknown" };
    const opened = await openUnlessGone(session, frame);
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
        background.run("frame", this.#dispatch(session, opened));
        return { kind: "taken", session, fresh };
      }
    }
  }

  /** Tells whether frames of a session would be opened. */
  knows(sessionId: Uint8Array): boolean {
    return this.#find(sessionId) !== null;
  }

  #find(sessionId: Uint8Array): Session | null {
    const session = this.#parts.table.get(Buffer.from(sessionId).toString("hex"));
    return session === null || session.over || !this.#counts(session) ? null : session;
  }

  /** Whether a session is still there, and its peer not one that another identity has followed. */
  #counts(session: Session): boolean {
    const { table, book } = this.#parts;
    const isSucceeded = book.get(session.peer)?.succession != null;
    return table.get(session.id) === session && !isSucceeded;
  }

  async #dispatch(
    session: Session,
    opened: OpenedFrame & { outcome: "opened" | "repeat" },
  ): Promise<void> {
    const { confirming, events } = this.#parts;
    try {
      // A newer message 1 of the same pair may have replaced it while this frame was opened.
      if (!this.#counts(session)) return;
      if (!session.confirmed) await confirming.confirm(session);
      // It may have been cut off while it was confirmed.
      if (!session.confirmed || !this.#counts(session)) return;
      const input = parseJson(opened.header);
      const { type, id } = parseInput(frameHeaderSchema, input);
      if (opened.outcome === "repeat") this.#takeRepeat(session, { type, id });
      else if (type.startsWith("core.")) await this.#takeCore(session, { type, input });
      else await this.#takeModule(session, { type, id, input, body: opened.body });
    } catch (error) {
      if (!(error instanceof OpenRedError)) throw error;
      events.count("frames_dropped");
    }
  }

  /** A repeat is answered as before: a hello again, an acknowledgement if there was one. */
  #takeRepeat(session: Session, header: { type: string; id: string | undefined }): void {
    const { greeting, gate, acks } = this.#parts;
    const { type, id } = header;
    if (type === "core.hello") greeting.answer(session);
    if (id === undefined) return;
    const stored = type === "core.keep"
      ? session.hasKept(id)
      : gate.has(session.peer, { type, id });
    if (stored) acks.add(session.peer, id);
  }

  async #takeModule(session: Session, frame: ModuleFrame): Promise<void> {
    const { gate, acks } = this.#parts;
    const stored = await gate.take(session.peer, frame);
    if (stored && frame.id !== undefined) acks.add(session.peer, frame.id);
  }

  async #takeCore(session: Session, frame: { type: string; input: unknown }): Promise<void> {
    const { events, greeting, reliable, syncing } = this.#parts;
    const { peer } = session;
    const { type, input } = frame;
    switch (type) {
      case "core.hello":
        parseGrowing(frameHeaderSchema, input);
        return greeting.answer(session);
      case "core.tick":
        return void parseGrowing(frameHeaderSchema, input);
      case "core.ack":
        for (const id of parseGrowing(ackHeaderSchema, input).ids) reliable.acknowledge(peer, id);
        return;
      case "core.record":
        return await this.#takeRecord(session, parseGrowing(recordHeaderSchema, input).record);
      case "core.keep":
        return await this.#takeKeep(session, input);
      case "core.close":
        return await this.#takeClose(session, input);
      case "core.sync":
        return await syncing.take(peer, parseGrowing(syncHeaderSchema, input).pairs);
      default:
        events.count("frames_dropped");
    }
  }

  async #takeRecord(session: Session, text: string): Promise<void> {
    const { crypto, book } = this.#parts;
    const record = await verifyRecord(crypto, text);
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

/** @returns `null` if its keys have gone meanwhile. */
async function openUnlessGone(session: Session, frame: Uint8Array): Promise<OpenedFrame | null> {
  try {
    return await session.open(frame);
  } catch (error) {
    if (error instanceof CryptoError && error.code === "key_unknown") return null;
    throw error;
  }
}
