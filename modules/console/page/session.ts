/**
 * Who is signed in here.
 *
 * @module
 */
import { signal } from "@preact/signals";
import type { SessionStateView } from "../../../protocol/sign_in_api.ts";
import { ApiError, get, keepSession, keepsSession, post, signedIn } from "./api.ts";
import { place, placeLink } from "./router.ts";
import { forgetAll, startStore, status } from "./store.ts";

export const session = signal<SessionStateView | null>(null);
/** Why the last link did not sign anybody in. */
export const linkFailed = signal(false);
/** How many links have signed somebody in here. */
export const linksTaken = signal(0);

const LINK = /^#link=([A-Za-z0-9_-]{43})$/;

/** Takes the secret of a one-time link out of the address, so that neither history nor a glance keeps it. */
function takeLink(): string | null {
  const [, secret] = LINK.exec(location.hash) ?? [];
  if (secret === undefined) return null;
  const { page, item } = place.value;
  history.replaceState(null, "", signedIn.value === true ? placeLink(page, item) : "#/");
  return secret;
}

/** Asks who is signed in, and begins to show it. */
export async function readSession(): Promise<void> {
  try {
    session.value = await get<SessionStateView>("/auth/v1/session");
  } catch (error) {
    if (error instanceof ApiError && error.code === "offline") return;
    session.value = null;
    signedIn.value = false;
    return;
  }
  if (signedIn.value === true) return;
  signedIn.value = true;
  startStore();
}

/** Signs in by the link that the page was opened with, or goes on with the session there is. */
export async function beginSession(): Promise<void> {
  const secret = takeLink();
  // What the first page shows is asked for at once, not after the answer who this is.
  if (secret === null && keepsSession()) void status.load();
  if (secret !== null) {
    try {
      await post("/auth/v1/link", { secret });
      linksTaken.value += 1;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      linkFailed.value = true;
    }
  }
  await readSession();
}

export async function signOut(): Promise<void> {
  try {
    await post("/auth/v1/sign-out");
  } finally {
    keepSession(null);
    session.value = null;
    signedIn.value = false;
    forgetAll();
  }
}

export function isOwner(): boolean {
  return session.value?.role !== "viewer";
}
