/**
 * Which relay a node uses: the one that it was told, or one of those that its directories name.
 *
 * @module
 */
import { isNodeId, type NodeId } from "../../crypto/encoding.ts";
import type { Random } from "../../ports/ports.ts";
import type { RelayAddress } from "../../protocol/relay.ts";
import type { NamedRelay } from "../directories/directories.ts";
import type { NodeStore } from "../store/store.ts";
import { uniform } from "../timing/backoff.ts";

/** The row of the table `self` that holds the relay chosen last: its URL, its id and who named it, by blanks. */
const CHOSEN = "relay_chosen";

/** A relay to link to. */
export interface CandidateRelay extends RelayAddress {
  /** The directory that named it; `null` where it was told, or is only guessed. */
  readonly namedBy: string | null;
}

export interface ChoiceParts {
  readonly store: NodeStore;
  readonly random: Random;
}

/** The relay in use, and others to go to. */
export class RelayChoice {
  readonly #parts: ChoiceParts;
  readonly #isTold: boolean;
  #current: CandidateRelay;
  #isProven: boolean;

  /** @param options `directories`: each a URL, or URL`#`id; `auto` needs one at least. */
  constructor(
    parts: ChoiceParts,
    { relay, directories }: {
      readonly relay: RelayAddress | "auto";
      readonly directories: readonly string[];
    },
  ) {
    this.#parts = parts;
    this.#isTold = relay !== "auto";
    const chosen = relay === "auto" ? this.#read(directories) : null;
    this.#isProven = chosen !== null;
    this.#current = chosen ??
      (relay === "auto" ? relayBeside(directories) : { ...relay, namedBy: null });
  }

  get current(): CandidateRelay {
    return this.#current;
  }

  /** Whether another one may take its place. */
  get isFree(): boolean {
    return !this.#isTold;
  }

  /** Whether there was a link to it once, in this run or before. */
  get isProven(): boolean {
    return this.#isProven;
  }

  /** Others than the one chosen, each once and in an order of chance, so that nodes spread over them. */
  others(named: readonly NamedRelay[]): NamedRelay[] {
    const { url, id } = this.#current;
    const isOther = (one: NamedRelay) =>
      !this.#isProven || one.url !== url || (one.id !== null && one.id !== id);
    const byUrl = new Map(named.filter(isOther).map((one) => [one.url, one]));
    return [...byUrl.values()]
      .map((one) => ({ one, at: uniform(this.#parts.random) }))
      .sort((a, b) => a.at - b.at)
      .map(({ one }) => one);
  }

  /** Notes to which relay there is a link now. */
  async take({ url, namedBy }: CandidateRelay, id: NodeId): Promise<void> {
    if (this.#isTold) return;
    this.#current = { url, id, namedBy };
    this.#isProven = true;
    await this.#parts.store.setSelf(CHOSEN, [url, id, namedBy ?? ""].join(" "));
  }

  /** One that a directory named which is on the list no more is not used any longer. */
  #read(directories: readonly string[]): CandidateRelay | null {
    const [url = "", id = "", namedBy = ""] = this.#parts.store.self(CHOSEN)?.split(" ") ?? [];
    const urls = directories.map((entry) => entry.split("#")[0]);
    const isCurrent = urls.includes(namedBy === "" ? url : namedBy);
    return isNodeId(id) && isCurrent ? { url, id, namedBy: namedBy || null } : null;
  }
}

/** Where nobody has been asked yet the first directory is the best guess: it has the record of its relay. */
function relayBeside([first = ""]: readonly string[]): CandidateRelay {
  const [url = "", id = ""] = first.split("#");
  return { url, id: isNodeId(id) ? id : null, namedBy: null };
}
