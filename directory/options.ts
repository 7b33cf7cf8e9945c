/**
 * The options of `openred-central`, from flags and `OPENRED_*` variables.
 *
 * @module
 */
import { Command, CommanderError } from "commander";
import type { LogLevel } from "../ports/ports.ts";
import type { TrustedProxies } from "../protocol/trusted_proxies.ts";
import { backupCommands, type BackupOptions } from "./backup_options.ts";
import {
  DEFAULT_LEASE_MS,
  DEFAULT_LIMITS,
  type DirectoryLimits,
  type PeerDirectory,
} from "./config.ts";
import type { AcmeSettings } from "../protocol/acme_settings.ts";
import {
  type AcmeFlags,
  acmeOf,
  authoritiesOption,
  checkListen,
  commonOptions,
  dataOption,
  integerIn,
  limitOption,
  type ListenAddress,
  listenOption,
  type NamedRelay,
  oneLine,
  option,
  parseListen,
  parsePeerList,
  parseRelays,
  parseText,
  parseUrl,
  switchOption,
  urlOption,
} from "./option_values.ts";
import { keysCommand, type KeysOptions } from "./keys_options.ts";
import { nodesCommand, type NodesOptions } from "./nodes_options.ts";
import {
  type RelayFlags,
  type RelayOptions,
  relayOptions,
  relayRunCommand,
  type RelaySettings,
  relaySettings,
} from "./relay_options.ts";
import { parseStore, type RedisOptions, redisOptionsOf, type StoreFlags } from "./store_options.ts";
import { addUsageCommands } from "./usage_commands.ts";

/** What the operator asked for, checked. */
export interface CentralOptions {
  readonly hostname: string;
  readonly port: number;
  /** `null`: the address it listens on. */
  readonly url: string | null;
  /** `null`: metrics are on the public listener, and health is its `/api/v3/health` alone. */
  readonly metricsListen: ListenAddress | null;
  readonly dataDirectory: string;
  /** `null`: the store is in the data directory. */
  readonly redis: RedisOptions | null;
  readonly allowPrivate: boolean;
  /** Whether new nodes need a key. */
  readonly inviteOnly: boolean;
  readonly trustedProxies: TrustedProxies;
  readonly tlsCert: string | null;
  readonly tlsKey: string | null;
  /** `null`: no certificate is got from an authority. */
  readonly acme: AcmeSettings | null;
  /** Private authorities whose certificates are believed too. */
  readonly ca: string | null;
  /** How many threads listen. */
  readonly threads: number;
  readonly leaseMs: number;
  readonly rotation: "hourly" | "daily" | "seeded";
  readonly networkSeedFile: string | null;
  readonly limits: DirectoryLimits;
  /** Relays whose nodes are counted one by one. */
  readonly relays: readonly NamedRelay[];
  /** How it is a relay too; `null` where it is none. */
  readonly relay: RelaySettings | null;
  readonly peers: readonly PeerDirectory[];
  readonly logLevel: LogLevel;
  /** `null`: standard error. */
  readonly logFile: string | null;
  readonly json: boolean;
}

/** What `doctor` was asked for. */
export interface DoctorOptions {
  readonly url: string;
  /** Whether `url` was not said, so that it is the one of the directory that runs, if one does. */
  readonly isUsual: boolean;
  readonly dataDirectory: string;
  readonly allowPrivate: boolean;
  /** `null`: no other authorities than the public ones. */
  readonly ca: string | null;
  /** A server whose clock is believed; `null`: none. */
  readonly clockUrl: string | null;
  readonly json: boolean;
}

/** `exit`: everything is said already. Any other: go on with these options. */
export type ParsedOptions =
  | { readonly kind: "run"; readonly options: CentralOptions }
  | { readonly kind: "relay"; readonly options: RelayOptions }
  | { readonly kind: "doctor"; readonly options: DoctorOptions }
  | { readonly kind: "nodes"; readonly options: NodesOptions }
  | { readonly kind: "keys"; readonly options: KeysOptions }
  | { readonly kind: "backup"; readonly options: BackupOptions }
  | { readonly kind: "exit"; readonly code: 0 | 2 };

interface Flags extends StoreFlags, RelayFlags, AcmeFlags, DirectoryLimits {
  readonly listen: ListenAddress;
  readonly url?: string;
  readonly metricsListen?: ListenAddress;
  readonly data: string;
  readonly allowPrivate: boolean;
  readonly inviteOnly: boolean;
  readonly trustedProxies: TrustedProxies;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly ca?: string;
  readonly threads: number;
  readonly leaseMs: number;
  readonly rotation: "hourly" | "daily" | "seeded";
  readonly networkSeedFile?: string;
  readonly peers: readonly PeerDirectory[];
  readonly relays: readonly NamedRelay[];
  readonly relay: boolean;
  readonly logLevel: LogLevel;
  readonly logFile?: string;
  readonly json: boolean;
}

const PORT = 7600;
const MAX_THREADS = 16;
const MIN_LEASE_MS = 1_000;
const MAX_LEASE_MS = 86_400_000;

function runCommand(): Command {
  const limits = DEFAULT_LIMITS;
  const command = new Command("run")
    .description("Run the directory until it is interrupted.");
  for (const one of commonOptions(PORT)) command.addOption(one);
  command
    .addOption(
      option(
        "--metrics-listen <host:port>",
        "where /metrics, /healthz and /readyz are; they are on no other listener then",
      ).argParser(parseListen),
    )
    .addOption(dataOption())
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
      option("--threads <n>", "threads that answer look-ups; Linux, over SQLite, without --relay")
        .default(1).argParser(integerIn(1, MAX_THREADS)),
    )
    .addOption(
      switchOption("--allow-private", "let nodes announce private addresses and http names"),
    )
    .addOption(switchOption("--invite-only", "take new nodes only with a key that you made"))
    .addOption(
      option("--peers <url#id,…>", "directories of others that records are exchanged with")
        .default([], "none").argParser(parsePeerList),
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
      option(
        "--relays <url,…>",
        "relays whose nodes are counted one by one, named to nodes that look for one; URL#ID says whose",
      ).default([], "none").argParser(parseRelays),
    )
    .addOption(limitOption("ids-per-relay", "ids on one of those relays", limits.idsPerRelay))
    .addOption(
      limitOption("relay-per-minute", "calls to one of those relays", limits.relayPerMinute),
    )
    .addOption(switchOption("--relay", "be a relay too, for nodes that cannot be called"));
  for (const one of relayOptions()) command.addOption(one);
  return command.allowExcessArguments(false);
}

interface DoctorFlags extends Pick<Flags, "listen" | "url" | "data" | "allowPrivate" | "json"> {
  readonly ca?: string;
  readonly clockUrl?: string;
}

function doctorCommand(): Command {
  return new Command("doctor")
    .description("Find what is wrong with the directory, and how to mend it.")
    .addOption(urlOption())
    .addOption(listenOption(PORT, "address that the directory listens on"))
    .addOption(dataOption())
    .addOption(switchOption("--allow-private", "whether the directory is started with it"))
    .addOption(authoritiesOption())
    .addOption(
      option("--clock-url <url>", "a server whose clock is believed").argParser(parseUrl),
    )
    .addOption(switchOption("--json", "print JSON"))
    .allowExcessArguments(false);
}

function doctorOptions(flags: DoctorFlags, command: Command): DoctorOptions {
  const { listen: { hostname, port }, ca = null, clockUrl = null, allowPrivate, json } = flags;
  const host = hostname.includes(":") ? `[${hostname}]` : hostname;
  const url = flags.url ?? `http://${host}:${port}`;
  const isUsual = flags.url === undefined && command.getOptionValueSource("listen") === "default";
  return { url, isUsual, dataDirectory: flags.data, allowPrivate, ca, clockUrl, json };
}

function checkTogether(flags: Flags, command: Command): CentralOptions {
  const { listen, url = null, metricsListen = null, rotation, networkSeedFile = null } = flags;
  checkListen(flags, command);
  if (rotation === "seeded" && networkSeedFile === null) {
    command.error("error: --rotation seeded needs --network-seed-file");
  }
  if (flags.threads > 1 && flags.store !== "sqlite") {
    command.error("error: --threads is for SQLite; over Redis, run as many processes as you want");
  }
  if (flags.threads > 1 && flags.relay) {
    command.error("error: --threads and --relay exclude each other; run openred-central relay");
  }
  const { tlsCert = null, tlsKey = null, ca = null } = flags;
  const { threads, leaseMs, allowPrivate, trustedProxies, logLevel, logFile = null, json } = flags;
  return {
    ...listen,
    url,
    metricsListen,
    dataDirectory: flags.data,
    redis: redisOptionsOf(flags, (message) => command.error(message)),
    allowPrivate,
    inviteOnly: flags.inviteOnly,
    trustedProxies,
    tlsCert,
    tlsKey,
    acme: acmeOf(flags, command),
    ca,
    threads,
    leaseMs,
    rotation,
    networkSeedFile,
    limits: {
      addressPerMinute: flags.addressPerMinute,
      identityPerMinute: flags.identityPerMinute,
      hostInFlight: flags.hostInFlight,
      hostPerMinute: flags.hostPerMinute,
      idsPerHost: flags.idsPerHost,
      newIdsPerAddress: flags.newIdsPerAddress,
      ids: flags.ids,
      concurrent: flags.concurrent,
      idsPerRelay: flags.idsPerRelay,
      relayPerMinute: flags.relayPerMinute,
    },
    peers: flags.peers,
    relays: flags.relays,
    relay: flags.relay ? relaySettings(flags) : null,
    logLevel,
    logFile,
    json,
  };
}

/** Reads the command line (without the program's name) and the environment. */
export function parseOptions(
  args: readonly string[],
  output: {
    readonly version: string;
    /** What `--licenses` prints; read only where it is asked for. */
    readonly licenses?: string;
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
  const relay = relayRunCommand((options) => {
    parsed = { kind: "relay", options };
  }).exitOverride().configureOutput(streams);
  const doctor = doctorCommand().exitOverride().configureOutput(streams);
  doctor.action((flags: DoctorFlags) => {
    parsed = { kind: "doctor", options: doctorOptions(flags, doctor) };
  });
  const nodes = nodesCommand((options) => {
    parsed = { kind: "nodes", options };
  });
  const keys = keysCommand((options) => {
    parsed = { kind: "keys", options };
  });
  const backups = backupCommands((options) => {
    parsed = { kind: "backup", options };
  });
  const program = new Command("openred-central")
    .description("The OpenRed directory: lets nodes find each other and introduces them.")
    .version(output.version, "-V, --version")
    .option("--licenses", "print the licences of the packages in it")
    .exitOverride()
    .configureOutput(streams)
    .showHelpAfterError("(openred-central run --help shows every option)")
    .addCommand(run)
    .addCommand(relay)
    .addCommand(doctor)
    .addCommand(nodes)
    .addCommand(keys);
  program.on("option:licenses", () => {
    output.out(output.licenses ?? "");
    throw new CommanderError(0, "openred.licenses", "licenses");
  });
  for (const command of backups) program.addCommand(command);
  addUsageCommands(program, output);
  const families = [nodes, keys].flatMap((family) => [family, ...family.commands]);
  for (const command of [run, relay, doctor, ...families, ...backups]) {
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
