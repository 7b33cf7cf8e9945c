/** A directory that goes with its test. */
export function makeTemporaryDirectory():
  & { readonly path: string }
  & Disposable {
  const path = Deno.makeTempDirSync({ prefix: "openred-" });
  return {
    path,
    [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }),
  };
}
