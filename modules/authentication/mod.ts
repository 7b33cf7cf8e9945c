/**
 * Authentication: who opens the node's console in a browser.
 *
 * @module
 */
import type { OpenRedModule } from "../api.ts";
import { BrowserSessions } from "./browser_sessions.ts";
import { Devices } from "./devices.ts";
import { AUTHENTICATION_MANIFEST } from "./manifest.ts";
import { OneTimeLink } from "./one_time_link.ts";
import { createSignIn, type SignInParts } from "./sign_in.ts";

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
    async start(context) {
      const devices = new Devices(context);
      await devices.load();
      running = {
        ...context,
        devices,
        sessions: new BrowserSessions(context),
        link: new OneTimeLink(context),
      };
    },
    stop() {
      running?.sessions.end(() => true);
      return Promise.resolve();
    },
  };
}
