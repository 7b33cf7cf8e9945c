/**
 * The options of `openred-central run`, from flags and `OPENRED_*` variables.
 *
 * @module
 */
import { Argument, Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { LOG_LEVELS, type LogLevel } from "../ports/ports.ts";
import { OpenRedError } from "../protocol/errors.ts";
import { TrustedProxies } from "../protocol/trusted_proxies.ts";
import { checkUrlText } from "../protocol/url_policy.ts";
import { completionScript, type Shell, SHELLS } from "../usage/completion.ts";
import { manualPage } from "../usage/manual.ts";
import type { ProgramUsage } from "../usage/program.ts";
import {
  DEFAULT_LEASE_MS,
  DEFAULT_LIMITS,
  type DirectoryLimits,
  type PeerDirectory,
} from "./config.ts";
import { parsePeers } from "./peer_list.ts";
import { parseStore, type RedisOptions, redisOptionsOf, type StoreFlags } from "./store_options.ts";

/** What the operator asked for, checked. */
export interface CentralOptions {
  readonly hostname: string;
  readonly port: number;
  /** `null`: the address it listens on. */
  readonly url: string | null;
  /** `null`: metrics are on the public listener, and health is its `/api/v3/health` alone. */
  readonly metricsListen: { readonly hostname: string; readonly port: number } | null;
  readonly dataDirectory: string;
  /** `null`: the store is in the data directory. */
  readonly redis: RedisOptions | null;
  readonly allowPrivate: boolean;
  readonly trustedProxies: TrustedProxies;
  readonly tlsCert: string | null;
  readonly tlsKey: string | null;
  /** Private authorities whose certificates are believed too. */
  readonly ca: string | null;
  readonly leaseMs: number;
  readonly rotation: "hourly" | "daily" | "seeded";
  readonly networkSeedFile: string | null;
  readonly limits: DirectoryLimits;
  readonly peers: readonly PeerDirectory[];
  readonly logLevel: LogLevel;
  /** `null`: standard error. */
  readonly logFile: string | null;
  readonly json: boolean;
}

/** What `doctor` was asked for. */
export interface DoctorOptions {
  readonly url: string;
  readonly dataDirectory: string;
  readonly allowPrivate: boolean;
  /** `null`: no other authorities than the public ones. */
  readonly ca: string | null;
  /** A server whose clock is believed; `null`: none. */
  readonly clockUrl: string | null;
  readonly json: boolean;
}

/** `run`, `doctor`: go on with these options. `exit`: everything is said already. */
export type ParsedOptions =
  | { readonly kind: "run"; readonly options: CentralOptions }
  | { readonly kind: "doctor"; readonly options: DoctorOptions }
  | { readonly kind: "exit"; readonly code: 0 | 2 };

interface Flags extends StoreFlags {
  readonly listen: { readonly hostname: string; readonly port: number };
  readonly url?: string;
  readonly metricsListen?: { readonly hostname: string; readonly port: number };
  readonly data: string;
  readonly allowPrivate: boolean;
  readonly trustedProxies: TrustedProxies;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly ca?: string;
  readonly leaseMs: number;
  readonly rotation: "hourly" | "daily" | "seeded";
  readonly networkSeedFile?: string;
  readonly addressPerMinute: number;
  readonly identityPerMinute: number;
  readonly hostInFlight: number;
  readonly hostPerMinute: number;
  readonly peers: readonly PeerDirectory[];
  readonly idsPerHost: number;
  readonly newIdsPerAddress: number;
  readonly ids: number;
  readonly concurrent: number;
  readonly logLevel: LogLevel;
  readonly logFile?: string;
  readonly json: boolean;
}

const MIN_LEASE_MS = 1_000;
const MAX_LEASE_MS = 86_400_000;
const MAX_LIMIT = 1_000_000_000;
const MAX_HOST_LENGTH = 255;
const MAX_PATH_LENGTH = 4_096;
const MAX_ERROR_LENGTH = 300;

function parseListen(text: string): Flags["listen"] {
  const match = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (match === null || port > 65_535 || match[1]!.length > MAX_HOST_LENGTH) {
    throw new InvalidArgumentError("Expected host:port, such as 127.0.0.1:7600 or [::1]:0.");
  }
  return { hostname: match[1]!.replace(/^\[|\]$/g, ""), port };
}

function parseUrl(text: string): string {
  try {
    checkUrlText(text, { allowPrivate: true });
    return text;
  } catch (error) {
    if (!(error instanceof OpenRedError)) throw error;
    throw new InvalidArgumentError(
      `${error.message}. Expected a URL such as https://directory.example, without a final slash.`,
    );
  }
}

function parseProxies(text: string): TrustedProxies {
  const proxies = TrustedProxies.parse(text);
  if (proxies !== null) return proxies;
  throw new InvalidArgumentError("Expected addresses or networks, such as 127.0.0.1,10.0.0.0/8.");
}

function integerIn(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d{1,15}$/.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`);
    }
    return value;
  };
}

function parseText(text: string): string {
  if (text === "" || text.length > MAX_PATH_LENGTH || text.includes("\0")) {
    throw new InvalidArgumentError("Expected a path.");
  }
  return text;
}

function parsePeerList(text: string): readonly PeerDirectory[] {
  const peers = parsePeers(text);
  if (peers !== null) return peers;
  throw new InvalidArgumentError("Expected URL#ID, separated by commas, at most 16.");
}

/** An error repeats what was typed, which may be long and forge lines or colours. */
function oneLine(text: string): string {
  const line = text.trimEnd().replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, "\ufffd");
  return (line.length > MAX_ERROR_LENGTH ? `${line.slice(0, MAX_ERROR_LENGTH)}…` : line) + "\n";
}

function option(flags: string, text: string): Option {
  const created = new Option(flags, text);
  return created.env(`OPENRED_${created.name().replaceAll("-", "_").toUpperCase()}`);
}

function limitOption(name: string, what: string, value: number): Option {
  return option(`--${name} <n>`, `${what}; 0: no limit`)
    .default(value).argParser(integerIn(0, MAX_LIMIT));
}

/** A flag whose variable is `1`, `true`, `0` or `false`. */
function switchOption(flag: string, text: string): Option {
  return option(`${flag} [yes]`, text).default(false).preset(true).argParser((value: string) => {
    if (/^(1|true|yes)$/i.test(value)) return true;
    if (/^(0|false|no)$/i.test(value)) return false;
    throw new InvalidArgumentError("Expected 1, true, 0 or false.");
  });
}

function runCommand(): Command {
  const limits = DEFAULT_LIMITS;
  return new Command("run")
    .description("Run the directory until it is interrupted.")
    .addOption(
      option("--listen <host:port>", "address to listen on; port 0: any free one")
        .default({ hostname: "127.0.0.1", port: 7600 }, "127.0.0.1:7600").argParser(parseListen),
    )
    .addOption(
      option("--url <url>", "public base URL (default: that of --listen)").argParser(parseUrl),
    )
    .addOption(
      option(
        "--metrics-listen <host:port>",
        "where /metrics, /healthz and /readyz are; they are on no other listener then",
      ).argParser(parseListen),
    )
    .addOption(
      option("--data <dir>", "data directory").default("openred-central-data").argParser(parseText),
    )
    .addOption(
      option(
        "--store <url>",
        "where nodes are kept: sqlite, in the data directory, or a Redis server",
      )
        .default("sqlite").argParser(parseStore),
    )
    .addOption(
      option("--store-password-file <file>", "password of that server").argParser(parseText),
    )
    .addOption(
      option(
        "--store-ca-file <file>",
        "authorities of a rediss:// server, PEM (default: the system's)",
      )
        .argParser(parseText),
    )
    .addOption(
      option("--store-key-file <file>", "what the directory's keys are sealed under in that server")
        .argParser(parseText),
    )
    .addOption(
      switchOption("--allow-private", "let nodes announce private addresses and http names"),
    )
    .addOption(
      option("--trusted-proxies <cidr,…>", "proxies whose X-Forwarded-For or Forwarded counts")
        .default(TrustedProxies.NONE, "none").argParser(parseProxies),
    )
    .addOption(
      option("--peers <url#id,…>", "directories of others that records are exchanged with")
        .default([], "none").argParser(parsePeerList),
    )
    .addOption(
      option("--tls-cert <file>", "certificate chain for --listen, PEM, read anew when it changes")
        .argParser(parseText),
    )
    .addOption(option("--tls-key <file>", "key of --tls-cert, PEM").argParser(parseText))
    .addOption(
      option("--ca <file>", "certificates of private authorities, PEM, believed too")
        .argParser(parseText),
    )
    .addOption(
      option("--lease-ms <ms>", "how long a node stays active after a record")
        .default(DEFAULT_LEASE_MS).argParser(integerIn(MIN_LEASE_MS, MAX_LEASE_MS)),
    )
    .addOption(
      option("--rotation <policy>", "how the method of a pair is picked")
        .default("hourly").choices(["hourly", "daily", "seeded"]),
    )
    .addOption(
      option("--network-seed-file <file>", "seed of --rotation seeded, 16 to 4096 bytes")
        .argParser(parseText),
    )
    .addOption(
      limitOption("address-per-minute", "requests of one address", limits.addressPerMinute),
    )
    .addOption(
      limitOption(
        "identity-per-minute",
        "new records and introductions of one id",
        limits.identityPerMinute,
      ),
    )
    .addOption(limitOption("host-in-flight", "calls to one host at a time", limits.hostInFlight))
    .addOption(limitOption("host-per-minute", "calls to one host", limits.hostPerMinute))
    .addOption(limitOption("ids-per-host", "ids on one host", limits.idsPerHost))
    .addOption(
      limitOption(
        "new-ids-per-address",
        "new ids a day from one address",
        limits.newIdsPerAddress,
      ),
    )
    .addOption(limitOption("ids", "ids in all", limits.ids))
    .addOption(limitOption("concurrent", "requests under way", limits.concurrent))
    .addOption(
      option("--log-level <level>", "lowest level to log").default("info").choices(LOG_LEVELS),
    )
    .addOption(
      option(
        "--log-file <file>",
        "where the log goes instead of standard error; opened anew at SIGHUP",
      )
        .argParser(parseText),
    )
    .addOption(switchOption("--json", "log JSON, and print the ready line as JSON"))
    .allowExcessArguments(false);
}

interface DoctorFlags extends Pick<Flags, "listen" | "url" | "data" | "allowPrivate" | "json"> {
  readonly ca?: string;
  readonly clockUrl?: string;
}

function doctorCommand(): Command {
  return new Command("doctor")
    .description("Find what is wrong with the directory, and how to mend it.")
    .addOption(
      option("--url <url>", "public base URL (default: that of --listen)").argParser(parseUrl),
    )
    .addOption(
      option("--listen <host:port>", "address that the directory listens on")
        .default({ hostname: "127.0.0.1", port: 7600 }, "127.0.0.1:7600").argParser(parseListen),
    )
    .addOption(
      option("--data <dir>", "data directory").default("openred-central-data").argParser(parseText),
    )
    .addOption(switchOption("--allow-private", "whether the directory is started with it"))
    .addOption(
      option("--ca <file>", "certificates of private authorities, PEM, believed too")
        .argParser(parseText),
    )
    .addOption(
      option("--clock-url <url>", "a server whose clock is believed").argParser(parseUrl),
    )
    .addOption(switchOption("--json", "print JSON"))
    .allowExcessArguments(false);
}

function doctorOptions(flags: DoctorFlags): DoctorOptions {
  const { listen: { hostname, port }, ca = null, clockUrl = null, allowPrivate, json } = flags;
  const host = hostname.includes(":") ? `[${hostname}]` : hostname;
  const url = flags.url ?? `http://${host}:${port}`;
  return { url, dataDirectory: flags.data, allowPrivate, ca, clockUrl, json };
}

function checkTogether(flags: Flags, command: Command): CentralOptions {
  const { listen, url = null, metricsListen = null, rotation, networkSeedFile = null } = flags;
  const isUnspecified = /^(0\.0\.0\.0|::|0)$/.test(listen.hostname);
  if (isUnspecified && url === null) {
    command.error(
      "error: --listen on every address needs --url, the address that nodes should use",
    );
  }
  if (rotation === "seeded" && networkSeedFile === null) {
    command.error("error: --rotation seeded needs --network-seed-file");
  }
  const { tlsCert = null, tlsKey = null, ca = null } = flags;
  if ((tlsCert === null) !== (tlsKey === null)) {
    command.error("error: --tls-cert and --tls-key go together");
  }
  const { addressPerMinute, identityPerMinute, hostInFlight, hostPerMinute } = flags;
  const {
    idsPerHost,
    newIdsPerAddress,
    ids,
    concurrent,
    leaseMs,
    allowPrivate,
    trustedProxies,
    logLevel,
    logFile = null,
    json,
  } = flags;
  return {
    ...listen,
    url,
    metricsListen,
    dataDirectory: flags.data,
    redis: redisOptionsOf(flags, (message) => command.error(message)),
    allowPrivate,
    trustedProxies,
    tlsCert,
    tlsKey,
    ca,
    leaseMs,
    rotation,
    networkSeedFile,
    limits: {
      addressPerMinute,
      identityPerMinute,
      hostInFlight,
      hostPerMinute,
      idsPerHost,
      newIdsPerAddress,
      ids,
      concurrent,
    },
    peers: flags.peers,
    logLevel,
    logFile,
    json,
  };
}

/** What the shell and the reader of manuals are told. */
function usageOf(program: Command): ProgramUsage {
  return {
    name: program.name(),
    summary: program.description(),
    families: {},
    commands: program.commands.map((command) => ({
      words: [command.name()],
      summary: command.description().replace(/\.$/, ""),
      details: "",
      operands: command.registeredArguments.map((argument) => `<${argument.name()}>`),
      options: command.options.map((one) => ({
        flag: one.long ?? one.flags,
        value: /<(.+)>/.exec(one.flags)?.[1] ?? null,
        summary: one.description,
        variable: one.envVar ?? null,
      })),
    })),
  };
}

function addUsageCommands(
  program: Command,
  output: { readonly version: string; readonly out: (text: string) => void },
): void {
  program.command("completion").description(
    "Print a script by which a shell completes these commands.",
  )
    .addArgument(new Argument("<shell>").choices(SHELLS))
    .action((shell: Shell) => output.out(completionScript(usageOf(program), shell)));
  program.command("manual").description("Print the manual page.")
    .action(() => output.out(manualPage(usageOf(program), output.version)));
}

/** Reads the command line (without the program's name) and the environment. */
export function parseOptions(
  args: readonly string[],
  output: {
    readonly version: string;
    readonly out: (text: string) => void;
    readonly err: (text: string) => void;
  },
): ParsedOptions {
  const streams = {
    writeOut: output.out,
    writeErr: output.err,
    outputError: (text: string, write: (text: string) => void) => write(oneLine(text)),
    getOutHasColors: () => false,
    getErrHasColors: () => false,
  };
  let parsed: ParsedOptions = { kind: "exit", code: 0 };
  const run = runCommand().exitOverride().configureOutput(streams);
  run.action((flags: Flags) => {
    parsed = { kind: "run", options: checkTogether(flags, run) };
  });
  const doctor = doctorCommand().exitOverride().configureOutput(streams);
  doctor.action((flags: DoctorFlags) => {
    parsed = { kind: "doctor", options: doctorOptions(flags) };
  });
  const program = new Command("openred-central")
    .description("The OpenRed directory: lets nodes find each other and introduces them.")
    .version(output.version, "-V, --version")
    .exitOverride()
    .configureOutput(streams)
    .showHelpAfterError("(openred-central run --help shows every option)")
    .addCommand(run)
    .addCommand(doctor);
  addUsageCommands(program, output);
  for (const command of [run, doctor]) {
    command.copyInheritedSettings(program).showHelpAfterError("(--help shows every option)");
  }
  try {
    program.parse([...args], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { kind: "exit", code: error.exitCode === 0 ? 0 : 2 };
  }
  return parsed;
}
