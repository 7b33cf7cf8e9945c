/**
 * `deno task dev`: a directory and three nodes on this machine, talking to each other.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { Output, shortId, showRoundTrip, type Style } from "../cli/output.ts";
import { createTerminalStream } from "../ports/system_terminal.ts";
import { stopOnSignals } from "../process/signals.ts";
import { connectAll, greetAll } from "./local_network/exchange.ts";
import { LocalNetwork, type LocalNode } from "./local_network/network.ts";
import { binaryPrograms, type Programs, sourcePrograms } from "./local_network/programs.ts";

const HELP = `Usage: deno task dev [--once] [--verbose] [--binaries DIR]

Starts a directory and the nodes alice, bob and carol as processes on free loopback ports, connects
every pair, sends messages both ways, and stays up until Ctrl-C.

  --once          end after the exchange; the exit code is 0 if every step succeeded
  --verbose       show what the processes log
  --binaries DIR  run openred-central and openred-node of this folder instead of the sources
  --help          print this help
`;

const NAMES = ["alice", "bob", "carol"] as const;
const STYLES: Readonly<Record<string, Style>> = { alice: "cyan", bob: "green", carol: "yellow" };
const EXIT_USAGE = 2;
const NAME_WIDTH = 5;
const TEXT_WIDTH = 30;

interface DevOptions {
  readonly once: boolean;
  readonly verbose: boolean;
  readonly programs: Programs;
}

function readOptions(args: string[]): DevOptions | "help" {
  const { values } = parseArgs({
    args,
    options: {
      once: { type: "boolean", default: false },
      verbose: { type: "boolean", default: false },
      binaries: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help === true) return "help";
  const programs = values.binaries === undefined ? sourcePrograms : binaryPrograms(values.binaries);
  return { once: values.once === true, verbose: values.verbose === true, programs };
}

function styled(name: string): { text: string; style: Style } {
  return { text: name.padEnd(NAME_WIDTH), style: STYLES[name] ?? "bold" };
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

async function printSessions(out: Output, network: LocalNetwork): Promise<void> {
  await out.line();
  await out.line({ text: "Sessions", style: "bold" });
  for await (const { from, to, session } of connectAll(network)) {
    const quantum = session.post_quantum ? "post-quantum" : "not post-quantum";
    const issuer = session.issuer === network.directory.id
      ? "the directory"
      : shortId(session.issuer);
    const method = `  ${session.method.padEnd(5)} of epoch ${session.epoch}  `;
    await out.line(
      ...[`  `, styled(from.name), " ⇄ ", styled(to.name), method],
      { text: quantum, style: session.post_quantum ? "green" : "yellow" },
      { text: `  introduced by ${issuer}`, style: "dim" },
    );
  }
}

async function printMessages(out: Output, network: LocalNetwork): Promise<void> {
  await out.line();
  await out.line({ text: "Messages", style: "bold" });
  for await (const { from, to, text, sent } of greetAll(network)) {
    await out.line(
      ...[`  `, styled(from.name), " → ", styled(to.name)],
      `  ${JSON.stringify(text).padEnd(TEXT_WIDTH)}  `,
      { text: `acknowledged, round trip ${showRoundTrip(sent.rtt_ms)}`, style: "dim" },
    );
  }
}

/** A short name for the node's command line, where the system has shell scripts. */
async function writeShortcut(network: LocalNetwork, programs: Programs): Promise<string> {
  const command = programs.command("node", network.folder).map(quote).join(" ");
  if (Deno.build.os === "windows") return command;
  const path = `${network.folder}/openred-node`;
  await Deno.writeTextFile(path, `#!/bin/sh\nexec ${command} "$@"\n`, { mode: 0o700 });
  return quote(path);
}

async function printHowTo(
  out: Output,
  options: { network: LocalNetwork; programs: Programs },
): Promise<void> {
  const { network, programs } = options;
  const [alice, bob] = network.nodes as [LocalNode, LocalNode, ...LocalNode[]];
  const command = await writeShortcut(network, programs);
  await out.line();
  await out.line({ text: "Write from another terminal, as alice to bob:", style: "bold" });
  await out.raw(`\n  ${command} send --data ${quote(alice.data)} ${bob.id} 'Hello'\n\n`);
  const others = network.nodes.map(({ data }) => data).join("  ");
  await out.line({ text: `Data directories: ${others}`, style: "dim" });
  await out.line({ text: "What arrives is printed here. Ctrl-C stops everything.", style: "dim" });
  await out.line();
}

/** Prints a node's new messages until its event stream ends. */
async function printArrivals(
  out: Output,
  options: { node: LocalNode; network: LocalNetwork },
): Promise<void> {
  const { node, network } = options;
  for await (const { event, data } of await node.admin.events()) {
    if (event !== "messaging.message") continue;
    const { message } = JSON.parse(data) as { message: { peer: string; text: string } };
    const sender = network.nodes.find(({ id }) => id === message.peer);
    const from = sender === undefined ? shortId(message.peer) : sender.name;
    await out.line(
      "  ",
      styled(from),
      " → ",
      styled(node.name),
      `  ${JSON.stringify(message.text)}`,
    );
  }
}

function untilAborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  signal.addEventListener("abort", () => resolve(), { once: true });
  return promise;
}

async function stayUp(
  out: Output,
  options: { network: LocalNetwork; programs: Programs; signal: AbortSignal },
): Promise<void> {
  const { network, signal } = options;
  await printHowTo(out, options);
  for (const node of network.nodes) {
    // A stream breaks when its process ends, which is told with that process's log.
    void printArrivals(out, { node, network }).catch(() => {});
  }
  await untilAborted(signal);
}

async function dev(
  out: Output,
  options: DevOptions & { signal: AbortSignal; onNetwork: (network: LocalNetwork) => void },
): Promise<void> {
  const { programs, signal, onNetwork } = options;
  await out.line({ text: "OpenRed", style: "bold" }, ": a directory and three nodes");
  await out.line();
  await using network = await LocalNetwork.start({
    programs,
    names: NAMES,
    signal,
    onNetwork,
    onLog: (name, line) => {
      if (options.verbose) void out.line({ text: `${name.padEnd(9)} `, style: "dim" }, line);
    },
    onNodeReady: ({ name, id, url }) =>
      void out.line("  ", styled(name), `  ${id}  `, { text: url, style: "dim" }),
  });
  const { directory } = network;
  await out.line("  ", { text: "all registered at ", style: "dim" }, directory.url);
  const work = async () => {
    await printSessions(out, network);
    await printMessages(out, network);
    if (!options.once) await stayUp(out, { network, programs, signal });
  };
  await Promise.race([work(), network.untilBroken(), untilAborted(signal)]);
  if (options.once && signal.aborted) throw new Error("Stopped before the exchange was over");
}

async function main(): Promise<number> {
  const stop = new AbortController();
  const out = new Output(createTerminalStream(Deno.stdout, () => stop.abort()), {
    noColor: (Deno.env.get("NO_COLOR") ?? "") !== "",
  });
  const err = createTerminalStream(Deno.stderr, () => {});
  let options: DevOptions | "help";
  try {
    options = readOptions(Deno.args);
  } catch (error) {
    await err.write(`${error instanceof Error ? error.message : error}\n\n${HELP}`);
    return EXIT_USAGE;
  }
  if (options === "help") return await out.raw(HELP), 0;
  let network: LocalNetwork | null = null;
  stopOnSignals(stop, () => network?.abandon());
  try {
    await dev(out, {
      ...options,
      signal: stop.signal,
      onNetwork: (started) => void (network = started),
    });
    if (options.once) await out.line({ text: "\u2714 Every step succeeded", style: "green" });
    return 0;
  } catch (error) {
    if (stop.signal.aborted && !options.once) return 0;
    await err.write(`\n${error instanceof Error ? error.message : error}\n`);
    return 1;
  }
}

if (import.meta.main) Deno.exit(await main());
