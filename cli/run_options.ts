/**
 * The options of `openred-node run`.
 *
 * @module
 */
import { LOG_LEVELS, type LogLevel } from "../ports/ports.ts";
import { MAX_SESSION_LIFE_MS, MIN_SESSION_LIFE_MS } from "../protocol/limits.ts";
import {
  CONSOLE_PORT,
  NODE_DEFAULTS,
  POST_QUANTUM_POLICIES,
  type PostQuantumPolicy,
  STRANGER_POLICIES,
  type StrangerPolicy,
} from "../protocol/node_settings.ts";
import {
  ACME_DIRECTORY,
  ACME_LISTEN,
  type AcmeSettings,
  acmeSettingsOf,
} from "../protocol/acme_settings.ts";
import type { TrustedProxies } from "../protocol/trusted_proxies.ts";
import { OpenRedError } from "../protocol/errors.ts";
import { isPrivateIpv4, MIN_LAN_PORT } from "../protocol/lan_paths.ts";
import { checkUrlText } from "../protocol/url_policy.ts";
import { AUDIT_OPTIONS } from "./audit_options.ts";
import { isUnspecified } from "../protocol/special_addresses.ts";
import { usageError } from "./command_error.ts";
import {
  type DirectWays,
  type ListenAddress,
  NO_DIRECT_WAYS,
  parseAlias,
  parseAuthority,
  parseBaseUrl,
  parseChoice,
  parseCollector,
  parseConsoleListen,
  parseConsoleOrigins,
  parseDirect,
  parseDirectories,
  parseInteger,
  parseListen,
  parseLoopbackListen,
  parsePath,
  parseRelay,
  parseTrustedProxies,
} from "./option_values.ts";
import type { RelayAddress } from "../protocol/relay.ts";
import { type OptionValues, switchOption, valueOption } from "./options.ts";
import { keysPassphraseFileOption } from "./passphrase_source.ts";

/** Where a node kept its things before it had a place of its own in the user's home. */
export const FORMER_DATA = "openred-node-data";

/** The options of every command. */
export const COMMON_OPTIONS = {
  data: valueOption<string>({
    flag: "data",
    variable: "OPENRED_DATA",
    value: "DIR",
    summary: "the node's data directory",
    defaultText: "openred in the user's data folder",
    fallback: "",
    parse: parsePath,
  }),
  json: switchOption({
    flag: "json",
    variable: "OPENRED_JSON",
    summary: "print JSON for programs",
  }),
};

/** The options of commands that show times. */
export const TIME_OPTIONS = {
  ...COMMON_OPTIONS,
  utc: switchOption({
    flag: "utc",
    variable: "OPENRED_UTC",
    summary: "show and read times in UTC, not as this machine's clock shows them",
  }),
};

/** Where a node listens unless told otherwise. */
const DEFAULT_LISTEN: ListenAddress = { hostname: "127.0.0.1", port: 7601 };

const ROTATIONS = ["hourly", "daily", "seeded"] as const;

export type RotationName = typeof ROTATIONS[number];

const NETWORK_OPTIONS = {
  listen: valueOption<ListenAddress | null>({
    flag: "listen",
    variable: "OPENRED_LISTEN",
    value: "HOST:PORT",
    summary: "where other nodes reach this one; port 0 lets the system choose",
    defaultText: "127.0.0.1:7601; with --relay nowhere",
    fallback: null,
    parse: parseListen,
  }),
  adminListen: valueOption<ListenAddress>({
    flag: "admin-listen",
    variable: "OPENRED_ADMIN_LISTEN",
    value: "HOST:PORT",
    summary: "where this node's own commands reach it; loopback addresses only",
    defaultText: "127.0.0.1:0",
    fallback: { hostname: "127.0.0.1", port: 0 },
    parse: parseLoopbackListen,
  }),
  consoleListen: valueOption<ListenAddress | null>({
    flag: "console-listen",
    variable: "OPENRED_CONSOLE_LISTEN",
    value: "HOST:PORT|off",
    summary: "where this machine's browsers find the console; loopback addresses only, all of them",
    defaultText: `127.0.0.1:${CONSOLE_PORT}`,
    fallback: { hostname: "127.0.0.1", port: CONSOLE_PORT },
    parse: parseConsoleListen,
  }),
  consoleOrigins: valueOption<readonly string[]>({
    flag: "console-origins",
    variable: "OPENRED_CONSOLE_ORIGINS",
    value: "ORIGIN,…",
    summary: "https origins of proxies through which browsers elsewhere reach the console",
    defaultText: "none",
    fallback: [],
    parse: parseConsoleOrigins,
  }),
  metricsListen: valueOption<ListenAddress | null>({
    flag: "metrics-listen",
    variable: "OPENRED_METRICS_LISTEN",
    value: "HOST:PORT",
    summary: "where /metrics, /healthz and /readyz are, besides the admin server",
    defaultText: "none",
    fallback: null,
    parse: parseListen,
  }),
  otlp: valueOption<string | null>({
    flag: "otlp",
    variable: "OPENRED_OTLP",
    value: "URL",
    summary: "collector that traces of messages go to (OTLP over HTTP); https or loopback",
    defaultText: "none",
    fallback: null,
    parse: parseCollector,
  }),
  apiUrl: valueOption<string | null>({
    flag: "api-url",
    variable: "OPENRED_API_URL",
    value: "URL",
    summary: "the URL that other nodes use; needed when listening on all addresses",
    defaultText: "HOST:PORT of --listen",
    fallback: null,
    parse: parseBaseUrl,
  }),
  relay: valueOption<RelayAddress | "auto" | null>({
    flag: "relay",
    variable: "OPENRED_RELAY",
    value: "URL|auto",
    summary:
      "relay through which others reach this node, which then listens nowhere; URL#ID pins it, auto asks the directories for one",
    defaultText: "none",
    fallback: null,
    parse: parseRelay,
  }),
  direct: valueOption<DirectWays>({
    flag: "direct",
    variable: "OPENRED_DIRECT",
    value: "URL,…|lan|off",
    summary:
      "addresses of --listen that known peers try before the relay; lan: accepted peers of local networks alone; off: nobody",
    defaultText: "off",
    fallback: NO_DIRECT_WAYS,
    parse: parseDirect,
  }),
  directories: valueOption<readonly string[]>({
    flag: "directories",
    variable: "OPENRED_DIRECTORIES",
    value: "URL,…",
    summary: "directories to register with, separated by commas; URL#ID pins an id",
    defaultText: "none",
    fallback: [],
    parse: parseDirectories,
  }),
  directoryKeyFile: valueOption<string | null>({
    flag: "directory-key-file",
    variable: "OPENRED_DIRECTORY_KEY_FILE",
    value: "FILE",
    summary: "keys of directories that take invited nodes only: KEY, or URL KEY, on each line",
    defaultText: "none",
    fallback: null,
    parse: parsePath,
  }),
  allowPrivate: switchOption({
    flag: "allow-private",
    variable: "OPENRED_ALLOW_PRIVATE",
    summary: "call private and loopback addresses and http names (development, LAN)",
  }),
  trustedProxies: valueOption<TrustedProxies>({
    flag: "trusted-proxies",
    variable: "OPENRED_TRUSTED_PROXIES",
    value: "CIDR,…",
    summary: "proxies whose X-Forwarded-For or Forwarded counts",
    defaultText: "none",
    fallback: NODE_DEFAULTS.trustedProxies,
    parse: parseTrustedProxies,
  }),
  tlsCert: valueOption<string | null>({
    flag: "tls-cert",
    variable: "OPENRED_TLS_CERT",
    value: "FILE",
    summary: "certificate chain for --listen, PEM, read anew when it changes",
    defaultText: "none: plain HTTP, for a proxy in front",
    fallback: null,
    parse: parsePath,
  }),
  tlsKey: valueOption<string | null>({
    flag: "tls-key",
    variable: "OPENRED_TLS_KEY",
    value: "FILE",
    summary: "key of --tls-cert, PEM",
    defaultText: "none",
    fallback: null,
    parse: parsePath,
  }),
  acme: switchOption({
    flag: "acme",
    variable: "OPENRED_ACME",
    summary: "get a certificate for the name of --api-url, and renew it",
  }),
  acmeAgree: switchOption({
    flag: "acme-agree",
    variable: "OPENRED_ACME_AGREE",
    summary: "you have read the authority's terms and agree to them",
  }),
  acmeDirectory: valueOption<string>({
    flag: "acme-directory",
    variable: "OPENRED_ACME_DIRECTORY",
    value: "URL",
    summary: "the authority's directory (RFC 8555)",
    defaultText: "that of Let's Encrypt",
    fallback: ACME_DIRECTORY,
    parse: parseAuthority,
  }),
  acmeListen: valueOption<ListenAddress>({
    flag: "acme-listen",
    variable: "OPENRED_ACME_LISTEN",
    value: "HOST:PORT",
    summary: "where its challenges are answered, which come to port 80",
    defaultText: `${ACME_LISTEN.hostname}:${ACME_LISTEN.port}`,
    fallback: ACME_LISTEN,
    parse: parseListen,
  }),
  ca: valueOption<string | null>({
    flag: "ca",
    variable: "OPENRED_CA",
    value: "FILE",
    summary: "certificates of private authorities, PEM, believed besides the public ones",
    defaultText: "none",
    fallback: null,
    parse: parsePath,
  }),
};

const IDENTITY_OPTIONS = {
  alias: valueOption<string | null>({
    flag: "alias",
    variable: "OPENRED_ALIAS",
    value: "NAME",
    summary: "a label that others see; not unique",
    defaultText: "none",
    fallback: null,
    parse: parseAlias,
  }),
  unlisted: switchOption({
    flag: "unlisted",
    variable: "OPENRED_UNLISTED",
    summary: "stay out of lists: found by the exact id only",
  }),
  passphraseFile: keysPassphraseFileOption,
};

const POLICY_OPTIONS = {
  pq: valueOption<PostQuantumPolicy>({
    flag: "pq",
    variable: "OPENRED_PQ",
    value: POST_QUANTUM_POLICIES.join("|"),
    summary: "post-quantum handshakes: only, if the peer can, or never",
    defaultText: NODE_DEFAULTS.pq,
    fallback: NODE_DEFAULTS.pq,
    parse: (text) => parseChoice(text, POST_QUANTUM_POLICIES),
  }),
  rotation: valueOption<RotationName>({
    flag: "rotation",
    variable: "OPENRED_ROTATION",
    value: ROTATIONS.join("|"),
    summary: "how the crypto method of new pairs changes with time",
    defaultText: NODE_DEFAULTS.rotation.kind,
    fallback: NODE_DEFAULTS.rotation.kind,
    parse: (text) => parseChoice(text, ROTATIONS),
  }),
  networkSeedFile: valueOption<string | null>({
    flag: "network-seed-file",
    variable: "OPENRED_NETWORK_SEED_FILE",
    value: "FILE",
    summary: "file with the network's seed, 16 to 4096 bytes, for --rotation seeded",
    defaultText: "none",
    fallback: null,
    parse: parsePath,
  }),
  strangers: valueOption<StrangerPolicy>({
    flag: "strangers",
    variable: "OPENRED_STRANGERS",
    value: STRANGER_POLICIES.join("|"),
    summary: "messages of peers without permission: keep a few as requests, or none at all",
    defaultText: NODE_DEFAULTS.strangers,
    fallback: NODE_DEFAULTS.strangers,
    parse: (text) => parseChoice(text, STRANGER_POLICIES),
  }),
  logFile: valueOption<string | null>({
    flag: "log-file",
    variable: "OPENRED_LOG_FILE",
    value: "FILE",
    summary: "where the log goes; opened anew at SIGHUP",
    defaultText: "standard error",
    fallback: null,
    parse: parsePath,
  }),
  logLevel: valueOption<LogLevel>({
    flag: "log-level",
    variable: "OPENRED_LOG_LEVEL",
    value: LOG_LEVELS.join("|"),
    summary: "the least that is logged",
    defaultText: "info",
    fallback: "info",
    parse: (text) => parseChoice(text, LOG_LEVELS),
  }),
};

const LIMIT_OPTIONS = {
  sessionLifeS: valueOption<number>({
    flag: "session-life",
    variable: "OPENRED_SESSION_LIFE",
    value: "SECONDS",
    summary: "longest life this node gives a session",
    defaultText: String(NODE_DEFAULTS.sessionLifeMs / 1000),
    fallback: NODE_DEFAULTS.sessionLifeMs / 1000,
    parse: (text) =>
      parseInteger(text, { min: MIN_SESSION_LIFE_MS / 1000, max: MAX_SESSION_LIFE_MS / 1000 }),
  }),
  maxConnections: valueOption<number>({
    flag: "max-connections",
    variable: "OPENRED_MAX_CONNECTIONS",
    value: "N",
    summary: "channels kept open at once; strangers' make room",
    defaultText: String(NODE_DEFAULTS.maxConnections),
    fallback: NODE_DEFAULTS.maxConnections,
    parse: (text) => parseInteger(text, { min: 1, max: 100_000 }),
  }),
  idleConnectionS: valueOption<number>({
    flag: "idle-connection",
    variable: "OPENRED_IDLE_CONNECTION",
    value: "SECONDS",
    summary: "when a channel without traffic is closed",
    defaultText: String(NODE_DEFAULTS.idleConnectionMs / 1000),
    fallback: NODE_DEFAULTS.idleConnectionMs / 1000,
    parse: (text) => parseInteger(text, { min: 5, max: 86_400 }),
  }),
  handshakesPerMinute: valueOption<number>({
    flag: "handshakes-per-minute",
    variable: "OPENRED_HANDSHAKES_PER_MINUTE",
    value: "N",
    summary: "handshakes taken from one address, and of one known peer",
    defaultText: String(NODE_DEFAULTS.handshakesPerMinute),
    fallback: NODE_DEFAULTS.handshakesPerMinute,
    parse: (text) => parseInteger(text, { min: 1, max: 1_000_000 }),
  }),
};

/** Every option of `run`. */
export const RUN_OPTIONS = {
  ...COMMON_OPTIONS,
  ...NETWORK_OPTIONS,
  ...IDENTITY_OPTIONS,
  ...POLICY_OPTIONS,
  ...LIMIT_OPTIONS,
  ...AUDIT_OPTIONS,
};

/** What `run` was asked for, checked. */
export type RunOptions = OptionValues<typeof RUN_OPTIONS>;

/** However it is spelled: a URL has one spelling for each address. */
function isUnspecifiedHost(hostname: string): boolean {
  const bare = hostname.replace(/^\[|\]$/g, "");
  const text = `http://${bare.includes(":") ? `[${bare}]` : bare}`;
  return URL.canParse(text) && isUnspecified(new URL(text).hostname.replace(/^\[|\]$/g, ""));
}

/** Where a node listens for others; `null` for nowhere: they reach it through its relay. */
export function listenAddress({ listen, relay }: RunOptions): ListenAddress | null {
  return listen ?? (relay === null ? DEFAULT_LISTEN : null);
}

/** The certificate that is to be got. @throws {CommandError} Exit code 2. */
export function acmeOf(options: RunOptions): AcmeSettings | null {
  if (options.acme && listenAddress(options) === null) {
    throw usageError("--acme: say with --listen where this node listens");
  }
  try {
    return acmeSettingsOf({ ...options, url: options.apiUrl }, "--api-url");
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw usageError(cause.message, { cause });
  }
}

/** In a local network a node is called by its address, for which nobody has a certificate. */
function checkLan({ tlsCert, acme }: RunOptions, { hostname, port }: ListenAddress): void {
  if (!isUnspecifiedHost(hostname) && !isPrivateIpv4(hostname)) {
    throw usageError("--direct lan: nobody in a network calls --listen there; try 0.0.0.0:7601");
  }
  if (port !== 0 && port < MIN_LAN_PORT) {
    throw usageError(`--direct lan: peers call no port below ${MIN_LAN_PORT}; see --listen`);
  }
  if (tlsCert !== null || acme) {
    throw usageError("--direct lan: it needs a --listen without a certificate");
  }
}

/** Addresses that nobody can call, or at which nobody listens, only cost others time. */
function checkDirect(options: RunOptions): void {
  const { urls, lan } = options.direct;
  const address = listenAddress(options);
  if ((urls.length > 0 || lan) && address === null) {
    throw usageError("--direct: say with --listen where this node listens for these addresses");
  }
  if (lan && address !== null) checkLan(options, address);
  for (const url of urls) {
    try {
      checkUrlText(url, options);
    } catch (cause) {
      if (!(cause instanceof OpenRedError)) throw cause;
      throw usageError(`--direct ${url}: ${cause.message}`, { cause });
    }
  }
}

/**
 * Checks what options say of each other.
 * @throws {CommandError} Exit code 2.
 */
export function checkRunOptions(options: RunOptions): RunOptions {
  const hostname = listenAddress(options)?.hostname ?? "";
  if (options.relay !== null && options.apiUrl !== null) {
    throw usageError("--api-url and --relay: others reach this node by one of the two");
  }
  if (options.relay === "auto" && options.directories.length === 0) {
    throw usageError("--relay auto: say with --directories which directories to ask for a relay");
  }
  checkDirect(options);
  acmeOf(options);
  if (options.apiUrl === null && options.relay === null && isUnspecifiedHost(hostname)) {
    throw usageError("--api-url: say which URL others use, since --listen takes all addresses");
  }
  if (options.apiUrl !== null && isUnspecifiedHost(new URL(options.apiUrl).hostname)) {
    throw usageError("--api-url: expected an address that others can call; this one is none");
  }
  if ((options.rotation === "seeded") !== (options.networkSeedFile !== null)) {
    throw usageError("--network-seed-file and --rotation seeded go together");
  }
  if ((options.tlsCert === null) !== (options.tlsKey === null)) {
    throw usageError("--tls-cert and --tls-key go together");
  }
  return options;
}
