/**
 * Staying in touch: one call to a peer at a time, repeated with growing pauses until a session is confirmed.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { Clock, Random } from "../../ports/ports.ts";
import { sleep } from "../../ports/sleep.ts";
import type { PeerTrouble } from "../../protocol/admin_api.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import {
  unreachable,
  type UnreachableReason,
  unreachableReason,
} from "../../protocol/unreachable.ts";
import { Backoff, jitter } from "../timing/backoff.ts";
import type { NodeEvents } from "../events/events.ts";
import type { PeerBook } from "../peers/peer_book.ts";
import type { Permissions } from "../peers/permissions.ts";
import { CallTurns } from "./call_turns.ts";
import { IntroductionPace } from "./introduction_pace.ts";
import type { Session, SessionTable } from "./session.ts";
import { settleClock } from "./peer_clocks.ts";
import { settleStranded } from "./trouble.ts";
import { Waiters, type WaitOptions } from "./waiters.ts";

const FIRST_PAUSE_MS = 1_000;
const LAST_PAUSE_MS = 300_000;

export interface LinkParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly events: Pick<NodeEvents, "settle" | "log">;
  readonly table: SessionTable;
  readonly book: PeerBook;
  readonly permissions: Permissions;
  /** Makes an unconfirmed session, or `null` if the peer does not answer. */
  readonly call: (peer: NodeId, options: CallOptions) => Promise<Session | null>;
  /** Says hello until the session is confirmed. @returns Whether it was. */
  readonly greet: (session: Session, signal: AbortSignal) => Promise<boolean>;
}

export interface CallOptions {
  readonly signal: AbortSignal;
  /** Waits for leave to ask a directory for an introduction. */
  readonly mayAsk: () => Promise<void>;
  /** Hears why a message 1 had no answer, as far as that is known. */
  readonly silent: (reason: UnreachableReason | null) => void;
}

interface Link {
  readonly peer: NodeId;
  readonly backoff: Backoff;
  /** A confirmed session made after this one ends the wish. */
  sinceSequence: number;
  running: boolean;
  /** Whether its calls wait for their turn. */
  patient: boolean;
  lastError: OpenRedError | null;
  /** When the first of the failures since the last session was, by the wall clock. */
  failingSinceMs: number;
  /** When the pause ends that the link is in, by the monotonic clock. */
  nextTryMs: number | null;
  /** Ends what it waits for before a call. */
  wake: () => void;
  /** Ends the call under way, for good. */
  readonly cancel: AbortController;
}

export interface Wish {
  /** Not satisfied by a session that is there already. */
  readonly fresh?: boolean;
  /** Pause first: the wish comes from a hint that anybody could have made. */
  readonly delayed?: boolean;
  /** Nobody waits for it: its calls take their turn behind others. */
  readonly patient?: boolean;
  /** The first call begins at a random moment within so many milliseconds. */
  readonly withinMs?: number;
}

/** The wishes for sessions of one node. */
export class PeerLinks {
  readonly #parts: LinkParts;
  readonly #links = new Map<NodeId, Link>();
  readonly #waiters: Waiters;
  readonly #turns: CallTurns;
  readonly #pace: IntroductionPace;
  readonly #stop = new AbortController();
  readonly #runs = new Set<Promise<void>>();

  constructor(parts: LinkParts) {
    this.#parts = parts;
    this.#turns = new CallTurns(parts.clock);
    this.#pace = new IntroductionPace(parts.clock);
    this.#waiters = new Waiters(parts.clock);
  }

  /** Sees to it that there will be a session with `peer`. */
  want(peer: NodeId, wish: Wish = {}): void {
    const link = this.#link(peer);
    if (link.running) {
      if (wish.delayed === true) return;
      // A renewal is not satisfied by what satisfies the wish under way.
      if (wish.fresh === true) link.sinceSequence = this.#parts.table.lastSequence;
      if (wish.patient === true) return;
      link.patient = false;
      link.wake();
      return;
    }
    link.patient = wish.patient === true;
    link.sinceSequence = wish.fresh === true ? this.#parts.table.lastSequence : 0;
    if (this.#stop.signal.aborted || this.#isSatisfied(link)) return this.#tidy(link);
    link.running = true;
    const run = this.#run(link, wish).finally(() => {
      this.#runs.delete(run);
      this.#tidy(link);
      this.#waiters.wake(peer);
    });
    this.#runs.add(run);
  }

  #link(peer: NodeId): Link {
    const known = this.#links.get(peer);
    if (known !== undefined) return known;
    const link: Link = {
      peer,
      backoff: new Backoff(this.#parts.random, { firstMs: FIRST_PAUSE_MS, lastMs: LAST_PAUSE_MS }),
      sinceSequence: 0,
      running: false,
      patient: false,
      lastError: null,
      failingSinceMs: 0,
      nextTryMs: null,
      wake: () => {},
      cancel: new AbortController(),
    };
    this.#links.set(peer, link);
    return link;
  }

  /** Forgets a link that has ended well: of a peer with an idle session nothing stays here. */
  #tidy(link: Link): void {
    const isOver = !link.running && link.lastError === null;
    if (isOver && this.#links.get(link.peer) === link) this.#links.delete(link.peer);
  }

  #isSatisfied(link: Link): boolean {
    return this.#parts.table.forPeer(link.peer).some((session) =>
      session.confirmed && session.sends && session.sequence > link.sinceSequence
    );
  }

  #isCallable(peer: NodeId): boolean {
    const entry = this.#parts.book.get(peer);
    return entry !== null && entry.succession === null && entry.revokedAt === null &&
      !entry.record.payload.gone && !this.#parts.permissions.isBlocked(peer);
  }

  async #run(link: Link, wish: Wish): Promise<void> {
    try {
      if (wish.delayed === true) await this.#pause(link, link.backoff.next());
      if (wish.withinMs !== undefined) {
        const half = wish.withinMs / 2;
        await this.#pause(link, jitter(this.#parts.random, { spanMs: half, part: 1 }));
      }
      while (!this.#isSatisfied(link) && this.#isCallable(link.peer)) {
        const endTurn = await this.#turn(link);
        const { sinceSequence } = link;
        const isMet = this.#isSatisfied(link) || await this.#callOnce(link).finally(endTurn);
        endTurn();
        this.#waiters.wake(link.peer);
        // A newer session was asked for while this one was made.
        const isAskedAnew = isMet && link.sinceSequence !== sinceSequence;
        if (isAskedAnew || this.#isSatisfied(link)) continue;
        await this.#pause(link, link.backoff.next());
      }
    } catch (error) {
      if (!this.#signalOf(link).aborted) throw error;
    } finally {
      // A wish from here on begins a run of its own.
      link.running = false;
    }
  }

  #signalOf(link: Link): AbortSignal {
    return AbortSignal.any([this.#stop.signal, link.cancel.signal]);
  }

  async #callOnce(link: Link): Promise<boolean> {
    const signal = this.#signalOf(link);
    let reason = null as UnreachableReason | null;
    try {
      const mayAsk = () => this.#mayAsk(link);
      const silent = (why: UnreachableReason | null) => void (reason = why);
      const session = await this.#parts.call(link.peer, { signal, mayAsk, silent });
      if (session !== null && await this.#parts.greet(session, signal)) return true;
      const error = reason === null
        ? new OpenRedError("unreachable", "The peer does not answer; it is called again")
        : unreachable("The peer", reason);
      this.#noteFailure(link, error);
    } catch (error) {
      if (!(error instanceof OpenRedError)) throw error;
      this.#noteFailure(link, error);
    }
    return false;
  }

  #noteFailure(link: Link, error: OpenRedError): void {
    // The peer's own call was confirmed meanwhile.
    if (this.#isSatisfied(link)) return;
    if (link.lastError === null) link.failingSinceMs = this.#parts.clock.nowMs();
    if (link.lastError?.message !== error.message) {
      const { peer } = link;
      const { code, message: text } = error;
      this.#parts.events.log.log("info", "peer_not_called", { peer, code, text });
    }
    link.lastError = error;
  }

  async #pause(link: Link, delayMs: number): Promise<void> {
    const { clock } = this.#parts;
    link.nextTryMs = clock.monotonicMs() + delayMs;
    try {
      await this.#untilWoken(link, {
        wait: (signal) => sleep(clock, delayMs, signal),
        woken: undefined,
      });
    } finally {
      link.nextTryMs = null;
    }
  }

  /** Why the calls to a peer fail, or `null`. */
  trouble(peer: NodeId): PeerTrouble | null {
    const link = this.#links.get(peer);
    if (link === undefined || link.lastError === null) return null;
    const { lastError, failingSinceMs, nextTryMs } = link;
    const leftMs = nextTryMs === null ? null : nextTryMs - this.#parts.clock.monotonicMs();
    return {
      code: lastError.code,
      reason: unreachableReason(lastError),
      text: lastError.message,
      since: failingSinceMs,
      next_try_in_ms: leftMs === null ? null : Math.max(0, Math.round(leftMs)),
    };
  }

  /** @returns Ends the turn. */
  #turn(link: Link): Promise<() => void> {
    if (!link.patient) return Promise.resolve(() => {});
    return this.#untilWoken(link, { wait: (signal) => this.#turns.take(signal), woken: () => {} });
  }

  /** Whoever waits for a session need not wait for others' introductions, nor for leave that was asked for before. */
  async #mayAsk(link: Link): Promise<void> {
    if (!link.patient) return;
    const wait = (signal: AbortSignal) => this.#pace.take(signal);
    await this.#untilWoken(link, { wait, woken: undefined });
  }

  async #untilWoken<T>(
    link: Link,
    options: { wait: (signal: AbortSignal) => Promise<T>; woken: T },
  ): Promise<T> {
    const wake = new AbortController();
    link.wake = () => wake.abort();
    const signal = AbortSignal.any([this.#signalOf(link), wake.signal]);
    return await options.wait(signal).catch((error: unknown) => {
      if (!wake.signal.aborted) throw error;
      return options.woken;
    });
  }

  /** Takes the wish for a session back and ends the call under way. */
  cancel(peer: NodeId): void {
    const link = this.#links.get(peer);
    this.#links.delete(peer);
    link?.cancel.abort();
    settleStranded(this.#parts.events, peer);
    settleClock(this.#parts.events, peer);
    this.#waiters.wake(peer);
  }

  /** Notes that a session was confirmed, whoever called. */
  confirmed(peer: NodeId): void {
    const link = this.#links.get(peer);
    if (link !== undefined) {
      link.lastError = null;
      link.backoff.reset();
      link.wake();
      this.#tidy(link);
    }
    settleStranded(this.#parts.events, peer);
    this.#waiters.wake(peer);
  }

  /**
   * Waits for a confirmed session.
   * @param options `after`: only one made after that of this sequence number counts.
   * @returns The session, or `null` when the time is over or `signal` fired.
   * @throws {OpenRedError} Why the last call failed, when the time is over.
   */
  async wait(
    peer: NodeId,
    options: WaitOptions & { readonly after?: number },
  ): Promise<Session | null> {
    const { table, clock } = this.#parts;
    const { waitMs, after = 0, signal } = options;
    const endMs = clock.monotonicMs() + waitMs;
    for (;;) {
      const session = table.current(peer);
      if (session !== null && session.sequence > after) return session;
      const error = this.#links.get(peer)?.lastError ?? null;
      const leftMs = endMs - clock.monotonicMs();
      if (leftMs <= 0 || signal.aborted) {
        if (error !== null) throw error;
        return null;
      }
      await this.#waiters.wait(peer, { waitMs: leftMs, signal });
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.allSettled(this.#runs);
  }
}
