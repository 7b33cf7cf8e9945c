/**
 * Whether others reach this node through a relay, and through which: its owner may say another one while it runs.
 *
 * @module
 */
import type { RelayView } from "../../protocol/admin_api.ts";
import type { RelayAddress } from "../../protocol/relay.ts";
import { OwnRelay, type OwnRelayParts } from "./own_relay.ts";
import { type ChoiceParts, RelayChoice } from "./relay_choice.ts";

export interface RelayUseParts extends Omit<OwnRelayParts, "choice">, ChoiceParts {
  readonly store: OwnRelayParts["store"];
  /** The directories that are asked where the owner leaves the choice to them. */
  readonly directories: { readonly entries: readonly string[] };
  /** Called when others reach this node itself from now on. */
  readonly left: (ownUrl: string) => void;
}

/** The relay in use, or none. */
export class RelayUse {
  readonly #parts: RelayUseParts;
  readonly #ownUrl: string;
  #relay: OwnRelay | null = null;
  #following: Promise<void> = Promise.resolve();
  #isStopped = false;

  /**
   * @param options `choice`: the relay that the node begins with; `ownUrl`: where it is called without one, empty where it
   *   listens nowhere.
   */
  constructor(
    parts: RelayUseParts,
    { choice, ownUrl }: { readonly choice: RelayChoice | null; readonly ownUrl: string },
  ) {
    this.#parts = parts;
    this.#ownUrl = ownUrl;
    if (choice !== null) this.#relay = new OwnRelay({ ...parts, choice });
  }

  /** Begins. @returns Resolves once there is a link, or the first try has failed. */
  async start(): Promise<void> {
    await this.#relay?.start();
  }

  /**
   * Uses another relay, or none, from now on. A node that listens nowhere keeps the one that it has in the place of none.
   * Calls that meet are followed one after the other.
   */
  follow(relay: RelayAddress | "auto" | null): Promise<void> {
    const followed = this.#following.then(() => this.#follow(relay));
    this.#following = followed.catch(() => {});
    return followed;
  }

  async #follow(relay: RelayAddress | "auto" | null): Promise<void> {
    const isLast = relay === null && (this.#relay === null || this.#ownUrl === "");
    if (this.#isStopped || isLast) return;
    await this.#relay?.stop();
    this.#parts.events.settle("relay");
    if (relay === null) {
      this.#relay = null;
      return this.#parts.left(this.#ownUrl);
    }
    const { entries: directories } = this.#parts.directories;
    const choice = new RelayChoice(this.#parts, { relay, directories });
    this.#relay = new OwnRelay({ ...this.#parts, choice });
    void this.#relay.start();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#following;
    await this.#relay?.stop();
  }

  /** Whether there is a link to it now; `null` where none is used. */
  get isLinked(): boolean | null {
    return this.#relay?.isLinked ?? null;
  }

  view(): RelayView | null {
    return this.#relay?.view() ?? null;
  }
}
