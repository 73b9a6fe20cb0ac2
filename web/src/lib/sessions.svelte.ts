/** The user's sessions, kept true by events and by asking again. */
import { get, type Event, type Session } from './api'
import { hear } from './live.svelte'
import { failed } from './toasts.svelte'

export const sessions = $state<{ list: Session[]; loaded: boolean }>({ list: [], loaded: false })

export async function loadSessions(): Promise<void> {
  try {
    sessions.list = await get<Session[]>('/api/v1/sessions')
    sessions.loaded = true
  } catch (error) {
    failed(error)
  }
}
let timer = 0
function soon(): void {
  clearTimeout(timer)
  timer = window.setTimeout(loadSessions, 250)
}
/** Keep them true until the returned function is called. */
export function followSessions(): () => void {
  void loadSessions()
  const stop = hear((events: Event[]) => {
    if (events.some((event) => event.type.startsWith('session.'))) soon()
  })
  const looking = setInterval(loadSessions, 20_000)
  return () => {
    stop()
    clearInterval(looking)
  }
}
export function usable(session: Session): boolean {
  return session.isAuthorized && session.state !== 'logged_out' && session.state !== 'banned'
}
