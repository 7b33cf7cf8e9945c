/**
 * `openred-node noise-key renew`, for a node that does not run.
 *
 * @module
 */
import { defineCommand, type NodeCommand } from "./command.ts";
import { keysPassphraseFileOption, passphraseAsker } from "./passphrase_source.ts";
import { COMMON_OPTIONS } from "./run_options.ts";

const renewCommand = defineCommand({
  name: "noise-key renew",
  summary: "give the node a new key for handshakes; its id stays",
  details:
    "The next start announces it; the former key is kept as long as a record names it. Peers\n" +
    "are shown that the key has changed. Whoever stole the node's keys is only shut out by a\n" +
    "new identity: openred-node succeed. The node must not run meanwhile.",
  words: [],
  options: { ...COMMON_OPTIONS, passphraseFile: keysPassphraseFileOption },
  async run(context) {
    const { options, out, keeper } = context;
    const { data, json, passphraseFile } = options;
    const { askPassphrase, tries = 1 } = passphraseAsker(context, passphraseFile);
    const id = await keeper.renewNoiseKey({ data, askPassphrase, tries });
    if (json) await out.json({ id });
    else await out.line("The node has a new noise key; its next start announces it");
  },
});

export const NOISE_KEY_COMMANDS: readonly NodeCommand[] = [renewCommand];
