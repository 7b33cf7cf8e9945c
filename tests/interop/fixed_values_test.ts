/** The independent peer against DESIGN §14, before it is set against the real node. */
import { assertEquals, assertThrows } from "@std/assert";
import { enc, hex, unhex, utf8 } from "./bytes.ts";
import { Identity } from "./identity.ts";
import { extractPrk, openFrame, sealFrame, sessionKeys, trafficKey } from "./session_keys.ts";
import { halfOf, makePair, openPeerToken, standbyPairs } from "./tokens.ts";

const [a, b, issuer] = [1, 2, 3].map((n) => new Identity(new Uint8Array(32).fill(n)).id) as [
  string,
  string,
  string,
];
const filled = (byte: number, length = 32) => new Uint8Array(length).fill(byte);
const pairId = filled(0x10, 16);
const issuedAt = 1790000000000;
const suite = "ik-x25519-mlkem768";
const prk = extractPrk(
  { h: filled(0x77), k1: filled(0xc1), k2: filled(0xc2) },
  filled(0xdd),
  filled(0xee),
);
const keys = sessionKeys(prk, { suite, pairId, a, b });

function pairOf(method: string) {
  const context = { issuer, pairId, a, b, method, issuedAt, expiresAt: 1790000300000 };
  return makePair(context, { key: filled(0xaa), saltA: filled(0xa1), saltB: filled(0xb2) });
}

Deno.test("enc() and ids are those of §14", () => {
  assertEquals(
    hex(enc("a", 1, Uint8Array.of(3, 3))),
    "000000016100000008000000000000000100000002" + "0303",
  );
  assertEquals([a, b, issuer], [
    "z6Mkon3Necd6NkkyfoGoHxid2znGc59LU3K7mubaRcFbLfLX",
    "z6Mko9hTggMwjSTEaJaPUfE6tqcy2xvU6BnNq3e3o8qVBiyH",
    "z6MkvRXNYcE7MMduynWTgeKbDaT1iijDSC8pZqXZc8rHPrf2",
  ]);
});

Deno.test("makePair() gives the tokens of §14 and each half opens only its peer's token", () => {
  const expected: Record<string, readonly string[]> = {
    alpha: [
      "4cee470856dcd32450a8c5a65f676ff1da4287087928dc67da1e3510a962f167",
      "6d6549da7c487081fec556edda11fd8096f06844574a5fefe9a6a9b927c2321f",
    ],
    beta: [
      "2157ef76f884ebfad164d15773041dd8840dfb7b36b96dfc22b8dac27aab0972",
      "393248f18bb453410b219987070e6565dd38f62168798baf7a7e947951ffb1bd",
    ],
    gamma: [
      "1c8acf87e85b32e443dd86b1f2020dacd5f17e14a159370c156e3c894a2db3f8",
      "2340539a316f6253ce82f9e1c50046ae6a1e8f9acf22c34a7ae909c3ce6cbf5f",
    ],
    delta: [
      "fca0b088ff613742ee88c7717743c7d5e6130202981b94f3f2fee8ee4ec59627",
      "a22bb3022a3843c053dc43b109e228292940931ae52861728ed47df707237a56",
    ],
  };
  for (const [method, tokens] of Object.entries(expected)) {
    const pair = pairOf(method);
    assertEquals([hex(pair.tokenA), hex(pair.tokenB)], tokens);
    assertEquals(openPeerToken(halfOf(pair, "a"), pair.tokenB, "b"), pair.root);
    assertEquals(openPeerToken(halfOf(pair, "b"), pair.tokenA, "a"), pair.root);
    assertThrows(() => openPeerToken(halfOf(pair, "a"), pair.tokenA, "a"), Error, "do not match");
  }
  const alpha = pairOf("alpha");
  assertEquals(hex(alpha.root), "484cca58067363f1ae211430d7f2146ab840e283f06e91279639fea916a433b0");
  assertEquals(
    hex(alpha.check),
    "abbe15211373e7eb8429cf41937d49ebe7c569abc41245ff14fa168a7d799bbb",
  );
});

Deno.test("sessionKeys() and trafficKey() give the keys of §14", () => {
  assertEquals(hex(prk), "0ae746856e2cc5cfc1887deb4f0872545aa06af9cfdbc9ee2d8655bfd8070009");
  assertEquals(hex(keys.aToB), "6aec8e800559300cef12b41e8d54d0c9be290fa8efe6b370c0dd408b848e9157");
  assertEquals(hex(keys.bToA), "8a5867eed4313b810e18866395c5e7a2d295a930bb99b5ae2f96d25135788418");
  assertEquals(hex(keys.sessionId), "603138efd37f8389eda93e38fb7d6b2f");
  assertEquals(
    hex(keys.binding),
    "413fcdae3fc29e15b3ba68e0184fd0b0cfae97710fdcba1c868fe63ba2d89890",
  );
  assertEquals(
    [0, 1].map((step) => hex(trafficKey(keys.aToB, "alpha", step))),
    [
      "782ae4f6fbf8c68687147e0919b8f459e2aeeae8deee31c8ec2b74231554275f",
      "6d9c1bdf2490358488a5d2c4fb669317fbf68b73cb3fd6f9b05970f8dd92172a",
    ],
  );
});

Deno.test("standbyPairs() gives the pairs of §14", () => {
  const pairs = standbyPairs({ prk, initiator: a, responder: b, method: "beta", issuedAt });
  const shown = [0, 3].map((i) => {
    const pair = pairs[i]!;
    return [pair.a, ...[pair.pairId, pair.tokenA, pair.tokenB, pair.check].map(hex)];
  });
  assertEquals(shown, [
    [
      a,
      "c0280a23c771ab7846e9edfeb65dd051",
      "ec406c6b0f1b6ec4748fd633edee4768b4af41b3ead556571d479469828c62c0",
      "4af03c11cc8a236d728578675dae920d1a2d4853224eaf59b722c97ab4cf1581",
      "217ef9651544511d28da5441fed95e510410de6c534a9036e21b08425ac74bc4",
    ],
    [
      b,
      "1060efa4ba672328074b10444c624f62",
      "7fbe8036ed88394d8d21b93f82d74c2f380368deef75098618ffb9ada1521fcf",
      "e2487f095e9e1f0a6d1f7fdfc7450ac27202749dadd4484601322fae4dbc547a",
      "227594090f34eb9a53499dbebd544ae6c67a107aec7b66c174a6f90f68335764",
    ],
  ]);
});

Deno.test("sealFrame() gives the frames of §14 and openFrame() reads them", () => {
  const direction = { chain0: keys.aToB, method: "alpha", sessionId: keys.sessionId };
  const hello = sealFrame(direction, { header: { type: "core.hello" } });
  assertEquals(
    hex(hello),
    "03603138efd37f8389eda93e38fb7d6b2f000000000000000000000000359b115c35d038b81e76daa57ced3b51" +
      "74a7fe3548a601c3bf65d4f7d92dbefb1a803eaea47ef11a35ba83",
  );
  const tick = sealFrame(direction, {
    header: { type: "core.tick" },
    step: 1,
    counter: 1,
    paddingBytes: 3,
  });
  assertEquals(
    hex(tick),
    "03603138efd37f8389eda93e38fb7d6b2f0000000100000000000000016ee7ec63f2a2e6b72f06cd9955b1a824" +
      "b2abdeca0805b455886386ebb6f68024ec6876c9779db9e9a56da7c01c",
  );
  const several = sealFrame(direction, {
    header: { type: "core.ack", ids: ["a1"] },
    more: [{ header: { type: "messaging.text", id: "b1" }, body: utf8("hi") }],
    step: 1,
    counter: 2,
  });
  assertEquals(
    hex(several),
    "03603138efd37f8389eda93e38fb7d6b2f000000010000000000000002facfacb3ebf471ac5ad7665e2fb8208d" +
      "8440134ce7e4352efd2eb69598b2b8bb6451cc89ace118b297146e24fa54b5219da6d8bd788c16bffeb9b1b009" +
      "3cc84c570c16866fb8e45b824fd49913933b1b004716ec63c20ae370cd89fe5575532b4c",
  );
  const { more } = openFrame(direction, several);
  assertEquals(more, [{ header: { type: "messaging.text", id: "b1" }, body: utf8("hi") }]);
  const { header, step, counter } = openFrame(direction, tick);
  assertEquals({ header, step, counter }, { header: { type: "core.tick" }, step: 1, counter: 1 });
  assertEquals(openFrame(direction, unhex(hex(hello))).header, { type: "core.hello" });
});
