/**
 * The ports of a node under test: those of the system on loopback, or memory.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import { createLocalBulk } from "../../crypto/bulk/file_chunks.ts";
import type { NodePorts } from "../../peer/node.ts";
import {
  createOpenDatabase,
  openFiles,
  systemChannelUpgrader,
  systemClock,
  systemHttpClient,
  systemRandom,
  systemResolver,
} from "../../ports/system.ts";
import type { GrantedFolders } from "../../ports/granted_folders.ts";
import type { OwnerFiles } from "../../ports/owner_files.ts";
import { createOwnerFiles } from "../../ports/system_owner_files.ts";
import { openBytes } from "../../ports/system_byte_streams.ts";
import { openBusyMark } from "../../ports/system_busy_mark.ts";
import { createModuleWorkers } from "../../ports/system_module_workers.ts";
import { createOpenMonitor } from "../../ports/system_monitor.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { MemoryBusyMark } from "./memory_busy_mark.ts";
import { MemoryFiles } from "./memory_files.ts";
import { MemoryLog } from "./memory_log.ts";

/** No folder of the machine is there. */
const NO_FOLDERS: GrantedFolders = {
  open: () => Promise.reject(new OpenRedError("not_found", "The granted folder is not there")),
};

/** Nor is any file. */
const nothing = () =>
  Promise.reject(new OpenRedError("not_found", "There is nothing at this path"));
const NO_DISK: OwnerFiles = {
  openFile: nothing,
  openFolder: nothing,
  listFolder: nothing,
  openInside: nothing,
};

/** Threads for modules from files, and nothing of the machine besides. The process and its memory are many tests'. */
export function machinePorts(): Pick<
  NodePorts,
  | "moduleWorkers"
  | "folders"
  | "disk"
  | "busyMark"
  | "bulk"
  | "openBytes"
  | "openMonitor"
  | "logSwitch"
  | "tracing"
  | "reopen"
> {
  return {
    moduleWorkers: createModuleWorkers({ processBytes: Infinity }),
    folders: NO_FOLDERS,
    disk: NO_DISK,
    busyMark: new MemoryBusyMark(),
    bulk: createLocalBulk(),
    openBytes,
    logSwitch: { level: "info" },
    tracing: null,
    reopen: () => {},
    openMonitor: createOpenMonitor({ clock: systemClock, data: ".", families: () => [] }),
  };
}

/** What every rig says itself: whose keys are where. */
type BasePorts = Omit<NodePorts, "crypto">;

/** The real ports, with the data in a folder. */
export function systemPorts(folder: string): BasePorts {
  return {
    clock: systemClock,
    random: systemRandom,
    http: systemHttpClient,
    resolver: systemResolver,
    files: openFiles(folder),
    openDatabase: createOpenDatabase(folder),
    upgrader: systemChannelUpgrader,
    ...machinePorts(),
    disk: createOwnerFiles(folder),
    busyMark: openBusyMark(folder),
    log: new MemoryLog(),
  };
}

/** Ports without a disk and without DNS: every host is at one public address. */
export function memoryPorts(): Omit<BasePorts, "http"> {
  return {
    clock: systemClock,
    random: systemRandom,
    resolver: { resolve: () => Promise.resolve(["93.184.216.34"]) },
    files: new MemoryFiles(),
    openDatabase: () => new DatabaseSync(":memory:"),
    upgrader: systemChannelUpgrader,
    ...machinePorts(),
    log: new MemoryLog(),
  };
}
