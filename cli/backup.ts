/**
 * `openred-node backup <file>` and `openred-node restore <file>`.
 *
 * @module
 */
import type { AdminClient } from "./admin_client.ts";
import { readPath } from "./arguments.ts";
import { failure } from "./command_error.ts";
import {
  type CommandContext,
  defineCommand,
  type NodeCommand,
  type OutputFile,
} from "./command.ts";
import { parsePath } from "./option_values.ts";
import { type OptionSpec, type OptionSpecs, valueOption } from "./options.ts";
import { showInstant } from "./output.ts";
import { readNewPassphrase, readPassphrase } from "./passphrase_source.ts";
import { COMMON_OPTIONS } from "./run_options.ts";

const FLAG = "--passphrase-file";

function backupPassphraseOption(summary: string): OptionSpec<string | null> {
  return valueOption<string | null>({
    flag: "passphrase-file",
    variable: "OPENRED_BACKUP_PASSPHRASE_FILE",
    value: "FILE",
    summary,
    defaultText: "asked for on a terminal",
    fallback: null,
    parse: parsePath,
  });
}

/** From a node that runs, or from its directory. */
async function openBackup(
  context: Pick<CommandContext<OptionSpecs>, "keeper" | "openNode">,
  options: { data: string; passphrase: Uint8Array },
): Promise<AsyncIterable<Uint8Array>> {
  const { data, passphrase } = options;
  const stopped = await context.keeper.backUp({ data, passphrase: passphrase.slice() });
  if (stopped !== null) return stopped;
  const node: AdminClient = await context.openNode();
  return await node.backup(passphrase);
}

async function save(
  pieces: AsyncIterator<Uint8Array>,
  open: () => Promise<OutputFile>,
): Promise<number> {
  let piece = await pieces.next();
  const file = await open();
  let bytes = 0;
  try {
    for (; piece.done !== true; piece = await pieces.next()) {
      await file.write(piece.value);
      bytes += piece.value.length;
    }
  } catch (cause) {
    throw failure("The backup broke off; what was written is none and can be removed", { cause });
  } finally {
    await file.close();
  }
  return bytes;
}

const backupCommand = defineCommand({
  name: "backup",
  summary: "write all of a node's data to one encrypted file",
  details:
    "The node may run or not. The file must not exist yet, and only its passphrase opens it.\n" +
    "It holds the node's keys: whoever opens it can be this node.",
  words: [{ name: "file", summary: "where to" }],
  options: {
    ...COMMON_OPTIONS,
    passphraseFile: backupPassphraseOption(
      "file with the backup's passphrase; - is standard input",
    ),
  },
  async run(context) {
    const { options, words, out, createFile } = context;
    const path = readPath(words[0]);
    const { data, json, passphraseFile: file } = options;
    const passphrase = await readNewPassphrase(context, {
      file,
      flag: FLAG,
      prompt: "Passphrase of the backup",
    });
    try {
      const pieces = await openBackup(context, { data, passphrase });
      const bytes = await save(pieces[Symbol.asyncIterator](), () => createFile(path));
      if (json) await out.json({ file: path, bytes });
      else await out.line(`Written to ${path} (${bytes} bytes)`);
    } finally {
      passphrase.fill(0);
    }
  },
});

const restoreCommand = defineCommand({
  name: "restore",
  summary: "put a backup into an empty data directory",
  details:
    "The whole file is checked before anything is written. Never run a node and its restored\n" +
    "copy at once: one identity is one running node.",
  words: [{ name: "file", summary: "the backup" }],
  options: {
    ...COMMON_OPTIONS,
    passphraseFile: backupPassphraseOption(
      "file with the backup's passphrase; - is standard input",
    ),
  },
  async run(context) {
    const { options, words, out, keeper } = context;
    const path = readPath(words[0]);
    const { data, json, passphraseFile } = options;
    const passphrase = await readPassphrase(context, {
      file: passphraseFile,
      flag: FLAG,
      prompt: "Passphrase of the backup",
    });
    const { id, createdAt } = await keeper.restore({ file: path, data, passphrase });
    if (json) return await out.json({ id, created_at: createdAt });
    await out.pairs([
      ["Node", { text: id ?? "not run yet", style: "bold" }],
      ["Backup of", `${showInstant(createdAt)} UTC`],
      ["Data", data],
    ]);
  },
});

export const BACKUP_COMMANDS: readonly NodeCommand[] = [backupCommand, restoreCommand];
