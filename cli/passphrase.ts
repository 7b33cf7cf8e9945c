/**
 * `openred-node passphrase set|change|remove`, for a node that does not run.
 *
 * @module
 */
import { usageError } from "./command_error.ts";
import { defineCommand, type NodeCommand } from "./command.ts";
import type { Output } from "./output.ts";
import {
  askedAgain,
  KEYS_PASSPHRASE as CURRENT,
  newPassphraseFileOption,
  passphraseFileOption,
  readNewPassphrase,
  readPassphrase,
  triesOf,
} from "./passphrase_source.ts";
import { COMMON_OPTIONS } from "./run_options.ts";

const NEW = { flag: "--new-passphrase-file", prompt: "New passphrase" } as const;
const STOPPED = "The node must not run meanwhile. Whatever goes wrong, nothing was changed.";

async function say(
  out: Output,
  options: { readonly json: boolean; readonly isSet: boolean; readonly text: string },
): Promise<void> {
  if (options.json) await out.json({ passphrase: options.isSet });
  else await out.line(options.text);
}

const setCommand = defineCommand({
  name: "passphrase set",
  summary: "put the node's keys under a passphrase",
  details:
    `From then on 'run' needs it. Nobody can recover a passphrase that was forgotten.\n${STOPPED}`,
  words: [],
  options: { ...COMMON_OPTIONS, passphraseFile: passphraseFileOption },
  async run(context) {
    const { data, json, passphraseFile: file } = context.options;
    const prompt = NEW.prompt;
    await context.keeper.changePassphrase(data, async () => ({
      kind: "set",
      passphrase: await readNewPassphrase(context, { ...CURRENT, prompt, file }),
    }));
    await say(context.out, { json, isSet: true, text: "The keys are under a passphrase now" });
  },
});

const changeCommand = defineCommand({
  name: "passphrase change",
  summary: "put another passphrase in the place of the present one",
  details: STOPPED,
  words: [],
  options: {
    ...COMMON_OPTIONS,
    passphraseFile: passphraseFileOption,
    newPassphraseFile: newPassphraseFileOption,
  },
  async run(context) {
    const { data, json, passphraseFile, newPassphraseFile } = context.options;
    if (passphraseFile === "-" && newPassphraseFile === "-") {
      throw usageError(`${CURRENT.flag} and ${NEW.flag}: only one can be standard input`);
    }
    const current = { ...CURRENT, file: passphraseFile };
    await context.keeper.changePassphrase(data, async (isAgain) => ({
      kind: "change",
      passphrase: await readPassphrase(context, askedAgain(current, isAgain)),
      newPassphrase: await readNewPassphrase(context, { ...NEW, file: newPassphraseFile }),
    }), newPassphraseFile === "-" ? 1 : triesOf(passphraseFile));
    await say(context.out, { json, isSet: true, text: "The passphrase was changed" });
  },
});

const removeCommand = defineCommand({
  name: "passphrase remove",
  summary: "take the passphrase off the node's keys",
  details: `From then on whoever can read the data directory can use the keys.\n${STOPPED}`,
  words: [],
  options: { ...COMMON_OPTIONS, passphraseFile: passphraseFileOption },
  async run(context) {
    const { data, json, passphraseFile: file } = context.options;
    await context.keeper.changePassphrase(data, async (isAgain) => ({
      kind: "remove",
      passphrase: await readPassphrase(context, askedAgain({ ...CURRENT, file }, isAgain)),
    }), triesOf(file));
    await say(context.out, { json, isSet: false, text: "The keys have no passphrase any more" });
  },
});

export const PASSPHRASE_COMMANDS: readonly NodeCommand[] = [
  setCommand,
  changeCommand,
  removeCommand,
];
