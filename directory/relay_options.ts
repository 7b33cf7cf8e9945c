/**
 * The options of a relay, of its own or beside a directory.
 *
 * @module
 */
import { Command, type Option } from "commander";
import type { NodeId } from "../crypto/encoding.ts";
import type { LogLevel } from "../ports/ports.ts";
import type { TrustedProxies } from "../protocol/trusted_proxies.ts";
import { DEFAULT_RELAY_LIMITS, type RelayLimits } from "../relay/config.ts";
import type { AcmeSettings } from "../protocol/acme_settings.ts";
import {
  type AcmeFlags,
  acmeOf,
  checkListen,
  commonOptions,
  dataOption,
  limitOption,
  type ListenAddress,
  option,
  parseIds,
  parseListen,
  switchOption,
} from "./option_values.ts";

/** How a relay is to work. */
export interface RelaySettings {
  /** The ids that may have a link; `null`: everybody. */
  readonly allowed: readonly NodeId[] | null;
  readonly limits: RelayLimits;
  /** Whether browsers may open links to files of the nodes behind it. */
  readonly links: boolean;
}

/** What the operator of a relay of its own asked for, checked. */
export interface RelayOptions extends RelaySettings {
  readonly hostname: string;
  readonly port: number;
  /** `null`: the address it listens on. */
  readonly url: string | null;
  readonly dataDirectory: string;
  readonly trustedProxies: TrustedProxies;
  readonly tlsCert: string | null;
  readonly tlsKey: string | null;
  readonly acme: AcmeSettings | null;
  readonly ca: string | null;
  readonly logLevel: LogLevel;
  readonly logFile: string | null;
  readonly json: boolean;
  /** `null`: nobody is told metrics. */
  readonly metricsListen: ListenAddress | null;
}

export interface RelayFlags {
  readonly relayAllow?: readonly NodeId[];
  readonly relayLinks: boolean;
  readonly relayNodes: number;
  readonly relayNodesPerAddress: number;
  readonly relayExchangesPerNode: number;
  readonly relayChannelsPerNode: number;
  readonly relayExchangesPerAddress: number;
  readonly relayChannelsPerAddress: number;
  readonly relayCallsPerMinute: number;
  readonly relayNodeRate: number;
  readonly relayCallerRate: number;
  readonly relayUnread: number;
}

export function relayOptions(): Option[] {
  const limits = DEFAULT_RELAY_LIMITS;
  const limit = (name: string, what: string, value: number) =>
    limitOption(`relay-${name}`, what, value);
  return [
    option("--relay-allow <id,…>", "nodes that the relay takes (default: all)").argParser(parseIds),
    switchOption("--relay-links", "show browsers links to files of those nodes"),
    limit("nodes", "nodes with a link", limits.nodes),
    limit("nodes-per-address", "links of one address", limits.nodesPerAddress),
    limit("exchanges-per-node", "exchanges with one node at a time", limits.exchangesPerNode),
    limit("channels-per-node", "channels with one node", limits.channelsPerNode),
    limit("exchanges-per-address", "exchanges of one caller at a time", limits.exchangesPerAddress),
    limit("channels-per-address", "channels of one caller", limits.channelsPerAddress),
    limit("calls-per-minute", "exchanges and channels of one caller", limits.callsPerMinute),
    limit("node-rate", "bytes a second either way of one node", limits.nodeBytesPerSecond),
    limit("caller-rate", "bytes a second either way of one caller", limits.callerBytesPerSecond),
    limit("unread", "bytes that wait for slow readers", limits.unreadBytes),
  ];
}

export function relaySettings(flags: RelayFlags): RelaySettings {
  return {
    allowed: flags.relayAllow ?? null,
    links: flags.relayLinks,
    limits: {
      nodes: flags.relayNodes,
      nodesPerAddress: flags.relayNodesPerAddress,
      exchangesPerNode: flags.relayExchangesPerNode,
      channelsPerNode: flags.relayChannelsPerNode,
      exchangesPerAddress: flags.relayExchangesPerAddress,
      channelsPerAddress: flags.relayChannelsPerAddress,
      callsPerMinute: flags.relayCallsPerMinute,
      nodeBytesPerSecond: flags.relayNodeRate,
      callerBytesPerSecond: flags.relayCallerRate,
      unreadBytes: flags.relayUnread,
    },
  };
}

/** `openred-central relay`. @param asked Called with what it is to do. */
export function relayRunCommand(asked: (options: RelayOptions) => void): Command {
  const command = new Command("relay")
    .description("Run a relay alone until it is interrupted: nodes that cannot be called use it.");
  for (const one of [...commonOptions(7602), ...relayOptions()]) command.addOption(one);
  command
    .addOption(
      option("--metrics-listen <host:port>", "where /metrics, /healthz and /readyz are")
        .argParser(parseListen),
    )
    .addOption(dataOption("openred-relay-data"))
    .allowExcessArguments(false);
  type Flags =
    & RelayFlags
    & AcmeFlags
    & Pick<RelayOptions, "trustedProxies" | "logLevel" | "json">
    & {
      readonly listen: ListenAddress;
      readonly url?: string;
      readonly data: string;
      readonly tlsCert?: string;
      readonly tlsKey?: string;
      readonly ca?: string;
      readonly logFile?: string;
      readonly metricsListen?: ListenAddress;
    };
  command.action((flags: Flags) => {
    checkListen(flags, command);
    const { listen, url = null, data, tlsCert = null, tlsKey = null, ca = null } = flags;
    const { trustedProxies, logLevel, logFile = null, json, metricsListen = null } = flags;
    asked({
      ...relaySettings(flags),
      ...listen,
      url,
      dataDirectory: data,
      trustedProxies,
      tlsCert,
      tlsKey,
      acme: acmeOf(flags, command),
      ca,
      logLevel,
      logFile,
      json,
      metricsListen,
    });
  });
  return command;
}
