import { freePort } from "./free_port.ts";
import { until } from "./until.ts";

/** Where Debian has it; `OPENRED_TEST_REDIS` names another one, such as a Valkey, for all tests. */
const REDIS = Deno.env.get("OPENRED_TEST_REDIS") ?? "/usr/bin/redis-server";

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** Why tests over a real server are left out here; `null` where they are not. */
export function whyNoRedis(): string | null {
  return isFile(REDIS) ? null : `there is no ${REDIS}`;
}

/** The Valkey server of this machine, if there is one. */
export function findValkey(): string | null {
  const folders = Deno.env.get("PATH")?.split(":") ?? [];
  return folders.map((folder) => `${folder}/valkey-server`).find(isFile) ?? null;
}

/** A `Deno.test` that needs a real server: ignored where there is none, and its name says why. */
export function redisTest(name: string, run: () => Promise<void>): void {
  const why = whyNoRedis();
  const said = why === null ? name : `${name} (left out: ${why})`;
  Deno.test({ name: said, ignore: why !== null, fn: run });
}

/** What a directory asks of a server. */
const DURABLE = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""];

/** A real Redis server on a port and in a folder of its own. */
export class RedisServer implements AsyncDisposable {
  readonly port: number;
  readonly folder: string;
  readonly #options: readonly string[];
  readonly #program: string;
  #child: Deno.ChildProcess | null = null;

  private constructor(options: readonly string[], program: string) {
    this.#options = options;
    this.#program = program;
    this.port = freePort();
    this.folder = Deno.makeTempDirSync();
  }

  /** @param options Further options of the server, behind those that make it durable. */
  static async start(options: readonly string[] = [], program = REDIS): Promise<RedisServer> {
    const server = new RedisServer(options, program);
    await server.run();
    return server;
  }

  /** @throws {TypeError} While it does not run. */
  get pid(): number {
    if (this.#child === null) throw new TypeError("The server does not run");
    return this.#child.pid;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts it, on what its folder has. */
  async run(options: readonly string[] = []): Promise<void> {
    this.#child = new Deno.Command(this.#program, {
      args: [
        ...["--port", `${this.port}`, "--bind", "127.0.0.1", "--dir", this.folder],
        // A cluster would listen 10,000 above its port besides, where anything may be.
        ...["--cluster-port", `${freePort()}`],
        ...DURABLE,
        ...this.#options,
        ...options,
      ],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    await until(() => this.#answers(), "a Redis server answers");
  }

  signal(signal: Deno.Signal): void {
    this.#child?.kill(signal);
  }

  /** Ends it, and waits until it has ended. */
  async end(signal: Deno.Signal = "SIGKILL"): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    this.#child = null;
    child.kill("SIGCONT");
    child.kill(signal);
    await child.status;
  }

  /** Takes away all that it has stored, while it does not run. */
  async empty(): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
    await Deno.mkdir(this.folder);
  }

  /** Sends one command of words without spaces, as whoever looks after the server would. */
  async tell(...words: readonly string[]): Promise<string> {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: this.port });
    const bulks = words.map((word) => `$${new TextEncoder().encode(word).length}\r\n${word}\r\n`);
    await connection.write(new TextEncoder().encode(`*${words.length}\r\n${bulks.join("")}`));
    const buffer = new Uint8Array(65_536);
    const read = await connection.read(buffer) ?? 0;
    return new TextDecoder().decode(buffer.subarray(0, read));
  }

  async #answers(): Promise<boolean> {
    try {
      return (await this.tell("PING")).startsWith("+PONG");
    } catch {
      return false;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
    await Deno.remove(this.folder, { recursive: true });
  }
}
