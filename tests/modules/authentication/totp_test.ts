import { assertEquals } from "@std/assert";
import { makeTotp, stepOf } from "../../../modules/authentication/totp.ts";
import { codeOf } from "./authenticator_app.ts";

/** RFC 6238, appendix B, SHA-1: its codes have two digits more. */
const RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
const RFC_TABLE = [
  [59, "287082"],
  [1_111_111_109, "081804"],
  [1_111_111_111, "050471"],
  [1_234_567_890, "005924"],
  [2_000_000_000, "279037"],
  [20_000_000_000, "353130"],
] as const;

Deno.test("stepOf() takes the codes of RFC 6238 at their times", async () => {
  for (const [seconds, code] of RFC_TABLE) {
    const at = { secret: RFC_SECRET, after: -1, nowMs: seconds * 1000 };
    assertEquals(await stepOf(code, at), Math.floor(seconds / 30), String(seconds));
    for (const wrong of [code.slice(0, 5), `${code}0`, "000000", ""]) {
      assertEquals(await stepOf(wrong, at), null, wrong);
    }
  }
});

Deno.test("stepOf() takes a code a step early or late, and none that was taken before", async () => {
  const nowMs = 59_000;
  const at = (ms: number, after = -1) => stepOf("287082", { secret: RFC_SECRET, after, nowMs: ms });
  assertEquals([await at(nowMs + 30_000), await at(nowMs - 30_000)], [1, 1]);
  assertEquals([await at(nowMs + 61_000), await at(nowMs - 60_000)], [null, null]);
  assertEquals([await at(nowMs, 0), await at(nowMs, 1), await at(nowMs, 2)], [1, null, null]);
});

Deno.test("makeTotp() gives an app what it understands", async () => {
  const random = { bytes: (length: number) => new Uint8Array(length).fill(7) };
  const { secret, uri } = await makeTotp({ random, name: "phone", node: "alice" });
  assertEquals(secret, "A4DQOBYHA4DQOBYHA4DQOBYHA4DQOBYH");
  const url = new URL(uri);
  assertEquals([url.protocol, url.host || url.pathname.slice(2, 6)], ["otpauth:", "totp"]);
  assertEquals(url.searchParams.get("secret"), secret);
  assertEquals(url.searchParams.get("issuer"), "OpenRed");
  const code = await codeOf(secret, 5_000_000_000);
  assertEquals(await stepOf(code, { secret, after: -1, nowMs: 5_000_000_000 }), 166_666);
});
