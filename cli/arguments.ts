/**
 * Reads the words after a command's name.
 *
 * @module
 */
import { parsePeerRef, parsePetname } from "../protocol/peer_name.ts";
import { MAX_CONTACT_LINK_LENGTH } from "../protocol/contact_link.ts";
import { usageError } from "./command_error.ts";
import type { ArgumentSpec, CommandContext } from "./command.ts";
import { parseGroup, parsePath, parsePermission } from "./option_values.ts";
import type { OptionSpecs } from "./options.ts";

/** The word that says which peer is meant. */
export const PEER_WORD: ArgumentSpec = {
  name: "peer",
  summary: "its node id, your name for it, or its contact link",
};

/** The word that says which conversation is meant. A name of the owner's wins over what a group calls itself. */
export const CONVERSATION_WORD: ArgumentSpec = {
  name: "peer",
  summary: "a peer's id, your name for it or its contact link; or a group's id or name",
};

function read<T>(name: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof RangeError) throw usageError(`<${name}>: ${error.message}`);
    throw error;
  }
}

/**
 * Checks a word for a peer. The node knows whom a name means.
 * @throws {CommandError} Exit code 2.
 */
export function readPeer(word = ""): string {
  read(PEER_WORD.name, () => parsePeerRef(word));
  return word;
}

/**
 * A peer, from standard input for the word `-`: what stands on a command line can be seen by every user of the machine.
 * @throws {CommandError} Exit code 2.
 */
export async function readPeerOrInput(
  word: string | undefined,
  { readInput }: Pick<CommandContext<OptionSpecs>, "readInput">,
): Promise<string> {
  if (word !== "-") return readPeer(word);
  let bytes: Uint8Array;
  try {
    bytes = await readInput(2 * MAX_CONTACT_LINK_LENGTH);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw usageError("<peer>: standard input is too long for a contact link");
  }
  return readPeer(new TextDecoder().decode(bytes).trim());
}

/**
 * Checks a word for a conversation: whom a peer's would be, or a group's id, which may begin with anything.
 * @throws {CommandError} Exit code 2.
 */
export function readConversation(word = ""): string {
  return /^[A-Za-z0-9_-]{43}$/.test(word) ? word : readPeer(word);
}

/** @throws {CommandError} Exit code 2. */
export function readPermission(word = ""): string {
  return read("permission", () => parsePermission(word));
}

/** @throws {CommandError} Exit code 2. */
export function readGroup(word = ""): string {
  return read("group", () => parseGroup(word));
}

/**
 * A name for a peer, or `null` for the empty word.
 * @throws {CommandError} Exit code 2.
 */
export function readPetnameWord(word = ""): string | null {
  return word === "" ? null : read("name", () => parsePetname(word));
}

/**
 * A path of a file.
 * @throws {CommandError} Exit code 2.
 */
export function readPath(word = ""): string {
  return read("file", () => parsePath(word));
}
