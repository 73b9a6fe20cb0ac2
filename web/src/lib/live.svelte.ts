/** What happens, as it happens: one WebSocket for all pages, which goes on where it was. */
import type { Event } from './api'
import { whoAmI } from './me.svelte'

const CREDENTIALS_ENDED = 4401 // as the API says it
type Hear = (events: Event[]) => void
const hearers = new Set<Hear>()
export const live = $state<{ connected: boolean }>({ connected: false })
let socket: WebSocket | null = null
let cursor = ''
let wait = 500
let wanted = false
let waiting: Event[] = []
let timer = 0

/** Events come in bunches, at most one in a frame of the screen: a flood of them must not hold the page up. */
function deliver(): void {
  timer = 0
  const bunch = waiting.splice(0, 150)
  for (const hear of hearers) hear(bunch)
  if (waiting.length) schedule()
}
function schedule(): void {
  if (!timer) timer = window.setTimeout(deliver, 20)
}

function open(): void {
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws'
  const opened = new WebSocket(`${scheme}://${location.host}/api/v1/ws${cursor ? `?after=${encodeURIComponent(cursor)}` : ''}`)
  socket = opened
  opened.onmessage = (message) => {
    const told = JSON.parse(message.data as string)
    if (told.id && told.data) {
      cursor = told.id
      waiting.push(told as Event)
      if (waiting.length > 20_000) waiting.splice(0, waiting.length - 20_000)
      schedule()
    } else if (told.type === 'connected') {
      live.connected = true
      wait = 500
      cursor ||= told.cursor
    } else if (told.cursor ?? told.oldestCursor) cursor = told.cursor ?? told.oldestCursor
  }
  opened.onclose = (event) => {
    if (socket !== opened) return
    socket = null
    live.connected = false
    const again = () => {
      if (wanted) setTimeout(() => wanted && !socket && open(), wait)
      wait = Math.min(wait * 2, 15_000)
    }
    // Who has signed out is not to knock again: whether they have is asked first.
    if (event.code === CREDENTIALS_ENDED) whoAmI().then(again, again)
    else again()
  }
}

export function listen(): void {
  wanted = true
  if (!socket) open()
}
export function stopListening(): void {
  wanted = false
  cursor = ''
  waiting = []
  socket?.close()
  socket = null
  live.connected = false
}
/** Be told of events until the returned function is called. */
export function hear(then: Hear): () => void {
  hearers.add(then)
  return () => hearers.delete(then)
}
