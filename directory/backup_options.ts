/**
 * `openred-central backup` and `restore`.
 *
 * @module
 */
import { Argument, type Command } from "commander";
import { commandOf, type CommonFlags, parseText } from "./option_values.ts";

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
    commandOf(what, TEXTS[what])
      .addArgument(new Argument("<folder>").argParser(parseText))
      .action((folder: string, { data, json }: CommonFlags) =>
        asked({ what, folder, dataDirectory: data, json })
      )
  );
}
