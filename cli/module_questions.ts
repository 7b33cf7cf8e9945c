/**
 * What the owner is asked on a terminal before a module's file is loaded.
 *
 * @module
 */
import { type Grant, grantName } from "../protocol/module_manifest.ts";
import { failure } from "./command_error.ts";
import type { CommandContext } from "./command.ts";
import { unlessStopped } from "./interruption.ts";
import { parseFolderPath } from "./module_words.ts";
import type { OptionSpecs } from "./options.ts";
import { sanitizeLine } from "../protocol/safe_text.ts";

export const NOTHING_LOADED = "Nothing was loaded";

type Asking = Pick<CommandContext<OptionSpecs>, "askLine" | "signal" | "err">;

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
    return /^y(es)?$/i.test(await this.#ask(`${question} [y/N] `));
  }

  async #ask(question: string): Promise<string> {
    const { askLine, signal, err } = this.#context;
    const answer = askLine(sanitizeLine(question));
    const typed = await unlessStopped(signal, NOTHING_LOADED, answer).catch(async (error) => {
      // The question is still without its line end.
      await err.line();
      throw error;
    });
    if (typed === null) throw await this.#nobody();
    return typed.trim();
  }
}
