/**
 * Staying in touch: one call to a peer at a time, repeated with growing pauses until a session is confirmed.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { Clock, Random } from "../../ports/ports.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { Backoff, jitter, sleep } from "../backoff.ts";
import type { PeerBook } from "../peer_book.ts";
import type { Permissions } from "../permissions/permissions.ts";
import { CallTurns } from "./call_turns.ts";
import type { Session, SessionTable } from "./session.ts";

const FIRST_PAUSE_MS = 1_000;
const LAST_PAUSE_MS = 300_000;

export interface LinkParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly table: SessionTable;
  readonly book: PeerBook;
  readonly permissions: Permissions;
  /** Makes an unconfirmed session, or `null` if the peer does not answer. */
  readonly call: (peer: NodeId, signal: AbortSignal) => Promise<Session | null>;
  /** Says hello until the session is confirmed. @returns Whether it was. */
  readonly greet: (session: Session, signal: AbortSignal) => Promise<boolean>;
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
  wake: AbortController;
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
  readonly #waiters = new Map<NodeId, Set<() => void>>();
  readonly #turns: CallTurns;
  readonly #stop = new AbortController();
  readonly #runs = new Set<Promise<void>>();

  constructor(parts: LinkParts) {
    this.#parts = parts;
    this.#turns = new CallTurns(parts.clock);
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
      link.wake.abort();
      return;
    }
    link.patient = wish.patient === true;
    link.sinceSequence = wish.fresh === true ? this.#parts.table.lastSequence : 0;
    if (this.#stop.signal.aborted || this.#isSatisfied(link)) return;
    link.running = true;
    const run = this.#run(link, wish).finally(() => {
      link.running = false;
      this.#runs.delete(run);
      this.#wakeWaiters(peer);
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
      wake: new AbortController(),
      cancel: new AbortController(),
    };
    this.#links.set(peer, link);
    return link;
  }

  #isSatisfied(link: Link): boolean {
    return this.#parts.table.forPeer(link.peer).some((session) =>
      session.confirmed && session.sends && session.sequence > link.sinceSequence
    );
  }

  #isCallable(peer: NodeId): boolean {
    const entry = this.#parts.book.get(peer);
    return entry !== null && entry.succession === null && !entry.record.payload.gone &&
      !this.#parts.permissions.isBlocked(peer);
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
        const isDone = this.#isSatisfied(link) || await this.#callOnce(link).finally(endTurn);
        endTurn();
        if (isDone) break;
        this.#wakeWaiters(link.peer);
        await this.#pause(link, link.backoff.next());
      }
    } catch (error) {
      if (!this.#signalOf(link).aborted) throw error;
    }
  }

  #signalOf(link: Link): AbortSignal {
    return AbortSignal.any([this.#stop.signal, link.cancel.signal]);
  }

  async #callOnce(link: Link): Promise<boolean> {
    const signal = this.#signalOf(link);
    try {
      const session = await this.#parts.call(link.peer, signal);
      if (session !== null && await this.#parts.greet(session, signal)) return true;
      link.lastError = new OpenRedError(
        "unreachable",
        "The peer does not answer; it is called again",
      );
    } catch (error) {
      if (!(error instanceof OpenRedError)) throw error;
      link.lastError = error;
    }
    return false;
  }

  #pause(link: Link, delayMs: number): Promise<void> {
    return this.#untilWoken(link, {
      wait: (signal) => sleep(this.#parts.clock, delayMs, signal),
      woken: undefined,
    });
  }

  /** @returns Ends the turn. */
  #turn(link: Link): Promise<() => void> {
    if (!link.patient) return Promise.resolve(() => {});
    return this.#untilWoken(link, { wait: (signal) => this.#turns.take(signal), woken: () => {} });
  }

  async #untilWoken<T>(
    link: Link,
    options: { wait: (signal: AbortSignal) => Promise<T>; woken: T },
  ): Promise<T> {
    const wake = new AbortController();
    link.wake = wake;
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
    this.#wakeWaiters(peer);
  }

  /** Notes that a session was confirmed, whoever called. */
  confirmed(peer: NodeId): void {
    const link = this.#links.get(peer);
    if (link !== undefined) {
      link.lastError = null;
      link.backoff.reset();
      link.wake.abort();
    }
    this.#wakeWaiters(peer);
  }

  #wakeWaiters(peer: NodeId): void {
    for (const wake of this.#waiters.get(peer) ?? []) wake();
  }

  /**
   * Waits for a confirmed session.
   * @returns The session, or `null` when the time is over.
   * @throws {OpenRedError} Why the last call failed, when the time is over.
   */
  wait(peer: NodeId, waitMs: number): Promise<Session | null> {
    return this.waitAfter(peer, { waitMs, sequence: 0 });
  }

  /** As {@linkcode wait}, for a session made after the one of that sequence number. */
  async waitAfter(
    peer: NodeId,
    options: { readonly waitMs: number; readonly sequence: number },
  ): Promise<Session | null> {
    const { table, clock } = this.#parts;
    const endMs = clock.monotonicMs() + options.waitMs;
    for (;;) {
      const session = table.current(peer);
      if (session !== null && session.sequence > options.sequence) return session;
      const error = this.#links.get(peer)?.lastError ?? null;
      const leftMs = endMs - clock.monotonicMs();
      if (leftMs <= 0) {
        if (error !== null) throw error;
        return null;
      }
      await this.#nextChange(peer, leftMs);
    }
  }

  #nextChange(peer: NodeId, leftMs: number): Promise<void> {
    return new Promise((resolve) => {
      const waiters = this.#waiters.get(peer) ?? new Set();
      this.#waiters.set(peer, waiters);
      const wake = () => {
        cancel();
        waiters.delete(wake);
        if (waiters.size === 0) this.#waiters.delete(peer);
        resolve();
      };
      const cancel = this.#parts.clock.setTimer(leftMs, wake);
      waiters.add(wake);
    });
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.allSettled(this.#runs);
  }
}
