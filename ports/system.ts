/**
 * The real ports: what `ports.ts` asks for, over Deno and the operating system. Composition roots
 * and tests import them from here.
 *
 * @module
 */
export { systemChannelUpgrader } from "./system_channel.ts";
export { systemClock } from "./system_clock.ts";
export { createOpenDatabase } from "./system_database.ts";
export { openFiles } from "./system_files.ts";
export { createSystemHttpClient, systemHttpClient } from "./system_http.ts";
export { hasOtherNames, holdsFile } from "./system_data_directory.ts";
export { type DirectoryLock, DirectoryLockedError, lockDirectory } from "./system_lock.ts";
export { createLog, type LogOptions, type SystemLog } from "./system_log.ts";
export { systemNetworks } from "./system_networks.ts";
export { systemRandom } from "./system_random.ts";
export { systemResolver } from "./system_resolver.ts";
