/**
 * The permutations that modules lend to the core. They run outside of it, and nothing they do there may hold it up.
 *
 * @module
 */
import { METHOD_BLOCK_MS, type ModuleMethod } from "../interface.ts";
import { BLOCK_BYTES, type PermutationRequest } from "../primitives/permutations.ts";

/** The modules' methods on the caller's side of a core, by their names. */
export class LentMethods {
  readonly #methods = new Map<string, ModuleMethod>();

  lend(method: ModuleMethod): void {
    this.#methods.set(method.name, method);
  }

  get(name: string): ModuleMethod | null {
    return this.#methods.get(name) ?? null;
  }

  takeBack(method: ModuleMethod): void {
    if (this.#methods.get(method.name) === method) this.#methods.delete(method.name);
  }

  /**
   * Has a block permuted. Never throws.
   * @returns A copy of what came, 32 bytes; `null` if nothing of that form came in time.
   */
  async permute(request: PermutationRequest): Promise<Uint8Array | null> {
    const method = this.#methods.get(request.method);
    if (method === undefined) return null;
    const { promise: tooLate, resolve } = Promise.withResolvers<null>();
    const cancel = method.clock.setTimer(method.blockMs ?? METHOD_BLOCK_MS, () => resolve(null));
    const block = await Promise.race([permuted(method, request), tooLate]);
    cancel();
    if (block === null) method.failed?.();
    return block;
  }
}

async function permuted(
  method: ModuleMethod,
  { key, block, inverse }: PermutationRequest,
): Promise<Uint8Array | null> {
  try {
    const copies = { key: key.slice(), block: block.slice(), inverse };
    const result: unknown = await method.permute(copies);
    return result instanceof Uint8Array && result.length === BLOCK_BYTES ? result.slice() : null;
  } catch {
    // Whatever a module throws, it gave no block.
    return null;
  }
}
