/**
 * How a browser signs in at the node's console, and what it may ask then (docs/ARCHITECTURE.md, "The console").
 *
 * @module
 */
import * as v from "valibot";
import { isOneLine } from "./one_line.ts";

/** Below it lies everything about signing in. */
export const SIGN_IN_ROUTES = "/auth/v1/";
/** Below it lie the fixed files of the page. */
export const CONSOLE_ROUTES = "/console/";
/** Carries the half of a session's secret that the page keeps in its origin's storage. */
export const SESSION_HEADER = "openred-session";

/** Bytes of every secret that a browser holds: base64url makes 43 characters of them. */
export const SECRET_BYTES = 32;

/** `viewer`: sees how the node does, and neither texts, files, secrets, invitations nor challenges. */
export const ROLES = ["owner", "viewer"] as const;
export type Role = typeof ROLES[number];

/** `once`: a factor for this very request. `recent`: one in the last five minutes. */
export type StepUp = "once" | "recent";

const secretSchema = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/));
const idSchema = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,64}$/));

/** `POST /auth/v1/link`. */
export const linkInputSchema = v.strictObject({ secret: secretSchema });

/** `POST /auth/v1/sessions/end`. */
export const endInputSchema = v.union([
  v.strictObject({ id: idSchema }),
  v.strictObject({ all: v.literal(true) }),
]);

export const nothingSchema = v.strictObject({});

/** `POST /admin/v1/console/link`. */
export const newLinkSchema = v.strictObject({ role: v.optional(v.picklist(ROLES), "owner") });

/** What `POST /admin/v1/console/link` answers. */
export interface NewLinkView {
  /** Opens the page and signs in, once. */
  readonly url: string;
  /** Milliseconds since the epoch. */
  readonly expires_at: number;
}

/** `GET /admin/v1/console/link/state`: what became of the newest link. */
export interface LinkStateView {
  readonly state: "none" | "waiting" | "used" | "over";
}

/** What signing in answers. */
export interface SignedInView {
  /** The half of the secret for {@linkcode SESSION_HEADER}; `null` where a factor has to be shown first. */
  readonly session: string | null;
  readonly role: Role | null;
  readonly factors_enrolled: number;
}

export type FactorKind = "passkey" | "totp" | "password" | "recovery";

const MIN_PASSWORD_LENGTH = 10;
const MAX_PASSWORD_LENGTH = 256;
const MAX_CODE_LENGTH = 64;

const passwordTextSchema = v.pipe(v.string(), v.maxLength(MAX_PASSWORD_LENGTH));

/** A factor that somebody shows. */
export const givenFactorSchema = v.union([
  v.strictObject({ passkey: v.record(v.string(), v.unknown()) }),
  v.strictObject({ totp: v.pipe(v.string(), v.regex(/^\d{6}$/)) }),
  v.strictObject({ password: v.pipe(passwordTextSchema, v.minLength(1)) }),
  v.strictObject({ recovery: v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_CODE_LENGTH)) }),
]);
export type GivenFactor = v.InferOutput<typeof givenFactorSchema>;

const actionSchema = v.pipe(v.string(), v.regex(/^[A-Z]{3,6} \/[\x21-\x7e]{1,512}$/));
const factorNameSchema = v.pipe(
  v.string(),
  v.minLength(1),
  v.maxLength(64),
  v.check(isOneLine, "one line"),
);

/** `POST /auth/v1/sign-in`. */
export const signInSchema = v.strictObject({ factor: givenFactorSchema });

/** `POST /auth/v1/step-up/options`. */
export const stepUpOptionsSchema = v.strictObject({ action: actionSchema });

/** `POST /auth/v1/step-up`. */
export const stepUpSchema = v.strictObject({
  factor: givenFactorSchema,
  /** Method and path of the request that it is for. */
  action: actionSchema,
  /** Of its body, base64url. */
  body_sha256: v.optional(secretSchema),
});

/** `POST /auth/v1/factors/passkey/options`, `POST /auth/v1/factors/totp/begin`. */
export const factorNameInputSchema = v.strictObject({ name: factorNameSchema });

/** `POST /auth/v1/factors/passkey`. */
export const newPasskeySchema = v.strictObject({
  name: factorNameSchema,
  response: v.record(v.string(), v.unknown()),
});

/** `POST /auth/v1/factors/totp`. */
export const newTotpSchema = v.strictObject({ code: v.pipe(v.string(), v.regex(/^\d{6}$/)) });

/** `POST /auth/v1/factors/password`. */
export const newPasswordSchema = v.strictObject({
  password: v.pipe(passwordTextSchema, v.minLength(MIN_PASSWORD_LENGTH)),
});

/** `POST /auth/v1/factors/remove`. */
export const removeFactorSchema = v.strictObject({ id: idSchema });

/** One of `GET /auth/v1/factors`; instants in milliseconds since the epoch. */
export interface FactorView {
  readonly id: string;
  readonly kind: FactorKind;
  readonly name: string;
  readonly created_at: number;
  readonly used_at: number | null;
  /** Whether it can be shown at this address: a passkey belongs to one name. */
  readonly works: boolean;
}

/** What `POST /auth/v1/sign-in/options` and `…/step-up/options` answer. */
export interface FactorOptionsView {
  /** For `navigator.credentials.get`; `null` where there is none for this address. */
  readonly passkey: unknown;
  readonly totp: boolean;
  readonly password: boolean;
  readonly recovery: boolean;
  /** Until when all but passkeys pause, where they do. */
  readonly retry_after_ms?: number;
}

/** Which factors there are. */
export interface FactorCounts {
  readonly passkey: number;
  readonly totp: boolean;
  readonly password: boolean;
  /** Recovery codes that were not used yet. */
  readonly recovery: number;
}

/** `GET /auth/v1/session`; instants in milliseconds since the epoch. */
export interface SessionStateView {
  readonly role: Role;
  readonly started_at: number;
  readonly idle_until: number;
  readonly ends_at: number;
  readonly stepped_up_until: number | null;
  readonly factors: FactorCounts;
}

/** One of `GET /auth/v1/sessions`. */
export interface BrowserSessionView {
  readonly id: string;
  readonly role: Role;
  readonly started_at: number;
  readonly seen_at: number;
  /** What the browser says it is: a claim. */
  readonly agent: string;
  /** Whether it is the one that asks. */
  readonly current: boolean;
}

/** `GET /m/authentication/factors`. */
export interface AuthenticationView {
  readonly factors: readonly FactorView[];
  readonly sessions: readonly BrowserSessionView[];
}
