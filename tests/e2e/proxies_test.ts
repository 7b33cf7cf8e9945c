import { assertEquals, assertStringIncludes } from "@std/assert";
import { connectNodes, exchangeMessage } from "../../scripts/local_network/exchange.ts";
import { LocalNetwork } from "../../scripts/local_network/network.ts";
import { poll } from "../../scripts/local_network/timeout.ts";
import { makeTemporaryDirectory } from "../ports/temporary_directory.ts";
import { freePort } from "../world/free_port.ts";
import { CERTIFICATES, tlsPrograms } from "./tls_programs.ts";

const NAMES = ["directory", "alice", "bob"] as const;

/** A program's port, and the one by which others reach it. */
interface Ports {
  readonly own: number;
  readonly front: number;
}

async function readSnippet(name: string): Promise<string> {
  return await Deno.readTextFile(new URL(`../../packaging/proxies/${name}`, import.meta.url));
}

/** Replaces what is there, and fails where it is not: a snippet that changes must not go untested. */
function replace(text: string, changes: readonly (readonly [string, string])[]): string {
  for (const [from, to] of changes) {
    assertStringIncludes(text, from);
    text = text.replaceAll(from, to);
  }
  return text;
}

interface Proxy {
  readonly program: string;
  /** Writes its files and says how it is started. */
  prepare(folder: string, ports: readonly Ports[]): Promise<readonly string[]>;
}

const NGINX: Proxy = {
  program: "/usr/sbin/nginx",
  async prepare(folder, ports) {
    const [server = "", map = ""] = (await readSnippet("nginx.conf"))
      .split("# Beside it, once in the http block:\n");
    const servers = ports.map(({ own, front }) =>
      replace(server, [
        ["listen 443 ssl;", `listen 127.0.0.1:${front} ssl;`],
        ["server_name node.example;", "server_name localhost;"],
        ["/etc/ssl/node.example.pem", `${CERTIFICATES}/first.pem`],
        ["/etc/ssl/node.example.key", `${CERTIFICATES}/first-key.pem`],
        ["http://127.0.0.1:7601;", `http://127.0.0.1:${own};`],
      ])
    );
    const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
      .map((name) => `${name}_temp_path ${folder}/${name};`);
    const text = `daemon off; pid ${folder}/pid; error_log stderr;
events {}
http { access_log off; ${paths.join(" ")}
${map}${servers.join("\n")} }
`;
    await Deno.writeTextFile(`${folder}/nginx.conf`, text);
    return ["-e", "stderr", "-c", `${folder}/nginx.conf`];
  },
};

const CADDY: Proxy = {
  program: "/usr/bin/caddy",
  async prepare(folder, ports) {
    const snippet = await readSnippet("Caddyfile");
    const sites = ports.map(({ own, front }) =>
      replace(snippet, [
        [
          "\nnode.example {\n",
          `\nhttps://localhost:${front} {\n\tbind 127.0.0.1\n\ttls ${CERTIFICATES}/first.pem ${CERTIFICATES}/first-key.pem\n`,
        ],
        ["reverse_proxy 127.0.0.1:7601", `reverse_proxy 127.0.0.1:${own}`],
      ])
    );
    const text = `{\n\tadmin off\n\tauto_https off\n}\n${sites.join("\n")}`;
    await Deno.writeTextFile(`${folder}/Caddyfile`, text);
    return ["run", "--config", `${folder}/Caddyfile`, "--adapter", "caddyfile"];
  },
};

async function isThere(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

for (const [name, proxy] of [["nginx", NGINX], ["Caddy", CADDY]] as const) {
  Deno.test({
    name:
      `a directory and nodes behind ${name}, with the snippet of packaging/proxies (skipped without it)`,
    ignore: !await isThere(proxy.program),
    async fn() {
      using folder = makeTemporaryDirectory();
      const ports = NAMES.map((): Ports => ({ own: freePort(), front: freePort() }));
      const portsOf = (process: string) => ports[NAMES.findIndex((one) => one === process)]!;
      const child = new Deno.Command(proxy.program, {
        args: [...await proxy.prepare(folder.path, ports)],
        env: { HOME: folder.path },
        stdin: "null",
        stdout: "null",
        stderr: "piped",
      }).spawn();
      const said = new Response(child.stderr).text();
      try {
        await using network = await LocalNetwork.start({
          programs: tlsPrograms,
          names: ["alice", "bob"],
          onLog: () => {},
          signal: new AbortController().signal,
          listenOf: (process) => `127.0.0.1:${portsOf(process).own}`,
          wordsOf: (process) => [
            process === "directory" ? "--url" : "--api-url",
            `https://localhost:${portsOf(process).front}`,
            ...["--ca", `${CERTIFICATES}/authority.pem`, "--trusted-proxies", "127.0.0.1"],
          ],
        });
        const [alice, bob] = [network.node("alice"), network.node("bob")];
        assertEquals(new URL(alice.url).port, String(portsOf("alice").front));
        await connectNodes(alice, bob);
        await exchangeMessage({ from: alice, to: bob, text: "through a proxy" });
        await exchangeMessage({ from: bob, to: alice, text: "and back" });
        await poll(async () => {
          const { sessions } = await alice.admin.status();
          return sessions.some(({ carrier }) => carrier === "channel") ? true : null;
        }, { timeoutMs: 60_000, what: `a channel through ${name}` });
      } catch (cause) {
        child.kill("SIGTERM");
        throw new Error(`${name} said: ${await said}`, { cause });
      } finally {
        try {
          child.kill("SIGTERM");
        } catch {
          // It has ended.
        }
        await child.status;
        await said;
      }
    },
  });
}
