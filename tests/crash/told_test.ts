import { assertStringIncludes } from "@std/assert";
import { tellWhole } from "./told.ts";

Deno.test("tellWhole() names both errors of a failed disposal and their causes", async () => {
  async function fail(): Promise<void> {
    await using _folder = {
      [Symbol.asyncDispose]: () => Promise.reject(new Error("not empty", { cause: "a file" })),
    };
    throw new Error("after kill 7", { cause: new AggregateError([new Error("lost")], "two") });
  }
  const story = await fail().then(() => "", (error) => tellWhole(error));
  for (const part of ["after kill 7", "two", "lost", "not empty", "a file"]) {
    assertStringIncludes(story, part);
  }
});
