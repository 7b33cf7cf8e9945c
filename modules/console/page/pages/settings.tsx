/**
 * Settings: what belongs to this browser, where files land, and what the node is told, each with when it counts.
 *
 * @module
 */
import { useEffect, useState } from "preact/hooks";
import { chooseFolder, chosenFolder, landingFolder } from "../dropping.ts";
import { shown } from "../format.ts";
import { Form, TextField } from "../parts/fields.tsx";
import { DirectoriesForm, NameForm, RelayForm } from "../parts/setting_forms.tsx";
import { Button, Card, CopyButton, Fact, Loading, notify, Page, Table } from "../parts/ui.tsx";
import { LanguageSwitch, ThemeSwitch } from "../parts/switches.tsx";
import { placeLink } from "../router.ts";
import { isOwner } from "../session.ts";
import { identity, settings, status } from "../store.ts";
import { t } from "../language.ts";

export function Settings() {
  const own = identity.want();
  const now = status.want();
  return (
    <Page title={t("nav.settings")} lead={t("settings.lead")}>
      <Card title={t("settings.look")}>
        <div class="setting">
          <span>{t("settings.language")}</span>
          <LanguageSwitch />
        </div>
        <div class="setting">
          <span>{t("settings.theme")}</span>
          <ThemeSwitch />
        </div>
      </Card>
      {isOwner() && <Folder />}
      {isOwner() && <OwnSettings />}
      <Card title={t("settings.node")}>
        {own === null || now === null ? <Loading /> : (
          <dl class="facts">
            <Fact name={t("settings.version")}>{now.version}</Fact>
            <Fact name={t("person.id")}>
              <code class="id whole">{own.node_id}</code>
            </Fact>
            <Fact name={t("settings.address")}>
              <code class="breakable">{own.api_url}</code>
            </Fact>
            <Fact name={t("connect.yours")}>
              <span class="row">
                <a class="button" href={placeLink("people", "connect")}>{t("settings.show")}</a>
                <CopyButton text={own.contact} label={t("connect.copy_link")} />
              </span>
            </Fact>
          </dl>
        )}
      </Card>
      {isOwner() && <OtherSettings />}
    </Page>
  );
}

/** What the node is told, as far as it is changed here. */
function OwnSettings() {
  settings.want();
  if (settings.isMissing) return null;
  return (
    <>
      <Card title={t("guide.name")}>
        <div class="stack">
          <p class="muted">{t("guide.name_text")}</p>
          <NameForm />
        </div>
      </Card>
      <Card title={t("network.directories")}>
        <DirectoriesForm />
      </Card>
      <Card title={t("relay.title")}>
        <RelayForm />
      </Card>
    </>
  );
}

/** What is changed in the terminal alone. */
function OtherSettings() {
  const list = settings.want()?.settings.filter(({ counts }) => counts === null) ?? [];
  if (list.length === 0) return null;
  return (
    <Card title={t("settings.others")}>
      <p class="muted">{t("settings.others_text")}</p>
      <pre class="command" tabIndex={0}><code>openred-node config set NAME VALUE</code></pre>
      <details class="details">
        <summary>{t("settings.others_show")}</summary>
        <Table
          label={t("settings.others")}
          heads={[t("settings.option"), t("settings.value"), t("settings.from")]}
        >
          {list.map(({ name, value, from, default: usual }) => (
            <tr key={name}>
              <th scope="row">
                <code>{name}</code>
              </th>
              <td class="breakable">{value === null ? "–" : shown(value)}</td>
              <td class="muted">
                {from === "default" ? t("settings.default", { value: usual }) : shown(from)}
              </td>
            </tr>
          ))}
        </Table>
      </details>
    </Card>
  );
}

function Folder() {
  const [folder, setFolder] = useState(chosenFolder());
  const [inUse, setInUse] = useState<string | null>(null);
  const read = () => landingFolder().then(setInUse, () => setInUse(null));
  useEffect(() => void read(), []);
  return (
    <Card title={t("settings.folder")}>
      <Form
        class="option-row"
        submit={() => {
          chooseFolder(folder.trim());
          void read();
          notify(t("settings.saved"));
        }}
      >
        <TextField
          label={t("settings.folder_label")}
          hint={t("settings.folder_hint")}
          spellcheck={false}
          autocomplete="off"
          placeholder={inUse ?? ""}
          value={folder}
          onChange={setFolder}
        />
        <Button submit>{t("app.save")}</Button>
      </Form>
    </Card>
  );
}
