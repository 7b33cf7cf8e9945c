/**
 * Stretches a password, in a Worker: it takes a moment, and is the only part of the page that needs WebAssembly.
 *
 * @module
 */
importScripts("argon2.js");

addEventListener("message", async ({ data: { password, salt, cost } }) => {
  postMessage(await self.hashwasm.argon2id({ ...cost, password, salt, outputType: "binary" }));
});
