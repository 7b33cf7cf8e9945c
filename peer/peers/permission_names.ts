/**
 * The permissions that somebody here asks for.
 *
 * @module
 */

/** What every peer that somebody here connected or wrote to has, besides {@linkcode FILES}. */
export const MESSAGE = "message";

/** To offer files, of which nothing comes before somebody here wants it. */
export const FILES = "files";

/** The words of the modules that every node can have, also while those are off. */
const STANDING = [MESSAGE, FILES, "auth"];

/** The permissions that modules of a node ask for, by module. */
export class PermissionNames {
  readonly #byModule = new Map<string, readonly string[]>();

  /** Replaces what a module asked for before. */
  declare(module: string, names: readonly string[]): void {
    this.#byModule.set(module, names);
  }

  /** In order. */
  all(): string[] {
    return [...new Set([...STANDING, ...[...this.#byModule.values()].flat()])].sort();
  }
}
