/**
 * `openred-node audit export <file>`.
 *
 * @module
 */
import type { AdminClient } from "./admin_client.ts";
import { failure, OutputGone } from "./command_error.ts";
import { defineCommand, type OutputFile } from "./command.ts";
import { readLines } from "./event_stream.ts";
import { switchOption } from "./options.ts";
import type { Output } from "./output.ts";
import { COMMON_OPTIONS } from "./run_options.ts";
import { safeJson, sanitizeLine } from "./sanitize.ts";

const STANDARD_OUTPUT = "-";

async function print(out: Output, body: AsyncIterable<Uint8Array>, raw: boolean): Promise<void> {
  for await (const line of readLines(body)) {
    await out.raw(`${raw ? sanitizeLine(line) : safeJson(JSON.parse(line))}\n`);
  }
}

async function save(file: OutputFile, body: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    for await (const chunk of body) await file.write(chunk);
  } finally {
    await file.close();
  }
}

function open(node: AdminClient, raw: boolean): Promise<AsyncIterable<Uint8Array>> {
  return node.auditStream("export", new URLSearchParams(raw ? { raw: "1" } : {}));
}

/** Writes the audit log to a file. */
export const auditExportCommand = defineCommand({
  name: "audit export",
  summary: "write the audit log, decrypted, as JSON lines",
  details: "The file must not exist yet. With - it goes to standard output.\n" +
    "The exported lines are not signed; those of --raw are, and stay encrypted.",
  words: [{ name: "file", summary: "where to, or -" }],
  options: {
    ...COMMON_OPTIONS,
    raw: switchOption({ flag: "raw", summary: "the signed lines as they are, still encrypted" }),
  },
  async run({ options, words, out, signal, openNode, createFile }) {
    const [path = STANDARD_OUTPUT] = words;
    const node = await openNode();
    try {
      if (path === STANDARD_OUTPUT) {
        return await print(out, await open(node, options.raw), options.raw);
      }
      const body = await open(node, options.raw);
      await save(await createFile(path), body);
    } catch (cause) {
      if (cause instanceof Error && cause.name === "CommandError") throw cause;
      if (signal.reason instanceof OutputGone) return;
      throw failure("The export broke off; what was written is not the whole log", { cause });
    }
    if (options.json) await out.json({ file: path });
    else await out.line(`Written to ${path}`);
  },
});
