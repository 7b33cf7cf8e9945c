/**
 * What an ACME authority answers (RFC 8555 §7.1).
 *
 * @module
 */
import * as v from "valibot";

const MAX_URL = 2_048;
const MAX_TEXT = 1_024;
const MAX_LIST = 32;

/** Only over TLS: what is asked for there is a certificate. */
const url = v.pipe(v.string(), v.maxLength(MAX_URL), v.url(), v.startsWith("https://"));
const text = v.pipe(v.string(), v.maxLength(MAX_TEXT));
const status = v.pipe(v.string(), v.maxLength(32));

export const acmeProblemSchema = v.looseObject({
  type: v.optional(text, ""),
  detail: v.optional(v.pipe(v.string(), v.maxLength(64 * 1024)), ""),
});
export type AcmeProblem = v.InferOutput<typeof acmeProblemSchema>;

export const acmeDirectorySchema = v.looseObject({
  newNonce: url,
  newAccount: url,
  newOrder: url,
  meta: v.optional(
    v.looseObject({
      termsOfService: v.optional(text),
      externalAccountRequired: v.optional(v.boolean(), false),
    }),
  ),
});
export type AcmeDirectory = v.InferOutput<typeof acmeDirectorySchema>;

export const acmeAccountSchema = v.looseObject({ status });

export const acmeOrderSchema = v.looseObject({
  status,
  authorizations: v.pipe(v.array(url), v.maxLength(MAX_LIST)),
  finalize: url,
  certificate: v.optional(url),
  error: v.optional(acmeProblemSchema),
});
export type AcmeOrder = v.InferOutput<typeof acmeOrderSchema>;

/** A challenge; of kinds that this program does not know only the type is read. */
const acmeChallengeSchema = v.looseObject({
  type: text,
  url: v.optional(url),
  token: v.optional(v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,256}$/))),
  error: v.optional(acmeProblemSchema),
});

export const acmeAuthorizationSchema = v.looseObject({
  status,
  challenges: v.pipe(v.array(acmeChallengeSchema), v.maxLength(MAX_LIST)),
});
export type AcmeAuthorization = v.InferOutput<typeof acmeAuthorizationSchema>;
