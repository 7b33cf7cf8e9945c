/**
 * Idle links to a relay process, and what they cost it.
 *
 * @module
 */
import { LocalCryptoCore } from "../crypto/core.ts";
import { decodeUtf8, encodeBase64Url, encodeUtf8 } from "../crypto/encoding.ts";
import { systemHttpClient } from "../ports/system.ts";
import { RELAY_PATH } from "../protocol/relay.ts";
import { decodeRelayFrame, encodeRelayWord } from "../protocol/relay_frames.ts";
import { unverifiedPayload } from "../protocol/jws.ts";
import { createCoreNode } from "./two_nodes.ts";

const OPEN_MS = 10_000;
const SETTLE_MS = 2_000;

/** Resident memory of a process. */
function residentBytes(pid: number): number {
  const [, kib = "NaN"] =
    /^VmRSS:\s+(\d+) kB$/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`)) ??
      [];
  return Number(kib) * 1_024;
}

/** Opens one link, as a node does, and leaves it open. */
async function openLink(core: LocalCryptoCore, url: string): Promise<() => void> {
  const { id, identity } = await createCoreNode(core);
  const channel = await systemHttpClient.openChannel({
    url: url.replace(/^http/, "ws") + RELAY_PATH,
    timeoutMs: OPEN_MS,
  });
  const ready = Promise.withResolvers<void>();
  const prove = async (body: Uint8Array) => {
    const { nonce, relay } = JSON.parse(decodeUtf8(body));
    const { iss } = unverifiedPayload(relay) as { iss: string };
    const instance = encodeBase64Url(crypto.getRandomValues(new Uint8Array(16)));
    const payload = { v: 3, iss: id, aud: iss, nonce, url, instance, iat: 0 };
    const proof = await core.signJws({
      key: identity,
      typ: "openred-relay+jwt",
      payload: JSON.stringify(payload),
    });
    channel.send(encodeRelayWord("proof", encodeUtf8(proof)));
  };
  channel.listen({
    message(data) {
      const frame = data === null ? null : decodeRelayFrame(data);
      if (frame?.kind === "hello") prove(frame.body).catch(ready.reject);
      else if (frame?.kind === "ready") ready.resolve();
      else ready.reject(new Error("The relay takes no link"));
    },
    close: () => ready.reject(new Error("The relay ended a link")),
  });
  await ready.promise;
  return () => channel.close(1001);
}

/** @returns Bytes that each of `count` idle links adds to the relay. */
export async function openLinks(
  { url, pid, count }: { readonly url: string; readonly pid: number; readonly count: number },
): Promise<number> {
  const core = await LocalCryptoCore.create();
  const closings: (() => void)[] = [];
  const open = async () => {
    for (let at = 0; at < count; at++) closings.push(await openLink(core, url));
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  };
  // The first ones pay for what is loaded once.
  await open();
  const before = residentBytes(pid);
  await open();
  const bytes = (residentBytes(pid) - before) / count;
  for (const close of closings) close();
  await core.stop();
  return bytes;
}
