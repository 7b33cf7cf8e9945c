/**
 * The ways to sign in at this console.
 *
 * @module
 */
import { useState } from "preact/hooks";
import type { FactorKind, FactorView } from "../../../../protocol/sign_in_api.ts";
import { post } from "../api.ts";
import { formatDate, shown } from "../format.ts";
import { Button, Card, ConfirmDialog, Empty, Loading, Other } from "../parts/ui.tsx";
import { readSession, session } from "../session.ts";
import { browserSessions, factors } from "../store.ts";
import { t, tn, wordOr } from "../language.ts";
import { AddFactor } from "./add_factor.tsx";

export function FactorsCard() {
  const view = factors.want();
  const [adding, setAdding] = useState<FactorKind | null>(null);
  const [removing, setRemoving] = useState<FactorView | null>(null);
  const left = session.value?.factors.recovery ?? 0;
  const changed = async () => {
    await Promise.all([factors.load(), browserSessions.load(), readSession()]);
  };
  if (factors.isMissing) return null;
  return (
    <Card title={t("security.factors")}>
      <p class="muted">{t("security.factors_text")}</p>
      {view === null
        ? <Loading of={factors} />
        : view.factors.length === 0
        ? <Empty icon="key" title={t("security.no_factors")} />
        : (
          <ul class="list">
            {view.factors.map((one) => (
              <li key={one.id} class="list-row">
                <span class="grow two-lines">
                  <strong>
                    {wordOr(`factor.${one.kind}`, shown(one.kind))}
                    {one.name !== "" && (
                      <>
                        – <Other text={one.name} />
                      </>
                    )}
                  </strong>
                  <small class="muted">
                    {t("security.added", { when: formatDate(one.created_at) })}
                    {!one.works && ` · ${t("security.not_here")}`}
                    {one.used_at !== null &&
                      ` · ${t("security.used", { when: formatDate(one.used_at) })}`}
                  </small>
                </span>
                <Button
                  kind="quiet"
                  icon="trash"
                  label={t("security.remove_factor")}
                  onClick={() => setRemoving(one)}
                />
              </li>
            ))}
          </ul>
        )}
      {left > 0 && <p class="hint">{tn("security.codes_left", left)}</p>}
      <div class="row">
        {(["passkey", "totp", "password", "recovery"] as const).map((kind) => (
          <Button
            key={kind}
            icon="plus"
            onClick={() => setAdding(kind)}
          >
            {t(`security.add_${kind}`)}
          </Button>
        ))}
      </div>
      {adding !== null && (
        <AddFactor
          kind={adding}
          onClose={() => {
            setAdding(null);
            void changed();
          }}
        />
      )}
      {removing !== null && (
        <ConfirmDialog
          title={t("security.remove_factor")}
          confirm={t("security.remove_factor")}
          danger
          onClose={() => setRemoving(null)}
          onConfirm={async () => {
            await post("/auth/v1/factors/remove", { id: removing.id });
            await changed();
          }}
        >
          <p>{t("security.remove_means")}</p>
        </ConfirmDialog>
      )}
    </Card>
  );
}
