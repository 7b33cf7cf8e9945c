/**
 * A directory as a whole, composed of ports alone.
 *
 * @module
 */
import type { NodeId } from "../crypto/encoding.ts";
import type { RequestSource } from "../ports/ports.ts";
import { addressSource } from "../protocol/address_source.ts";
import { OpenRedError } from "../protocol/errors.ts";
import { createApi, errorResponse } from "./api.ts";
import { CalledHosts } from "./called_hosts.ts";
import type { DirectoryConfig } from "./config.ts";
import { createHandlers } from "./handlers.ts";
import { Housekeeping } from "./housekeeping.ts";
import { Metrics } from "./metrics.ts";
import { openOwnKeys } from "./own_keys.ts";
import { OwnRecord } from "./own_record.ts";
import type { DirectoryParts, DirectoryPorts } from "./parts.ts";
import { RateLimit } from "../ports/rate_limits.ts";

const OVERLOADED_RETRY_MS = 1_000;

/** The service that lets nodes find each other and introduces them. */
export interface Directory {
  /** The directory's id, once it has started. */
  readonly id: NodeId;
  /** The directory's record, once it has started; of one that is signed anew now and then, the newest. */
  readonly own: { readonly id: NodeId; readonly text: string };
  /** Answers a request. Neither throws nor rejects. */
  handle(request: Request, source: RequestSource): Response | Promise<Response>;
  /**
   * Opens the keys (made on the first start) and signs the directory's record.
   * @throws {CryptoError} `unseal_failed` for a keystore that does not open.
   * @throws {OpenRedError} `not_found` where the keystore is lost, `bad_request` where it is another directory's.
   */
  start(): Promise<void>;
  /** Refuses new requests, ends those under way, commits and closes the store. */
  stop(): Promise<void>;
}

class DirectoryService implements Directory {
  readonly #ports: DirectoryPorts;
  readonly #config: DirectoryConfig;
  readonly #metrics = new Metrics();
  readonly #perAddress: RateLimit;
  #own: OwnRecord | null = null;
  /** Neither throws nor rejects. */
  #answer: ((request: Request, source: string) => Response | Promise<Response>) | null = null;
  #underWay = 0;
  #idle = Promise.withResolvers<void>();
  #housekeeping: Housekeeping | null = null;

  constructor(ports: DirectoryPorts, config: DirectoryConfig) {
    this.#ports = ports;
    this.#config = config;
    this.#perAddress = new RateLimit(ports.clock, {
      perMinute: config.limits.addressPerMinute,
      what: "of one address",
    });
  }

  get id(): NodeId {
    return this.own.id;
  }

  get own(): OwnRecord {
    if (this.#own === null) throw new TypeError("Cannot read the id before the directory starts");
    return this.#own;
  }

  async start(): Promise<void> {
    const keys = await openOwnKeys(this.#ports, { cost: this.#config.keystoreCost });
    this.#ports.log.log("info", "keys_opened", { stretch_ms: keys.stretchMs });
    this.#own = await OwnRecord.sign({ ports: this.#ports, config: this.#config, keys });
    const parts: DirectoryParts = {
      ...this.#ports,
      config: this.#config,
      own: this.#own,
      hosts: new CalledHosts(this.#ports.clock, this.#config),
      metrics: this.#metrics,
    };
    this.#answer = createApi(parts, createHandlers(parts));
    this.#housekeeping = new Housekeeping(parts, this.#config.leaseMs);
    this.#housekeeping.start();
    this.#ports.log.log("info", "directory_started", { id: this.id, url: this.#config.url });
  }

  handle(request: Request, source: RequestSource): Response | Promise<Response> {
    this.#underWay += 1;
    let answer;
    try {
      answer = this.#answerOf(request, source);
    } catch (error) {
      answer = errorResponse({ log: this.#ports.log, metrics: this.#metrics }, error);
    }
    if (answer instanceof Promise) return answer.finally(() => this.#ended());
    this.#ended();
    return answer;
  }

  /** @throws {OpenRedError} `overloaded` or `rate_limited`. */
  #answerOf(request: Request, { address }: RequestSource): Response | Promise<Response> {
    const { limits, trustedProxies } = this.#config;
    const { concurrent } = limits;
    if (this.#answer === null || (concurrent > 0 && this.#underWay > concurrent)) {
      throw new OpenRedError("overloaded", "The directory takes no more requests now", {
        retryAfterMs: OVERLOADED_RETRY_MS,
      });
    }
    const counted = addressSource(trustedProxies.clientOf(address, request));
    this.#perAddress.check(counted);
    return this.#answer(request, counted);
  }

  #ended(): void {
    this.#underWay -= 1;
    if (this.#underWay === 0) this.#idle.resolve();
  }

  async stop(): Promise<void> {
    this.#answer = null;
    this.#idle = Promise.withResolvers();
    if (this.#underWay > 0) await this.#idle.promise;
    await this.#housekeeping?.stop();
    await this.#ports.store.close();
  }
}

/** Composes a directory. It answers `503` until it has started. */
export function createDirectory(ports: DirectoryPorts, config: DirectoryConfig): Directory {
  return new DirectoryService(ports, config);
}
