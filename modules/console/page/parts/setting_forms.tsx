/**
 * The node's settings that its owner changes here: its name, its directories, its relay.
 *
 * @module
 */
import { useState } from "preact/hooks";
import type {
  ChangeableSetting,
  SettingsView,
  SettingView,
} from "../../../../protocol/settings_api.ts";
import { post } from "../api.ts";
import { shown } from "../format.ts";
import { identity, settings, status } from "../store.ts";
import { t } from "../language.ts";
import { Form, TextField } from "./fields.tsx";
import { Badge, Button, Loading, useAction } from "./ui.tsx";

/** What the next start reads of one setting; `null` until that is known. */
function useSetting(name: ChangeableSetting): SettingView | null {
  return settings.want()?.settings.find((one) => one.name === name) ?? null;
}

async function change(name: ChangeableSetting, value: string | null): Promise<void> {
  settings.value.value = await post<SettingsView>("/admin/v1/settings", { name, value });
  await Promise.all([identity.load(), status.load()]);
}

/** Says what wins over what is kept. */
function Overruled({ setting: { from, kept } }: { setting: SettingView }) {
  if (from === "openred.toml" || from === "default") return null;
  return (
    <p class="hint">
      {t(kept === null ? "setting.given" : "setting.overruled", { from: shown(from) })}
    </p>
  );
}

export function NameForm() {
  const setting = useSetting("alias");
  const [typed, setTyped] = useState<string | null>(null);
  const action = useAction();
  if (settings.isMissing) return null;
  if (setting === null) return <Loading />;
  const now = setting.kept ?? setting.value ?? "";
  const name = typed ?? now;
  const save = async () => {
    await change("alias", name.trim() === "" ? null : name.trim());
    setTyped(null);
  };
  return (
    <Form submit={() => action.run(save, t("setting.name_saved"))}>
      <TextField
        label={t("setting.name")}
        hint={t("setting.at_once")}
        maxLength={64}
        autocomplete="nickname"
        value={name}
        onChange={setTyped}
      />
      <Overruled setting={setting} />
      <div class="row">
        <Button kind="primary" submit busy={action.busy} disabled={name.trim() === now}>
          {t("app.save")}
        </Button>
      </div>
    </Form>
  );
}

/** How a keyboard helps with an address, and does not. */
const URL_TEXT = {
  inputMode: "url",
  spellcheck: false,
  autocapitalize: "none",
  autocomplete: "off",
} as const;

/** What people leave out of an address: `https://`, and nothing behind it. */
function wholeUrl(text: string): string {
  const url = text.trim().replace(/\/+(?=$|#)/, "");
  return /^https?:\/\//i.test(url) ? url : `https://${url}`;
}

export function DirectoriesForm() {
  const setting = useSetting("directories");
  const now = status.want();
  const [url, setUrl] = useState("");
  const action = useAction();
  if (now === null || (setting === null && !settings.isMissing)) return <Loading />;
  const entries = (setting?.kept ?? setting?.value ?? "").split(",").map((one) => one.trim())
    .filter((one) => one !== "");
  const take = (list: readonly string[]) =>
    change("directories", list.length === 0 ? null : list.join(","));
  const add = async () => {
    await take([...entries, wholeUrl(url)]);
    setUrl("");
  };
  return (
    <div class="stack">
      {now.directories.length === 0 && <p>{t("start.no_directory")}</p>}
      <ul class="list">
        {now.directories.map(({ url: held, state }) => {
          const others = entries.filter((one) => one.split("#")[0] !== held);
          return (
            <li key={held} class="list-row">
              <span class="grow breakable">{shown(held)}</span>
              <Badge tone={state === "registered" ? "good" : "warn"}>
                {t(`directory.${state}`)}
              </Badge>
              {others.length < entries.length && (
                <Button
                  kind="quiet"
                  icon="trash"
                  label={t("setting.remove_directory", { url: shown(held) })}
                  busy={action.busy}
                  onClick={() => action.run(() => take(others), t("setting.directory_gone"))}
                />
              )}
            </li>
          );
        })}
      </ul>
      {setting !== null && (
        <Form
          class="option-row"
          submit={() => action.run(add, t("setting.directory_added"))}
        >
          <TextField
            {...URL_TEXT}
            label={t("setting.add_directory")}
            hint={t("setting.at_once")}
            placeholder="https://directory.example"
            required
            value={url}
            onChange={setUrl}
          />
          <Button submit busy={action.busy}>{t("setting.add")}</Button>
        </Form>
      )}
      {setting !== null && <Overruled setting={setting} />}
    </div>
  );
}

/** Asks the directories for a relay. */
const AUTO = "auto";

export function RelayForm() {
  const setting = useSetting("relay");
  const now = status.want();
  const [typed, setTyped] = useState<string | null>(null);
  const action = useAction();
  if (settings.isMissing) return null;
  if (setting === null || now === null) return <Loading />;
  const kept = setting.kept ?? setting.value ?? "";
  const url = typed ?? kept;
  const runs = now.relay?.url ?? "";
  const waits = kept === AUTO ? now.relay === null : (kept.split("#")[0] ?? "") !== runs;
  const save = async () => {
    const word = url.trim();
    await change("relay", word === "" ? null : word === AUTO ? AUTO : wholeUrl(word));
    setTyped(null);
  };
  return (
    <Form class="option-row" submit={() => action.run(save, t("settings.saved"))}>
      <TextField
        {...URL_TEXT}
        label={t("setting.relay")}
        hint={waits
          ? <strong>{t(kept === "" ? "setting.relay_ends" : "setting.relay_waits")}</strong>
          : t("setting.relay_hint", { auto: AUTO })}
        placeholder="https://relay.example"
        value={url}
        onChange={setTyped}
      />
      <Button submit busy={action.busy} disabled={url.trim() === kept}>{t("app.save")}</Button>
      <Overruled setting={setting} />
    </Form>
  );
}
