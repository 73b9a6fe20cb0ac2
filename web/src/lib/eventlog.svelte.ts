/** The last events, for looking at: at most `MOST`, newest first. Kept while the page lives, so that nothing is missed. */
import { get, type Event, type Schema } from './api'
import { hear } from './live.svelte'

export const MOST = 5000
export const log = $state<{ paused: boolean; missed: number; rate: number }>({ paused: false, missed: 0, rate: 0 })
let kept: Event[] = []
let shown = $state.raw<Event[]>([])
let started = false
let lately: number[] = [0] // in each of the last seconds
const met = new Set<string>()
let types = $state.raw<string[]>([])

export function events(): Event[] {
  return shown
}
/** Of all events that were seen, in order of their names. */
export function typesSeen(): string[] {
  return types
}
function meet(bunch: Event[]): void {
  const before = met.size
  for (const event of bunch) met.add(event.type)
  if (met.size > before) types = [...met].sort()
}
export function startLog(): void {
  if (started) return
  started = true
  hear((bunch) => {
    // Newest first; a flood replaces the list once a bunch, never once an event.
    kept = [...bunch.toReversed(), ...kept].slice(0, MOST)
    lately[lately.length - 1]! += bunch.length
    meet(bunch)
    if (log.paused) log.missed += bunch.length
    else shown = kept
  })
  setInterval(() => {
    const rate = Math.round(lately.reduce((sum, count) => sum + count, 0) / lately.length)
    lately = [...lately, 0].slice(-5)
    if (rate !== log.rate) log.rate = rate
  }, 1000)
  void readBack('')
}
export function pause(paused: boolean): void {
  log.paused = paused
  log.missed = 0
  if (!paused) shown = kept
}
export function clear(): void {
  kept = shown = []
  log.missed = 0
}
/** What the log has after a cursor (or from its beginning), up to now or `MOST`. */
export async function readBack(after: string): Promise<void> {
  let cursor = after
  let found: Event[] = []
  for (let page = 0; page < MOST / 1000; page++) {
    const told = await get<Schema['EventPage']>('/api/v1/events/log', { after: cursor, limit: 1000 })
    found = [...found, ...(told.items as Event[])]
    cursor = told.nextCursor
    if (!told.hasMore) break
  }
  meet(found)
  const known = new Set(found.map((event) => event.id))
  kept = [...kept.filter((event) => !known.has(event.id)), ...found.toReversed()].slice(0, MOST)
  shown = kept
}
export const GROUPS: Record<string, string> = {
  message: 'text-accent bg-primary/10',
  session: 'text-success bg-success/12',
  job: 'text-info bg-info/12',
  chat: 'text-secondary bg-secondary/12',
  group: 'text-secondary bg-secondary/12',
  channel: 'text-secondary bg-secondary/12',
  webhook: 'text-error bg-error/12',
}
export function summary(event: Event): string {
  const { data } = event
  if (typeof data.text === 'string' && data.text) return data.text
  if (data.state) return [data.previous, data.state].filter(Boolean).join(' → ') + (data.cause ? ` (${data.cause})` : '')
  return Object.entries(data)
    .filter(([, value]) => typeof value !== 'object')
    .slice(0, 4)
    .map(([name, value]) => `${name}: ${value}`)
    .join(', ')
}
