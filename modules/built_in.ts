/**
 * The modules that are part of the program. The code of each is loaded when it starts.
 *
 * @module
 */
import type { OpenRedModule } from "./api.ts";

/** In the order in which they start. */
export const BUILT_IN_MODULES: readonly {
  readonly name: string;
  /** The form that it brings its tables to. */
  tablesForm?(): Promise<number>;
  load(): Promise<OpenRedModule>;
}[] = [
  {
    name: "messaging",
    tablesForm: async () => (await import("./messaging/tables.ts")).MESSAGING_TABLES.length,
    load: async () => (await import("./messaging/mod.ts")).createMessaging(),
  },
  {
    name: "file_sharing",
    tablesForm: async () => (await import("./file_sharing/tables.ts")).FILE_SHARING_TABLES.length,
    load: async () => (await import("./file_sharing/mod.ts")).createFileSharing(),
  },
  {
    name: "authentication",
    tablesForm: async () =>
      (await import("./authentication/challenges.ts")).AUTHENTICATION_TABLES.length,
    load: async () => (await import("./authentication/mod.ts")).createAuthentication(),
  },
  {
    name: "monitoring",
    load: async () => (await import("./monitoring/mod.ts")).createMonitoring(),
  },
];
