/**
 * The option of commands that wait for a peer.
 *
 * @module
 */
import { parseInteger } from "./option_values.ts";
import { type OptionSpec, valueOption } from "./options.ts";

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
