/** Light, dark, or what the system says; kept in this browser. */
export type Theme = 'system' | 'light' | 'dark'

function kept(): Theme {
  const found = localStorage.getItem('theme')
  return found === 'light' || found === 'dark' ? found : 'system'
}

export const theme = $state<{ choice: Theme }>({ choice: kept() })

export function applyTheme(choice: Theme = theme.choice): void {
  theme.choice = choice
  if (choice === 'system') {
    localStorage.removeItem('theme')
    delete document.documentElement.dataset.theme
  } else {
    localStorage.setItem('theme', choice)
    document.documentElement.dataset.theme = choice
  }
}
