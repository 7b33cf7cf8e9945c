/**
 * The options of `openred-node run` about the audit log.
 *
 * @module
 */
import { parseInteger } from "./option_values.ts";
import { valueOption } from "./options.ts";

/** How the audit log is kept. */
export const AUDIT_OPTIONS = {
  auditMaxBytes: valueOption<number>({
    flag: "audit-max-bytes",
    variable: "OPENRED_AUDIT_MAX_BYTES",
    value: "BYTES",
    summary: "length at which a file of the audit log is followed by another",
    defaultText: "16777216",
    fallback: 16_777_216,
    parse: (text) => parseInteger(text, { min: 65_536, max: 268_435_456 }),
  }),
  auditMaxAgeDays: valueOption<number>({
    flag: "audit-max-age-days",
    variable: "OPENRED_AUDIT_MAX_AGE_DAYS",
    value: "DAYS",
    summary: "age at which a file of the audit log is followed by another",
    defaultText: "30",
    fallback: 30,
    parse: (text) => parseInteger(text, { min: 1, max: 3_650 }),
  }),
  auditKeepBytes: valueOption<number>({
    flag: "audit-keep-bytes",
    variable: "OPENRED_AUDIT_KEEP_BYTES",
    value: "BYTES",
    summary: "length of the whole audit log beyond which its oldest files are removed",
    defaultText: "268435456",
    fallback: 268_435_456,
    parse: (text) => parseInteger(text, { min: 65_536, max: Number.MAX_SAFE_INTEGER }),
  }),
};
