/**
 * The modules that are part of the program. The code of each is loaded when it starts.
 *
 * @module
 */
import type { OpenRedModule } from "./api.ts";

const messaging = () => import("./messaging/mod.ts");
const fileSharing = () => import("./file_sharing/mod.ts");
const authentication = () => import("./authentication/mod.ts");
const monitoring = () => import("./monitoring/mod.ts");

/** In the order in which they start. */
export const BUILT_IN_MODULES: readonly {
  readonly name: string;
  /** The form that it brings its tables to. */
  tablesForm?(): Promise<number>;
  loadCode(): Promise<unknown>;
  load(): Promise<OpenRedModule>;
}[] = [
  {
    name: "messaging",
    tablesForm: async () => (await import("./messaging/tables.ts")).MESSAGING_TABLES.length,
    loadCode: messaging,
    load: async () => (await messaging()).createMessaging(),
  },
  {
    name: "file_sharing",
    tablesForm: async () => (await import("./file_sharing/tables.ts")).FILE_SHARING_TABLES.length,
    loadCode: fileSharing,
    load: async () => (await fileSharing()).createFileSharing(),
  },
  {
    name: "authentication",
    tablesForm: async () =>
      (await import("./authentication/challenges.ts")).AUTHENTICATION_TABLES.length,
    loadCode: authentication,
    load: async () => (await authentication()).createAuthentication(),
  },
  {
    name: "monitoring",
    loadCode: monitoring,
    load: async () => (await monitoring()).createMonitoring(),
  },
];
