import { assertEquals, assertThrows } from "@std/assert";
import { parseOptions } from "../../directory/options.ts";
import {
  ACME_DIRECTORY,
  ACME_LISTEN,
  acmeSettingsOf,
  type AcmeWish,
} from "../../protocol/acme_settings.ts";

const WISH: AcmeWish = {
  acme: true,
  acmeAgree: true,
  acmeDirectory: ACME_DIRECTORY,
  acmeListen: ACME_LISTEN,
  url: "https://node.example:8443/base",
  tlsCert: null,
};

Deno.test("acmeSettingsOf() takes a name, an agreement, and no other certificate", () => {
  const name = "node.example";
  const settings = { directoryUrl: ACME_DIRECTORY, name, listen: ACME_LISTEN };
  assertEquals(acmeSettingsOf(WISH, "--url"), settings);
  assertEquals(acmeSettingsOf({ ...WISH, acme: false, url: null }, "--url"), null);
  const wrong: [Partial<AcmeWish>, string][] = [
    [{ url: null }, "--url https://NAME"],
    [{ url: "http://node.example" }, "--url https://NAME"],
    [{ url: "https://192.0.2.1" }, "--url https://NAME"],
    [{ url: "https://[2001:db8::1]:8443" }, "--url https://NAME"],
    [{ acmeAgree: false }, "--acme-agree"],
    [{ tlsCert: "a.pem" }, "--tls-cert"],
  ];
  for (const [change, text] of wrong) {
    assertThrows(() => acmeSettingsOf({ ...WISH, ...change }, "--url"), RangeError, text);
  }
});

Deno.test("openred-central run and relay take --acme, and say what it lacks", () => {
  const parse = (...args: string[]) => {
    let err = "";
    const parsed = parseOptions(args, { version: "3", out: () => {}, err: (text) => err += text });
    return { parsed, err };
  };
  for (const command of ["run", "relay"]) {
    const lacking = parse(command, "--acme", "--url", "https://a.example");
    assertEquals([lacking.parsed, lacking.err.includes("--acme-agree")], [
      { kind: "exit", code: 2 },
      true,
    ]);
    const args = ["--acme", "--acme-agree", "--url", "https://a.example", "--ca", "ca.pem"];
    const { parsed } = parse(command, ...args, "--acme-listen", "[::]:8080");
    if (parsed.kind !== "run" && parsed.kind !== "relay") throw new Error(parsed.kind);
    const { acme, ca } = parsed.options;
    assertEquals([acme?.name, acme?.listen.port, ca], ["a.example", 8080, "ca.pem"]);
    const plain = parse(command, ...args, "--acme-directory", "http://authority.example/dir");
    assertEquals(plain.parsed, { kind: "exit", code: 2 });
  }
});
