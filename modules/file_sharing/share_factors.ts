/**
 * Factors that peers' owners show before anything of a share is given: asked for when a download begins, and good for
 * that download for a day, through restarts.
 *
 * @module
 */
import { isOneLine } from "../../protocol/one_line.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { FactorQuota } from "../../protocol/factor_quota.ts";
import { unlockHeaderSchema } from "../../protocol/file_frames.ts";
import type { ShareView } from "../../protocol/file_sharing_api.ts";
import { parseInput } from "../../protocol/schemas.ts";
import type { CallAnswer, ModuleContext, NodeId, PeerFrame } from "../api.ts";
import type { Held, Records } from "./records.ts";
import type { Share, Shares } from "./shares.ts";
import { isShown, type ShownFactor } from "./shown_factor.ts";

const MAX_KEPT = 32;
/** What a purpose has room for. */
const MAX_NAME_LENGTH = 80;

export interface ShareFactorsParts extends Pick<ModuleContext, "auth" | "clock" | "events"> {
  readonly records: Records<Share>;
  readonly shares: Shares;
}

/** One that a peer's owner is asked for now. */
interface Asking {
  readonly id: string;
  readonly download: string;
  readonly shown: Promise<void>;
}

/** What this node asks peers' owners for. */
export class ShareFactors {
  readonly #parts: ShareFactorsParts;
  readonly #asking = new Map<NodeId, Asking>();
  /** What a peer's node takes. */
  readonly #quota = new FactorQuota();
  /** Shares of which the last answer was no. */
  readonly #refused = new Set<string>();
  readonly #stop = Promise.withResolvers<never>();

  constructor(parts: ShareFactorsParts) {
    this.#parts = parts;
    this.#stop.promise.catch(() => undefined);
  }

  /** Whoever waits for a person waits no longer. */
  stop(): void {
    this.#stop.reject(new OpenRedError("unreachable", "The node stops"));
  }

  /**
   * Answers a peer that wants to show what a share requires: once its owner has shown it.
   * @throws {OpenRedError} `not_found` for what is not shared with this peer; `forbidden` where that was not shown;
   *   `rate_limited` for a second one at a time, or a sixth within an hour; `unreachable`.
   */
  async unlock({ peer, header }: PeerFrame): Promise<CallAnswer> {
    const { share, download } = parseInput(unlockHeaderSchema, header);
    const held = this.#open(peer, share);
    if (isShown(held, { download, nowMs: this.#parts.clock.nowMs() })) return {};
    const { id } = held;
    const asking = this.#asking.get(peer);
    if (asking?.id === id && asking.download === download) await asking.shown;
    else await this.#ask(held, download);
    return {};
  }

  #open(peer: NodeId, share: string): Held<Share> {
    const held = this.#parts.shares.open(peer, share);
    if (held !== null) return held;
    throw new OpenRedError("not_found", "No such file is shared with this peer");
  }

  async #ask(held: Held<Share>, download: string): Promise<void> {
    const { peer, id } = held;
    this.#count(peer);
    const shown = this.#askOnce(held, download);
    this.#asking.set(peer, { id, download, shown });
    this.#tell(id);
    try {
      await shown;
    } finally {
      this.#asking.delete(peer);
      this.#tell(id);
    }
  }

  async #askOnce({ peer, id, value }: Held<Share>, download: string): Promise<void> {
    const { auth, clock, records } = this.#parts;
    this.#refused.delete(id);
    try {
      const asked = auth.require(peer, value.require!, purposeOf(value));
      // Whoever stops hears of it no more.
      asked.catch(() => undefined);
      await Promise.race([asked, this.#stop.promise]);
    } catch (error) {
      throw this.#failure(id, error);
    }
    // It may have been taken back meanwhile.
    const now = this.#open(peer, value.share);
    const one: ShownFactor = { download, peer, at: clock.nowMs() };
    await records.change(now.id, (share) => ({
      ...share,
      shown: [...share.shown?.filter((other) => other.download !== download) ?? [], one]
        .slice(-MAX_KEPT),
    }));
  }

  #failure(id: string, error: unknown): unknown {
    if (!(error instanceof OpenRedError)) return error;
    if (error.code === "rate_limited" || error.code === "unreachable") return error;
    this.#refused.add(id);
    const text = error.code === "unsupported"
      ? "One of the two nodes cannot be asked for factors"
      : "The factor was not shown";
    return new OpenRedError("forbidden", text, { cause: error });
  }

  /** @throws {OpenRedError} `rate_limited`. */
  #count(peer: NodeId): void {
    const nowMs = this.#parts.clock.monotonicMs();
    if (this.#asking.has(peer) || !this.#quota.take(peer, nowMs)) {
      throw new OpenRedError("rate_limited", "One factor is asked for at a time, and five an hour");
    }
  }

  #tell(id: string): void {
    this.#parts.events.emit("share", { id, state: this.#parts.records.get(id)?.value.state ?? "" });
  }

  /** What there is to see of a share's factor. */
  view(held: Held<Share>): ShareView["require"] {
    const { peer, id, value: { require: level } } = held;
    if (level === undefined) return null;
    if (this.#asking.get(peer)?.id === id) return { level, state: "waiting" };
    if (isShown(held, { nowMs: this.#parts.clock.nowMs() })) return { level, state: "shown" };
    return { level, state: this.#refused.has(id) ? "refused" : "wanted" };
  }
}

/** As the other owner reads it. */
function purposeOf({ files }: Share): string {
  const names = files.filter(({ kind }) => kind !== "content").map(({ name }) => name);
  const [name = ""] = names;
  if (names.length > 1) return `To fetch ${names.length} files`;
  const isShort = [...name].length <= MAX_NAME_LENGTH && isOneLine(name);
  return isShort ? `To fetch “${name}”` : "To fetch a file";
}
