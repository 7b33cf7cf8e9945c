/**
 * `openred-node audit export <file>`.
 *
 * @module
 */
import { FILTER_OPTIONS, filterSearch } from "./audit_filters.ts";
import { storageReason } from "../ports/storage_problem.ts";
import { failure, OutputGone } from "./command_error.ts";
import { defineCommand, type OutputFile } from "./command.ts";
import { readLines } from "./event_stream.ts";
import { switchOption } from "./options.ts";
import type { Output } from "./output.ts";
import { TIME_OPTIONS } from "./run_options.ts";
import { safeJson, sanitizeLine } from "../protocol/safe_text.ts";

const STANDARD_OUTPUT = "-";

async function print(out: Output, body: AsyncIterable<Uint8Array>, raw: boolean): Promise<void> {
  for await (const line of readLines(body)) {
    await out.raw(`${raw ? sanitizeLine(line) : safeJson(JSON.parse(line))}\n`);
  }
}

async function save(file: OutputFile, body: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    for await (const chunk of body) await file.write(chunk);
    await file.close();
  } catch (cause) {
    await file.discard().catch(() => undefined);
    throw cause;
  }
}

/** Writes the audit log to a file. */
export const auditExportCommand = defineCommand({
  name: "audit export",
  summary: "write the audit log, decrypted, as JSON lines",
  details: "The file must not exist yet. With - it goes to standard output.\n" +
    "The exported lines are not signed; those of --raw are, and stay encrypted. Each names the\n" +
    "one before it, so what a filter let through is no whole chain any more and cannot be verified\n" +
    "as one. Lines that do not open are exported whatever the filters.",
  words: [{ name: "file", summary: "where to, or -" }],
  options: {
    ...TIME_OPTIONS,
    ...FILTER_OPTIONS,
    raw: switchOption({ flag: "raw", summary: "the signed lines as they are, still encrypted" }),
  },
  async run({ options, words, out, clock, zone, signal, openNode, createFile }) {
    const [path = STANDARD_OUTPUT] = words;
    const node = await openNode();
    const search = filterSearch(options, { nowMs: clock.nowMs(), zone });
    if (options.raw) search.set("raw", "1");
    try {
      const body = await node.auditStream("export", search);
      if (path === STANDARD_OUTPUT) return await print(out, body, options.raw);
      await save(await createFile(path), body);
    } catch (cause) {
      if (cause instanceof Error && cause.name === "CommandError") throw cause;
      if (signal.reason instanceof OutputGone) return;
      throw failure(`The export broke off, and is not the whole log: ${storageReason(cause)}`, {
        cause,
      });
    }
    if (options.json) await out.json({ file: path });
    else await out.line(`Written to ${path}`);
  },
});
