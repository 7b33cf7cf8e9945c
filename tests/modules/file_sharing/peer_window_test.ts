import { assertEquals, assertRejects } from "@std/assert";
import { PeerWindow } from "../../../modules/file_sharing/peer_window.ts";
import { settle } from "../../world/settle.ts";

const MOST = 4;
const TRANSFERS = 50;
const TURNS = 3;

Deno.test("fifty that fetch from one peer take turns, and no more than the window lets are under way", async () => {
  const window = new PeerWindow(MOST);
  const { signal } = new AbortController();
  const order: number[] = [];
  let underWay = 0;
  let most = 0;
  await Promise.all(Array.from({ length: TRANSFERS }, async (_, transfer) => {
    for (let turn = 0; turn < TURNS; turn++) {
      const leave = await window.enter(signal);
      most = Math.max(most, ++underWay);
      order.push(transfer);
      await settle();
      underWay -= 1;
      leave();
    }
  }));
  assertEquals(most, MOST);
  for (let turn = 0; turn < TURNS; turn++) {
    const round = order.slice(turn * TRANSFERS, (turn + 1) * TRANSFERS);
    assertEquals(new Set(round).size, TRANSFERS, `in turn ${turn} somebody came twice`);
  }
});

Deno.test("who gives up waiting takes nobody's room along", async () => {
  const window = new PeerWindow(1);
  const leave = await window.enter(new AbortController().signal);
  const stop = new AbortController();
  const waiting = window.enter(stop.signal);
  const next = window.enter(new AbortController().signal);
  stop.abort();
  await assertRejects(() => waiting, DOMException);
  leave();
  // Called again, it gives nothing back a second time.
  leave();
  (await next)();
});
