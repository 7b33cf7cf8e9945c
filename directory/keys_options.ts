/**
 * `openred-central keys …`: who may register with a directory that takes invited nodes only.
 *
 * @module
 */
import { Argument, Command, InvalidArgumentError } from "commander";
import * as v from "valibot";
import { MAX_KEY_USES } from "../protocol/directory_admin.ts";
import { secretIdSchema } from "../protocol/shown_secret.ts";
import { parseSpan } from "../protocol/span_text.ts";
import { commandOf, type CommonFlags, integerIn, parseNote } from "./option_values.ts";

/** What is to be done. */
export type KeysAction =
  | { readonly what: "list" }
  | {
    readonly what: "add";
    readonly uses: number;
    /** `null`: never. */
    readonly expiresMs: number | null;
    readonly note: string;
  }
  | { readonly what: "revoke"; readonly keyId: string };

export interface KeysOptions {
  readonly action: KeysAction;
  readonly dataDirectory: string;
  readonly json: boolean;
}

const DEFAULT_EXPIRES_MS = 7 * 24 * 3_600_000;

function parseExpires(text: string): number | null {
  if (text === "never") return null;
  try {
    return parseSpan(text);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new InvalidArgumentError("Expected never, or a span such as 12h or 7d, at most 366d.");
  }
}

function parseKeyId(text: string): string {
  if (v.is(secretIdSchema, text)) return text;
  throw new InvalidArgumentError("Expected the name of a key, as keys list shows it.");
}

/** The family of commands. @param asked Called with what it is to do. */
export function keysCommand(asked: (options: KeysOptions) => void): Command {
  const ask = ({ data, json }: CommonFlags, action: KeysAction) =>
    asked({ action, dataDirectory: data, json });
  const add = commandOf("add", "Make a key, and print it; it is shown this once.")
    .option("--uses <n>", "how many nodes it lets in", integerIn(1, MAX_KEY_USES), 1)
    .option(
      "--expires <span>",
      "for how long, such as 12h or 7d, or never (default: 7d)",
      parseExpires,
    )
    .option("--note <text>", "for whom, for you alone", parseNote, "")
    .action((flags: CommonFlags & { uses: number; expires?: number | null; note: string }) => {
      const { uses, note, expires: expiresMs = DEFAULT_EXPIRES_MS } = flags;
      ask(flags, { what: "add", uses, expiresMs, note });
    });
  const list = commandOf("list", "List the keys of a running directory.")
    .action((flags: CommonFlags) => ask(flags, { what: "list" }));
  const revoke = commandOf("revoke", "Have a key let in nobody more; who is in stays.")
    .addArgument(new Argument("<key>").argParser(parseKeyId))
    .action((keyId: string, flags: CommonFlags) => ask(flags, { what: "revoke", keyId }));
  return new Command("keys")
    .description("Make and revoke the keys by which new nodes register.")
    .addCommand(add).addCommand(list).addCommand(revoke);
}
