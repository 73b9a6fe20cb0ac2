/** Times, sizes and names as people read them. */
import { language } from './i18n.svelte'

const DAY = 86_400_000

export function ago(iso: string | null | undefined, now = Date.now()): string {
  if (!iso) return '—'
  const seconds = Math.round((new Date(iso).getTime() - now) / 1000)
  const relative = new Intl.RelativeTimeFormat(language(), { numeric: 'auto', style: 'short' })
  const size = Math.abs(seconds)
  if (size < 60) return relative.format(seconds, 'second')
  if (size < 3600) return relative.format(Math.round(seconds / 60), 'minute')
  if (size < 86_400) return relative.format(Math.round(seconds / 3600), 'hour')
  return relative.format(Math.round(seconds / 86_400), 'day')
}
export function moment(value: string | number): string {
  return new Intl.DateTimeFormat(language(), { dateStyle: 'medium', timeStyle: 'medium' }).format(instant(value))
}
export function clock(value: string | number, seconds = false): string {
  const second = seconds ? ('2-digit' as const) : undefined
  return new Intl.DateTimeFormat(language(), { hour: '2-digit', minute: '2-digit', second, hourCycle: 'h23' }).format(instant(value))
}
/** In a list: the time today, the weekday this week, else the date. */
export function shortDate(value: number): string {
  const at = instant(value)
  const age = Date.now() - at.getTime()
  if (age < DAY && at.getDate() === new Date().getDate()) return clock(value)
  if (age < 6 * DAY) return new Intl.DateTimeFormat(language(), { weekday: 'short' }).format(at)
  return new Intl.DateTimeFormat(language(), { day: 'numeric', month: 'short' }).format(at)
}
export function day(value: number): string {
  return new Intl.DateTimeFormat(language(), { day: 'numeric', month: 'long', year: 'numeric' }).format(instant(value))
}
/** An ISO text, or Unix seconds. */
function instant(value: string | number): Date {
  return new Date(typeof value === 'number' ? value * 1000 : value)
}
export function bytes(size: number): string {
  const units = ['B', 'kB', 'MB', 'GB']
  let at = 0
  while (size >= 1000 && at < units.length - 1) {
    size /= 1000
    at++
  }
  return `${size < 10 && at ? size.toFixed(1) : Math.round(size)} ${units[at]}`
}
export function duration(seconds: number): string {
  const whole = Math.round(seconds)
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`
}
/** A wait in words: 35 s, 4 min 10 s, 2 h 5 min. */
export function lasting(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds))
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60]
  if (hours) return minutes ? `${hours} h ${minutes} min` : `${hours} h`
  if (minutes) return rest ? `${minutes} min ${rest} s` : `${minutes} min`
  return `${rest} s`
}
export function initials(name: string): string {
  const words = name.trim().split(/\s+/).filter(Boolean)
  const letters = words.length > 1 ? [words[0]!, words[words.length - 1]!] : words
  return letters.map((word) => [...word][0] ?? '').join('').toUpperCase() || '?'
}
export function phone(number: string): string {
  return number && !number.startsWith('+') ? `+${number}` : number
}
