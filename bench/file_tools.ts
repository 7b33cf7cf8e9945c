/**
 * What else brings a file from one program to another, on this machine: `scp`, `rsync` over ssh, `magic-wormhole`. Each
 * is left out where a program of it is missing.
 *
 * @module
 */
import { freePort } from "../tests/world/free_port.ts";

/** A program that brings a file. */
export interface FileTool {
  readonly name: string;
  /** Programs that it needs, those of a server included. */
  readonly programs: readonly string[];
  /** Parts of Python that it needs. */
  readonly python?: readonly string[];
  /** Starts what has to run meanwhile. */
  start(folder: string): Promise<RunningTool>;
}

/** Whatever serves it is running. Disposing of it ends that. */
export interface RunningTool extends AsyncDisposable {
  /** Brings the file at `from` to `to`. @throws {Error} With the last lines that the program printed. */
  bring(from: string, to: string): Promise<void>;
}

/** Where servers lie that are no user's commands. */
const SYSTEM_FOLDERS = "/usr/sbin:/sbin";
/** The system's own, which has what its packages bring. */
const PYTHON = "/usr/bin/python3";
const LOOPBACK = "127.0.0.1";
const START_MS = 20_000;
const TRY_MS = 50;
const LAST_LINES = 3;

const PATH = `${Deno.env.get("PATH") ?? ""}:${SYSTEM_FOLDERS}`;

async function run(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, {
    ...options,
    args: [...args],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  if (success) return;
  const lines = new TextDecoder().decode(stderr).trim().split("\n").slice(-LAST_LINES);
  throw new Error(`${program} failed: ${lines.join("; ")}`);
}

/** The path of a program; `null` where there is none. */
async function find(program: string): Promise<string | null> {
  const { success, stdout } = await new Deno.Command("sh", {
    args: ["-c", 'command -v "$0"', program],
    env: { PATH },
  }).output();
  return success ? new TextDecoder().decode(stdout).trim() : null;
}

/** @returns Why a tool cannot be measured here, or `null`. */
export async function whyMissing({ programs, python = [] }: FileTool): Promise<string | null> {
  for (const program of programs) {
    if (await find(program) === null) return `there is no ${program} on this machine`;
  }
  for (const part of python) {
    const args = ["-c", `import ${part}`];
    const { success } = await new Deno.Command(PYTHON, { args }).output();
    if (!success) return `${PYTHON} has no ${part}`;
  }
  return null;
}

async function untilListening(port: number): Promise<void> {
  for (const endMs = performance.now() + START_MS; performance.now() < endMs;) {
    try {
      (await Deno.connect({ hostname: LOOPBACK, port })).close();
      return;
    } catch (error) {
      if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
      await new Promise((resolve) => setTimeout(resolve, TRY_MS));
    }
  }
  throw new Error("A server did not start");
}

class Server implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;

  constructor(program: string, args: readonly string[], cwd: string) {
    const silent = { stdin: "null", stdout: "null", stderr: "null" } as const;
    this.#process = new Deno.Command(program, { args: [...args], cwd, ...silent }).spawn();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGTERM");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
    await this.#process.status;
  }
}

/** An ssh server for this user alone, with keys of its own. */
class SshServer implements AsyncDisposable {
  readonly #server: Server;
  readonly options: readonly string[];
  readonly port: number;

  private constructor(server: Server, options: readonly string[], port: number) {
    this.#server = server;
    this.options = options;
    this.port = port;
  }

  static async start(folder: string): Promise<SshServer> {
    const port = freePort();
    for (const name of ["host", "user"]) {
      await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", `${folder}/${name}`]);
    }
    const settings = [
      `ListenAddress ${LOOPBACK}:${port}`,
      `HostKey ${folder}/host`,
      `AuthorizedKeysFile ${folder}/user.pub`,
      "StrictModes no",
      "UsePAM no",
      "PidFile none",
      "PermitRootLogin yes",
      "Subsystem sftp internal-sftp",
    ];
    await Deno.writeTextFile(`${folder}/sshd.conf`, settings.join("\n") + "\n");
    // What it wants where it is started by root.
    if (Deno.uid() === 0) await Deno.mkdir("/run/sshd", { recursive: true });
    const program = (await find("sshd"))!;
    const server = new Server(program, ["-D", "-f", `${folder}/sshd.conf`], folder);
    await untilListening(port);
    const options = [
      `IdentityFile=${folder}/user`,
      "IdentitiesOnly=yes",
      "StrictHostKeyChecking=no",
      "UserKnownHostsFile=/dev/null",
      "LogLevel=ERROR",
      "BatchMode=yes",
    ];
    return new SshServer(server, options.flatMap((option) => ["-o", option]), port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}

function overSsh(
  bring: (ssh: SshServer, from: string, to: string) => Promise<void>,
): FileTool["start"] {
  return async (folder) => {
    const ssh = await SshServer.start(folder);
    return {
      bring: (from, to) => bring(ssh, from, to),
      [Symbol.asyncDispose]: () => ssh[Symbol.asyncDispose](),
    };
  };
}

const scp: FileTool = {
  name: "scp",
  programs: ["scp", "sshd", "ssh-keygen"],
  start: overSsh(async ({ options, port }, from, to) => {
    await run("scp", ["-q", "-P", String(port), ...options, from, `${LOOPBACK}:${to}`]);
  }),
};

const rsync: FileTool = {
  name: "rsync over ssh",
  programs: ["rsync", "ssh", "sshd", "ssh-keygen"],
  start: overSsh(async ({ options, port }, from, to) => {
    const ssh = ["ssh", "-p", String(port), ...options].join(" ");
    await run("rsync", ["-W", "-e", ssh, from, `${LOOPBACK}:${to}`]);
  }),
};

const wormhole: FileTool = {
  name: "magic-wormhole",
  programs: ["wormhole", PYTHON],
  python: ["twisted", "wormhole_mailbox_server"],
  async start(folder) {
    const port = freePort();
    const server = new Server(PYTHON, [
      ...["-m", "twisted", "wormhole-mailbox"],
      `--port=tcp:${port}:interface=${LOOPBACK}`,
      `--channel-db=${folder}/mailbox.sqlite`,
    ], folder);
    await untilListening(port);
    // No relay is there, so that the two ends meet without one, or not at all.
    const words = ["--relay-url", `ws://${LOOPBACK}:${port}/v1`];
    words.push("--transit-helper", `tcp:${LOOPBACK}:${freePort()}`);
    const options = { cwd: folder, env: { HOME: folder } };
    let number = 100;
    return {
      bring: async (from, to) => {
        const code = `${number++}-bench-file`;
        const quiet = ["--hide-progress"];
        await Promise.all([
          run("wormhole", [...words, "send", ...quiet, "--code", code, from], options),
          run(
            "wormhole",
            [...words, "receive", ...quiet, "--accept-file", "--output-file", to, code],
            options,
          ),
        ]);
      },
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  },
};

export const FILE_TOOLS: readonly FileTool[] = [scp, rsync, wormhole];
