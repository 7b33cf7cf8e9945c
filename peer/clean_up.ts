/**
 * What a node does once a minute: it forgets what has ended, and sees to pairs that soon will.
 *
 * @module
 */
import type { NodeId } from "../crypto/encoding.ts";
import type { Clock } from "../ports/ports.ts";
import type { Background } from "./timing/background.ts";
import type { RestorationDesk } from "./admin/restoration_desk.ts";
import type { Holdings } from "./holdings.ts";
import type { ModuleHost } from "./modules/host.ts";
import type { Sessions } from "./sessions/sessions.ts";

const CLEAN_UP_MS = 60_000;

interface CleanUpParts
  extends Pick<Holdings, "book" | "vault" | "table" | "decisions" | "invitations" | "held"> {
  readonly clock: Clock;
  readonly background: Background;
  readonly sessions: Sessions;
  readonly modules: ModuleHost;
  readonly restorationDesk: RestorationDesk;
}

/** The node's regular cleaning. */
export class CleanUp {
  readonly #parts: CleanUpParts;
  #cancel: () => void = () => {};

  constructor(parts: CleanUpParts) {
    this.#parts = parts;
  }

  start(): void {
    const { clock, background } = this.#parts;
    this.#cancel = clock.setTimer(CLEAN_UP_MS, () => {
      this.start();
      background.run("clean_up", this.#run());
    });
  }

  stop(): void {
    this.#cancel();
  }

  /** Forgets pairs and invitations that ended, strangers whose last session did, and whoever was introduced and never met. */
  async #run(): Promise<void> {
    const { vault, book, sessions, invitations, held } = this.#parts;
    await this.#parts.restorationDesk.forgetIdle();
    await invitations.cleanUp();
    await held.cleanUp();
    await vault.cleanUp({ isClockSteady: sessions.isClockSteady });
    sessions.renewStandby();
    await sessions.strangers.forgetGone();
    const used = new Set(vault.all().map((entry) => entry.peer));
    for (const { id } of book.all()) {
      if (!used.has(id) && !this.#isMentioned(id)) await book.forget(id);
    }
  }

  #isMentioned(peer: NodeId): boolean {
    const { table, modules, decisions } = this.#parts;
    return table.forPeer(peer).length > 0 || modules.waiting(peer) > 0 ||
      decisions.isDecided(peer);
  }
}
