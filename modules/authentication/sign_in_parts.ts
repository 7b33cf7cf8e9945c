/**
 * What signing in works with, and what its routes have in common.
 *
 * @module
 */
import type * as v from "valibot";
import { encodeBase64Url } from "../../crypto/encoding.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { parseInput, parseJson } from "../../protocol/schemas.ts";
import type { StepUp } from "../../protocol/sign_in_api.ts";
import type { Browser, ModuleContext } from "../api.ts";
import type { BrowserSession, BrowserSessions } from "./browser_sessions.ts";
import type { Challenges } from "./challenges.ts";
import type { Devices } from "./devices.ts";
import type { FactorCheck } from "./factor_check.ts";
import type { FactorStore } from "./factor_store.ts";
import type { Guesses } from "./guesses.ts";
import type { OneTimeLink } from "./one_time_link.ts";
import type { PeerFactors } from "./peer_factors.ts";
import type { Passkeys } from "./passkeys.ts";
import type { OwnerPasswords } from "./passwords.ts";

export interface SignInParts
  extends Pick<ModuleContext, "audit" | "clock" | "own" | "peers" | "random" | "signatures"> {
  readonly sessions: BrowserSessions;
  readonly devices: Devices;
  readonly link: OneTimeLink;
  readonly store: FactorStore;
  readonly guesses: Guesses;
  readonly passkeys: Passkeys;
  readonly ownerPasswords: OwnerPasswords;
  readonly check: FactorCheck;
  readonly challenges: Challenges;
  readonly peerFactors: PeerFactors;
}

/** A request of somebody who is signed in. */
export interface Asked {
  readonly browser: Browser;
  readonly body: Uint8Array;
  /** Method and path, as the browser sees them. */
  readonly action: string;
}

/** @throws {OpenRedError} `bad_request`. */
export function read<const S extends v.GenericSchema>(
  schema: S,
  body: Uint8Array,
): v.InferOutput<S> {
  return parseInput(schema, parseJson(body));
}

/** @throws {OpenRedError} `step_up_required`. */
export async function demand(
  { sessions, store, signatures }: Pick<SignInParts, "sessions" | "store" | "signatures">,
  session: BrowserSession,
  { stepUp, action, body }: { stepUp: StepUp; action: string; body: Uint8Array },
): Promise<void> {
  // While nothing is enrolled there is nothing else to show than the link.
  if (store.size === 0 && sessions.isByLink(session)) return;
  if (stepUp === "recent" && sessions.isRecent(session)) return;
  if (stepUp === "once") {
    const bodyHash = encodeBase64Url(await signatures!.sha256(body));
    if (sessions.spend(session, { action, bodyHash })) return;
  }
  throw new OpenRedError("step_up_required", "This asks for a factor first", {
    members: { step_up: stepUp, action },
  });
}
