/**
 * Peers that ask for a factor while somebody writes in a chat, where codes are never to be typed.
 *
 * @module
 */
import type { ChallengeView } from "../protocol/auth_challenge.ts";
import type { AdminClient } from "./admin_client.ts";
import { CommandError, failure } from "./command_error.ts";
import { shortId } from "./output.ts";

type Asked = Pick<ChallengeView, "id" | "peer" | "purpose" | "level"> & {
  readonly petname?: string | null;
};

/** Codes of apps, and recovery codes. */
const CODE = /^\s*(\d{3}[\s-]?\d{3}|[0-9a-z]{4}([\s-][0-9a-z]{4}){3})\s*$/i;

/** What to say of one, with the peer's words in quotes. */
function linesOf({ id, peer, petname, purpose, level }: Asked): string[] {
  const who = petname == null ? shortId(peer) : `${petname} (${shortId(peer)})`;
  return [
    `${who} asks for a factor (${level}):`,
    `  “${purpose}”`,
    `  Answer by: openred-node auth approve ${id}, or auth deny ${id}`,
  ];
}

/** Those that wait. */
export class PendingChallenges {
  readonly #waiting = new Map<number, Asked>();

  /** @param node Whose module may be off. */
  static async load(node: Pick<AdminClient, "challenges">): Promise<PendingChallenges> {
    const pending = new PendingChallenges();
    try {
      for (const one of (await node.challenges()).challenges) pending.#waiting.set(one.id, one);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
    }
    return pending;
  }

  /** What to say of all that wait. */
  get lines(): readonly string[] {
    return [...this.#waiting.values()].flatMap(linesOf);
  }

  /** Takes an event of the node. @returns What to say of it: nothing unless a peer asks. */
  take(event: string, data: string): readonly string[] {
    if (event !== "authentication.challenge" && event !== "authentication.challenge_over") {
      return [];
    }
    const asked: Asked = JSON.parse(data);
    if (event === "authentication.challenge_over") {
      this.#waiting.delete(asked.id);
      return [];
    }
    this.#waiting.set(asked.id, asked);
    return linesOf(asked);
  }

  /** @throws {CommandError} For what looks like a code while somebody asks for one. */
  checkText(text: string): void {
    if (this.#waiting.size === 0 || !CODE.test(text)) return;
    const [id] = this.#waiting.keys();
    throw failure(
      `This looks like a code, and was not sent. It is asked for by: auth approve ${id}`,
    );
  }
}
