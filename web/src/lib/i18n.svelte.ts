/** Words in the reader's language. A language is one file in `src/strings`; English is what the others are typed by. */
import { en } from '../strings/en'

export type Key = keyof typeof en
export type Strings = Record<Key, string>
export type Language = 'en' | 'de'
export const LANGUAGES: Record<Language, string> = { en: 'English', de: 'Deutsch' }

const current = $state<{ code: Language; words: Strings }>({ code: 'en', words: en })

export function language(): Language {
  return current.code
}

export async function speak(code: Language): Promise<void> {
  const words = code === 'de' ? (await import('../strings/de')).de : en
  current.code = code
  current.words = words
  document.documentElement.lang = code
  localStorage.setItem('language', code)
}

export async function speakAsBefore(): Promise<void> {
  const kept = localStorage.getItem('language') ?? navigator.language.slice(0, 2)
  if (kept === 'de') await speak('de')
}

/** The words for `key`; `{name}` in them is replaced. */
export function t(key: Key, values?: Record<string, string | number>): string {
  const words = current.words[key]
  return values ? words.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole)) : words
}
