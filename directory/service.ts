/**
 * A directory as a whole, composed of ports alone.
 *
 * @module
 */
import type { NodeId } from "../crypto/encoding.ts";
import type { RequestSource } from "../ports/ports.ts";
import type { RateLimit } from "../ports/rate_limits.ts";
import type { Trouble } from "../protocol/metrics.ts";
import { addressSource } from "../protocol/address_source.ts";
import { OpenRedError } from "../protocol/errors.ts";
import { AdminApi } from "./admin_api.ts";
import { type AnsweringParts, errorResponse, withinLimit } from "./answering.ts";
import { createApi } from "./api.ts";
import { CalledHosts } from "./called_hosts.ts";
import type { DirectoryConfig } from "./config.ts";
import { Exchange } from "./exchange.ts";
import { createHandlers } from "./handlers.ts";
import { Housekeeping } from "./housekeeping.ts";
import { addressRate, type Limiter, type Limits, localLimits } from "./limiters.ts";
import { Metrics } from "./metrics.ts";
import { readNumbers } from "./numbers.ts";
import { openOwnKeys } from "./own_keys.ts";
import { OwnRecord } from "./own_record.ts";
import type { DirectoryParts, DirectoryPorts } from "./parts.ts";
import { Readiness } from "./readiness.ts";
import { openSharedKeys } from "./shared_keys.ts";
import { sharedLimits } from "./shared_limits.ts";
import { ThreadDesk } from "./threads/thread_desk.ts";
import { answerWatch } from "./watch.ts";

const OVERLOADED_RETRY_MS = 1_000;

/** The service that lets nodes find each other and introduces them. */
export interface Directory {
  /** The directory's id, once it has started. */
  readonly id: NodeId;
  /** The directory's record, once it has started; of one that is signed anew now and then, the newest. */
  readonly own: { readonly id: NodeId; readonly text: string };
  /** Answers a request. Neither throws nor rejects. */
  handle(request: Request, source: RequestSource): Response | Promise<Response>;
  /** Answers a request to the listener of whoever watches it. Never rejects. @param token The metrics token. */
  handleWatch(request: Request, token: string): Promise<Response>;
  /** Answers a request to the operator's own listener. Never rejects. @param token The admin token. */
  handleAdmin(request: Request, token: string): Promise<Response>;
  /**
   * Opens the keys (made on the first start) and signs the directory's record.
   * @throws {CryptoError} `unseal_failed` for a keystore that does not open.
   * @throws {OpenRedError} `not_found` where the keystore is lost, `bad_request` where it is another directory's.
   */
  start(): Promise<void>;
  /**
   * What threads that answer look-ups beside this one ask of it, once it has started.
   * @throws {TypeError} Where the store is one of several processes.
   */
  threadDesk(): ThreadDesk;
  /** Refuses new requests, ends those under way, commits and closes the store. */
  stop(): Promise<void>;
}

class DirectoryService implements Directory {
  readonly #ports: DirectoryPorts;
  readonly #config: DirectoryConfig;
  readonly #metrics: Metrics;
  readonly #answering: AnsweringParts;
  readonly #readiness: Readiness;
  readonly #startedMs: number;
  readonly #limits: Limits;
  readonly #perAddress: Limiter;
  /** The same, where it is counted in this process alone. */
  readonly #localPerAddress: RateLimit | null = null;
  #parts: DirectoryParts | null = null;
  /** Neither throws nor rejects. */
  #answer: ((request: Request, source: string) => Response | Promise<Response>) | null = null;
  #underWay = 0;
  #idle = Promise.withResolvers<void>();
  #housekeeping: Housekeeping | null = null;

  constructor(ports: DirectoryPorts, config: DirectoryConfig) {
    this.#ports = ports;
    this.#config = config;
    const { clock, random, shared } = ports;
    this.#metrics = new Metrics(ports.openMonitor);
    this.#answering = { log: ports.log, metrics: this.#metrics };
    this.#readiness = new Readiness(ports);
    this.#startedMs = clock.monotonicMs();
    const perAddress = addressRate(config.limits.addressPerMinute);
    if (shared === undefined) {
      const limits = localLimits(clock);
      this.#limits = limits;
      this.#perAddress = this.#localPerAddress = limits.rate(perAddress);
      return;
    }
    this.#limits = sharedLimits({ clock, random, counters: shared.counters });
    this.#perAddress = this.#limits.rate(perAddress);
  }

  get id(): NodeId {
    return this.own.id;
  }

  get own(): OwnRecord {
    if (this.#parts === null) throw new TypeError("Cannot read the id before the directory starts");
    return this.#parts.own;
  }

  async start(): Promise<void> {
    const { shared } = this.#ports;
    const cost = { cost: this.#config.keystoreCost };
    const keys = shared === undefined
      ? await openOwnKeys(this.#ports, cost)
      : await openSharedKeys({ ...this.#ports, shared }, cost);
    this.#ports.log.log("info", "keys_opened", { stretch_ms: keys.stretchMs });
    const own = await OwnRecord.sign({ ports: this.#ports, config: this.#config, keys });
    const base = { ...this.#ports, config: this.#config, own, metrics: this.#metrics };
    const parts: DirectoryParts = {
      ...base,
      exchange: new Exchange(base, this.#config.peers ?? []),
      hosts: new CalledHosts(this.#limits, this.#config),
      limits: this.#limits,
    };
    this.#parts = parts;
    parts.store.timeWith?.({
      now: () => parts.clock.monotonicMs(),
      observe: (ms) => this.#metrics.observeCommit(ms / 1000),
    });
    const metricsText = () => this.#metricsText(parts);
    this.#answer = createApi(parts, createHandlers(parts, { metricsText }));
    this.#housekeeping = new Housekeeping(parts);
    this.#housekeeping.start();
    this.#ports.log.log("info", "directory_started", { id: this.id, url: this.#config.url });
  }

  handle(request: Request, source: RequestSource): Response | Promise<Response> {
    this.#underWay += 1;
    let answer;
    try {
      answer = this.#answerOf(request, source);
    } catch (error) {
      answer = this.#refusal(error);
    }
    if (answer instanceof Promise) return answer.finally(() => this.#ended());
    this.#ended();
    return answer;
  }

  async handleWatch(request: Request, token: string): Promise<Response> {
    try {
      return await answerWatch(request, { token, watched: this.#watched() });
    } catch (error) {
      return this.#refusal(error);
    }
  }

  async handleAdmin(request: Request, token: string): Promise<Response> {
    try {
      if (this.#answer === null || this.#parts === null) {
        throw new OpenRedError("overloaded", "The directory is starting or stopping", {
          retryAfterMs: OVERLOADED_RETRY_MS,
        });
      }
      return await new AdminApi(this.#parts).answer(request, token);
    } catch (error) {
      return this.#refusal(error);
    }
  }

  #watched() {
    const { version } = this.#config;
    const { clock } = this.#ports;
    return {
      metrics: () => {
        if (this.#parts !== null) return this.#metricsText(this.#parts);
        throw new OpenRedError("overloaded", "The directory has not started", {
          retryAfterMs: OVERLOADED_RETRY_MS,
        });
      },
      health: () => ({
        status: "ok" as const,
        version,
        uptime_s: Math.floor((clock.monotonicMs() - this.#startedMs) / 1000),
      }),
      troubles: () => this.#troubles(),
    };
  }

  async #troubles(): Promise<readonly Trouble[]> {
    if (this.#answer === null) {
      const text = this.#parts === null ? "The directory is starting" : "The directory is stopping";
      return [{ code: this.#parts === null ? "starting" : "stopping", text }];
    }
    const { concurrent } = this.#config.limits;
    const full = concurrent > 0 && this.#underWay >= concurrent
      ? [{
        code: "overloaded",
        text: `${this.#underWay} requests are under way, the most it takes`,
      }]
      : [];
    return [...full, ...await this.#readiness.troubles()];
  }

  async #metricsText(parts: DirectoryParts): Promise<string> {
    const state = { startedMs: this.#startedMs, requestsUnderWay: this.#underWay };
    return await this.#metrics.text(await readNumbers(parts, state));
  }

  /** @throws {OpenRedError} `overloaded`. */
  #answerOf(request: Request, { address }: RequestSource): Response | Promise<Response> {
    const { limits, trustedProxies } = this.#config;
    const { concurrent } = limits;
    if (this.#answer === null || (concurrent > 0 && this.#underWay > concurrent)) {
      throw new OpenRedError("overloaded", "The directory takes no more requests now", {
        retryAfterMs: OVERLOADED_RETRY_MS,
      });
    }
    const source = addressSource(trustedProxies.clientOf(address, request));
    const answer = this.#answer;
    return withinLimit(this.#answering, {
      limiter: this.#perAddress,
      source,
      answer: () => answer(request, source),
    });
  }

  #refusal(error: unknown): Response {
    return errorResponse(this.#answering, error);
  }

  #ended(): void {
    this.#underWay -= 1;
    if (this.#underWay === 0) this.#idle.resolve();
  }

  threadDesk(): ThreadDesk {
    const reads = this.#ports.store.share?.();
    if (reads === undefined || this.#localPerAddress === null) {
      throw new TypeError("A store of several processes is not shared with threads");
    }
    const { store } = this.#ports;
    const { limits: { addressPerMinute }, trustedProxies } = this.#config;
    return new ThreadDesk({ store, metrics: this.#metrics, perAddress: this.#localPerAddress }, {
      reads,
      ownId: this.id,
      addressPerMinute,
      trustedProxies: trustedProxies.text,
    });
  }

  async stop(): Promise<void> {
    this.#answer = null;
    this.#metrics.stop();
    this.#idle = Promise.withResolvers();
    if (this.#underWay > 0) await this.#idle.promise;
    await this.#parts?.exchange.stop();
    await this.#housekeeping?.stop();
    await this.#ports.store.close();
  }
}

/** Composes a directory. It answers `503` until it has started. */
export function createDirectory(ports: DirectoryPorts, config: DirectoryConfig): Directory {
  return new DirectoryService(ports, config);
}
