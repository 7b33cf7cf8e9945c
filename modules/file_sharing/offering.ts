/**
 * Telling peers what is shared with them, until they have heard of it.
 *
 * @module
 */
import { encodeUtf8 } from "../../crypto/encoding.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { offerAnswerSchema } from "../../protocol/file_frames.ts";
import { parseInput } from "../../protocol/schemas.ts";
import type { ModuleContext, NodeId } from "../api.ts";
import { SHARE } from "./manifest.ts";
import type { Records } from "./records.ts";
import type { Share } from "./shares.ts";

/** A peer that took no offers may have been told to meanwhile. */
const RETRY_MS = 600_000;

const REASONS: Readonly<Record<string, string>> = {
  forbidden: "The peer takes no files of this node yet",
  unsupported: "The peer's node knows no files",
  overloaded: "The peer has too many offers",
  unreachable: "The peer cannot be reached now",
};

export interface OfferingParts extends Pick<ModuleContext, "ask" | "clock" | "events" | "log"> {
  readonly records: Records<Share>;
}

/** The offers that go out. */
export class Offering {
  readonly #parts: OfferingParts;
  readonly #underWay = new Set<string>();
  readonly #retries = new Map<string, () => void>();
  readonly #stop = new AbortController();

  constructor(parts: OfferingParts) {
    this.#parts = parts;
  }

  start(): void {
    for (const { id } of this.#parts.records.all()) this.deliver(id);
  }

  stop(): void {
    this.#stop.abort();
    for (const cancel of this.#retries.values()) cancel();
  }

  /** The peer is there. */
  pump(peer: NodeId): void {
    for (const { id } of this.#parts.records.of(peer)) this.deliver(id);
  }

  /** How many shares a peer has not heard of. */
  waiting(peer: NodeId): number {
    return this.#parts.records.of(peer).filter(({ value }) => isDue(value)).length;
  }

  /** Offers a share, if its peer has not heard of it. */
  deliver(id: string): void {
    const held = this.#parts.records.get(id);
    if (held === null || !isDue(held.value) || this.#underWay.has(id)) return;
    this.#underWay.add(id);
    this.#retries.get(id)?.();
    this.#retries.delete(id);
    this.#offer(id).catch((error) => {
      this.#parts.log.log("error", "offer_failed", { peer: held.peer, text: String(error) });
    }).finally(() => this.#underWay.delete(id));
  }

  async #offer(id: string): Promise<void> {
    const { records, ask, events } = this.#parts;
    const { peer, value } = records.get(id)!;
    try {
      const { header } = await ask({ peer, ...offerOf(value), signal: this.#stop.signal });
      const { state } = parseInput(offerAnswerSchema, header);
      await records.change(id, (now) => ({
        ...now,
        why: null,
        answer: now.answer === "accepted" ? now.answer : state,
      }));
      events.emit("share", { id, state: "offered" });
    } catch (error) {
      if (!(error instanceof OpenRedError)) throw error;
      if (this.#stop.signal.aborted) return;
      const why = REASONS[error.code] ?? "The peer did not take the offer";
      await records.change(id, (now) => ({ ...now, why }));
      this.#retries.set(id, this.#parts.clock.setTimer(RETRY_MS, () => this.deliver(id)));
    }
  }
}

function isDue({ state, answer }: Share): boolean {
  return state === "ready" && answer === "waiting";
}

function offerOf({ share, expiresAt, note, require, files }: Share) {
  const list = files.map(({ name, length, root, kind, entries, modifiedAt }) => ({
    name,
    length,
    ...(root === null ? {} : { root }),
    ...(kind === undefined ? {} : { kind }),
    ...(entries === undefined ? {} : { entries }),
    ...(modifiedAt === undefined ? {} : { modified_at: modifiedAt }),
  }));
  return {
    type: SHARE,
    header: {
      share,
      ...(expiresAt === null ? {} : { expires_at: expiresAt }),
      ...(note === null ? {} : { note }),
      ...(require === undefined ? {} : { require }),
    },
    body: encodeUtf8(JSON.stringify(list)),
  };
}
