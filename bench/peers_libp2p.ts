/**
 * js-libp2p on this machine, for setting handshakes and texts beside it. Its packages are no part of the project: npm
 * puts them into a temporary folder, in the versions named here.
 *
 * @module
 */
import { printNote, printSamples } from "./report.ts";
import type { Settings } from "./settings.ts";
import { TextLineStream } from "./text_lines.ts";

const PACKAGES = {
  "@libp2p/noise": "17.0.3",
  "@libp2p/tcp": "11.0.28",
  "@libp2p/utils": "7.4.1",
  "@libp2p/yamux": "8.0.3",
  "@multiformats/multiaddr": "13.0.3",
  "libp2p": "3.3.11",
} as const;
const PROGRAM = "libp2p_peer.mjs";
const AT_ONCE = 8;
const MESSAGE_BYTES = 256;
const WINDOW = 64;

/** What js-libp2p did, a sample a round. */
interface Samples {
  readonly connections: readonly number[];
  readonly requests: readonly number[];
}

/** Installs the packages. @returns Why that is not possible, or `null`. */
async function install(folder: string): Promise<string | null> {
  const manifest = { name: "peers", private: true, type: "module", dependencies: PACKAGES };
  await Deno.writeTextFile(`${folder}/package.json`, JSON.stringify(manifest));
  const program = new URL(`./programs/${PROGRAM}`, import.meta.url);
  await Deno.copyFile(program, `${folder}/${PROGRAM}`);
  try {
    const { success, stderr } = await new Deno.Command("npm", {
      args: ["install", "--no-audit", "--no-fund", "--ignore-scripts"],
      cwd: folder,
      stdin: "null",
    }).output();
    return success
      ? null
      : `npm could not install them: ${
        new TextDecoder().decode(stderr).split("\n").find((line) => line !== "") ??
          "it says no more"
      }`;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "there is no npm on this machine";
    throw error;
  }
}

function spawn(folder: string, words: readonly string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", "-A", PROGRAM, ...words],
    cwd: folder,
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
}

/** What stands behind `word` in the first line that begins with it. */
async function readLine(process: Deno.ChildProcess, word: string): Promise<string> {
  const lines = process.stdout.pipeThrough(new TextLineStream()).getReader();
  for (;;) {
    const { value, done } = await lines.read();
    if (done) throw new Error(`js-libp2p ended without saying "${word}"`);
    if (value.startsWith(`${word} `)) return value.slice(word.length + 1);
  }
}

async function measure(folder: string, { rounds, sampleMs }: Settings): Promise<Samples> {
  const server = spawn(folder, ["serve"]);
  try {
    const address = await readLine(server, "ready");
    const numbers = [AT_ONCE, MESSAGE_BYTES, WINDOW, sampleMs, rounds].map(String);
    const client = spawn(folder, ["measure", address, ...numbers]);
    const samples = JSON.parse(await readLine(client, "measured")) as Samples;
    await client.status;
    return samples;
  } finally {
    server.kill("SIGTERM");
    await server.status;
  }
}

/** Measures js-libp2p, or says why it cannot be measured here. */
export async function measureLibp2p(settings: Settings): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "openred-peers-" });
  try {
    const why = await install(folder);
    if (why !== null) return printNote(`js-libp2p is not measured: ${why}`);
    const { connections, requests } = await measure(folder, settings);
    const name = `js-libp2p, new connections, ${AT_ONCE} at a time`;
    printSamples(name, connections, { unit: "connections/s" });
    printSamples(`js-libp2p, ${MESSAGE_BYTES} bytes and an answer, ${WINDOW} under way`, requests, {
      unit: "messages/s",
    });
    printNote("TCP, Noise XX and Yamux; nothing is stored, and a connection has no second key");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
