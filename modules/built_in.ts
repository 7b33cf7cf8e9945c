/**
 * The modules that are part of the program. The code of each is loaded when it starts.
 *
 * @module
 */
import type { OpenRedModule } from "./api.ts";

/** In the order in which they start. */
export const BUILT_IN_MODULES: readonly {
  readonly name: string;
  load(): Promise<OpenRedModule>;
}[] = [
  {
    name: "messaging",
    load: async () => (await import("./messaging/mod.ts")).createMessaging(),
  },
  {
    name: "file_sharing",
    load: async () => (await import("./file_sharing/mod.ts")).createFileSharing(),
  },
  {
    name: "authentication",
    load: async () => (await import("./authentication/mod.ts")).createAuthentication(),
  },
  {
    name: "monitoring",
    load: async () => (await import("./monitoring/mod.ts")).createMonitoring(),
  },
];
