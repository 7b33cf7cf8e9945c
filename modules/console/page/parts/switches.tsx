/**
 * Language and theme.
 *
 * @module
 */
import { setTheme, type Theme, theme } from "../theme.ts";
import { language, setLanguage, t } from "../language.ts";

export function LanguageSwitch() {
  return (
    <div class="segments" role="group" aria-label={t("settings.language")}>
      {([["en", "English"], ["fr", "Français"]] as const).map(([code, name]) => (
        <button
          key={code}
          type="button"
          lang={code}
          aria-pressed={language.value === code}
          onClick={() => setLanguage(code)}
        >
          {name}
        </button>
      ))}
    </div>
  );
}

const THEMES: readonly Theme[] = ["system", "light", "dark"];

export function ThemeSwitch() {
  return (
    <div class="segments" role="group" aria-label={t("settings.theme")}>
      {THEMES.map((name) => (
        <button
          key={name}
          type="button"
          aria-pressed={theme.value === name}
          onClick={() => setTheme(name)}
        >
          {t(`settings.theme_${name}`)}
        </button>
      ))}
    </div>
  );
}
