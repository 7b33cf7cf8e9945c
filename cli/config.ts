/**
 * `openred-node config …`: the settings beside a node's data.
 *
 * @module
 */
import type { KeptSetting } from "../ports/kept_settings.ts";
import { usageError } from "./command_error.ts";
import { type CommandContext, defineCommand, type NodeCommand } from "./command.ts";
import { unreadVariables } from "./environment_names.ts";
import { checkSettingValue, listSettings } from "./kept_settings.ts";
import { type OptionSpecs, readOptions } from "./options.ts";
import type { Cell } from "./output.ts";
import { checkRunOptions, COMMON_OPTIONS, RUN_OPTIONS } from "./run_options.ts";
import {
  changeSetting,
  checkSettingName,
  readSettings,
  type Settings,
  SETTINGS_FILE,
} from "./settings_file.ts";

type ConfigContext = CommandContext<typeof COMMON_OPTIONS>;

const NAME_WORD = { name: "setting", summary: "an option of 'run', without its dashes" };
const FROM_NEXT_START = "It counts from the next start of the node.";

function settingsOf({ options, settingsFile }: ConfigContext): Promise<Settings> {
  return readSettings(settingsFile, { data: options.data, specs: RUN_OPTIONS });
}

function forPrograms({ name, value, from, default: usual }: KeptSetting) {
  return { name, value, from: value === null ? `default: ${usual}` : from };
}

function rowOf({ name, value, from, default: usual }: KeptSetting): readonly Cell[] {
  return [
    { text: name },
    { text: from, style: "dim" },
    value === null ? { text: usual } : { text: value, style: "bold" },
  ];
}

const showCommand = defineCommand({
  name: "config show",
  summary: "print the settings of 'run', and where each comes from",
  details: "A flag of 'run' wins over a variable, that over openred.toml, that over the default.",
  words: [],
  options: COMMON_OPTIONS,
  async run(context) {
    const { options, out, env } = context;
    const settings = await settingsOf(context);
    // What stands on this command line is none of it.
    const shown = listSettings(settings, { given: {}, env });
    if (options.json) {
      return await out.json({ data: options.data, settings: shown.map(forPrograms) });
    }
    await out.line({ text: `${options.data}/${SETTINGS_FILE}`, style: "bold" });
    await out.table(["SETTING", "FROM", "VALUE"], shown.map(rowOf));
  },
});

async function change(context: ConfigContext, value: string | null): Promise<void> {
  const { options, words, out, settingsFile } = context;
  const name = checkSettingName(words[0] ?? "", RUN_OPTIONS);
  if (value !== null) checkSettingValue(name, value);
  const text = await settingsFile.read(options.data) ?? "";
  await settingsFile.write(
    options.data,
    await changeSetting(text, { name, value, specs: RUN_OPTIONS }),
  );
  if (options.json) return await out.json({ name, value });
  await out.line(value === null ? `${name} is no setting any more.` : `${name} = ${value}`);
  await out.line({ text: FROM_NEXT_START, style: "dim" });
}

const setCommand = defineCommand({
  name: "config set",
  summary: "keep a setting of 'run' in openred.toml",
  details: `${FROM_NEXT_START} What you wrote into the file beside it stays.`,
  words: [NAME_WORD, { name: "value", summary: "as the option takes it; true for a switch" }],
  options: COMMON_OPTIONS,
  run: (context) => change(context, context.words[1] ?? ""),
});

const unsetCommand = defineCommand({
  name: "config unset",
  summary: "take a setting out of openred.toml",
  details: FROM_NEXT_START,
  words: [NAME_WORD],
  options: COMMON_OPTIONS,
  run: (context) => change(context, null),
});

const checkCommand = defineCommand({
  name: "config check",
  summary: "say whether 'run' would take openred.toml and the environment",
  details: "Names settings and variables that nothing reads, with the nearest right one.",
  words: [],
  options: COMMON_OPTIONS,
  async run(context) {
    const { options, out, env, envNames } = context;
    const settings = await settingsOf(context);
    checkRunOptions(readOptions(RUN_OPTIONS, { given: {}, env, settings }));
    const unread = unreadVariables(envNames(), RUN_OPTIONS as OptionSpecs);
    if (unread.length > 0) throw usageError(unread.join(". "));
    if (options.json) return await out.json({ settings: settings.size });
    await out.line({ text: "All right", style: "green" }, `: ${settings.size} setting(s)`);
  },
});

/** All of them. */
export const CONFIG_COMMANDS: readonly NodeCommand[] = [
  showCommand,
  setCommand,
  unsetCommand,
  checkCommand,
];
