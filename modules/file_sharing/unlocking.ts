/**
 * Shares of peers that require a factor of this node's owner: it is asked for by the peer, once this node says that
 * the owner wants to fetch.
 *
 * @module
 */
import { hasCode, OpenRedError } from "../../protocol/errors.ts";
import type { ModuleContext, NodeId } from "../api.ts";
import { UNLOCK } from "./manifest.ts";

/** As long as a call may take: a person answers. */
const WAIT_MS = 120_000;
/** What lets a peer ask. */
const AUTH_PERMISSION = "auth";

/** Asks to be asked. */
export class Unlocking {
  readonly #parts: Pick<ModuleContext, "ask" | "peers">;

  constructor(parts: Pick<ModuleContext, "ask" | "peers">) {
    this.#parts = parts;
  }

  /** @throws {OpenRedError} `forbidden` for a peer that may not ask this node's owner for anything. */
  async check(peer: NodeId): Promise<void> {
    if (await this.#parts.peers.standing(peer, AUTH_PERMISSION) === "allowed") return;
    const text =
      "The peer asks for a factor of yours first; let it with: openred-node peer allow PEER auth";
    throw new OpenRedError("forbidden", text);
  }

  /**
   * Waits until this node's owner has shown what a share requires.
   * @throws {OpenRedError} `forbidden` where that was not shown; `rate_limited`, `unreachable` where it may be asked for
   *   again; what the share is over with.
   * @throws {DOMException} `AbortError` when `signal` fired.
   */
  async unlock(
    { peer, share, download }: {
      readonly peer: NodeId;
      readonly share: string;
      readonly download: string;
    },
    signal: AbortSignal,
  ): Promise<void> {
    await this.check(peer);
    const header = { share, download };
    try {
      await this.#parts.ask({ peer, type: UNLOCK, header, waitMs: WAIT_MS, signal });
    } catch (error) {
      if (hasCode(error, "overloaded")) {
        throw new OpenRedError("unreachable", "Too much is asked of the peer now", {
          cause: error,
        });
      }
      if (!hasCode(error, "forbidden")) throw error;
      const text =
        "You have not shown the factor that the peer asks for; it asks again on 'resume'";
      throw new OpenRedError("forbidden", text, { cause: error });
    }
  }
}
