import { assertEquals } from "@std/assert";
import { encodeNodeId } from "../../../crypto/encoding.ts";
import { openPeerBytes } from "../../../peer/p2p/peer_bytes.ts";
import { relayedUrl } from "../../../protocol/relay.ts";

const PEER = encodeNodeId(new Uint8Array(32).fill(1));
const OTHER = encodeNodeId(new Uint8Array(32).fill(2));

for (const status of [206, 404]) {
  Deno.test(`bytes of a peer say whether they come through its relay (${status})`, async () => {
    const isRelayed = async (url: string) => {
      const bytes = await openPeerBytes({
        urlOf: () => url,
        checkUrl: () => Promise.resolve(),
        openBytes: () =>
          Promise.resolve({
            status,
            headers: new Map([["content-range", "bytes 0-1/9"]]),
            bytes: 2,
            read: () => Promise.resolve(null),
            close: () => {},
          }),
      }, {
        peer: PEER,
        path: "p2p/file/x",
        range: { from: 0, to: 2 },
        signal: new AbortController().signal,
      });
      assertEquals(bytes.status, status);
      return bytes.isRelayed;
    };
    assertEquals(await isRelayed("https://node.example"), false);
    assertEquals(await isRelayed(relayedUrl("https://relay.example", PEER)), true);
    assertEquals(await isRelayed(relayedUrl("https://relay.example", OTHER)), false);
  });
}
