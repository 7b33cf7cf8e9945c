/**
 * `openred-node backup <file>` and `openred-node restore <file>`.
 *
 * @module
 */
import type { AdminClient } from "./admin_client.ts";
import { readPath } from "./arguments.ts";
import { failure, usageError } from "./command_error.ts";
import { type CommandContext, defineCommand, type OutputFile } from "./command.ts";
import { parsePath } from "./option_values.ts";
import { type OptionSpec, type OptionSpecs, valueOption } from "./options.ts";
import { readNewPassphrase, readPassphrase } from "./passphrase_source.ts";
import { COMMON_OPTIONS, TIME_OPTIONS } from "./run_options.ts";
import { storageReason } from "../ports/storage_problem.ts";
import { sanitizeLine } from "../protocol/safe_text.ts";

const FLAG = "--passphrase-file";
const STANDARD_STREAM = "-";

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
  options: { data: string; file: string | null; passphrase: Uint8Array },
): Promise<{ pieces: AsyncIterable<Uint8Array>; leftOut: readonly string[] }> {
  const passphrase = options.passphrase.slice();
  const { pieces, leftOut } = await context.keeper.backUp({ ...options, passphrase });
  if (pieces !== null) return { pieces, leftOut };
  const node: AdminClient = await context.openNode();
  return { pieces: await node.backup(options.passphrase), leftOut };
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
    await file.close();
  } catch (cause) {
    await file.discard().catch(() => undefined);
    throw failure(`The backup broke off, and there is none: ${storageReason(cause)}`, { cause });
  }
  return bytes;
}

/** Writes a backup. */
export const backupCommand = defineCommand({
  name: "backup",
  summary: "write all of a node's data to one encrypted file",
  details:
    "The node may run or not. The file must not exist yet, and only its passphrase opens it.\n" +
    "It holds the node's keys: whoever opens it can be this node. Files in the data directory that\n" +
    "are not the node's are left out, and named on standard error.",
  words: [{ name: "file", summary: "where to, or - for standard output" }],
  options: {
    ...COMMON_OPTIONS,
    passphraseFile: backupPassphraseOption(
      "file with the backup's passphrase; - is standard input",
    ),
  },
  async run(context) {
    const { options, words, out, err, createFile } = context;
    const path = readPath(words[0]);
    const isStream = path === STANDARD_STREAM;
    if (isStream && out.isTerminal) throw usageError("<file>: a backup is no text for a terminal");
    const { data, json, passphraseFile: file } = options;
    const passphrase = await readNewPassphrase(context, {
      file,
      flag: FLAG,
      prompt: "Passphrase of the backup",
    });
    try {
      const target = isStream ? null : path;
      const { pieces, leftOut } = await openBackup(context, { data, file: target, passphrase });
      const bytes = await save(pieces[Symbol.asyncIterator](), () => createFile(path));
      if (leftOut.length > 0) {
        const names = leftOut.map(sanitizeLine).join(", ");
        await err.line({ text: `Left out, as it is not the node's: ${names}`, style: "yellow" });
      }
      const report = isStream ? err : out;
      if (json) await report.json({ file: path, bytes, left_out: leftOut });
      else await report.line(`Written to ${path} (${bytes} bytes)`);
    } finally {
      passphrase.fill(0);
    }
  },
});

/** Puts a backup into an empty directory. */
export const restoreCommand = defineCommand({
  name: "restore",
  summary: "put a backup into an empty data directory",
  details:
    "The whole file is checked before anything is written. Never run a node and its restored\n" +
    "copy at once: one identity is one running node.",
  words: [{ name: "file", summary: "the backup" }],
  options: {
    ...TIME_OPTIONS,
    passphraseFile: backupPassphraseOption(
      "file with the backup's passphrase; - is standard input",
    ),
  },
  async run(context) {
    const { options, words, out, keeper } = context;
    const path = readPath(words[0]);
    if (path === STANDARD_STREAM) {
      throw usageError("<file>: expected a file, which is read twice; standard input cannot be");
    }
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
      ["Backup of", out.instant(createdAt)],
      ["Data", data],
    ]);
  },
});
