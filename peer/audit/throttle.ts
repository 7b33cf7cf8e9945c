/**
 * Keeps others from washing the log out: of what they can cause as often as they like, so many an hour are entries of
 * their own; the others become one that counts them.
 *
 * @module
 */
import type { Clock } from "../../ports/ports.ts";
import type { AuditCause } from "../events/events.ts";

const WINDOW_MS = 3_600_000;
/** Of one event, by all whom nobody here decided about: a month of this stays below half of what is kept. */
const MAX_OF_STRANGERS = 30;
/** Of one event, by one peer that somebody here decided about, and by one that nobody did. */
const MAX_OF_DECIDED = 60;
const MAX_OF_STRANGER = 2;
/** Peers counted one by one for an event; what further ones cause only counts. */
const MAX_PEERS = 1_000;

interface Window {
  ofStrangers: number;
  heldBack: number;
  readonly ofPeer: Map<string, number>;
  cancel(): void;
}

/** Counts events that others cause. */
export class Throttle {
  readonly #clock: Pick<Clock, "setTimer">;
  readonly #summarize: (event: string, repeated: number) => void;
  readonly #windows = new Map<string, Window>();

  /** @param summarize Called at the end of an hour in which events were held back. */
  constructor(
    clock: Pick<Clock, "setTimer">,
    summarize: (event: string, repeated: number) => void,
  ) {
    this.#clock = clock;
    this.#summarize = summarize;
  }

  /** Counts one event, and tells whether it is to be an entry of its own. */
  admits(event: string, cause: AuditCause): boolean {
    const window = this.#windows.get(event) ?? this.#open(event);
    const isAdmitted = admitsPeer(window, cause) && (cause.isDecided || admitsStranger(window));
    if (!isAdmitted) window.heldBack += 1;
    return isAdmitted;
  }

  /** Says what was held back, at once. */
  stop(): void {
    for (const [event, window] of this.#windows) {
      window.cancel();
      this.#close(event, window);
    }
  }

  #open(event: string): Window {
    const window: Window = { ofStrangers: 0, heldBack: 0, ofPeer: new Map(), cancel: () => {} };
    window.cancel = this.#clock.setTimer(WINDOW_MS, () => this.#close(event, window));
    this.#windows.set(event, window);
    return window;
  }

  #close(event: string, window: Window): void {
    this.#windows.delete(event);
    if (window.heldBack > 0) this.#summarize(event, window.heldBack);
  }
}

function admitsStranger(window: Window): boolean {
  window.ofStrangers += 1;
  return window.ofStrangers <= MAX_OF_STRANGERS;
}

function admitsPeer({ ofPeer }: Window, { peer, isDecided }: AuditCause): boolean {
  if (peer === null) return true;
  const before = ofPeer.get(peer);
  if (before === undefined && ofPeer.size >= MAX_PEERS) return false;
  const count = (before ?? 0) + 1;
  ofPeer.set(peer, count);
  return count <= (isDecided ? MAX_OF_DECIDED : MAX_OF_STRANGER);
}
