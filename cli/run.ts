/**
 * `openred-node run`: what it is called with. The composition root says what it does.
 *
 * @module
 */
import type { KeptSettings } from "../ports/kept_settings.ts";
import { type CommandContext, defineCommand, type NodeCommand } from "./command.ts";
import { CommandError } from "./command_error.ts";
import { dataWords } from "./data_words.ts";
import { unreadVariables } from "./environment_names.ts";
import { createKeptSettings } from "./kept_settings.ts";
import { type OptionSpec, readOptions } from "./options.ts";
import type { Output } from "./output.ts";
import type { PassphrasePorts } from "./passphrase_source.ts";
import { formatSettings, readSettings, settingNames } from "./settings_file.ts";
import { checkRunOptions, RUN_OPTIONS, type RunOptions } from "./run_options.ts";

/** Runs a node until it is told to stop. */
export type RunNode = (
  options: RunOptions,
  world: {
    readonly out: Output;
    readonly err: Output;
    readonly signal: AbortSignal;
    readonly passphrases: PassphrasePorts;
    /** What a node that is made keeps as `openred.toml`; `null` where there is one, or nothing to keep. */
    readonly firstSettings: string | null;
    /** `openred.toml`, as the next start of this kind reads it. */
    readonly keptSettings: KeptSettings;
    /** What a start as this one would be told now; what this one was told where nothing could start so. */
    readonly readAgain: () => Promise<RunOptions>;
    /** `--data` for commands that are to find the node. */
    readonly dataWords: string;
  },
) => Promise<void>;

/** Where the passphrase is, is said at each start, or set on purpose. */
const NOT_KEPT_UNASKED = "passphrase-file";

/** What stood on the command line, to be kept. */
async function settingsOf(
  { given, options, settingsFile, absolutePath }: CommandContext<typeof RUN_OPTIONS>,
): Promise<string | null> {
  if (await settingsFile.read(options.data) !== null) return null;
  const kept = new Map<string, string>();
  const names = settingNames(RUN_OPTIONS).filter((name) => name !== NOT_KEPT_UNASKED);
  for (const [name, spec] of Object.entries<OptionSpec<unknown>>(RUN_OPTIONS)) {
    const value = given[name];
    if (value === undefined || !names.includes(spec.flag)) continue;
    const text = value === true ? "true" : value.at(-1) ?? "";
    // The node may be started from another folder.
    kept.set(spec.flag, spec.value === "FILE" && text !== "-" ? await absolutePath(text) : text);
  }
  return kept.size === 0 ? null : await formatSettings(kept);
}

/** Makes the command that starts a node. */
export function runCommand(runNode: RunNode): NodeCommand {
  return defineCommand({
    name: "run",
    summary: "run a node until Ctrl-C",
    details:
      "What the first start of a node is told is kept in openred.toml beside its data; later, flags\n" +
      "and variables win over that for one run, and 'config set' changes it.\n" +
      'With --json the line ready {"url":…,"id":…} on standard output says that the node answers.\n' +
      "Interrupt it once to stop it in order, twice to stop it at once.",
    words: [],
    options: RUN_OPTIONS,
    readsSettings: true,
    async run(context) {
      const { options, out, err, signal, foundData, envNames, ...passphrases } = context;
      const checked = checkRunOptions(options);
      const { data } = options;
      const notes = [foundData?.note ?? [], unreadVariables(envNames(), RUN_OPTIONS)].flat();
      for (const text of notes) await err.line({ text, style: "yellow" });
      await runNode(checked, {
        out,
        err,
        signal,
        passphrases,
        firstSettings: await settingsOf(context),
        keptSettings: createKeptSettings(context.settingsFile, { ...context, data }),
        readAgain: () => readAgain(context, checked),
        dataWords: dataWords(foundData),
      });
    },
  });
}

async function readAgain(
  context: CommandContext<typeof RUN_OPTIONS>,
  before: RunOptions,
): Promise<RunOptions> {
  const { settingsFile, err } = context;
  try {
    const settings = await readSettings(settingsFile, { data: before.data, specs: RUN_OPTIONS });
    return checkRunOptions(readOptions(RUN_OPTIONS, { ...context, settings }));
  } catch (cause) {
    if (!(cause instanceof CommandError)) throw cause;
    const text = `${cause.message}; the node goes on with what it was told before`;
    await err.line({ text, style: "yellow" });
    return before;
  }
}
