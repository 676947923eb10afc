/** Light, dark, or as the system says; the choice stays in this browser. */
import { useEffect, useState } from 'preact/hooks'

export const THEMES = ['system', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

const KEY = 'spillway-theme'

export function useTheme(): readonly [Theme, (theme: Theme) => void] {
  const [theme, setTheme] = useState<Theme>(kept)
  useEffect(() => apply(theme), [theme])
  return [
    theme,
    (next) => {
      try {
        localStorage.setItem(KEY, next)
      } catch {
        // A browser that keeps nothing shows the choice until the page is closed.
      }
      setTheme(next)
    },
  ]
}

export function apply(theme: Theme = kept()): void {
  if (theme === 'system') document.documentElement.removeAttribute('data-theme')
  else document.documentElement.dataset.theme = theme
}

function kept(): Theme {
  try {
    return THEMES.find((theme) => theme === localStorage.getItem(KEY)) ?? 'system'
  } catch {
    return 'system'
  }
}
