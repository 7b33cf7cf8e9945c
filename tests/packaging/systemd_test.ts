import { assert, assertEquals, assertMatch } from "@std/assert";
import { makeTemporaryDirectory } from "../ports/temporary_directory.ts";

const UNITS = ["openred-node.service", "openred-central.service"] as const;
/** Of ten; what is worse says `systemd-analyze security` is exposed. */
const MAX_EXPOSURE = 2;

async function analyze(args: readonly string[]): Promise<{ success: boolean; text: string }> {
  const { success, stdout, stderr } = await new Deno.Command("systemd-analyze", {
    args: [...args],
    env: { SYSTEMD_COLORS: "0", LC_ALL: "C" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { success, text: decoder.decode(stdout) + decoder.decode(stderr) };
}

const isThere = await analyze(["--version"]).then(({ success }) => success, () => false);

for (const unit of UNITS) {
  Deno.test({
    name: `packaging/systemd/${unit} is right and shut (skipped without systemd-analyze)`,
    ignore: !isThere,
    async fn() {
      using folder = makeTemporaryDirectory();
      const source = new URL(`../../packaging/systemd/${unit}`, import.meta.url);
      const program = unit.replace(".service", "");
      const text = await Deno.readTextFile(source);
      assertMatch(text, new RegExp(`^ExecStart=/usr/local/bin/${program} run$`, "m"));
      const path = `${folder.path}/${unit}`;
      // The program is not installed where the tests run.
      await Deno.writeTextFile(path, text.replace(/^ExecStart=.*$/m, "ExecStart=/bin/true run"));
      const exposure = async () => {
        assertEquals(await analyze(["verify", "--man=no", path]), { success: true, text: "" });
        const { text: verdict } = await analyze(["security", "--offline=true", path]);
        const [, found] = /Overall exposure level for \S+: ([\d.]+)/.exec(verdict) ?? [];
        assert(Number(found) <= MAX_EXPOSURE, verdict);
        return Number(found);
      };
      const shut = await exposure();
      await Deno.mkdir(`${path}.d`);
      const dropIn = new URL("low-ports.conf", source);
      await Deno.copyFile(dropIn, `${path}.d/low-ports.conf`);
      assert(await exposure() > shut, "what lets it listen below 1024 was seen");
    },
  });
}
