/**
 * A core whose methods are made from the list of calls.
 *
 * @module
 */
import type { CoreCalls, CryptoCore, ModuleMethod } from "../interface.ts";
import { CALL_NAMES, type CallArgument, type CallName, type CallResult } from "./calls.ts";
import { LentMethods } from "./lent_methods.ts";

/** A core all of whose calls go one way, which a subclass gives. */
export abstract class CallingCore implements CryptoCore {
  /** What modules lend to this core. */
  protected readonly methods = new LentMethods();

  protected abstract call<N extends CallName>(
    name: N,
    argument: CallArgument<N>,
  ): Promise<CallResult<N>>;

  static {
    for (const name of CALL_NAMES) {
      const value = function (this: CallingCore, argument: never) {
        return this.call(name, argument);
      };
      Object.defineProperty(this.prototype, name, { value, writable: true, configurable: true });
    }
  }

  async addMethod(method: ModuleMethod): Promise<void> {
    const { name } = method;
    this.methods.lend(method);
    try {
      await this.admitMethod({ name });
    } catch (error) {
      this.methods.takeBack(method);
      throw error;
    }
  }

  async removeMethod({ name }: { readonly name: string }): Promise<void> {
    const lent = this.methods.get(name);
    await this.dismissMethod({ name });
    // Another one may have been added under the name meanwhile.
    if (lent !== null) this.methods.takeBack(lent);
  }
}

/** The static block above makes them. */
export interface CallingCore extends CoreCalls {}
