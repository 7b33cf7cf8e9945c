/**
 * The crypto methods of this node: the built-in ones, and those that its modules bring just now.
 *
 * @module
 * @see docs/PROTOCOL.md, "Methods of modules"
 */
import { CRYPTO_METHODS, type CryptoCore, type MethodBlock } from "../../crypto/interface.ts";
import type { Clock } from "../../ports/ports.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import type { NodeEvents } from "../events/events.ts";

/** So many names fit into a record beside everything else. */
export const MAX_MODULE_METHODS = 4;

interface MethodBookParts {
  readonly crypto: Pick<CryptoCore, "addMethod" | "removeMethod">;
  readonly clock: Pick<Clock, "setTimer">;
  readonly events: Pick<NodeEvents, "warn" | "settle">;
}

/** A method that a module brings. */
export interface OfferedMethod {
  readonly name: string;
  /** Permutes 32 bytes, in the module's own place. */
  readonly permute: (block: MethodBlock) => Promise<Uint8Array>;
  /** Called once if the method fails while it is in use; it is taken off then. */
  readonly failed?: () => void;
}

/** Which methods this node lists, and serves. */
export class MethodBook {
  readonly #parts: MethodBookParts;
  readonly #offered = new Map<string, OfferedMethod>();

  constructor(parts: MethodBookParts) {
    this.#parts = parts;
  }

  /** What a record lists: the built-in methods, then those of modules. */
  names(): readonly string[] {
    return [...CRYPTO_METHODS, ...[...this.#offered.keys()].sort()];
  }

  has(method: string): boolean {
    return (CRYPTO_METHODS as readonly string[]).includes(method) || this.#offered.has(method);
  }

  /**
   * Tells whether a pair of this method can be used with a peer: both have it.
   * @param peerMethods What the peer's newest record lists. Every node knows the built-in ones, whatever it lists.
   */
  serves(method: string, peerMethods: readonly string[]): boolean {
    if ((CRYPTO_METHODS as readonly string[]).includes(method)) return true;
    return this.#offered.has(method) && peerMethods.includes(method);
  }

  /**
   * Takes a module's method into use, once the core has seen that it inverts. The next record lists it.
   * @throws {OpenRedError} `bad_request` for more than {@linkcode MAX_MODULE_METHODS}.
   * @throws {CryptoError} As `addMethod` of the core: `bad_argument`, `method_failed`, `method_not_invertible`. A method
   *   of this name that was in use is so no more then.
   */
  async add(method: OfferedMethod): Promise<void> {
    const { name, permute } = method;
    this.#offered.delete(name);
    this.#refuseMore();
    const { crypto, clock } = this.#parts;
    await crypto.addMethod({ name, permute, clock, failed: () => this.#fail(method) });
    this.#refuseMore();
    this.#offered.set(name, method);
    this.#parts.events.settle(topicOf(name));
  }

  /** Takes a module's method out of use. Its pairs are refused from here on; others serve in their place. */
  async remove(name: string): Promise<void> {
    this.#offered.delete(name);
    await this.#parts.crypto.removeMethod({ name });
  }

  #refuseMore(): void {
    if (this.#offered.size < MAX_MODULE_METHODS) return;
    throw new OpenRedError(
      "bad_request",
      `Modules can bring ${MAX_MODULE_METHODS} crypto methods at a time`,
    );
  }

  /** A handshake waits for each block, so a method that failed once is not asked again. */
  #fail(method: OfferedMethod): void {
    const { name, failed } = method;
    if (this.#offered.get(name) !== method) return;
    this.#offered.delete(name);
    // It fails only where the core has stopped.
    this.#parts.crypto.removeMethod({ name }).catch(() => {});
    this.#parts.events.warn(
      topicOf(name),
      `The crypto method ${name} of a module failed and is out of use; pairs of other methods serve in its place`,
    );
    failed?.();
  }
}

function topicOf(name: string): string {
  return `method ${name}`;
}
