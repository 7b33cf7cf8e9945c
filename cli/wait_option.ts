/**
 * The option of commands that wait for a peer.
 *
 * @module
 */
import { parsePeerRef } from "../protocol/peer_name.ts";
import type { CommandContext } from "./command.ts";
import { parseInteger } from "./option_values.ts";
import { type OptionSpec, type OptionSpecs, valueOption } from "./options.ts";
import { shortId } from "./output.ts";

const MAX_WAIT_S = 300;

/** Describes `--wait SECONDS`. */
export function waitOption(defaultS: number): OptionSpec<number> {
  return valueOption<number>({
    flag: "wait",
    value: "SECONDS",
    summary: `how long to wait for the peer, 0 to ${MAX_WAIT_S}`,
    defaultText: String(defaultS),
    fallback: defaultS,
    parse: (text) => parseInteger(text, { min: 0, max: MAX_WAIT_S }),
  });
}

/** A peer as a person wrote it; of a link its id, since the rest of it may be a secret. */
export function shownPeer(word: string): string {
  if (/^[A-Za-z0-9_-]{43}$/.test(word)) return shortId(word);
  const ref = parsePeerRef(word);
  if (ref.kind === "petname") return ref.name;
  return shortId(ref.kind === "id" ? ref.id : ref.link.nodeId);
}

/** Says to a person who reads along what is waited for, before it begins. */
export async function sayWait(
  { err, options }: Pick<CommandContext<OptionSpecs>, "err" | "options">,
  { what, waitS }: { readonly what: string; readonly waitS: number },
): Promise<void> {
  if (!err.isTerminal || waitS === 0 || options.json === true) return;
  await err.line({ text: `Waiting up to ${waitS} s for ${what} …`, style: "dim" });
}
