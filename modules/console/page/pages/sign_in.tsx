/**
 * How somebody gets in: by a link of the terminal, or with a factor.
 *
 * @module
 */
import { useEffect, useState } from "preact/hooks";
import { post } from "../api.ts";
import { FactorForm, type FactorOptions, hasAny } from "../parts/factors.tsx";
import { Card, Loading } from "../parts/ui.tsx";
import { LanguageSwitch } from "../parts/switches.tsx";
import { linkFailed, readSession } from "../session.ts";
import { t } from "../language.ts";

export function SignIn() {
  const [options, setOptions] = useState<FactorOptions | null>(null);
  useEffect(() => {
    post<FactorOptions>("/auth/v1/sign-in/options").then(
      setOptions,
      () => setOptions({ passkey: null, totp: false, password: false, recovery: false }),
    );
  }, []);
  const hasFactor = options !== null && hasAny(options);
  return (
    <main class="centre">
      <div class="sign-in">
        <img src="icon.svg" alt="" width="56" height="56" />
        <h1>{t("sign_in.title")}</h1>
        {linkFailed.value && <p class="banner" role="alert">{t("sign_in.link_failed")}</p>}
        {options === null ? <Loading /> : hasFactor && (
          <Card>
            <FactorForm
              options={options}
              submit={async (factor) => {
                await post("/auth/v1/sign-in", { factor });
                await readSession();
              }}
              label={t("sign_in.submit")}
            />
          </Card>
        )}
        <Card title={hasFactor ? t("sign_in.or_terminal") : t("sign_in.by_terminal")}>
          <p>{t("sign_in.terminal")}</p>
          <pre class="command"><code>openred-node open</code></pre>
        </Card>
        <LanguageSwitch />
      </div>
    </main>
  );
}
