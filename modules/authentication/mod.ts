/**
 * Authentication: who opens the node's console in a browser, and by which factors.
 *
 * @module
 */
import type { ModuleContext, OpenRedModule } from "../api.ts";
import { BrowserSessions } from "./browser_sessions.ts";
import { registerChallengeRoutes } from "./challenge_routes.ts";
import { AUTHENTICATION_TABLES, Challenges } from "./challenges.ts";
import { Devices } from "./devices.ts";
import { FactorCheck } from "./factor_check.ts";
import { FactorStore } from "./factor_store.ts";
import { Guesses } from "./guesses.ts";
import { AUTHENTICATION_MANIFEST, CHALLENGE } from "./manifest.ts";
import { OneTimeLink } from "./one_time_link.ts";
import { registerOwnerRoutes } from "./owner_routes.ts";
import { PeerFactors } from "./peer_factors.ts";
import { Passkeys } from "./passkeys.ts";
import { OwnerPasswords } from "./passwords.ts";
import { createSignIn } from "./sign_in.ts";
import type { SignInParts } from "./sign_in_parts.ts";
import { WebauthnChallenges } from "./webauthn_challenges.ts";

/** Makes the module. */
export function createAuthentication(): OpenRedModule {
  let running: SignInParts | null = null;
  const now = () => {
    if (running === null) throw new RangeError("The module has not started");
    return running;
  };
  return {
    manifest: AUTHENTICATION_MANIFEST,
    registerSignIn: () => createSignIn(now),
    registerAskFactors: () => (peer, wanted) => now().peerFactors.require(peer, wanted),
    registerPeerHandlers: (peers) => peers.call(CHALLENGE, (call) => now().challenges.take(call)),
    registerRoutes(router) {
      registerOwnerRoutes(router, now);
      registerChallengeRoutes(router, now);
    },
    async start(context) {
      running = await make(context);
    },
    stopping: () => running?.challenges.stop(),
    stop() {
      running?.sessions.end(() => true);
      return Promise.resolve();
    },
    peerMoved: (old, next) => running?.challenges.writeMove(old, next),
    peerForgotten: (peer) => running?.challenges.writeDrop(peer),
  };
}

async function make(context: ModuleContext): Promise<SignInParts> {
  const { tables } = context.storage;
  if (tables === null) throw new RangeError("Authentication needs tables");
  tables.migrate(AUTHENTICATION_TABLES);
  const devices = new Devices(context);
  const store = new FactorStore(context);
  const guesses = new Guesses(context);
  const challenges = new WebauthnChallenges(context);
  const passkeys = new Passkeys({ ...context, store, challenges });
  await Promise.all([devices.load(), store.load(), guesses.load(), passkeys.load()]);
  const ownerPasswords = new OwnerPasswords(context);
  const check = new FactorCheck({
    ...context,
    store,
    guesses,
    passkeys,
    passwords: ownerPasswords,
  });
  return {
    ...context,
    devices,
    store,
    guesses,
    passkeys,
    ownerPasswords,
    check,
    challenges: new Challenges({ ...context, tables }),
    peerFactors: new PeerFactors(context),
    sessions: new BrowserSessions(context),
    link: new OneTimeLink(context),
  };
}
