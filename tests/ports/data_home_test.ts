import { assertEquals } from "@std/assert";
import { dataHome } from "../../ports/data_home.ts";

function at(os: string, variables: Readonly<Record<string, string>>): string | null {
  return dataHome("openred", { os, env: (name) => variables[name] });
}

Deno.test("dataHome() is where each system keeps the data of a user's programs", () => {
  const home = { HOME: "/home/ann" };
  assertEquals(at("linux", home), "/home/ann/.local/share/openred");
  assertEquals(at("linux", { ...home, XDG_DATA_HOME: "/data/" }), "/data/openred");
  for (const wrong of ["", "relative"]) {
    assertEquals(at("linux", { ...home, XDG_DATA_HOME: wrong }), "/home/ann/.local/share/openred");
  }
  assertEquals(at("freebsd", home), "/home/ann/.local/share/openred");
  assertEquals(at("darwin", home), "/home/ann/Library/Application Support/openred");
  const windows = { LOCALAPPDATA: "C:\\Users\\ann\\AppData\\Local" };
  assertEquals(at("windows", windows), "C:\\Users\\ann\\AppData\\Local\\openred");
  for (const os of ["linux", "darwin", "windows"]) assertEquals(at(os, {}), null);
});
