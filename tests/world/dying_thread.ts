/** A thread's program that begins, and fails at the next thing it hears. */
/// <reference lib="deno.worker" />
self.onmessage = ({ data }) => {
  if (data.name !== "begin") throw new Error("It has failed");
  self.postMessage({ kind: "result", id: data.id, value: undefined });
};
