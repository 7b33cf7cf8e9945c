/**
 * Long answers on the virtual network: they come in pieces, and break off wherever a link or a process does.
 *
 * @module
 */
import type { ByteAnswer, ByteRequest, OpenBytes } from "../../ports/byte_streams.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import type { VirtualNetwork } from "./virtual_network.ts";
import type { VirtualProcess } from "./virtual_process.ts";

/** A piece that is lost breaks the answer off; of many that would be every answer. */
const LOSS_SHARE = 0.2;

interface Ends {
  readonly network: VirtualNetwork;
  readonly caller: VirtualProcess;
  readonly called: string;
}

/** Waits as long as the network takes. @throws {unknown} What the signal fired with; for a dead caller it never ends. */
async function pass(
  { network: { loop }, caller }: Ends,
  { durationMs, signal }: { readonly durationMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  aborted.promise.catch(() => undefined);
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  try {
    await Promise.race([loop.sleep(durationMs), aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
    if (!caller.isAlive) await new Promise<never>(() => {});
  }
}

function unreachable(why: string): never {
  throw new OpenRedError("unreachable", `Nothing came: ${why}`);
}

class VirtualAnswer implements ByteAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly bytes: number;
  readonly #ends: Ends;
  readonly #request: ByteRequest;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #died: Promise<null>;
  readonly #left: () => void;
  #piece: Uint8Array = new Uint8Array();
  #unread: number;

  constructor(
    ends: Ends,
    { request, response, died, left }: {
      readonly request: ByteRequest;
      readonly response: Response;
      /** Resolves when who answers is no more. */
      readonly died: Promise<null>;
      readonly left: () => void;
    },
  ) {
    this.#ends = ends;
    this.#request = request;
    this.status = response.status;
    this.headers = new Map(response.headers);
    this.bytes = Number(response.headers.get("content-length") ?? 0);
    this.#reader = (response.body ?? new Blob().stream()).getReader();
    this.#died = died;
    this.#left = left;
    this.#unread = this.bytes;
  }

  async read(target: Uint8Array<ArrayBuffer>): Promise<number | null> {
    if (this.#unread === 0) return null;
    const { network, caller, called } = this.#ends;
    const { signal, idleMs } = this.#request;
    const isLost = network.random.chance(network.faults.lossRate * LOSS_SHARE);
    if (network.isCut(called, caller.host.name)) {
      await pass(this.#ends, { durationMs: idleMs, signal });
      unreachable("too slow");
    }
    await pass(this.#ends, { durationMs: network.drawLatencyMs(), signal });
    if (isLost) unreachable("it broke off");
    if (this.#piece.length === 0) this.#piece = await this.#next();
    const length = Math.min(target.length, this.#piece.length, this.#unread);
    target.set(this.#piece.subarray(0, length));
    this.#piece = this.#piece.subarray(length);
    this.#unread -= length;
    return length;
  }

  /** A copy: whoever sent it uses its memory again. */
  async #next(): Promise<Uint8Array> {
    const { network } = this.#ends;
    const reading = this.#reader.read().then(({ value }) => value ?? null, () => null);
    const value = await Promise.race([this.#died, reading]);
    if (value === null) unreachable("it broke off");
    const piece = value.slice();
    if (piece.length > 0 && network.random.chance(network.flipRate)) {
      network.trace.add("network", "a bit of a chunk is flipped");
      piece[network.random.between(0, piece.length - 1)]! ^= 1;
    }
    return piece;
  }

  close(): void {
    this.#left();
    this.#reader.cancel().catch(() => undefined);
  }
}

/** Long answers as one process asks for them. */
export function openBytesFor(network: VirtualNetwork, caller: VirtualProcess): OpenBytes {
  return async (request) => {
    const { url, headers, timeoutMs, signal } = request;
    const host = network.findHost(url);
    const ends = { network, caller, called: host?.name ?? "nobody" };
    const { pathname } = new URL(url);
    network.trace.add(caller.host.name, `→ ${ends.called} GET ${pathname} ${headers.range}`);
    if (network.isLost(caller.host.name, ends.called)) {
      await pass(ends, { durationMs: timeoutMs, signal });
      unreachable("time-out");
    }
    await pass(ends, { durationMs: network.drawLatencyMs(), signal });
    const called = host?.process ?? null;
    if (called?.handler == null) unreachable("refused");
    const gone = new AbortController();
    const left = () => gone.abort();
    signal.addEventListener("abort", left, { once: true });
    const asked = new Request(url, { headers: { ...headers }, signal: gone.signal });
    const died = new Promise<null>((resolve) => called.onDeath(() => resolve(null)));
    const answering = called.handler(asked, { address: caller.host.address });
    const response = await Promise.race([answering, died]);
    await pass(ends, { durationMs: network.drawLatencyMs(), signal });
    if (response === null) unreachable("reset");
    return new VirtualAnswer(ends, { request, response, died, left });
  };
}
