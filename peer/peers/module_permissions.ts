/**
 * Which permission the frames of a module need.
 *
 * @module
 */

/** What every peer that somebody here connected or wrote to has. */
export const MESSAGE = "message";

const BUILT_IN: Readonly<Record<string, string>> = {
  messaging: MESSAGE,
  file_sharing: "files",
  authentication: "auth",
};

const NAME = /^[a-z0-9_]{1,32}$/;

/** What no module from outside can be called: the protocol's own frames, and the module that every node has. */
const OWN = ["core", "messaging"];

/** The permission of every module. One that declares none needs a permission of its own name. */
export class ModulePermissions {
  readonly #names = new Map<string, string>(Object.entries(BUILT_IN));

  /**
   * @param modules Those given from outside, by name, with what each declares.
   * @throws {RangeError} For a name that a module cannot have, a permission of another form, or another one than a
   *   module of that name has already.
   */
  constructor(modules: ReadonlyMap<string, { readonly permission?: string }> = new Map()) {
    for (const [module, { permission }] of modules) {
      if (OWN.includes(module)) throw new RangeError(`No module may be called ${module}`);
      this.#declare(module, permission ?? this.of(module));
    }
  }

  #declare(module: string, permission: string): void {
    if (!NAME.test(module) || !NAME.test(permission)) {
      throw new RangeError("Expected names of 1 to 32 characters a–z, 0–9 and _");
    }
    const held = this.#names.get(module);
    if (held !== undefined && held !== permission) {
      throw new RangeError(`The module ${module} needs the permission ${held} already`);
    }
    this.#names.set(module, permission);
  }

  of(module: string): string {
    return this.#names.get(module) ?? module;
  }

  /** Every permission that a module is known to need, in order. */
  all(): string[] {
    return [...new Set(this.#names.values())].sort();
  }
}
