/**
 * What is due at sessions, looked at every five seconds: ticks, renewals, ends, and the clock.
 *
 * @module
 */
import type { CryptoCore } from "../../crypto/interface.ts";
import { ClockWatch } from "../../ports/clock_watch.ts";
import type { Clock } from "../../ports/ports.ts";
import type { Background } from "../timing/background.ts";
import type { NodeEvents } from "../events/events.ts";
import type { Decisions } from "../peers/decisions.ts";
import type { TokenVault } from "../tokens/vault.ts";
import type { Ending } from "./ending.ts";
import type { Greeting } from "./greeting.ts";
import type { PeerLinks } from "./links.ts";
import type { Session, SessionTable } from "./session.ts";
import { redatedSet } from "./standby.ts";
import type { Syncing } from "./syncing.ts";

const SWEEP_MS = 5_000;

export interface SweepParts {
  readonly crypto: CryptoCore;
  readonly clock: Clock;
  readonly events: NodeEvents;
  readonly background: Background;
  readonly vault: TokenVault;
  readonly table: SessionTable;
  readonly links: PeerLinks;
  readonly greeting: Greeting;
  readonly ending: Ending;
  readonly syncing: Syncing;
  readonly decisions: Decisions;
}

/** Watches over the sessions of one node. */
export class Sweep {
  readonly #parts: SweepParts;
  readonly #clockWatch: ClockWatch;
  #cancel: () => void = () => {};

  constructor(parts: SweepParts) {
    this.#parts = parts;
    this.#clockWatch = new ClockWatch(parts.clock);
  }

  /** Whether the wall clock has been right for hours, as far as a node can know. */
  get isClockSteady(): boolean {
    return this.#clockWatch.isSteady;
  }

  start(): void {
    this.#cancel = this.#parts.clock.setTimer(SWEEP_MS, () => {
      this.start();
      this.#run();
    });
  }

  stop(): void {
    this.#cancel();
  }

  #run(): void {
    const { table, crypto, clock, background, ending, greeting } = this.#parts;
    const sessions = table.all();
    if (sessions.length > 0) {
      background.run("wipe", crypto.wipeSpentKeys({ nowMs: clock.monotonicMs() }));
    }
    for (const session of sessions) {
      if (session.over) background.run("remove", ending.remove(session), session.peer);
      else if (session.stepDue) greeting.tick(session);
      this.#renew(session);
    }
    this.#noteClockJump();
  }

  /** Calls for a newer session when one nears its end, and when it ended without one. A stranger sees to it itself. */
  #renew(session: Session): void {
    const { clock, table, links, decisions } = this.#parts;
    if (clock.monotonicMs() < session.renewAtMs) return;
    const [newest] = table.forPeer(session.peer);
    // One that is not confirmed may never be: until that is known, this one stays due.
    if (newest !== session && newest?.confirmed === false) return;
    session.renewAtMs = Infinity;
    if (newest !== session || !decisions.isDecided(session.peer)) return;
    links.want(session.peer, { fresh: true, patient: true });
  }

  #noteClockJump(): void {
    if (!this.#clockWatch.note()) return;
    const { table, vault, events, background, syncing } = this.#parts;
    events.audit("clock_jump", { success: true });
    const put = table.all().flatMap((session) => redatedSet(this.#parts, session));
    if (put.length > 0) background.run("redate", vault.commit({ put }));
    syncing.reset();
    const live = table.all().filter((session) => session.confirmed && session.sends);
    for (const peer of new Set(live.map((session) => session.peer))) syncing.ask(peer);
  }
}
