/**
 * A virtual machine and the processes that run on it one after the other. A process that is dead does
 * nothing any more: its timers stay silent, its calls never end.
 *
 * @module
 */
import type { Clock, RequestSource } from "../../ports/ports.ts";
import type { EventLoop } from "./event_loop.ts";
import type { VirtualDisk } from "./virtual_disk.ts";
import type { VirtualOwnerDisk } from "./virtual_owner_disk.ts";

/** The wall clock when a simulation begins: 2026-09-21 14:13:20 UTC. */
export const EPOCH_MS = 1_790_000_000_000;

/** Thrown into a process that dies in the middle of a database call. */
export class ProcessDied extends Error {
  override readonly name = "ProcessDied";
}

/** Tells whether an error comes from a process that died, however it was wrapped. */
export function isProcessDied(error: unknown): boolean {
  if (error instanceof ProcessDied) return true;
  return error instanceof Error && error.cause !== undefined && isProcessDied(error.cause);
}

export type RequestHandler = (request: Request, source: RequestSource) => Promise<Response>;

/** A machine: what outlives its processes. */
export interface VirtualHost {
  readonly name: string;
  readonly address: string;
  readonly origin: string;
  readonly disk: VirtualDisk;
  /** What is not the node's on its disk. */
  readonly files: VirtualOwnerDisk;
  /** What this machine's wall clock is ahead of true time; may change at any moment. */
  wallOffsetMs: number;
  process: VirtualProcess | null;
}

export class VirtualProcess {
  readonly host: VirtualHost;
  readonly clock: Clock;
  /** Answers requests from the network, once it listens. */
  handler: RequestHandler | null = null;
  #isAlive = true;
  readonly #endings = new Set<() => void>();

  constructor(loop: EventLoop, host: VirtualHost) {
    this.host = host;
    this.clock = this.#makeClock(loop);
    host.process = this;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** Calls `ending` when the process dies. The returned function cancels it. */
  onDeath(ending: () => void): () => void {
    this.#endings.add(ending);
    return () => this.#endings.delete(ending);
  }

  /** Ends the process from one moment to the next. */
  kill(): void {
    if (!this.#isAlive) return;
    this.#isAlive = false;
    this.handler = null;
    if (this.host.process === this) this.host.process = null;
    for (const ending of [...this.#endings]) ending();
    this.#endings.clear();
  }

  #makeClock(loop: EventLoop): Clock {
    const bootMs = loop.nowMs;
    return {
      nowMs: () => Math.floor(EPOCH_MS + loop.nowMs + this.host.wallOffsetMs),
      monotonicMs: () => loop.nowMs - bootMs + 1,
      setTimer: (delayMs, callback) =>
        loop.schedule(delayMs, () => {
          if (this.#isAlive) callback();
        }),
    };
  }
}
