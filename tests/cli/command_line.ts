/** Runs the command line in this process, against memory streams. */
import { failure, usageError } from "../../cli/command_error.ts";
import { type CommandLinePorts, runCommandLine } from "../../cli/commands.ts";
import { sendLoopback } from "../../ports/system_loopback.ts";
import type { TextSink } from "../../cli/output.ts";
import { systemClock, systemRandom } from "../../ports/system.ts";

export class MemorySink implements TextSink {
  text = "";
  constructor(readonly isTerminal = false, readonly columns: number | null = null) {}

  write(text: string): Promise<void> {
    this.text += text;
    return Promise.resolve();
  }

  writeSeen(text: string): Promise<void> {
    return this.write(text);
  }
}

function noData(): Promise<never> {
  return Promise.reject(new Error("There are no data directories here"));
}

export const NO_KEEPER = {
  changePassphrase: () => Promise.resolve(),
  init: noData,
  succeed: noData,
  renewNoiseKey: noData,
  backUp: noData,
  examine: () => Promise.resolve([]),
  restore: noData,
};

/** Has no files, as one that was named wrongly. */
const NO_KIT: CommandLinePorts["moduleKit"] = {
  builtInNames: () => Promise.resolve(["messaging"]),
  readFile: () => Promise.reject(usageError("<file>: cannot read this file")),
  inspect: () => Promise.reject(new Error("There are no modules here")),
  createFolder: () => Promise.reject(failure("There are no folders here")),
};

export interface RunSettings {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: Uint8Array;
  readonly adminFile?: unknown;
  readonly signal?: AbortSignal;
  readonly isTerminal?: boolean;
  /** By how many minutes the person's clock is ahead of UTC. */
  readonly aheadMin?: number;
  /** The width of the terminal that standard output is. */
  readonly columns?: number;
  readonly ports?: Partial<CommandLinePorts>;
}

export interface RunResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export async function runInProcess(
  args: readonly string[],
  settings: RunSettings = {},
): Promise<RunResult> {
  const out = new MemorySink(settings.isTerminal, settings.columns);
  const err = new MemorySink();
  const { adminFile } = settings;
  const code = await runCommandLine({
    env: (name) => settings.env?.[name],
    out,
    err,
    clock: systemClock,
    zone: () => (settings.aheadMin ?? 0),
    signal: settings.signal ?? new AbortController().signal,
    send: sendLoopback,
    random: systemRandom,
    readInput: (maxBytes) => {
      const input = settings.input ?? new Uint8Array();
      if (input.length > maxBytes) throw new RangeError("Too long");
      return Promise.resolve(input);
    },
    async *inputLines() {
      yield* new TextDecoder().decode(settings.input).split("\n").filter((line) => line !== "");
    },
    openTerminal: () => null,
    createFile: () => Promise.reject(new Error("There are no files here")),
    absolutePath: (path) => Promise.resolve(path.startsWith("/") ? path : `/here/${path}`),
    askSecret: () => Promise.resolve(null),
    readSecretFile: () => Promise.reject(new Error("There are no files here")),
    askLine: () => Promise.resolve(null),
    moduleKit: NO_KIT,
    showPage: () => Promise.reject(failure("There is no browser here")),
    keeper: NO_KEEPER,
    settingsFile: { read: () => Promise.resolve(null), write: () => Promise.resolve() },
    envNames: () => Object.keys(settings.env ?? {}),
    findData: (given) =>
      Promise.resolve({
        path: given ?? "/home/data/openred",
        isDefault: given === null,
        note: null,
      }),
    readAdminFile: () =>
      Promise.resolve(
        adminFile === undefined ? null : new TextEncoder().encode(JSON.stringify(adminFile)),
      ),
    runNode: () => Promise.resolve(),
    ...settings.ports,
  }, { args, version: "3.0.0-test", licenses: "licences of the test\n" });
  return { code, out: out.text, err: err.text };
}
