/**
 * The options of `openred-node run` about the audit log.
 *
 * @module
 */
import { AUDIT_DEFAULTS } from "../protocol/node_settings.ts";
import { parseInteger } from "./option_values.ts";
import { valueOption } from "./options.ts";

const DAY_MS = 24 * 3_600_000;

/** How the audit log is kept. */
export const AUDIT_OPTIONS = {
  auditMaxBytes: valueOption<number>({
    flag: "audit-max-bytes",
    variable: "OPENRED_AUDIT_MAX_BYTES",
    value: "BYTES",
    summary: "length at which a file of the audit log is followed by another",
    defaultText: String(AUDIT_DEFAULTS.maxBytes),
    fallback: AUDIT_DEFAULTS.maxBytes,
    parse: (text) => parseInteger(text, { min: 65_536, max: 268_435_456 }),
  }),
  auditMaxAgeDays: valueOption<number>({
    flag: "audit-max-age-days",
    variable: "OPENRED_AUDIT_MAX_AGE_DAYS",
    value: "DAYS",
    summary: "age at which a file of the audit log is followed by another",
    defaultText: String(AUDIT_DEFAULTS.maxAgeMs / DAY_MS),
    fallback: AUDIT_DEFAULTS.maxAgeMs / DAY_MS,
    parse: (text) => parseInteger(text, { min: 1, max: 3_650 }),
  }),
  auditKeepBytes: valueOption<number>({
    flag: "audit-keep-bytes",
    variable: "OPENRED_AUDIT_KEEP_BYTES",
    value: "BYTES",
    summary: "length of the whole audit log beyond which its oldest files are removed",
    defaultText: String(AUDIT_DEFAULTS.keepBytes),
    fallback: AUDIT_DEFAULTS.keepBytes,
    parse: (text) => parseInteger(text, { min: 65_536, max: Number.MAX_SAFE_INTEGER }),
  }),
};
