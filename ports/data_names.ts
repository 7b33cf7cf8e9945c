/**
 * The names that the two programs give to files of a data directory. All others are somebody else's.
 *
 * @module
 */

/** Whose presence says that a directory holds a node or a directory service. */
export const MARKING_FILES: readonly string[] = ["node.db", "directory.db", "node-secret"];
/** What a program has open from its start to its end. */
export const DATABASE_FILES: readonly string[] = ["node.db", "directory.db"];

/** Names the module from a file that was busy last. */
export const BUSY_FILE = "module-busy";
/** What a collector of metrics shows. */
export const METRICS_TOKEN_FILE = "metrics-token";

/** Keeps the last `seq` of a relay of its own. */
export const RELAY_SEQ_FILE = "relay-seq";

/** The key of an account at an ACME authority. */
export const ACME_ACCOUNT_FILE = "acme-account";
/** The certificate that it gave, with its key. */
export const ACME_CERTIFICATE_FILE = "acme-certificate.pem";
/** Says in which form the others are. */
export const FORMAT_FILE = "format";
/** Copies from before an upgrade. */
export const COPY_PREFIX = "before-upgrade-";

/** What is about to take the place of this node's data, before it is certain that it will. */
export const INCOMING_PREFIX = "incoming-";
/** Data that others took the place of: before it stands when, after it their former names. */
export const REPLACED_PREFIX = "replaced-";

/** Leads a browser to the console, for a minute. */
export const CONSOLE_FILE = "console-open.html";

/** A log and the secret that opens it; those of identities that were followed have a longer name. */
const LOG_FILE = /^(former-[A-Za-z0-9]{1,100}\.)?(audit-(begin|head|\d{6,15}\.jsonl)|node-secret)$/;
/** A database, its side files, and its copy of before it was laid out anew. */
const DATABASE_FILE = /^(node|backup|directory)\.db(-wal|-shm|-journal|\.layout-\d{1,3})?$/;
const COPY = new RegExp(String.raw`^${COPY_PREFIX}(node\.db(-wal)?|keystore|\.env)$`);
/** Data of another life of this node: to be, or that was. */
const OTHER_LIFE = new RegExp(
  String.raw`^(${INCOMING_PREFIX}|${REPLACED_PREFIX}\d{8}T\d{6}Z\.)[A-Za-z0-9._-]{1,160}$`,
);
const OTHER_FILE =
  /^(format|keystore|\.env|\.env\.damaged|write-count|module-busy|console-open\.html|metrics-token|acme-account|acme-certificate\.pem|lock\.[a-z-]+|admin\.json|restoring|restoration|succession|\..+\.tmp)$/;

/** Whether one of the programs gives a file this name. */
export function isProgramFile(name: string): boolean {
  return [LOG_FILE, DATABASE_FILE, COPY, OTHER_LIFE, OTHER_FILE].some((form) => form.test(name));
}
