/**
 * Composition root of a node and its commands. Becomes the binary `openred-node`.
 *
 * @module
 */
import type { OutputFile } from "./cli/command.ts";
import {
  type CommandError,
  failure,
  interrupted,
  OutputGone,
  usageError,
} from "./cli/command_error.ts";
import type { ModuleKit } from "./cli/module_kit.ts";
import type { FoundData } from "./cli/data_words.ts";
import { MAX_SETTINGS_BYTES, SETTINGS_FILE, type SettingsPort } from "./cli/settings_file.ts";
import type { NodeKeeper } from "./cli/node_keeper.ts";
import type { ShowPage } from "./cli/page_opener.ts";
import type { PassphrasePorts } from "./cli/passphrase_source.ts";
import type { WorkerCryptoCore } from "./crypto/client.ts";
import { startCryptoWorker } from "./crypto/worker_start.ts";
import project from "./deno.json" with { type: "json" };
import { dataHome } from "./ports/data_home.ts";
import { systemClock } from "./ports/system_clock.ts";
import { sendLoopback } from "./ports/system_loopback.ts";
import { askLine } from "./ports/system_question.ts";
import { systemRandom } from "./ports/system_random.ts";
import { createTerminalStream, readSecret, readStandardInput } from "./ports/system_terminal.ts";
import { inputLines, openTerminal } from "./ports/system_screen.ts";
import { createUserFolder, readUserFile } from "./ports/system_user_files.ts";
import { writeAll } from "./ports/write_all.ts";
import {
  asksForLicenses,
  asksForVersion,
  describeBuild,
  readNotices,
} from "./process/build_info.ts";
import { stopOnSignals } from "./process/signals.ts";

const MAX_SECRET_FILE_BYTES = 4_096;

async function readSecretFile(path: string, flag: string): Promise<Uint8Array> {
  const content = await Deno.readFile(path).catch((cause) => {
    throw usageError(`${flag}: cannot read the file ${path}`, { cause });
  });
  if (content.length === 0 || content.length > MAX_SECRET_FILE_BYTES) {
    throw usageError(`${flag}: expected a file of 1 to ${MAX_SECRET_FILE_BYTES} bytes`);
  }
  return content;
}

const askSecret: PassphrasePorts["askSecret"] = async (prompt, typing) => {
  if (!Deno.stdin.isTerminal()) return null;
  const typed = await readSecret(prompt, typing).catch((cause) => {
    throw cause instanceof RangeError ? usageError(cause.message, { cause }) : cause;
  });
  if (typed === null) throw interrupted();
  return typed;
};

async function readInput(maxBytes: number, signal: AbortSignal): Promise<Uint8Array> {
  try {
    return await readStandardInput(maxBytes, signal);
  } catch (cause) {
    throw signal.aborted ? interrupted({ cause }) : cause;
  }
}

async function isThere(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

/** Whoever started the node from another folder would make a second identity by starting one here. */
async function noData(data: string, cause: unknown): Promise<CommandError> {
  const folder = (await import("node:path")).resolve(data);
  return failure(
    `There is no node in ${folder} yet: start one with openred-node run, or say with --data where it is`,
    { cause },
  );
}

async function readAdminFile(data: string): Promise<Uint8Array | null> {
  const { ADMIN_FILE } = await import("./protocol/admin_api.ts");
  try {
    return await Deno.readFile(`${data}/${ADMIN_FILE}`);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) {
      if (!await isThere(data)) throw await noData(data, cause);
      return null;
    }
    throw failure("--data: cannot read admin.json there; it belongs to whoever runs the node", {
      cause,
    });
  }
}

async function createFile(path: string): Promise<OutputFile> {
  if (path === "-") {
    return {
      write: (content) => writeAll(Deno.stdout, content),
      close: () => Promise.resolve(),
      discard: () => Promise.resolve(),
    };
  }
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
  } catch (cause) {
    const exists = cause instanceof Deno.errors.AlreadyExists;
    throw failure(`${path}: ${exists ? "this file exists already" : "cannot be made"}`, { cause });
  }
  return {
    write: (content) => writeAll(file, content),
    async close() {
      await file.sync();
      file.close();
    },
    async discard() {
      file.close();
      await Deno.remove(path);
    },
  };
}

const showPage: ShowPage = async (data, html) => {
  const { openPage, removePage, writePage } = await import("./ports/system_page_opener.ts");
  const path = await writePage(data, html).catch((cause) => {
    throw failure(`--data: cannot write the page for the browser there`, { cause });
  });
  return { path, isOpened: await openPage(path), remove: () => removePage(path) };
};

/** The file runs in this process, which has no node in it: whatever it does, no node ends by it. */
async function inspectModule(code: string): Promise<unknown> {
  const { openSandbox } = await import("./peer/modules/sandbox/open_sandbox.ts");
  const { createModuleWorkers } = await import("./ports/system_module_workers.ts");
  const moduleWorkers = createModuleWorkers();
  try {
    const opened = await openSandbox({ clock: systemClock, moduleWorkers }, {
      name: "module",
      code,
    });
    return opened.module.manifest;
  } finally {
    await moduleWorkers.stop();
  }
}

/** Where a node is found that nobody says the place of. A former one in the working folder is not left behind. */
async function findData(given: string | null): Promise<FoundData> {
  const { join, resolve } = await import("node:path");
  if (given !== null) return { path: resolve(given), isDefault: false, note: null };
  const { FORMER_DATA } = await import("./cli/run_options.ts");
  const former = resolve(FORMER_DATA);
  const home = dataHome("openred", { os: Deno.build.os, env: (name) => Deno.env.get(name) });
  const isFormer = await isThere(join(former, "node.db"));
  if (home === null) return { path: former, isDefault: true, note: null };
  if (!isFormer) return { path: resolve(home), isDefault: true, note: null };
  if (await isThere(join(home, "node.db"))) {
    const note = `There is another node in ${former}; --data leads to it`;
    return { path: resolve(home), isDefault: true, note };
  }
  const note =
    `The node in ${former} is used, where nodes were kept before; to have it found from ` +
    `everywhere, stop it and move the folder to ${resolve(home)}`;
  return { path: former, isDefault: true, note };
}

const settingsFile: SettingsPort = {
  async read(data) {
    const { readUserFile } = await import("./ports/system_user_files.ts");
    const path = `${data}/${SETTINGS_FILE}`;
    if (!await isThere(path)) return null;
    const bytes = await readUserFile(path, MAX_SETTINGS_BYTES).catch((cause) => {
      throw usageError(`${path}: cannot be read, or is larger than 64 KiB`, { cause });
    });
    return new TextDecoder().decode(bytes);
  },
  async write(data, text) {
    const { openFiles } = await import("./ports/system_files.ts");
    await Deno.mkdir(data, { recursive: true, mode: 0o700 });
    await openFiles(data).write(SETTINGS_FILE, new TextEncoder().encode(text));
  },
};

/** All names, or none where the program may not see them. */
function envNames(): readonly string[] {
  try {
    return Object.keys(Deno.env.toObject());
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return [];
    throw error;
  }
}

const moduleKit: ModuleKit = {
  async builtInNames() {
    const { BUILT_IN_MODULES } = await import("./modules/built_in.ts");
    return BUILT_IN_MODULES.map(({ name }) => name);
  },
  inspect: inspectModule,
  async readFile(path, maxBytes) {
    return await readUserFile(path, maxBytes).catch((cause) => {
      if (cause instanceof RangeError) throw cause;
      throw usageError(`${path}: cannot read this file`, { cause });
    });
  },
  async createFolder(path, files) {
    await createUserFolder(path, files).catch((cause) => {
      const exists = cause instanceof Deno.errors.AlreadyExists;
      throw failure(`${path}: ${exists ? "there is something of this name" : "cannot be made"}`, {
        cause,
      });
    });
  },
};

async function loadKeeper(): Promise<NodeKeeper> {
  return (await import("./keeper/node_keeper.ts")).createNodeKeeper({
    version: project.version,
  });
}

/** Most commands touch no data directory themselves. */
const lateKeeper: NodeKeeper = {
  init: async (options) => await (await loadKeeper()).init(options),
  succeed: async (options) => await (await loadKeeper()).succeed(options),
  renewNoiseKey: async (options) => await (await loadKeeper()).renewNoiseKey(options),
  changePassphrase: async (...asked) => await (await loadKeeper()).changePassphrase(...asked),
  backUp: async (options) => await (await loadKeeper()).backUp(options),
  examine: async (data) => await (await loadKeeper()).examine(data),
  restore: async (options) => await (await loadKeeper()).restore(options),
};

async function startCore(): Promise<WorkerCryptoCore> {
  const started = startCryptoWorker();
  return await (await import("./crypto/client.ts")).WorkerCryptoCore.start(started);
}

/**
 * Begins what a node that is to run waits for longest, before its options are read: the core starts in a thread of its
 * own, and the code of the node is loaded meanwhile. Neither does anything yet.
 */
function beginNode(): Promise<WorkerCryptoCore> {
  const core = startCore();
  // Who runs the node hears of it; a command line that was wrong is over by then.
  core.catch(() => {});
  void import("./node_service.ts");
  return core;
}

async function main(): Promise<number> {
  const begun = Deno.args[0] === "run" ? beginNode() : null;
  const stop = new AbortController();
  stopOnSignals(stop);
  const { runCommandLine } = await import("./cli/commands.ts");
  return await runCommandLine({
    env: (name) => Deno.env.get(name),
    out: createTerminalStream(Deno.stdout, () => stop.abort(new OutputGone())),
    err: createTerminalStream(Deno.stderr, () => stop.abort()),
    clock: systemClock,
    zone: (atMs) => -new Date(atMs).getTimezoneOffset(),
    signal: stop.signal,
    send: sendLoopback,
    random: systemRandom,
    readInput: (maxBytes) => readInput(maxBytes, stop.signal),
    inputLines,
    openTerminal,
    createFile,
    absolutePath: async (path) => (await import("node:path")).resolve(path),
    askSecret,
    readSecretFile,
    askLine,
    moduleKit,
    showPage,
    keeper: lateKeeper,
    settingsFile,
    envNames,
    findData,
    readAdminFile,
    async runNode(options, world) {
      const { runNode } = await import("./node_service.ts");
      await runNode(options, { ...world, core: begun ?? startCore() });
    },
  }, {
    args: Deno.args,
    version: asksForVersion(Deno.args) ? await describeBuild(project.version) : project.version,
    licenses: asksForLicenses(Deno.args) ? await readNotices() : "",
  });
}

if (import.meta.main) Deno.exit(await main());
