/**
 * Variables of the environment that are meant for the programs and that none of them reads.
 *
 * @module
 */
import { nearest } from "./nearest.ts";
import type { OptionSpecs } from "./options.ts";

const PREFIX = "OPENRED_";

/** Those of other commands, and of `openred-central`, which may be set for the same user. */
export const OTHER_VARIABLES: readonly string[] = [
  "OPENRED_ADDRESS_PER_MINUTE",
  "OPENRED_BACKUP_PASSPHRASE_FILE",
  "OPENRED_CLOCK_URL",
  "OPENRED_CONCURRENT",
  "OPENRED_HOST_IN_FLIGHT",
  "OPENRED_HOST_PER_MINUTE",
  "OPENRED_IDENTITY_PER_MINUTE",
  "OPENRED_IDS",
  "OPENRED_IDS_PER_HOST",
  "OPENRED_IDS_PER_RELAY",
  "OPENRED_INVITE_ONLY",
  "OPENRED_LEASE_MS",
  "OPENRED_NAME",
  "OPENRED_NEW_IDS_PER_ADDRESS",
  "OPENRED_NEW_PASSPHRASE_FILE",
  "OPENRED_PEERS",
  "OPENRED_RELAYS",
  "OPENRED_RELAY_ALLOW",
  "OPENRED_RELAY_CALLER_RATE",
  "OPENRED_RELAY_CALLS_PER_MINUTE",
  "OPENRED_RELAY_CHANNELS_PER_ADDRESS",
  "OPENRED_RELAY_CHANNELS_PER_NODE",
  "OPENRED_RELAY_EXCHANGES_PER_ADDRESS",
  "OPENRED_RELAY_EXCHANGES_PER_NODE",
  "OPENRED_RELAY_NODES",
  "OPENRED_RELAY_NODES_PER_ADDRESS",
  "OPENRED_RELAY_NODE_RATE",
  "OPENRED_RELAY_PER_MINUTE",
  "OPENRED_RELAY_LINKS",
  "OPENRED_RELAY_UNREAD",
  "OPENRED_STORE",
  "OPENRED_STORE_CA_FILE",
  "OPENRED_STORE_KEY_FILE",
  "OPENRED_STORE_PASSWORD_FILE",
  "OPENRED_THREADS",
  "OPENRED_URL",
  "OPENRED_UTC",
];

/** What to say of each variable that nothing reads. */
export function unreadVariables(names: readonly string[], specs: OptionSpecs): readonly string[] {
  const known = Object.values(specs).flatMap(({ variable }) => variable ?? []);
  return names.filter((name) =>
    name.startsWith(PREFIX) && !known.includes(name) && !OTHER_VARIABLES.includes(name)
  ).map((name) => {
    const near = nearest(name, known);
    return `Nothing reads the variable ${name}${near === null ? "" : `; did you mean ${near}?`}`;
  });
}
