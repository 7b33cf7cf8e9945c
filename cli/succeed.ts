/**
 * `openred-node succeed`.
 *
 * @module
 */
import { CommandError, usageError } from "./command_error.ts";
import { defineCommand } from "./command.ts";
import { parseNodeId, parsePath } from "./option_values.ts";
import { valueOption } from "./options.ts";
import {
  keysPassphraseFileOption,
  passphraseAsker,
  type PassphrasePorts,
  readSecret,
  triesOf,
} from "./passphrase_source.ts";
import { PHRASE_WORDS } from "../protocol/phrase_limits.ts";
import { phrasePrinter } from "./phrase_output.ts";
import { hasAllWords, parsePhrase } from "./recovery_phrase.ts";
import { COMMON_OPTIONS } from "./run_options.ts";

/** Reads a phrase; a person has three tries. */
async function readPhrase(
  ports: PassphrasePorts,
  file: string | null,
): Promise<Uint8Array<ArrayBuffer>> {
  for (let tries = triesOf(file), wrong = "";; tries--) {
    const typed = await readSecret(ports, {
      file,
      flag: "--phrase-file",
      prompt: `${wrong}Recovery phrase (${PHRASE_WORDS} words; numbers may stand before them)`,
      typing: { isWhole: hasAllWords, isShown: true },
    });
    try {
      return parsePhrase(typed);
    } catch (error) {
      if (tries === 1 || !(error instanceof CommandError)) throw error;
      wrong = `${error.message}. `;
    } finally {
      typed.fill(0);
    }
  }
}

/** Makes the identity that follows, from the recovery phrase. */
export const succeedCommand = defineCommand({
  name: "succeed",
  summary: "make a new identity from the recovery phrase, which peers and directories follow",
  details:
    "For keys that somebody may have stolen, or with --from for a data directory that is lost.\n" +
    "The node must not run. Contacts and messages stay; the former id is refused everywhere once\n" +
    "the directories and peers have heard of it. A new recovery phrase is shown. With --from,\n" +
    "--passphrase-file is the passphrase that the new keys are to be under.",
  words: [],
  options: {
    ...COMMON_OPTIONS,
    from: valueOption<string | null>({
      flag: "from",
      value: "ID",
      summary: "the former id, if its data directory is lost; --data holds no node yet then",
      defaultText: "the node of --data",
      fallback: null,
      parse: parseNodeId,
    }),
    phraseFile: valueOption<string | null>({
      flag: "phrase-file",
      value: "FILE",
      summary: "file with the recovery phrase; - is standard input",
      defaultText: "asked for on a terminal",
      fallback: null,
      parse: parsePath,
    }),
    passphraseFile: keysPassphraseFileOption,
  },
  async run(context) {
    const { options, out, keeper } = context;
    const { data, json, from, phraseFile, passphraseFile: file } = options;
    if (phraseFile === "-" && file === "-") {
      throw usageError("--phrase-file and --passphrase-file: only one can be standard input");
    }
    const phrase = await readPhrase(context, phraseFile);
    const id = await keeper.succeed({
      data,
      from,
      phrase,
      show: phrasePrinter(out, { json }),
      ...passphraseAsker(context, file),
    });
    if (json) return;
    await out.line();
    await out.pairs([["New id", { text: id, style: "bold" }], ["Data", data]]);
    await out.line("Start the node: it tells its directories and peers by itself.");
  },
});
