/**
 * An HTTP/1.1 server whose every limit is its own: who may connect how often, how long a connection may be silent, how
 * much may be under way. The runtime's servers know none of these, and stop listening for good when the process has no
 * descriptor left (docs/DEPENDENCIES.md).
 *
 * @module
 */
import { addressSource } from "../protocol/address_source.ts";
import { TrustedProxies } from "../protocol/trusted_proxies.ts";
import { HeldBytes } from "./held_bytes.ts";
import { DEFAULT_LISTENER_LIMITS, type ListenerLimits } from "./listener_limits.ts";
import type { Log } from "./ports.ts";
import { AnswerBuffers, refusalBytes } from "./system_answer.ts";
import { Exchange } from "./system_exchange.ts";
import { type ByteConnection, Socket } from "./system_socket.ts";

const SWEEP_MS = 250;
const FIRST_PAUSE_MS = 20;
const LAST_PAUSE_MS = 1_000;
/** Connections closed at a time where the process has no descriptor left: it needs some for its files too. */
const CLOSED_AT_ONCE = 16;

export interface ListenOptions {
  readonly hostname: string;
  /** 0: one of the system's choice. */
  readonly port: number;
  /** Where several threads of this process listen there: which one this is. Without it nobody else may. */
  readonly shares?: "first" | "further";
  readonly log: Log;
  readonly limits?: Partial<ListenerLimits>;
  /** Whose connections carry requests of many; nobody's unless it says so. */
  readonly trustedProxies?: TrustedProxies;
  /** Begins TLS on a connection; without it there is none. */
  readonly secure?: (connection: Deno.TcpConn) => ByteConnection;
  /** Must neither throw nor reject. */
  readonly answer: (request: Request, address: string) => Response | Promise<Response>;
}

interface Member {
  /** Whom it is counted for; `null` for a trusted proxy's. */
  readonly source: string | null;
  readonly exchange: Exchange;
}

/** A server that listens from its making on. */
export class HttpListener {
  readonly port: number;
  /** Resolves at the end of {@linkcode shutdown}; rejects where nobody can be listened to any more. */
  readonly finished: Promise<void>;
  readonly #options: ListenOptions;
  readonly #limits: ListenerLimits;
  readonly #proxies: TrustedProxies;
  readonly #listener: Deno.TcpListener;
  readonly #held: HeldBytes;
  readonly #buffers = new AnswerBuffers();
  /** The one that has been there longest stands first. */
  readonly #members = new Set<Member>();
  readonly #perSource = new Map<string, number>();
  readonly #running = new Set<Promise<void>>();
  readonly #sweeper: ReturnType<typeof setInterval>;
  readonly #stopped = Promise.withResolvers<void>();
  #isStopping = false;
  #date = new Date().toUTCString();

  /** @throws {Deno.errors.AddrInUse} And whatever else the system says to an address. */
  constructor(options: ListenOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LISTENER_LIMITS, ...options.limits };
    this.#proxies = options.trustedProxies ?? TrustedProxies.NONE;
    this.#held = new HeldBytes(this.#limits);
    const { hostname, port, shares } = options;
    // Another program that shares would not be noticed by one that does.
    if (shares === "first") Deno.listen({ hostname, port }).close();
    const reusePort = shares !== undefined;
    this.#listener = Deno.listen({ hostname, port, ...(reusePort ? { reusePort } : {}) });
    this.port = this.#listener.addr.port;
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS);
    this.finished = Promise.race([this.#acceptAll(), this.#stopped.promise]);
    // Whoever waits for it hears of its end; it is not to be an unhandled rejection besides.
    this.finished.catch(() => {});
  }

  /** Connections of the moment. */
  get size(): number {
    return this.#members.size;
  }

  /** Bytes of bodies and messages of the moment that have not been handled. */
  get heldBytes(): number {
    return this.#held.totalBytes;
  }

  /**
   * Takes no connection and no request any more, gives those that are being answered their time, then closes all.
   * @param graceMs How long answers and channels may take to end.
   */
  async shutdown(graceMs = 0): Promise<void> {
    if (this.#isStopping) return await this.#stopped.promise;
    this.#isStopping = true;
    this.#listener.close();
    for (const { exchange } of this.#members) {
      if (!exchange.finish()) exchange.close();
    }
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, graceMs);
    await Promise.race([this.#settled(), late.promise]);
    clearTimeout(timer);
    for (const { exchange } of this.#members) exchange.close();
    await this.#settled();
    clearInterval(this.#sweeper);
    this.#stopped.resolve();
  }

  async #settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  async #acceptAll(): Promise<void> {
    let pauseMs = FIRST_PAUSE_MS;
    let failingSinceMs: number | null = null;
    while (!this.#isStopping) {
      try {
        const connection = await this.#listener.accept();
        failingSinceMs = null;
        pauseMs = FIRST_PAUSE_MS;
        this.#take(connection);
      } catch (cause) {
        if (this.#isStopping) break;
        const nowMs = performance.now();
        failingSinceMs ??= nowMs;
        this.#noteFailure(cause);
        if (nowMs - failingSinceMs > this.#limits.failingMs) {
          clearInterval(this.#sweeper);
          throw new Error("The system takes no connections any more", { cause });
        }
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
        pauseMs = Math.min(2 * pauseMs, LAST_PAUSE_MS);
      }
    }
    await this.#stopped.promise;
  }

  /** Nearly always there is no descriptor left: those who use theirs least give it back. */
  #noteFailure(cause: unknown): void {
    const why = cause instanceof Error ? cause.message : String(cause);
    let closed = 0;
    while (closed < CLOSED_AT_ONCE && this.#closeIdlest()) closed += 1;
    const { port } = this;
    this.#options.log.log("warn", "accept_failed", { port, why, closed, open: this.size });
  }

  /** @param source Whose; anybody's unless it says so. @returns Whether there was one. */
  #closeIdlest(source: string | null = null): boolean {
    for (const state of ["waiting", "reading"] as const) {
      for (const member of this.#members) {
        if (member.exchange.state !== state) continue;
        if (source !== null && member.source !== source) continue;
        this.#remove(member);
        member.exchange.close();
        return true;
      }
    }
    return false;
  }

  #take(connection: Deno.TcpConn): void {
    const { hostname } = connection.remoteAddr as Deno.NetAddr;
    const isProxy = this.#proxies.has(hostname);
    const source = isProxy ? null : addressSource(hostname);
    if (!this.#hasRoom(source)) return this.#turnAway(new Socket(connection));
    // An answer of two writes would wait for the acknowledgement of the first one.
    connection.setNoDelay(true);
    const socket = new Socket(this.#options.secure?.(connection) ?? connection);
    const exchange = new Exchange({
      socket,
      address: hostname,
      sourceOf: (headers) =>
        source ??
          addressSource(this.#proxies.clientOf(hostname, { headers: new Headers([...headers]) })),
      limits: this.#limits,
      held: this.#held,
      buffers: this.#buffers,
      answer: this.#options.answer,
      nowMs: () => performance.now(),
      date: () => this.#date,
    });
    this.#serve({ source, exchange }, socket);
  }

  /** Whoever has been idle longest makes room, first of those with the same source. */
  #hasRoom(source: string | null): boolean {
    const { connections, connectionsPerSource } = this.#limits;
    const own = source === null ? 0 : this.#perSource.get(source) ?? 0;
    if (own >= connectionsPerSource && !this.#closeIdlest(source)) return false;
    return this.size < connections || this.#closeIdlest();
  }

  #turnAway(socket: Socket): void {
    // Whoever waits for TLS would not understand an answer.
    if (this.#options.secure !== undefined) return socket.close();
    void socket.write(refusalBytes(503)).catch(() => {}).finally(() => socket.close());
  }

  #serve(member: Member, socket: Socket): void {
    this.#members.add(member);
    this.#count(member, 1);
    const running = this.#follow(member, socket).finally(() => {
      this.#remove(member);
      this.#running.delete(running);
    });
    this.#running.add(running);
  }

  async #follow(member: Member, socket: Socket): Promise<void> {
    if (await member.exchange.run()) await socket.closed;
  }

  #remove(member: Member): void {
    if (!this.#members.delete(member)) return;
    this.#count(member, -1);
  }

  #count({ source }: Member, change: 1 | -1): void {
    if (source === null) return;
    const left = (this.#perSource.get(source) ?? 0) + change;
    if (left > 0) this.#perSource.set(source, left);
    else this.#perSource.delete(source);
  }

  #sweep(): void {
    this.#date = new Date().toUTCString();
    const nowMs = performance.now();
    for (const { exchange } of this.#members) {
      if (exchange.state !== "channel" && exchange.isLate(nowMs)) exchange.close();
    }
  }
}
