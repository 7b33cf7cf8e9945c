/**
 * Seals files for a node and sends them, in a Worker: one piece after the other, each sealed once, however often it goes.
 *
 * @module
 * @see docs/PROTOCOL.md, "Links to send by"
 */
import { setUpSender } from "./hpke.js";
import {
  CHUNK_BYTES,
  chunkRoot,
  concat,
  enc,
  HASH_BYTES,
  layerRoot,
  toBase64Url,
} from "./link_crypto.js";

const MAX_TRIES = 8;
const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 15_000;

/** What ends the sending; `reason` is a word of the page. */
class Ended extends Error {
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Posts until somebody answers. */
async function post(url, body) {
  for (let tries = 1;; tries++) {
    const answer = await fetch(url, {
      method: "POST",
      body,
      referrerPolicy: "no-referrer",
      cache: "no-store",
    }).catch(() => null);
    if (answer?.ok) return;
    const { code, reason } = await answer?.json().catch(() => ({})) ?? {};
    if (answer?.status === 410) throw new Ended(reason);
    if (answer?.status === 404) throw new Ended("unknown");
    if (answer?.status === 413) throw new Ended("tooLarge");
    if (code === "bad_signature" || code === "bad_request") throw new Ended("unreadable");
    if (tries >= MAX_TRIES) throw new Ended(code === "overloaded" ? "noRoom" : "unreachable");
    await pause(Math.min(FIRST_PAUSE_MS * 2 ** (tries - 1), MAX_PAUSE_MS));
  }
}

async function readChunk(file, number) {
  try {
    const part = file.slice(number * CHUNK_BYTES, (number + 1) * CHUNK_BYTES);
    return new Uint8Array(await part.arrayBuffer());
  } catch {
    throw new Ended("unreadable");
  }
}

async function sendFile({ url, link, upload, receiver, file, place, reached }) {
  const info = enc("openred/v3/request", link, upload, place);
  const { enc: ephemeral, context } = await setUpSender(receiver, info);
  const count = Math.ceil(file.size / CHUNK_BYTES);
  const roots = [];
  const seal = async (number, content, isLast) => {
    const sealed = await context.seal(enc(upload, place, number, isLast ? 1 : 0), content);
    return number === 0 ? concat(ephemeral, sealed) : sealed;
  };
  for (let number = 0; number < count; number++) {
    const content = await readChunk(file, number);
    roots.push(await chunkRoot(content, { isWhole: count === 1 }));
    await post(`${url}/${place}/${number}`, await seal(number, content, false));
    reached(number * CHUNK_BYTES + content.length);
  }
  const layer = new Uint8Array(HASH_BYTES * count);
  for (const [at, root] of roots.entries()) layer.set(root, HASH_BYTES * at);
  const root = count > 1 ? await layerRoot(layer) : roots[0];
  const last = {
    name: file.name,
    length: file.size,
    ...(root === undefined ? {} : { root: toBase64Url(root) }),
  };
  const text = new TextEncoder().encode(JSON.stringify(last));
  await post(`${url}/${place}/${count}?last=1`, await seal(count, text, true));
}

addEventListener("message", async ({ data: { url, link, upload, receiver, files } }) => {
  try {
    let before = 0;
    for (const [place, file] of files.entries()) {
      const reached = (bytes) => postMessage({ reached: before + bytes, name: file.name });
      await sendFile({ url, link, upload, receiver, file, place, reached });
      before += file.size;
    }
    await post(`${url}/done`);
    postMessage({ done: true });
  } catch (error) {
    postMessage({ ended: error instanceof Ended ? error.reason : "unreadable" });
  }
});
