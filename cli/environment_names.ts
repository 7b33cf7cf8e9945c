/**
 * Variables of the environment that are meant for the programs and that none of them reads.
 *
 * @module
 */
import { nearest } from "./nearest.ts";
import type { OptionSpecs } from "./options.ts";

const PREFIX = "OPENRED_";

/** Those of other commands, and of `openred-central`, which may be set for the same user. */
const OTHERS = [
  "OPENRED_BACKUP_PASSPHRASE_FILE",
  "OPENRED_NEW_PASSPHRASE_FILE",
  "OPENRED_ADDRESS_PER_MINUTE",
  "OPENRED_CONCURRENT",
  "OPENRED_HOST_IN_FLIGHT",
  "OPENRED_HOST_PER_MINUTE",
  "OPENRED_IDENTITY_PER_MINUTE",
  "OPENRED_IDS_PER_HOST",
  "OPENRED_LEASE_MS",
  "OPENRED_NAME",
  "OPENRED_URL",
];

/** What to say of each variable that nothing reads. */
export function unreadVariables(names: readonly string[], specs: OptionSpecs): readonly string[] {
  const known = Object.values(specs).flatMap(({ variable }) => variable ?? []);
  return names.filter((name) =>
    name.startsWith(PREFIX) && !known.includes(name) && !OTHERS.includes(name)
  ).map((name) => {
    const near = nearest(name, known);
    return `Nothing reads the variable ${name}${near === null ? "" : `; did you mean ${near}?`}`;
  });
}
