/**
 * The first journey, as people make it: a directory with a relay, two nodes that nobody can call, and from there to an
 * answered message with commands typed into a shell. Their only flags are names.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Child } from "../../scripts/local_network/child.ts";
import { childEnvironment } from "../../scripts/local_network/programs.ts";
import { poll } from "../../scripts/local_network/timeout.ts";

const MAX_COMMANDS = 5;
const REGISTER_TIMEOUT_MS = 120_000;
const COMMAND_TIMEOUT_MS = 60_000;
/** All that no shell understands as something else. */
const PLAIN_WORDS = /^[A-Za-z0-9_.,:/ -]+$/;

type Environment = Readonly<Record<string, string>>;

/** A person's home on this machine, with both programs on the path. */
async function makeHome(root: string, { name, folder }: { name: string; folder: string }) {
  const home = `${root}/${name}`;
  await Deno.mkdir(home);
  const { XDG_DATA_HOME: _, PATH = "", ...env } = childEnvironment();
  return { ...env, HOME: home, PATH: `${folder}:${PATH}`, OPENRED_ALLOW_PRIVATE: "1" };
}

/** Types a line into a shell. @returns What it printed. @throws {Error} Where it fails. */
async function type(line: string, env: Environment): Promise<string> {
  assertMatch(line, PLAIN_WORDS);
  const { code, stdout, stderr } = await new Deno.Command("sh", {
    args: ["-c", line],
    clearEnv: true,
    env: { ...env },
    stdin: "null",
    signal: AbortSignal.timeout(COMMAND_TIMEOUT_MS),
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  if (code !== 0) throw new Error(`'${line}' ended with ${code}: ${out}${err}`);
  return out ?? "";
}

/** Starts a program as a line of a shell does, but with its ready line for programs. */
function start(name: string, line: string, env: Environment): Child {
  assertMatch(line, PLAIN_WORDS);
  return new Child({
    name,
    command: ["sh", "-c", `exec ${line}`],
    // Two nodes of one machine want one port for their consoles, and a machine that others reach has another address.
    env: { ...env, OPENRED_JSON: "1", OPENRED_CONSOLE_LISTEN: "off" },
    onLog: () => {},
  });
}

async function untilRegistered(env: Environment): Promise<void> {
  await poll(
    async () => (await type("openred-node status", env)).includes(" registered ") ? true : null,
    { timeoutMs: REGISTER_TIMEOUT_MS, what: "a node to register" },
  );
}

async function exchange(alice: Environment, bob: Environment): Promise<void> {
  let typed = 0;
  const say = (line: string, env: Environment) => {
    typed += 1;
    return type(line, env);
  };
  const shown = await say("openred-node invite --name bob", alice);
  const connect = shown.split("\n").find((line) => line.startsWith("openred-node connect "));
  assert(connect !== undefined, shown);
  assertMatch(await say(`${connect} --name alice`, bob), /^Connected +alice$/m);
  assertMatch(await say("openred-node send alice Hello from behind my router", bob), /^Delivered/);
  assertMatch(await say("openred-node send bob And hello back to you", alice), /^Delivered/);
  const inbox = await say("openred-node inbox", bob);
  assertMatch(inbox, /\balice\b[^]*And hello back to you/);
  assertEquals(typed <= MAX_COMMANDS, true, `${typed} commands`);
}

/** Makes the journey with the binaries of a folder. @throws {Error} Where somebody gets lost. */
export async function runFirstJourney(folder: string): Promise<void> {
  const root = await Deno.makeTempDir();
  const children: Child[] = [];
  const run = async (name: string, line: string, env: Environment) => {
    const child = start(name, line, env);
    children.push(child);
    return await child.untilReady();
  };
  try {
    const operator = {
      ...await makeHome(root, { name: "operator", folder }),
      OPENRED_DATA: `${root}/directory`,
      OPENRED_LISTEN: "127.0.0.1:0",
    };
    const alice = await makeHome(root, { name: "alice", folder });
    const bob = await makeHome(root, { name: "bob", folder });
    const { url } = await run("directory", "openred-central run --relay", operator);
    const line = `openred-node run --relay ${url} --directories ${url}`;
    await Promise.all([run("alice", line, alice), run("bob", line, bob)]);
    await Promise.all([untilRegistered(alice), untilRegistered(bob)]);
    await exchange(alice, bob);
  } finally {
    await Promise.all(children.map((child) => child.stop()));
    await Deno.remove(root, { recursive: true });
  }
}
