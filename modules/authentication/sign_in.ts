/**
 * What browsers ask about signing in, below `/auth/v1` of the console.
 *
 * @module
 */
import type * as v from "valibot";
import { OpenRedError } from "../../protocol/errors.ts";
import { parseInput, parseJson } from "../../protocol/schemas.ts";
import {
  endInputSchema,
  linkInputSchema,
  nothingSchema,
  type Role,
  type SessionStateView,
  type SignedInView,
  type StepUp,
} from "../../protocol/sign_in_api.ts";
import { encodeBase64Url } from "../../crypto/encoding.ts";
import type {
  Browser,
  ModuleContext,
  SignedIn,
  SignIn,
  SignInAnswer,
  SignInRequest,
} from "../api.ts";
import type { BrowserSession, BrowserSessions, Means } from "./browser_sessions.ts";
import type { Devices } from "./devices.ts";
import type { OneTimeLink } from "./one_time_link.ts";

/** What signing in works with. */
export interface SignInParts extends Pick<ModuleContext, "audit" | "signatures"> {
  readonly sessions: BrowserSessions;
  readonly devices: Devices;
  readonly link: OneTimeLink;
}

/** A route for whoever is there. */
type Open = (parts: SignInParts, browser: Browser, body: Uint8Array) => Promise<SignInAnswer>;
/** A route for whoever is signed in. */
type Held = (
  parts: SignInParts,
  session: BrowserSession,
  asked: { readonly browser: Browser; readonly body: Uint8Array; readonly action: string },
) => Promise<SignInAnswer>;

type Route = { readonly open: Open } | { readonly held: Held; readonly role: Role };

const ROUTES: Readonly<Record<string, Route>> = {
  "POST /link": { open: openLink },
  "GET /session": { held: showSession, role: "viewer" },
  "POST /sign-out": { held: signOut, role: "viewer" },
  "GET /sessions": { held: listSessions, role: "owner" },
  "POST /sessions/end": { held: endSessions, role: "owner" },
};

/** Answers browsers. @param now What runs. */
export function createSignIn(now: () => SignInParts): SignIn {
  return {
    who: (browser) => who(now(), browser),
    answer: (request) => answer(now(), request),
    makeLink: (role) => now().link.make(role),
    linkState: () => now().link.state,
    get isFirst() {
      return now().devices.isEmpty;
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

/** @throws {OpenRedError} `step_up_required`. */
async function demand(
  { sessions, signatures }: SignInParts,
  session: BrowserSession,
  { stepUp, action, body }: { stepUp: StepUp; action: string; body: Uint8Array },
): Promise<void> {
  // While nothing is enrolled there is nothing else to show than the link.
  const isEnough = stepUp === "recent" || session.isByLink;
  if (isEnough && sessions.isRecent(session)) return;
  if (stepUp === "once") {
    const bodyHash = encodeBase64Url(await signatures!.sha256(body));
    if (sessions.spend(session, { action, bodyHash })) return;
  }
  throw new OpenRedError("step_up_required", "This asks for a factor first", {
    members: { step_up: stepUp, action },
  });
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

function read<const S extends v.GenericSchema>(schema: S, body: Uint8Array): v.InferOutput<S> {
  return parseInput(schema, parseJson(body));
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
  return await begin(parts, browser, { role, means: "link" });
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
  const json: SignedInView = { session: secrets.secret, role, factors_enrolled: 0 };
  return {
    json,
    cookie: secrets.cookie,
    ...(cookie === undefined ? {} : { device: cookie }),
  };
}

function showSession({ sessions }: SignInParts, session: BrowserSession): Promise<SignInAnswer> {
  const json: SessionStateView = {
    role: session.role,
    started_at: session.startedAtMs,
    ...sessions.instants(session),
    factors: { passkey: 0, totp: false, password: false, recovery: 0 },
  };
  return Promise.resolve({ json });
}

function signOut(
  { sessions, audit }: SignInParts,
  session: BrowserSession,
  { body }: { readonly body: Uint8Array },
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
  { body }: { readonly body: Uint8Array },
): Promise<SignInAnswer> {
  const input = read(endInputSchema, body);
  const ended = sessions.end(({ id }) => "all" in input || id === input.id);
  if (ended === 0) throw new OpenRedError("not_found", "There is no such session");
  audit?.noteOwn("console_sign_out", { success: true, sessions: ended }, "owner");
  const isOver = session.over.signal.aborted;
  return Promise.resolve({ json: { ended }, ...(isOver ? { cookie: null } : {}) });
}
