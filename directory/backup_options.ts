/**
 * `openred-central backup` and `restore`.
 *
 * @module
 */
import { Argument, Command } from "commander";
import { dataOption, parseText, switchOption } from "./option_values.ts";

export interface BackupOptions {
  readonly what: "backup" | "restore";
  /** The folder of the backup. */
  readonly folder: string;
  readonly dataDirectory: string;
  readonly json: boolean;
}

const TEXTS = {
  backup: "Copy the keys and the nodes of a directory, which may run, into a new folder.",
  restore: "Put such a folder into an empty data directory.",
} as const;

/** The two commands. @param asked Called with what is to be done. */
export function backupCommands(asked: (options: BackupOptions) => void): readonly Command[] {
  return (["backup", "restore"] as const).map((what) =>
    new Command(what).description(TEXTS[what])
      .addArgument(new Argument("<folder>").argParser(parseText))
      .addOption(dataOption())
      .addOption(switchOption("--json", "print JSON"))
      .allowExcessArguments(false)
      .action((folder: string, { data, json }: { data: string; json: boolean }) =>
        asked({ what, folder, dataDirectory: data, json })
      )
  );
}
