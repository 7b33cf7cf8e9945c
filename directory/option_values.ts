/**
 * How the options of `openred-central` are written and read.
 *
 * @module
 */
import { Command, InvalidArgumentError, Option } from "commander";
import { isNodeId, type NodeId } from "../crypto/encoding.ts";
import { LOG_LEVELS } from "../ports/ports.ts";
import {
  ACME_DIRECTORY,
  ACME_LISTEN,
  type AcmeSettings,
  acmeSettingsOf,
} from "../protocol/acme_settings.ts";
import { MAX_BAN_NOTE } from "../protocol/directory_admin.ts";
import { OpenRedError } from "../protocol/errors.ts";
import { TrustedProxies } from "../protocol/trusted_proxies.ts";
import type { PeerDirectory } from "./config.ts";
import { parsePeers } from "./peer_list.ts";
import { checkUrlText } from "../protocol/url_policy.ts";

export interface ListenAddress {
  readonly hostname: string;
  readonly port: number;
}

const MAX_LIMIT = 1_000_000_000;
const MAX_HOST_LENGTH = 255;
const MAX_PATH_LENGTH = 4_096;
const MAX_ERROR_LENGTH = 300;

export function parseListen(text: string): ListenAddress {
  const match = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (match === null || port > 65_535 || match[1]!.length > MAX_HOST_LENGTH) {
    throw new InvalidArgumentError("Expected host:port, such as 127.0.0.1:7600 or [::1]:0.");
  }
  return { hostname: match[1]!.replace(/^\[|\]$/g, ""), port };
}

export function parseUrl(text: string): string {
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

export function integerIn(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d{1,15}$/.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`);
    }
    return value;
  };
}

export function parseText(text: string): string {
  if (text === "" || text.length > MAX_PATH_LENGTH || text.includes("\0")) {
    throw new InvalidArgumentError("Expected a path.");
  }
  return text;
}

/** An error repeats what was typed, which may be long and forge lines or colours. */
export function oneLine(text: string): string {
  const line = text.trimEnd().replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, "\ufffd");
  return (line.length > MAX_ERROR_LENGTH ? `${line.slice(0, MAX_ERROR_LENGTH)}…` : line) + "\n";
}

export function option(flags: string, text: string): Option {
  const created = new Option(flags, text);
  return created.env(`OPENRED_${created.name().replaceAll("-", "_").toUpperCase()}`);
}

export function limitOption(name: string, what: string, value: number): Option {
  return option(`--${name} <n>`, `${what}; 0: no limit`)
    .default(value).argParser(integerIn(0, MAX_LIMIT));
}

/** A flag whose variable is `1`, `true`, `0` or `false`. */
export function switchOption(flag: string, text: string): Option {
  return option(`${flag} [yes]`, text).default(false).preset(true).argParser((value: string) => {
    if (/^(1|true|yes)$/i.test(value)) return true;
    if (/^(0|false|no)$/i.test(value)) return false;
    throw new InvalidArgumentError("Expected 1, true, 0 or false.");
  });
}

export function parsePeerList(text: string): readonly PeerDirectory[] {
  const peers = parsePeers(text);
  if (peers !== null) return peers;
  throw new InvalidArgumentError("Expected URL#ID, separated by commas, at most 16.");
}

const MAX_LIST = 10_000;

/** A relay, and whose it is, or `null`. */
export interface NamedRelay {
  readonly url: string;
  readonly id: NodeId | null;
}

/** @throws {InvalidArgumentError} For a list that is empty, long, or has anything else in it. */
export function parseRelays(text: string): readonly NamedRelay[] {
  const relays = text.split(",").map((entry) => {
    const [url = "", id, ...more] = entry.trim().split("#");
    if (more.length > 0 || (id !== undefined && !isNodeId(id))) {
      throw new InvalidArgumentError("Expected URL or URL#ID, separated by commas.");
    }
    return { url: parseUrl(url), id: id ?? null };
  });
  if (relays.length > MAX_LIST) throw new InvalidArgumentError("Expected fewer relays.");
  return relays;
}

export function parseIds(text: string): readonly NodeId[] {
  const ids = text.split(",").map((id) => id.trim());
  if (ids.length > MAX_LIST || !ids.every(isNodeId)) {
    throw new InvalidArgumentError("Expected node ids, separated by commas.");
  }
  return ids as NodeId[];
}

/** Where a directory keeps its data, for every command of one. */
export function dataOption(folder = "openred-central-data"): Option {
  return option("--data <dir>", "data directory").default(folder).argParser(parseText);
}

/** What every command has that works on the data of a directory, or asks the one that runs on them. */
export interface CommonFlags {
  readonly data: string;
  readonly json: boolean;
}

/** A command with these flags. */
export function commandOf(name: string, description: string): Command {
  return new Command(name).description(description)
    .addOption(dataOption())
    .addOption(switchOption("--json", "print JSON"))
    .allowExcessArguments(false);
}

/** The operator's own words on a ban or a key. */
export function parseNote(text: string): string {
  if (text.length <= MAX_BAN_NOTE) return text;
  throw new InvalidArgumentError(`Expected at most ${MAX_BAN_NOTE} characters.`);
}

export function urlOption(): Option {
  return option("--url <url>", "public base URL (default: that of --listen)").argParser(parseUrl);
}

export function listenOption(port: number, text: string): Option {
  return option("--listen <host:port>", text)
    .default({ hostname: "127.0.0.1", port }, `127.0.0.1:${port}`).argParser(parseListen);
}

export function authoritiesOption(): Option {
  return option("--ca <file>", "certificates of private authorities, PEM, believed too")
    .argParser(parseText);
}

function parseAuthority(text: string): string {
  const url = parseUrl(text);
  if (url.startsWith("https://")) return url;
  throw new InvalidArgumentError("Expected an https URL.");
}

/** How a certificate is got from an authority. */
function acmeOptions(): Option[] {
  const { hostname, port } = ACME_LISTEN;
  return [
    switchOption("--acme", "get a certificate for the name of --url, and renew it"),
    switchOption("--acme-agree", "you have read the authority's terms and agree to them"),
    option("--acme-directory <url>", "the authority's directory (RFC 8555)")
      .default(ACME_DIRECTORY, "that of Let's Encrypt").argParser(parseAuthority),
    option("--acme-listen <host:port>", "where its challenges are answered, which come to port 80")
      .default(ACME_LISTEN, `${hostname}:${port}`).argParser(parseListen),
  ];
}

export interface AcmeFlags {
  readonly acme: boolean;
  readonly acmeAgree: boolean;
  readonly acmeDirectory: string;
  readonly acmeListen: ListenAddress;
  readonly url?: string;
  readonly tlsCert?: string;
}

/** Ends the command where what is asked for of a certificate does not go together. */
export function acmeOf(flags: AcmeFlags, command: Command): AcmeSettings | null {
  const { url = null, tlsCert = null } = flags;
  try {
    return acmeSettingsOf({ ...flags, url, tlsCert }, "--url");
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return command.error(`error: ${error.message}`);
  }
}

/** What tells what serves where it listens, is called and writes its log. */
export function commonOptions(port: number): Option[] {
  return [
    listenOption(port, "address to listen on; port 0: any free one"),
    urlOption(),
    option("--trusted-proxies <cidr,…>", "proxies whose X-Forwarded-For or Forwarded counts")
      .default(TrustedProxies.NONE, "none").argParser(parseProxies),
    option("--tls-cert <file>", "certificate chain for --listen, PEM, read anew when it changes")
      .argParser(parseText),
    option("--tls-key <file>", "key of --tls-cert, PEM").argParser(parseText),
    authoritiesOption(),
    ...acmeOptions(),
    option("--log-level <level>", "lowest level to log").default("info").choices(LOG_LEVELS),
    option(
      "--log-file <file>",
      "where the log goes instead of standard error; opened anew at SIGHUP",
    ).argParser(parseText),
    switchOption("--json", "log JSON, and print the ready line as JSON"),
  ];
}

/**
 * Ends the command where it is to listen on every address and nobody knows by which it is called, or has a certificate
 * without a key.
 */
export function checkListen(
  { listen, url, tlsCert, tlsKey }: {
    readonly listen: ListenAddress;
    readonly url?: string;
    readonly tlsCert?: string;
    readonly tlsKey?: string;
  },
  command: Command,
): void {
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    command.error("error: --tls-cert and --tls-key go together");
  }
  const isUnspecified = /^(0\.0\.0\.0|::|0)$/.test(listen.hostname);
  if (!isUnspecified || url !== undefined) return;
  command.error("error: --listen on every address needs --url, the address that nodes should use");
}
