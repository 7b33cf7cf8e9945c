/**
 * `openred-node module call <name> <method> <path>`.
 *
 * @module
 */
import { parseJson } from "../protocol/schemas.ts";
import { usageError } from "./command_error.ts";
import { type CommandContext, defineCommand } from "./command.ts";
import { findModule, NAME_WORD, readModuleName } from "./module_words.ts";
import { type OptionSpec, type OptionSpecs, valueOption } from "./options.ts";
import type { Output } from "./output.ts";
import { COMMON_OPTIONS } from "./run_options.ts";
import { sanitizeLines } from "../protocol/safe_text.ts";

const METHODS = ["GET", "POST", "PUT", "DELETE"] as const;
const MAX_BODY_BYTES = 2 ** 20;
/** What a URL may hold as it is: anything else is written as `%` and two digits. */
const PATH = /^\/[A-Za-z0-9\-._~!$&'()*+,;=:@%/?]*$/;

const bodyOption: OptionSpec<string | null> = valueOption<string | null>({
  flag: "body",
  value: "TEXT",
  summary: "what to send; - is standard input, at most 1 MiB of UTF-8",
  defaultText: "none",
  fallback: null,
  parse: (text) => text,
});

async function readBody(
  text: string | null,
  { readInput }: Pick<CommandContext<OptionSpecs>, "readInput">,
): Promise<string | null> {
  if (text !== "-") return text;
  try {
    const bytes = await readInput(MAX_BODY_BYTES);
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    if (!(cause instanceof RangeError || cause instanceof TypeError)) throw cause;
    throw usageError(`--body: expected at most ${MAX_BODY_BYTES} bytes of UTF-8`, { cause });
  }
}

/** Prints JSON as one document, and anything else as lines that are safe. */
async function print(out: Output, answer: Uint8Array): Promise<void> {
  if (answer.length === 0) return;
  let content: unknown;
  try {
    content = parseJson(answer);
  } catch {
    for (const line of sanitizeLines(new TextDecoder().decode(answer))) await out.line(line);
    return;
  }
  await out.foreignJson(content);
}

/** Asks a route of a module. */
export const callCommand = defineCommand({
  name: "module call",
  summary: "ask a route of a module",
  details: "Prints what it answers: JSON, or its text.\n" +
    "\n" +
    "Examples:\n" +
    "  openred-node module call notes GET /\n" +
    "  openred-node module call notes PUT /shopping --body 'milk'",
  words: [
    NAME_WORD,
    { name: "method", summary: METHODS.join(", ") },
    { name: "path", summary: "below /m/NAME, beginning with /" },
  ],
  options: { ...COMMON_OPTIONS, body: bodyOption },
  async run(context) {
    const { options, words, out, openNode } = context;
    const module = readModuleName(words[0]);
    const method = METHODS.find((known) => known === words[1]?.toUpperCase());
    if (method === undefined) throw usageError(`<method>: expected one of ${METHODS.join(", ")}`);
    const path = words[2] ?? "";
    if (!PATH.test(path)) throw usageError("<path>: expected /, and what a URL may hold behind it");
    if (method === "GET" && options.body !== null) throw usageError("--body: a GET has none");
    const text = await readBody(options.body, context);
    const node = await openNode();
    await findModule(node, module);
    await print(out, await node.callModule({ module, method, path, text }));
  },
});
