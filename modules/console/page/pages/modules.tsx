/**
 * Modules: what runs, what it may, and turning it on and off.
 *
 * @module
 */
import { useEffect, useState } from "preact/hooks";
import type { ModuleDetail, ModuleView } from "../../../../protocol/module_api.ts";
import { get, post } from "../api.ts";
import { formatBytes, shown } from "../format.ts";
import { Form, TextField } from "../parts/fields.tsx";
import {
  Badge,
  Button,
  Card,
  ConfirmDialog,
  Fact,
  Loading,
  NodeWords,
  Other,
  Page,
  useAction,
} from "../parts/ui.tsx";
import { isOwner } from "../session.ts";
import { modules } from "../store.ts";
import { hasWord, t, tx, type WordKey } from "../language.ts";

const TONES = { running: "good", stopped: "calm", failed: "bad", needs_grant: "warn" } as const;

export function Modules() {
  const view = modules.want();
  return (
    <Page title={t("nav.modules")} lead={t("modules.lead")}>
      {view === null
        ? <Loading of={modules} />
        : view.modules.map((one) => <ModuleCard key={one.name} module={one} />)}
      <p class="hint">
        {t("modules.load_hint")} <code>openred-node module load FILE</code>
      </p>
    </Page>
  );
}

function ModuleCard({ module }: { module: ModuleView }) {
  const [isOpen, setOpen] = useState(false);
  const [isEnding, setEnding] = useState(false);
  const action = useAction();
  const { name, state } = module;
  const change = async (path: string) => {
    await post(`/admin/v1/modules/${path}`, { module: name });
    await modules.load();
  };
  const key = `module.${name}`;
  const called = hasWord(key) ? t(key) : (
    <>
      “<Other text={name} />”
    </>
  );
  return (
    <Card
      title={
        <>
          {called} <small class="muted">{shown(module.version)}</small>
        </>
      }
      actions={
        <>
          <Badge tone={TONES[state]}>{t(`modules.${state}`)}</Badge>
          {isOwner() && (state === "running"
            ? <Button kind="quiet" onClick={() => setEnding(true)}>{t("modules.turn_off")}</Button>
            : (
              <Button busy={action.busy} onClick={() => action.run(() => change("enable"))}>
                {t("modules.turn_on")}
              </Button>
            ))}
        </>
      }
    >
      {hasWord(`${key}_text`) && <p>{t(`${key}_text` as WordKey)}</p>}
      {module.why !== undefined && (
        <p class="failure">
          <NodeWords text={module.why} />
        </p>
      )}
      <details onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>{t("modules.details")}</summary>
        {isOpen && <Details module={module} />}
      </details>
      {isEnding && (
        <ConfirmDialog
          title={
            <>
              {t("modules.turn_off")} · {called}
            </>
          }
          confirm={t("modules.turn_off")}
          danger
          onClose={() => setEnding(false)}
          onConfirm={() => change("disable")}
        >
          <p>{t("modules.off_means")}</p>
        </ConfirmDialog>
      )}
    </Card>
  );
}

function Details({ module }: { module: ModuleView }) {
  const [detail, setDetail] = useState<ModuleDetail | null>(null);
  const action = useAction();
  const load = async () =>
    setDetail(await get<ModuleDetail>("/admin/v1/modules/info", { module: module.name }));
  useEffect(() => {
    load().catch(() => undefined);
  }, [module]);
  if (detail === null) return <Loading />;
  const { manifest, options } = detail;
  return (
    <div class="stack">
      <dl class="facts">
        {manifest?.summary !== undefined && (
          <Fact name={t("modules.says")}>
            “<Other text={manifest.summary} />”
          </Fact>
        )}
        <Fact name={t("modules.kind")}>
          {t(module.kind === "file" ? "modules.from_file" : "modules.built_in")}
        </Fact>
        <Fact name={t("modules.stored")}>{formatBytes(detail.stored_bytes)}</Fact>
        {module.sha256 !== undefined && (
          <Fact name="SHA-256">
            <code class="id whole">{module.sha256}</code>
          </Fact>
        )}
      </dl>
      {module.kind === "file" && (
        <div>
          <h3>{t("modules.grants")}</h3>
          {module.grants.length === 0
            ? <p class="muted">{t("modules.no_grants")}</p>
            : (
              <ul class="list">
                {module.grants.map((grant) => (
                  <li key={grant} class="list-row">
                    <span class="grow">
                      “<Other text={grant} />”
                    </span>
                    {isOwner() && (
                      <Button
                        kind="quiet"
                        busy={action.busy}
                        onClick={() =>
                          action.run(async () => {
                            await post("/admin/v1/modules/revoke", { module: module.name, grant });
                            await modules.load();
                          })}
                      >
                        {t("modules.revoke")}
                      </Button>
                    )}
                  </li>
                ))}
              </ul>
            )}
        </div>
      )}
      {manifest?.options?.map((option) => (
        <OptionField
          key={option.name}
          module={module.name}
          option={option}
          value={options[option.name]}
          isBuiltIn={module.kind === "built-in"}
          onSaved={setDetail}
        />
      ))}
    </div>
  );
}

type Option = NonNullable<NonNullable<ModuleDetail["manifest"]>["options"]>[number];
type Value = string | number | boolean;

function OptionField(
  { module, option, value, isBuiltIn, onSaved }: {
    module: string;
    option: Option;
    value: Value | undefined;
    isBuiltIn: boolean;
    onSaved: (detail: ModuleDetail) => void;
  },
) {
  const [given, setGiven] = useState<Value>(value ?? "");
  const action = useAction();
  const save = (next: Value) =>
    action.run(async () => {
      onSaved(
        await post<ModuleDetail>("/admin/v1/modules/set", {
          module,
          option: option.name,
          value: next,
        }),
      );
      await modules.load();
    }, t("modules.saved"));
  const key = `option.${module}.${option.name}`;
  const label = isBuiltIn && hasWord(key) ? t(key) : shown(option.name);
  const hint = isBuiltIn && hasWord(key)
    ? undefined
    : tx("modules.quoted", { text: <Other text={option.summary} /> });
  if (option.type === "flag") {
    return (
      <label class="list-row switch-row">
        <span class="grow two-lines">
          <span>{label}</span>
          {hint !== undefined && <small class="muted">{hint}</small>}
        </span>
        <input
          type="checkbox"
          role="switch"
          checked={value === true}
          disabled={!isOwner()}
          onChange={({ currentTarget }) => save(currentTarget.checked)}
        />
      </label>
    );
  }
  return (
    <Form
      class="option-row"
      submit={() => save(option.type === "number" ? Number(given) : given)}
    >
      <TextField
        label={label}
        hint={hint}
        type={option.type === "number" ? "number" : "text"}
        value={String(given)}
        disabled={!isOwner()}
        onChange={setGiven}
      />
      {isOwner() && String(given) !== String(value) && (
        <Button submit busy={action.busy}>{t("app.save")}</Button>
      )}
    </Form>
  );
}
