import { assert, assertEquals, assertMatch } from "@std/assert";
import { until } from "../world/until.ts";

const ROOT = new URL("../../", import.meta.url);
const PROGRAMS = ["node", "central"] as const;
/** A program that has not ended by then hangs, however busy the machine is. */
const END_MS = 120_000;

class Program implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #out: Promise<string>;
  readonly err: Promise<string>;
  #text = "";

  constructor(name: typeof PROGRAMS[number], data: string, prefix: readonly string[] = []) {
    const [command, ...args] = [...prefix, Deno.execPath(), "run", "--no-prompt", "-A"];
    this.#child = new Deno.Command(command!, {
      cwd: ROOT,
      args: [...args, `${name}.ts`, "run", "--listen", "127.0.0.1:0", "--data", data, "--json"],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#out = this.#read();
    this.err = new Response(this.#child.stderr).text();
  }

  async #read(): Promise<string> {
    for await (const part of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      this.#text += part;
    }
    return this.#text;
  }

  /** @returns The port of its listener. */
  async ready(): Promise<number> {
    await until(() => this.#text.includes("\n"), "the program is ready");
    return Number(/:(\d+)"/.exec(this.#text)![1]);
  }

  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  async ended(): Promise<number> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new Error("It does not end")), END_MS);
    const { code } = await Promise.race([this.#child.status, late.promise]);
    clearTimeout(timer);
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#child.status;
    await Promise.all([this.#out, this.err]);
  }
}

for (const name of PROGRAMS) {
  Deno.test({
    name:
      `${name}.ts lives through SIGHUP without a terminal, answers, and ends at SIGTERM with JSON lines only`,
    ignore: Deno.build.os === "windows",
    async fn() {
      const data = await Deno.makeTempDir();
      await using program = new Program(name, data);
      const port = await program.ready();
      program.kill("SIGHUP");
      const answer = await fetch(`http://127.0.0.1:${port}/nothing`);
      assertEquals(answer.status, 404);
      await answer.body?.cancel();
      const upload = await Deno.connect({ hostname: "127.0.0.1", port });
      await upload.write(new TextEncoder().encode(
        "POST /p2p/message HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n{",
      ));
      program.kill("SIGTERM");
      assertEquals(await program.ended(), 0, "an upload that is not whole keeps nobody");
      upload.close();
      for (const line of (await program.err).trim().split("\n")) JSON.parse(line);
      await Deno.remove(data, { recursive: true });
    },
  });
}

Deno.test("central.ts ends with exit code 1 and says why where its address is taken", async () => {
  const data = await Deno.makeTempDir();
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const address = `127.0.0.1:${taken.addr.port}`;
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    cwd: ROOT,
    args: ["run", "-A", "--no-prompt", "central.ts", "run", "--listen", address, "--data", data],
    stdin: "null",
  }).output();
  assertEquals(code, 1);
  assertMatch(
    new TextDecoder().decode(stderr),
    /--listen .*: cannot listen there, another program uses it/,
  );
  await Deno.remove(data, { recursive: true });
});

Deno.test("central.ts names the proxy of its environment at the start", async () => {
  const data = await Deno.makeTempDir();
  await using program = new Program("central", data, ["env", "HTTP_PROXY=http://proxy.invalid:3"]);
  await program.ready();
  program.kill("SIGTERM");
  assertEquals(await program.ended(), 0);
  assertMatch(await program.err, /"environment_proxy".*proxy\.invalid:3, which HTTP_PROXY names/);
  await Deno.remove(data, { recursive: true });
});

Deno.test({
  name: "Both programs start and serve where their log has no room",
  ignore: Deno.build.os !== "linux",
  async fn() {
    for (const name of PROGRAMS) {
      const data = await Deno.makeTempDir();
      const shell = ["sh", "-c", 'exec "$0" "$@" 2>/dev/full'];
      await using program = new Program(name, data, shell);
      const port = await program.ready();
      const answer = await fetch(`http://127.0.0.1:${port}/nothing`);
      await answer.body?.cancel();
      assert(answer.status === 404);
      program.kill("SIGTERM");
      assertEquals(await program.ended(), 0);
      await Deno.remove(data, { recursive: true });
    }
  },
});
