/**
 * Settings: what belongs to this browser, and where files land. Everything takes effect at once.
 *
 * @module
 */
import { useEffect, useState } from "preact/hooks";
import { chooseFolder, chosenFolder, landingFolder } from "../dropping.ts";
import { Form, TextField } from "../parts/fields.tsx";
import { Button, Card, CopyButton, Fact, Loading, notify, Page } from "../parts/ui.tsx";
import { LanguageSwitch, ThemeSwitch } from "../parts/switches.tsx";
import { placeLink } from "../router.ts";
import { isOwner } from "../session.ts";
import { identity, status } from "../store.ts";
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
        <p class="hint">{t("settings.restart")}</p>
      </Card>
    </Page>
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
