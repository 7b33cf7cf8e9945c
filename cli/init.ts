/**
 * `openred-node init`.
 *
 * @module
 */
import { defineCommand } from "./command.ts";
import { keysPassphraseFileOption, passphraseAsker } from "./passphrase_source.ts";
import { phrasePrinter } from "./phrase_output.ts";
import { COMMON_OPTIONS } from "./run_options.ts";

/** Makes a node with a recovery phrase, or the phrase of a node that has none. */
export const initCommand = defineCommand({
  name: "init",
  summary: "make a node's keys and its recovery phrase",
  details:
    "On a node that was made without a recovery phrase it adds one. The node must not run.\n" +
    "The phrase holds once the command has ended without an error. With --passphrase-file the\n" +
    "keys of a node that is made are under that passphrase.",
  words: [],
  options: { ...COMMON_OPTIONS, passphraseFile: keysPassphraseFileOption },
  async run(context) {
    const { options, out, keeper } = context;
    const { data, json, passphraseFile: file } = options;
    const id = await keeper.init({
      data,
      show: phrasePrinter(out, { json }),
      ...passphraseAsker(context, file),
    });
    if (json) return;
    await out.line();
    await out.pairs([["Node", { text: id, style: "bold" }], ["Data", data]]);
  },
});
