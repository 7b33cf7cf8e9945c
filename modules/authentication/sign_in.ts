/**
 * What browsers ask about signing in, below `/auth/v1` of the console.
 *
 * @module
 */
import { OpenRedError } from "../../protocol/errors.ts";
import {
  endInputSchema,
  linkInputSchema,
  nothingSchema,
  type Role,
  type SessionStateView,
  type SignedInView,
  signInSchema,
} from "../../protocol/sign_in_api.ts";
import type { Browser, SignedIn, SignIn, SignInAnswer, SignInRequest } from "../api.ts";
import type { BrowserSession, Means } from "./browser_sessions.ts";
import { answerChallenge, challengeOptions, listChallenges } from "./challenge_routes.ts";
import {
  addPasskey,
  addPassword,
  addRecovery,
  addTotp,
  beginTotp,
  listFactors,
  optionsFor,
  passkeyOptions,
  removeFactor,
  stepUp,
  stepUpOptions,
} from "./factor_routes.ts";
import { type Asked, demand, read, type SignInParts } from "./sign_in_parts.ts";

/** What the challenge of a passkey that signs in is made for. */
const SIGN_IN = "sign-in";

/** A route for whoever is there. */
type Open = (parts: SignInParts, browser: Browser, body: Uint8Array) => Promise<SignInAnswer>;
/** A route for whoever is signed in. */
type Held = (
  parts: SignInParts,
  session: BrowserSession,
  asked: Asked,
) => Promise<SignInAnswer>;

type Route = { readonly open: Open } | { readonly held: Held; readonly role: Role };

const ROUTES: Readonly<Record<string, Route>> = {
  "POST /link": { open: openLink },
  "POST /sign-in/options": { open: signInOptions },
  "POST /sign-in": { open: signIn },
  "GET /session": { held: showSession, role: "viewer" },
  "POST /sign-out": { held: signOut, role: "viewer" },
  "GET /sessions": { held: listSessions, role: "owner" },
  "POST /sessions/end": { held: endSessions, role: "owner" },
  "POST /step-up/options": { held: stepUpOptions, role: "owner" },
  "POST /step-up": { held: stepUp, role: "owner" },
  "GET /factors": { held: listFactors, role: "owner" },
  "POST /factors/remove": { held: removeFactor, role: "owner" },
  "POST /factors/passkey/options": { held: passkeyOptions, role: "owner" },
  "POST /factors/passkey": { held: addPasskey, role: "owner" },
  "POST /factors/totp/begin": { held: beginTotp, role: "owner" },
  "POST /factors/totp": { held: addTotp, role: "owner" },
  "POST /factors/password": { held: addPassword, role: "owner" },
  "POST /factors/recovery": { held: addRecovery, role: "owner" },
  "GET /challenges": { held: listChallenges, role: "owner" },
  "POST /challenges/options": { held: challengeOptions, role: "owner" },
  "POST /challenges/answer": { held: answerChallenge, role: "owner" },
};

/** Answers browsers. @param now What runs. */
export function createSignIn(now: () => SignInParts): SignIn {
  return {
    who: (browser) => who(now(), browser),
    answer: (request) => answer(now(), request),
    makeLink: (role, secret) => now().link.make(role, secret),
    linkState: () => now().link.state,
    get isFirst() {
      return now().devices.isEmpty && now().store.size === 0;
    },
  };
}

async function who(parts: SignInParts, browser: Browser): Promise<SignedIn | null> {
  const session = await parts.sessions.find(browser);
  if (session === null) return null;
  const { role, over } = session;
  return {
    role,
    ended: over.signal,
    demand: (stepUp, what) => demand(parts, session, { stepUp, ...what }),
  };
}

async function answer(parts: SignInParts, request: SignInRequest): Promise<SignInAnswer> {
  const { method, path, body, browser } = request;
  const name = `${method} ${path}`;
  const route = Object.hasOwn(ROUTES, name) ? ROUTES[name]! : null;
  if (route !== null && "open" in route) return await route.open(parts, browser, body);
  const session = await parts.sessions.find(browser);
  if (session === null) throw new OpenRedError("unauthorized", "Nobody is signed in here");
  if (route === null) throw new OpenRedError("not_found", "There is nothing at this path");
  if (route.role === "owner" && session.role !== "owner") {
    throw new OpenRedError("forbidden", "Whoever may only look cannot ask for this");
  }
  return await route.held(parts, session, { browser, body, action: `${method} /auth/v1${path}` });
}

async function openLink(
  parts: SignInParts,
  browser: Browser,
  body: Uint8Array,
): Promise<SignInAnswer> {
  const { secret } = read(linkInputSchema, body);
  const role = browser.isLocal ? await parts.link.spend(secret) : null;
  if (role === null) {
    parts.audit?.noteOwn("console_sign_in", { success: false, how: "link" }, "stranger");
    throw new OpenRedError("unauthorized", "This link opens nothing, or does no more");
  }
  if (role === "viewer" || parts.store.size === 0) {
    return await begin(parts, browser, { role, means: "link" });
  }
  // It replaces no factor, but who has it is no stranger: others' guesses do not count for this browser.
  const { cookie } = await parts.devices.add();
  const json: SignedInView = { session: null, role: null, factors_enrolled: parts.store.size };
  return { json, device: cookie };
}

async function signInOptions(
  parts: SignInParts,
  browser: Browser,
  body: Uint8Array,
): Promise<SignInAnswer> {
  read(nothingSchema, body);
  const guesser = await parts.devices.find(browser.devices);
  return { json: await optionsFor(parts, { browser, purpose: SIGN_IN, guesser }) };
}

async function signIn(
  parts: SignInParts,
  browser: Browser,
  body: Uint8Array,
): Promise<SignInAnswer> {
  const { factor: given } = read(signInSchema, body);
  const guesser = await parts.devices.find(browser.devices);
  const { origin } = browser;
  try {
    const { id } = await parts.check.check({ given, guesser, origin, purpose: SIGN_IN });
    return await begin(parts, browser, { role: "owner", means: { factor: id } });
  } catch (error) {
    parts.audit?.noteOwn("console_sign_in", { success: false, how: "factor" }, "stranger");
    throw error;
  }
}

/** Begins a session in a browser, which is known from then on. */
async function begin(
  parts: SignInParts,
  browser: Browser,
  { role, means }: { readonly role: Role; readonly means: Means },
): Promise<SignInAnswer> {
  const former = await parts.sessions.find(browser);
  const known = await parts.devices.find(browser.devices);
  const { device, cookie } = known === null
    ? await parts.devices.add()
    : { device: known, cookie: undefined };
  if (known !== null) await parts.devices.note(known);
  const { agent } = browser;
  const { secrets } = await parts.sessions.begin({ role, means, device, agent });
  if (former !== null) parts.sessions.end((session) => session === former);
  const how = means === "link" ? "link" : "factor";
  parts.audit?.noteOwn("console_sign_in", { success: true, how, role }, "owner");
  const json: SignedInView = { session: secrets.secret, role, factors_enrolled: parts.store.size };
  return {
    json,
    cookie: secrets.cookie,
    ...(cookie === undefined ? {} : { device: cookie }),
  };
}

function showSession(
  { sessions, store }: SignInParts,
  session: BrowserSession,
): Promise<SignInAnswer> {
  const json: SessionStateView = {
    role: session.role,
    started_at: session.startedAtMs,
    ...sessions.instants(session),
    factors: store.counts(),
  };
  return Promise.resolve({ json });
}

function signOut(
  { sessions, audit }: SignInParts,
  session: BrowserSession,
  { body }: Asked,
): Promise<SignInAnswer> {
  read(nothingSchema, body);
  sessions.end((other) => other === session);
  audit?.noteOwn("console_sign_out", { success: true, sessions: 1 }, "owner");
  return Promise.resolve({ json: { ended: 1 }, cookie: null });
}

function listSessions({ sessions }: SignInParts, session: BrowserSession): Promise<SignInAnswer> {
  return Promise.resolve({ json: { sessions: sessions.views(session) } });
}

function endSessions(
  { sessions, audit }: SignInParts,
  session: BrowserSession,
  { body }: Asked,
): Promise<SignInAnswer> {
  const input = read(endInputSchema, body);
  const ended = sessions.end(({ id }) => "all" in input || id === input.id);
  if (ended === 0) throw new OpenRedError("not_found", "There is no such session");
  audit?.noteOwn("console_sign_out", { success: true, sessions: ended }, "owner");
  const isOver = session.over.signal.aborted;
  return Promise.resolve({ json: { ended }, ...(isOver ? { cookie: null } : {}) });
}
