/**
 * What browsers ask about factors: showing one, enrolling, removing.
 *
 * @module
 */
import { OpenRedError } from "../../protocol/errors.ts";
import {
  factorNameInputSchema,
  type FactorOptionsView,
  type FactorView,
  newPasskeySchema,
  newPasswordSchema,
  newTotpSchema,
  nothingSchema,
  removeFactorSchema,
  stepUpOptionsSchema,
  stepUpSchema,
} from "../../protocol/sign_in_api.ts";
import type { Browser, SignInAnswer } from "../api.ts";
import type { BrowserSession } from "./browser_sessions.ts";
import type { Factor } from "./factor_store.ts";
import { qrPath } from "./qr_path.ts";
import { makeCodes } from "./recovery_codes.ts";
import { type Asked, demand, read, type SignInParts } from "./sign_in_parts.ts";
import { makeTotp, stepOf } from "./totp.ts";

/** What a passkey that is shown for an action is bound to. */
function stepUpPurpose({ id }: BrowserSession, action: string): string {
  return `step-up ${id} ${action}`;
}

/** Which factors can be shown at an address, and what for. */
export async function optionsFor(
  { store, passkeys, guesses }: SignInParts,
  { browser, purpose, guesser }: { browser: Browser; purpose: string; guesser: string | null },
): Promise<FactorOptionsView> {
  const { totp, password, recovery } = store.counts();
  const waitMs = guesses.waitMs(guesser);
  return {
    passkey: await passkeys.request(browser, purpose),
    totp,
    password,
    recovery: recovery > 0,
    ...(waitMs > 0 ? { retry_after_ms: Math.ceil(waitMs) } : {}),
  };
}

export async function stepUpOptions(
  parts: SignInParts,
  session: BrowserSession,
  { browser, body }: Asked,
): Promise<SignInAnswer> {
  const { action } = read(stepUpOptionsSchema, body);
  const purpose = stepUpPurpose(session, action);
  return { json: await optionsFor(parts, { browser, purpose, guesser: session.device }) };
}

/** Shows a factor in a session that is there; its secrets are new from then on. */
export async function stepUp(
  parts: SignInParts,
  session: BrowserSession,
  { browser, body }: Asked,
): Promise<SignInAnswer> {
  const { factor: given, action, body_sha256 } = read(stepUpSchema, body);
  const { sessions, check, audit } = parts;
  try {
    const { id, kind } = await check.check({
      given,
      guesser: session.device,
      origin: browser.origin,
      purpose: stepUpPurpose(session, action),
    });
    const ticket = body_sha256 === undefined ? null : { action, bodyHash: body_sha256 };
    sessions.strengthen(session, { factor: id, ticket });
    audit?.noteOwn("step_up", { success: true, kind }, "owner");
  } catch (error) {
    audit?.noteOwn("step_up", { success: false }, "stranger");
    throw error;
  }
  const { cookie, secret } = await sessions.renew(session);
  const { stepped_up_until } = sessions.instants(session);
  return { json: { session: secret, stepped_up_until }, cookie };
}

/** @param origin Where it is looked at; `null`: nowhere in particular. */
export function viewFactors(
  { store, passkeys }: Pick<SignInParts, "store" | "passkeys">,
  origin: string | null,
): FactorView[] {
  return store.all.map((factor) => ({
    id: factor.id,
    kind: factor.kind,
    name: factor.name,
    created_at: factor.created_at,
    used_at: factor.used_at,
    works: factor.kind !== "passkey" || origin === null || passkeys.worksAt({ origin }, factor),
  }));
}

export function listFactors(
  parts: SignInParts,
  _session: BrowserSession,
  { browser }: Asked,
): Promise<SignInAnswer> {
  return Promise.resolve({ json: { factors: viewFactors(parts, browser.origin) } });
}

function creationPurpose({ id }: BrowserSession): string {
  return `enrol ${id}`;
}

export async function passkeyOptions(
  { passkeys, store }: SignInParts,
  session: BrowserSession,
  { browser, body }: Asked,
): Promise<SignInAnswer> {
  const { name } = read(factorNameInputSchema, body);
  store.checkRoom("passkey");
  return { json: await passkeys.creation(browser, { name, purpose: creationPurpose(session) }) };
}

export async function addPasskey(
  parts: SignInParts,
  session: BrowserSession,
  asked: Asked,
): Promise<SignInAnswer> {
  const { name, response } = read(newPasskeySchema, asked.body);
  parts.store.checkRoom("passkey");
  await demand(parts, session, { stepUp: "once", ...asked });
  const purpose = creationPurpose(session);
  const passkey = await parts.passkeys.read(asked.browser, { name, purpose, response });
  return await enrolled(parts, session, await parts.store.add(passkey));
}

export async function beginTotp(
  { random, own }: SignInParts,
  session: BrowserSession,
  { body }: Asked,
): Promise<SignInAnswer> {
  const { name } = read(factorNameInputSchema, body);
  const { secret, uri } = await makeTotp({ random, name, node: own.alias ?? own.id.slice(0, 12) });
  session.pendingTotp = { secret, name };
  return { json: { secret, uri, ...await qrPath(uri) } };
}

/** The code that enrols an app is used up as well. */
export async function addTotp(
  parts: SignInParts,
  session: BrowserSession,
  asked: Asked,
): Promise<SignInAnswer> {
  const { code } = read(newTotpSchema, asked.body);
  const pending = session.pendingTotp;
  if (pending === null) throw new OpenRedError("bad_request", "No app was begun with");
  await demand(parts, session, { stepUp: "once", ...asked });
  const { secret, name } = pending;
  const step = await stepOf(code, { secret, after: -1, nowMs: parts.clock.nowMs() });
  if (step === null) throw new OpenRedError("factor_wrong", "The app shows another code");
  session.pendingTotp = null;
  return await replaced(parts, session, { kind: "totp", name, secret, step });
}

export async function addPassword(
  parts: SignInParts,
  session: BrowserSession,
  asked: Asked,
): Promise<SignInAnswer> {
  const { password } = read(newPasswordSchema, asked.body);
  await demand(parts, session, { stepUp: "once", ...asked });
  const made = await parts.ownerPasswords.make(password);
  return await replaced(parts, session, { kind: "password", name: "", ...made });
}

/** They help whoever has lost a factor; alone they would be none for long. */
export async function addRecovery(
  parts: SignInParts,
  session: BrowserSession,
  asked: Asked,
): Promise<SignInAnswer> {
  read(nothingSchema, asked.body);
  const isAlone = parts.store.all.every(({ kind }) => kind === "recovery");
  if (isAlone) throw new OpenRedError("bad_request", "Enrol a passkey, an app or a password first");
  await demand(parts, session, { stepUp: "once", ...asked });
  const { codes, hashes } = await makeCodes(parts);
  const answer = await replaced(parts, session, { kind: "recovery", name: "", hashes });
  return { ...answer, json: { ...answer.json as object, codes } };
}

/** Of most kinds there is one: a new one takes the place of the former, whose other sessions end. */
async function replaced(
  parts: SignInParts,
  session: BrowserSession,
  factor: Parameters<SignInParts["store"]["add"]>[0],
): Promise<SignInAnswer> {
  const former = parts.store.of(factor.kind);
  const added = await parts.store.add(factor);
  for (const { id } of former) {
    await parts.store.remove(id);
    session.factors.delete(id);
    parts.sessions.end((other) => other.factors.has(id));
  }
  return await enrolled(parts, session, added);
}

/** From the first factor on the link is none any more. */
async function enrolled(
  { sessions, audit }: SignInParts,
  session: BrowserSession,
  { id, kind }: Factor,
): Promise<SignInAnswer> {
  audit?.noteOwn("factor_added", { success: true, kind }, "owner");
  session.linkMs = 0;
  const { cookie, secret } = await sessions.renew(session);
  return { json: { id, session: secret }, cookie };
}

/** Ends what the factor has begun or strengthened, the session that asks included. */
export async function removeFactor(
  parts: SignInParts,
  session: BrowserSession,
  asked: Asked,
): Promise<SignInAnswer> {
  const { id } = read(removeFactorSchema, asked.body);
  const { store, sessions, audit } = parts;
  const factor = store.all.find((other) => other.id === id);
  if (factor === undefined) throw new OpenRedError("not_found", "There is no such factor");
  checkNotLast(parts, factor);
  await demand(parts, session, { stepUp: "once", ...asked });
  checkNotLast(parts, factor);
  await store.remove(id);
  audit?.noteOwn("factor_removed", { success: true, kind: factor.kind }, "owner");
  const ended = sessions.end((other) => other.factors.has(id));
  const isOver = session.over.signal.aborted;
  return { json: { removed: id, ended }, ...(isOver ? { cookie: null } : {}) };
}

function checkNotLast({ store }: SignInParts, factor: Factor): void {
  const others = store.all.filter(({ id, kind }) => id !== factor.id && kind !== "recovery");
  if (factor.kind === "recovery" || others.length > 0) return;
  throw new OpenRedError(
    "bad_request",
    "This is the last factor; enrol another one first, or reset all in the terminal",
  );
}
