/**
 * What the owner is asked on a terminal before a module's file is loaded.
 *
 * @module
 */
import { type Grant, grantName } from "../protocol/module_manifest.ts";
import { failure } from "./command_error.ts";
import { parseFolderPath } from "./module_words.ts";
import { ask, type Asking, isYes } from "./question.ts";

export const NOTHING_LOADED = "Nothing was loaded";

/** Asks one question after the other. */
export class Questions {
  readonly #context: Asking;
  readonly #nobody: () => Promise<Error>;

  /** @param nobody Makes the error for when nobody can be asked. */
  constructor(
    context: Asking,
    nobody: () => Promise<Error>,
  ) {
    this.#context = context;
    this.#nobody = nobody;
  }

  /** @throws {CommandError} Exit code 1 for anything but yes. */
  async agree(question: string, otherwise = NOTHING_LOADED): Promise<void> {
    if (!await this.#isYes(question)) throw failure(otherwise);
  }

  /** @returns The grant with its folder, or `null` where it is not given. */
  async grant(grant: Grant): Promise<string | null> {
    const name = grantName(grant);
    if (grant.kind !== "folder") return await this.#isYes(`Grant ${name}?`) ? name : null;
    const path = await this.#ask(`Folder for ${name} (empty: none): `);
    if (path === "") return null;
    try {
      return `${name}=${parseFolderPath(path)}`;
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause;
      throw failure(`${NOTHING_LOADED}: ${name}: ${cause.message}`, { cause });
    }
  }

  async #isYes(question: string): Promise<boolean> {
    return isYes(await this.#ask(`${question} [y/N] `));
  }

  async #ask(question: string): Promise<string> {
    const typed = await ask(this.#context, { question, otherwise: NOTHING_LOADED });
    if (typed === null) throw await this.#nobody();
    return typed;
  }
}
