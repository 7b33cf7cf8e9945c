/**
 * `deno task bench [name…] [--quick]`: measures, and prints beside each aim whether it was met.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { audit } from "./audit.ts";
import { consolePage } from "./console.ts";
import { conversations } from "./conversations.ts";
import { directory } from "./directory.ts";
import { files } from "./files.ts";
import { folders } from "./folders.ts";
import { groups } from "./groups.ts";
import { handshakes } from "./handshakes.ts";
import { messages } from "./messages.ts";
import { modules } from "./modules.ts";
import { peers } from "./peers.ts";
import { relay } from "./relay.ts";
import { printMachine } from "./report.ts";
import { sessions } from "./sessions.ts";
import { type Benchmark, FULL, QUICK } from "./settings.ts";
import { parts } from "./parts.ts";
import { signIn } from "./sign_in.ts";
import { start } from "./start.ts";
import { tokens } from "./tokens.ts";
import { vault } from "./vault.ts";
import { worker } from "./worker.ts";

const BENCHMARKS: readonly Benchmark[] = [
  tokens,
  worker,
  directory,
  handshakes,
  messages,
  conversations,
  groups,
  folders,
  modules,
  vault,
  audit,
  sessions,
  start,
  parts,
  peers,
  files,
  relay,
  signIn,
  consolePage,
];
const NAMES = BENCHMARKS.map(({ name }) => name);
const OPTIONAL = BENCHMARKS.filter(({ isOptional }) => isOptional).map(({ name }) => name);
const DEFAULTS = NAMES.filter((name) => !OPTIONAL.includes(name));
const EXIT_USAGE = 2;

const HELP = `Usage: deno task bench [name…] [--quick]

Measures ${DEFAULTS.join(", ")}, or those named, each against a reference in the same run.
Only where they are named: ${OPTIONAL.join(", ")}. See docs/BENCHMARKS.md.

  --quick  few and short rounds: shows that everything works, gives no numbers to quote
  --help   print this help
`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...Deno.args],
    allowPositionals: true,
    options: {
      quick: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help === true) {
    console.log(HELP);
    return 0;
  }
  const unknown = positionals.find((name) => !NAMES.includes(name));
  if (unknown !== undefined) {
    console.error(`There is no benchmark ${unknown}. There are: ${NAMES.join(", ")}`);
    return EXIT_USAGE;
  }
  const names = positionals.length === 0 ? DEFAULTS : positionals;
  const chosen = BENCHMARKS.filter(({ name }) => names.includes(name));
  printMachine();
  for (const benchmark of chosen) await benchmark.run(values.quick === true ? QUICK : FULL);
  return 0;
}

if (import.meta.main) Deno.exit(await main());
