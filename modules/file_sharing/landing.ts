/**
 * Where files land: under a clean name that nothing there has, and never over anything.
 *
 * @module
 */
import { encodeBase64Url } from "../../crypto/encoding.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import type { LandingFolder, ModuleContext } from "../api.ts";
import { cleanName, foldName, numberedName } from "./file_names.ts";

const MAX_NUMBER = 10_000;
const PART_ID_BYTES = 16;

/** A hidden name that nobody guesses, for what grows beside its place. */
export function newPartName(random: ModuleContext["random"]): string {
  return `.openred-${encodeBase64Url(random.bytes(PART_ID_BYTES))}`;
}

/** Landings follow each other, so that two names of one kind are not given at once. */
export class Landing {
  #last: Promise<unknown> = Promise.resolve();

  /**
   * Gives a part a name.
   * @param given What its sender calls it.
   * @param chosen Hears each name before it is tried, and makes that durable.
   * @returns The name that it has now.
   * @throws {OpenRedError} `overloaded`, `forbidden`.
   */
  land(
    folder: LandingFolder,
    file: {
      readonly part: string;
      readonly given: string;
      readonly chosen: (name: string) => Promise<void>;
    },
  ): Promise<string> {
    const landed = this.#last.then(() => land(folder, file));
    this.#last = landed.catch(() => undefined);
    return landed;
  }
}

async function land(
  folder: LandingFolder,
  { part, given, chosen }: Parameters<Landing["land"]>[1],
): Promise<string> {
  const clean = cleanName(given);
  const taken = new Set((await folder.names()).map(foldName));
  for (let number = 1; number <= MAX_NUMBER; number++) {
    const name = number === 1 ? clean : numberedName(clean, number);
    if (taken.has(foldName(name))) continue;
    await chosen(name);
    if (await folder.land(part, name)) return name;
  }
  throw new OpenRedError("overloaded", "Too many files of this name are there");
}
