import { assertEquals } from "@std/assert";
import { SUITES } from "../../../crypto/interface.ts";
import { bestSuite, isBestOffer, isOwnSuite } from "../../../peer/sessions/suites.ts";

const [PQ, X] = SUITES;
/** Every list a record can have, orders and unknown names included. */
const LISTS: readonly (readonly string[])[] = [
  [],
  [PQ],
  [X],
  [PQ, X],
  [X, PQ],
  ["ik-future", X],
  ["ik-future"],
];

/** The suites of a list in the order of the document. */
function ranks(list: readonly string[]): string[] {
  return SUITES.filter((suite) => list.includes(suite));
}

Deno.test("bestSuite() is the first in the document's order that both records list", () => {
  for (const own of LISTS) {
    for (const peer of LISTS) {
      const expected = ranks(own).find((suite) => peer.includes(suite)) ?? null;
      assertEquals(bestSuite(own, peer), expected, `${own} and ${peer}`);
    }
  }
  assertEquals(bestSuite([X, PQ], [X, PQ]), PQ, "whatever order they list them in");
});

Deno.test("isOwnSuite() takes what the newest record lists, and better ones that a fresh one lists", () => {
  for (const own of LISTS) {
    for (const older of LISTS) {
      const lists = { own, ownFresh: [own, older] };
      assertEquals(isOwnSuite(X, lists), own.includes(X), `${X} of ${own}, then ${older}`);
      const takesPq = own.includes(PQ) || (own.includes(X) && older.includes(PQ));
      assertEquals(isOwnSuite(PQ, lists), takesPq, `${PQ} of ${own}, then ${older}`);
    }
  }
});

Deno.test("isOwnSuite() takes no worse suite for an older record's sake, and no unknown name", () => {
  assertEquals(isOwnSuite(X, { own: [PQ], ownFresh: [[PQ], [PQ, X]] }), false);
  assertEquals(isOwnSuite("ik-future", { own: ["ik-future"], ownFresh: [] }), false);
});

Deno.test("isBestOffer() refuses worse than the best of the peer's and all fresh own records", () => {
  for (const peer of LISTS) {
    for (const own of LISTS) {
      for (const older of LISTS) {
        const lists = { own, ownFresh: [own, older] };
        const common = ranks(peer).filter((suite) => own.includes(suite) && older.includes(suite));
        for (const suite of SUITES) {
          const bound = common[0];
          const isWorse = bound !== undefined &&
            SUITES.indexOf(suite) > ranks(SUITES).indexOf(bound);
          const expected = peer.includes(suite) && !isWorse;
          assertEquals(
            isBestOffer(suite, peer, lists),
            expected,
            `${suite}: ${peer}; ${own}; ${older}`,
          );
        }
      }
    }
  }
});

Deno.test("isBestOffer() has no bound where the lists have nothing in common", () => {
  assertEquals(isBestOffer(X, [PQ, X], { own: [X], ownFresh: [[X], [PQ]] }), true);
  assertEquals(isBestOffer(X, [PQ, X], { own: [PQ, X], ownFresh: [[PQ, X]] }), false, "lowered");
});
