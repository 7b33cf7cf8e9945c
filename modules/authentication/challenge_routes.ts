/**
 * Challenges of peers, for the console and for the command line.
 *
 * @module
 */
import {
  answerChallengeSchema,
  askFactorsSchema,
  challengeOptionsSchema,
  type ChallengesView,
  mutePeerSchema,
  type ShownFactorsView,
} from "../../protocol/auth_challenge.ts";
import type { ModuleRouter, RouteAccess, SignInAnswer } from "../api.ts";
import type { BrowserSession } from "./browser_sessions.ts";
import { optionsFor } from "./factor_routes.ts";
import { AUTHENTICATION_MANIFEST } from "./manifest.ts";
import { type Asked, read, type SignInParts } from "./sign_in_parts.ts";

const SHELL: RouteAccess = { isForShell: true };
/** Who guesses at the terminal. */
const TERMINAL = "terminal";

function purposeOf({ id }: BrowserSession, number: number): string {
  return `challenge ${id} ${number}`;
}

async function list({ challenges }: SignInParts): Promise<ChallengesView> {
  return { challenges: await challenges.views() };
}

/** Approving takes a factor, whoever asks: no token and no session is enough by itself. */
async function answer(
  { challenges, check, audit }: SignInParts,
  body: Uint8Array,
  by: { guesser: string; origin: string | null; purpose: (id: number) => string },
): Promise<{ readonly approved: boolean }> {
  const input = read(answerChallengeSchema, body);
  const challenge = challenges.get(input.id);
  if (!input.approve) {
    challenges.deny(challenge);
    return { approved: false };
  }
  const { guesser, origin, purpose } = by;
  try {
    const given = input.factor;
    const shown = await check.check({ given, guesser, origin, purpose: purpose(input.id) });
    challenges.approve(challenge, shown);
  } catch (error) {
    audit?.noteOwn("step_up", { success: false }, "stranger");
    throw error;
  }
  return { approved: true };
}

export async function listChallenges(parts: SignInParts): Promise<SignInAnswer> {
  return { json: await list(parts) };
}

export async function challengeOptions(
  parts: SignInParts,
  session: BrowserSession,
  { browser, body }: Asked,
): Promise<SignInAnswer> {
  const { id } = read(challengeOptionsSchema, body);
  parts.challenges.get(id);
  const purpose = purposeOf(session, id);
  const options = await optionsFor(parts, { browser, purpose, guesser: session.device });
  return { json: { ...options, recovery: false } };
}

export async function answerChallenge(
  parts: SignInParts,
  session: BrowserSession,
  { browser, body }: Asked,
): Promise<SignInAnswer> {
  const json = await answer(parts, body, {
    guesser: session.device,
    origin: browser.origin,
    purpose: (id) => purposeOf(session, id),
  });
  return { json };
}

/** Registers the routes of the command line. @param now What runs. */
export function registerChallengeRoutes(router: ModuleRouter, now: () => SignInParts): void {
  router.route("GET", "/challenges", async () => ({ json: await list(now()) }), SHELL);
  router.route("POST", "/challenges/answer", async ({ body }) => {
    const by = { guesser: TERMINAL, origin: null, purpose: () => TERMINAL };
    return { json: await answer(now(), body, by) };
  }, SHELL);
  router.route("POST", "/challenge", async ({ body, signal }) => {
    const input = read(askFactorsSchema, body);
    const { peers, peerFactors } = now();
    const peer = await peers.find(input.peer);
    const { level, purpose } = input;
    const wanted = { level, purpose, module: AUTHENTICATION_MANIFEST.name };
    const { factors } = await peerFactors.require(peer, wanted, signal);
    const json: ShownFactorsView = { peer, level, factors };
    return { json };
  });
  router.route("POST", "/mute", async ({ body }) => {
    const { peer: word, muted } = read(mutePeerSchema, body);
    const peer = await now().peers.find(word);
    await now().challenges.mute(peer, muted);
    return { json: { peer, muted } };
  }, { stepUp: (body) => read(mutePeerSchema, body).muted ? null : "recent" });
}
