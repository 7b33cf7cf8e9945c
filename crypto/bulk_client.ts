/**
 * The work on the content of files in a Worker of its own, which is there while there is work.
 *
 * @module
 */
import type {
  BulkArgument,
  BulkCall,
  BulkReport,
  BulkRequest,
  BulkResult,
} from "./bulk/bulk_messages.ts";
import { BULK_READY, movable } from "./bulk/bulk_messages.ts";
import { type BulkCrypto, CryptoError } from "./interface.ts";
import { CRYPTO_WORKER_OPTIONS } from "./worker_start.ts";

const IDLE_MS = 10_000;

const OPTIONS: WorkerOptions = { ...CRYPTO_WORKER_OPTIONS, name: "openred-bulk" };

export interface BulkParts {
  /** Calls `callback` once after `delayMs`. The returned function cancels it. */
  setTimer(delayMs: number, callback: () => void): () => void;
}

interface Pending {
  resolve(result: unknown): void;
  reject(error: CryptoError): void;
}

/** The client of a Worker that begins with the first call, and ends when nothing was asked for 10 s. */
export class WorkerBulk implements BulkCrypto {
  readonly #parts: BulkParts;
  readonly #waiting = new Map<number, Pending>();
  #worker: Worker | null = null;
  /** What waits for the Worker to be ready; `null` once it is. */
  #early: (() => void)[] | null = null;
  #cancelEnd: (() => void) | null = null;
  #nextId = 0;
  #isStopped = false;

  constructor(parts: BulkParts) {
    this.#parts = parts;
  }

  /** Whether there is a Worker now. */
  get isRunning(): boolean {
    return this.#worker !== null;
  }

  hashChunk(options: BulkArgument<"hashChunk">): Promise<BulkResult<"hashChunk">> {
    return this.#call("hashChunk", options, options.data);
  }

  hashLayer(options: BulkArgument<"hashLayer">): Promise<BulkResult<"hashLayer">> {
    return this.#call("hashLayer", options, null);
  }

  sealChunk(options: BulkArgument<"sealChunk">): Promise<BulkResult<"sealChunk">> {
    return this.#call("sealChunk", options, options.data);
  }

  openChunk(options: BulkArgument<"openChunk">): Promise<BulkResult<"openChunk">> {
    return this.#call("openChunk", options, options.sealed);
  }

  stop(): void {
    this.#isStopped = true;
    this.#end(new CryptoError("core_failed", "The bulk worker was stopped"));
  }

  #call<N extends BulkCall>(
    name: N,
    argument: BulkArgument<N>,
    moved: Uint8Array | null,
  ): Promise<BulkResult<N>> {
    return new Promise((resolve, reject) => {
      if (this.#isStopped) {
        return reject(new CryptoError("core_failed", "The bulk worker was stopped"));
      }
      const id = this.#nextId++;
      const request: BulkRequest = { id, name, argument };
      const worker = this.#running();
      this.#waiting.set(id, { resolve: resolve as (result: unknown) => void, reject });
      const post = () => this.#post(worker, request, moved);
      if (this.#early === null) post();
      else this.#early.push(post);
    });
  }

  #post(worker: Worker, request: BulkRequest, moved: Uint8Array | null): void {
    try {
      worker.postMessage(request, movable(moved));
    } catch (cause) {
      const text = "Expected plain data as argument";
      this.#waiting.get(request.id)?.reject(new CryptoError("bad_argument", text, { cause }));
      this.#waiting.delete(request.id);
    }
  }

  #running(): Worker {
    this.#cancelEnd?.();
    this.#cancelEnd = null;
    return this.#worker ??= this.#start();
  }

  #start(): Worker {
    const worker = new Worker(new URL("./bulk_worker.ts", import.meta.url).href, OPTIONS);
    const fail = () => this.#end(new CryptoError("core_failed", "The bulk worker failed"));
    this.#early = [];
    worker.onmessage = ({ data }: MessageEvent<BulkReport | typeof BULK_READY>) => {
      if (data === BULK_READY) this.#ready();
      else this.#receive(data);
    };
    worker.onmessageerror = fail;
    worker.onerror = (event) => {
      event.preventDefault();
      fail();
    };
    return worker;
  }

  #ready(): void {
    const early = this.#early ?? [];
    this.#early = null;
    for (const post of early) post();
  }

  #receive(report: BulkReport): void {
    const pending = this.#waiting.get(report.id);
    this.#waiting.delete(report.id);
    if ("result" in report) pending?.resolve(report.result);
    else pending?.reject(new CryptoError(report.code, report.text));
    if (this.#waiting.size > 0) return;
    this.#cancelEnd = this.#parts.setTimer(IDLE_MS, () => {
      this.#end(new CryptoError("core_failed", "The bulk worker has ended"));
    });
  }

  /** The next call begins with a new one. */
  #end(why: CryptoError): void {
    this.#cancelEnd?.();
    this.#cancelEnd = null;
    this.#worker?.terminate();
    this.#worker = null;
    this.#early = null;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(why);
  }
}
