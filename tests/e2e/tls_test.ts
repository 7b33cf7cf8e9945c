import { assertEquals } from "@std/assert";
import { connectNodes, exchangeMessage } from "../../scripts/local_network/exchange.ts";
import { LocalNetwork } from "../../scripts/local_network/network.ts";
import { poll } from "../../scripts/local_network/timeout.ts";
import { CERTIFICATES, tlsPrograms } from "./tls_programs.ts";

Deno.test("a directory and nodes with certificates of a private authority", async () => {
  await using network = await LocalNetwork.start({
    programs: tlsPrograms,
    names: ["alice", "bob"],
    onLog: () => {},
    signal: new AbortController().signal,
    wordsOf: () => [
      ...["--ca", `${CERTIFICATES}/authority.pem`],
      ...["--tls-cert", `${CERTIFICATES}/first.pem`, "--tls-key", `${CERTIFICATES}/first-key.pem`],
    ],
  });
  const [alice, bob] = [network.node("alice"), network.node("bob")];
  assertEquals(
    [network.directory, alice, bob].map(({ url }) => new URL(url).protocol),
    ["https:", "https:", "https:"],
  );
  await connectNodes(alice, bob);
  await exchangeMessage({ from: alice, to: bob, text: "under two layers" });
  await exchangeMessage({ from: bob, to: alice, text: "and back" });
  await poll(async () => {
    const { sessions } = await alice.admin.status();
    return sessions.some(({ carrier }) => carrier === "channel") ? true : null;
  }, { timeoutMs: 60_000, what: "a channel over TLS" });
});
