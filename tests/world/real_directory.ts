/**
 * The real directory on loopback: from the factory of the binary, with real ports.
 *
 * @module
 */
import { TrustedProxies } from "../../protocol/trusted_proxies.ts";
import { LocalCryptoCore } from "../../crypto/core.ts";
import { DEFAULT_LEASE_MS, DEFAULT_LIMITS } from "../../directory/config.ts";
import { createDirectory, type Directory } from "../../directory/service.ts";
import { SqliteStore } from "../../directory/stores/sqlite.ts";
import {
  createOpenDatabase,
  openFiles,
  systemHttpClient,
  systemRandom,
  systemResolver,
} from "../../ports/system.ts";
import { createOpenMonitor } from "../../ports/system_monitor.ts";
import { CHEAP_COST } from "./cores.ts";
import { LoopbackListener } from "./loopback_listener.ts";
import { MemoryLog } from "./memory_log.ts";
import { ShiftedClock } from "./shifted_clock.ts";

/** Proofs of the second a directory starts in are refused, so its clock starts earlier than ours. */
const EARLIER_START_MS = 3_000;

export class RealDirectory implements AsyncDisposable {
  readonly log = new MemoryLog();
  readonly clock = new ShiftedClock();
  readonly #listener = new LoopbackListener();
  readonly #data = Deno.makeTempDirSync();
  #core: LocalCryptoCore | null = null;
  #directory: Directory | null = null;

  get url(): string {
    return this.#listener.url;
  }

  get id(): string {
    return this.#directory!.id;
  }

  async start(): Promise<this> {
    const { clock, log } = this;
    this.#core = await LocalCryptoCore.create();
    clock.wallMs = -EARLIER_START_MS;
    const directory = createDirectory({
      clock,
      log,
      random: systemRandom,
      http: systemHttpClient,
      resolver: systemResolver,
      files: openFiles(this.#data),
      store: new SqliteStore(createOpenDatabase(this.#data), clock),
      crypto: this.#core,
      openMonitor: createOpenMonitor({ clock, data: this.#data, families: () => [] }),
    }, {
      url: this.url,
      version: "test",
      leaseMs: DEFAULT_LEASE_MS,
      rotation: { kind: "hourly" },
      allowPrivate: true,
      trustedProxies: TrustedProxies.NONE,
      limits: { ...DEFAULT_LIMITS, identityPerMinute: 0 },
      keystoreCost: CHEAP_COST,
    });
    this.#directory = directory;
    await directory.start();
    clock.wallMs = 0;
    this.#listener.handler = (request, address) => directory.handle(request, { address });
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#listener[Symbol.asyncDispose]();
    await this.#directory?.stop();
    await this.#core?.stop();
    Deno.removeSync(this.#data, { recursive: true });
  }
}
