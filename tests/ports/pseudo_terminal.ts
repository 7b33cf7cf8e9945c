/**
 * A program in a terminal of its own, by script(1) of util-linux.
 *
 * @module
 */

async function whyNone(): Promise<string | null> {
  if (Deno.build.os !== "linux") return "script(1) of util-linux is needed";
  const found = await new Deno.Command("script", { args: ["--version"], stdout: "piped" }).output()
    .catch(() => null);
  const isThere = found !== null && new TextDecoder().decode(found.stdout).includes("util-linux");
  return isThere ? null : "script(1) of util-linux is not here";
}

/** Registers a test that needs a terminal; where there is none its name says why it is left out. */
export async function terminalTest(name: string, fn: () => Promise<void>): Promise<void> {
  const why = await whyNone();
  Deno.test({ name: why === null ? name : `${name}: ${why}`, ignore: why !== null, fn });
}

export class TerminalProgram {
  /** All that came to the terminal. */
  shown = "";
  readonly #child: Deno.ChildProcess;
  readonly #typing: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reading: Promise<void>;

  /** @param command A line of the shell, run in a terminal of 24 rows and 80 columns. */
  constructor(command: string) {
    this.#child = new Deno.Command("script", {
      args: ["-qec", `stty rows 24 cols 80; ${command}`, "/dev/null"],
      env: { TERM: "xterm", NO_COLOR: "1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#typing = this.#child.stdin.getWriter();
    this.#reading = this.#read();
  }

  async type(text: string): Promise<void> {
    await this.#typing.write(new TextEncoder().encode(text));
  }

  /** @returns The exit code. */
  async ended(): Promise<number> {
    const { code } = await this.#child.status;
    await this.#typing.close().catch(() => {});
    await this.#reading;
    return code;
  }

  async #read(): Promise<void> {
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      this.shown += text;
    }
  }
}
