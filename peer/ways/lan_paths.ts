/**
 * `core.paths`: nodes of one local network tell each other in a session where they can be called there
 * (docs/PROTOCOL.md, "Paths"). Only with the owner's leave there is any of this.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { Clock, OwnNetworks } from "../../ports/ports.ts";
import { isReachablePath, lanPath, type OwnNetwork } from "../../protocol/lan_paths.ts";
import { MAX_PATHS, PATHS_PAUSE_MS } from "../../protocol/limits.ts";
import { isUnspecified } from "../../protocol/special_addresses.ts";

/** How often this machine's networks are looked at, and who is to be told of them. */
const LOOK_MS = 15_000;
/** Peers whose paths are remembered; of more, the one that told its own longest ago is forgotten. */
const MAX_PEERS = 1_000;

/** Where a node listens for its local network. */
export interface LanListener {
  readonly hostname: string;
  readonly port: number;
}

export interface LanPathParts {
  readonly clock: Clock;
  readonly networks: OwnNetworks;
  readonly listener: LanListener;
  /** Fires when the node stops. */
  readonly stopped: AbortSignal;
  /** Whether this node's owner lets a peer write; nobody else is told anything, or believed. */
  readonly isAccepted: (peer: NodeId) => boolean;
  /** Everybody there is a session with. */
  readonly met: () => Iterable<NodeId>;
  readonly send: (peer: NodeId, header: Record<string, unknown>) => void;
}

interface Told {
  paths: readonly string[];
  /** When they began to count. */
  sinceMs: number;
  /** What the peer told later, which does not count yet. */
  next: readonly string[] | null;
}

/** What this node tells of its own addresses, and what peers told of theirs. */
export class LanPaths {
  readonly #parts: LanPathParts;
  readonly #told = new Map<NodeId, Told>();
  /** Who was told of the own paths, as they are now. */
  #knowing = new Set<NodeId>();
  #networks: readonly OwnNetwork[];
  #cancelTimer = () => {};

  constructor(parts: LanPathParts) {
    this.#parts = parts;
    this.#networks = parts.networks.list();
    parts.stopped.addEventListener("abort", () => this.#cancelTimer(), { once: true });
    this.#lookLater();
  }

  /** Where this node can be called in its networks. */
  get own(): readonly string[] {
    const { hostname, port } = this.#parts.listener;
    const isEvery = isUnspecified(hostname.replace(/^\[|\]$/g, ""));
    const paths = this.#networks
      .filter(({ address }) => isEvery || address === hostname)
      .map(({ address }) => lanPath(address, port))
      .filter((path) => path !== null);
    return [...new Set(paths)].sort().slice(0, MAX_PATHS);
  }

  /** A session with a peer was confirmed. */
  greet(peer: NodeId): void {
    this.#knowing.delete(peer);
    this.#tell(peer);
  }

  #tell(peer: NodeId): void {
    if (this.#knowing.has(peer) || !this.#parts.isAccepted(peer)) return;
    const { own } = this;
    if (own.length === 0) return;
    this.#knowing.add(peer);
    this.#send(peer, own);
  }

  #send(peer: NodeId, paths: readonly string[]): void {
    this.#parts.send(peer, { type: "core.paths", paths });
  }

  #lookLater(): void {
    const { clock, stopped } = this.#parts;
    if (stopped.aborted) return;
    this.#cancelTimer = clock.setTimer(LOOK_MS, () => {
      this.#look();
      this.#lookLater();
    });
  }

  /** Some were accepted only after their session had begun. */
  #look(): void {
    const met = new Set(this.#parts.met());
    const before = this.own.join();
    this.#networks = this.#parts.networks.list();
    const { own } = this;
    const knowing = this.#knowing.intersection(met);
    const isSame = own.join() === before;
    if (!isSame && own.length === 0) { for (const peer of knowing) this.#send(peer, own); }
    this.#knowing = isSame ? knowing : new Set();
    for (const peer of met) this.#tell(peer);
  }

  /**
   * Takes what a peer told. The first time it is answered: it may have refused what it was told before.
   * @returns Whether it may tell that.
   */
  take(peer: NodeId, paths: readonly string[]): boolean {
    if (!this.#parts.isAccepted(peer)) return false;
    const told = this.#told.get(peer);
    this.#told.delete(peer);
    if (told === undefined && this.#told.size >= MAX_PEERS) {
      this.#told.delete(this.#told.keys().next().value!);
    }
    const next = [...new Set(paths)];
    const sinceMs = this.#parts.clock.monotonicMs();
    this.#told.set(
      peer,
      told === undefined ? { paths: next, sinceMs, next: null } : { ...told, next },
    );
    if (told === undefined) this.greet(peer);
    return true;
  }

  /** The paths of a peer that lead into a network of this machine. */
  of(peer: NodeId): readonly string[] {
    const told = this.#told.get(peer);
    if (told === undefined || !this.#parts.isAccepted(peer)) return [];
    this.#adopt(told);
    return told.paths.filter((path) => isReachablePath(path, this.#networks));
  }

  /** However often a peer tells other paths, it has this node call so many addresses in a minute. */
  #adopt(told: Told): void {
    const nowMs = this.#parts.clock.monotonicMs();
    if (told.next === null || nowMs - told.sinceMs < PATHS_PAUSE_MS) return;
    if (told.next.join() !== told.paths.join()) {
      told.paths = told.next;
      told.sinceMs = nowMs;
    }
    told.next = null;
  }
}
