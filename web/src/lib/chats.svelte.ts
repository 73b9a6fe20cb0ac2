/** One session's chats: their list, kept true by events. */
import { ask, get, type Chat, type Event, type Folder, type Message } from './api'
import { failed } from './toasts.svelte'

export type Place = { kind: 'main' | 'archive' | 'folder'; folder?: Folder }

export class ChatList {
  all = $state.raw<Chat[]>([])
  folders = $state.raw<Folder[]>([])
  loaded = $state(false)
  more = $state(true)
  private cursor: string | undefined
  private busy = false
  private timer = 0
  private stopped = false

  constructor(
    readonly sessionId: string,
    readonly archive = false,
  ) {
    void this.next()
    if (!archive)
      get<Folder[]>('/api/v1/chats/folders', { sessionId }).then(
        (found) => (this.folders = found.filter((one) => one.type !== 'all')),
        () => {},
      )
  }

  stop(): void {
    this.stopped = true
    clearTimeout(this.timer)
  }

  /** The next page. */
  async next(): Promise<void> {
    if (this.busy || !this.more || this.stopped) return
    this.busy = true
    try {
      const query = { sessionId: this.sessionId, limit: 100, cursor: this.cursor, folder: this.archive ? 1 : 0 }
      const page = await ask<Chat[]>('GET', '/api/v1/chats', { query })
      const known = new Set(this.all.map((chat) => chat.id))
      this.all = [...this.all, ...page.data.filter((chat) => !known.has(chat.id))]
      this.cursor = page.nextCursor
      this.more = !!page.nextCursor
      this.loaded = true
    } catch (error) {
      this.more = false
      failed(error)
    } finally {
      this.busy = false
    }
  }

  /** The first page once more, soon: what changed is there. */
  private refresh(): void {
    clearTimeout(this.timer)
    this.timer = window.setTimeout(async () => {
      try {
        const page = await get<Chat[]>('/api/v1/chats', { sessionId: this.sessionId, limit: 100, folder: this.archive ? 1 : 0 })
        const fresh = new Map(page.map((chat) => [chat.id, chat]))
        this.all = sorted([...page, ...this.all.filter((chat) => !fresh.has(chat.id))])
      } catch (error) {
        failed(error)
      }
    }, 400)
  }

  change(id: string, change: (chat: Chat) => Partial<Chat>): boolean {
    const at = this.all.findIndex((chat) => chat.id === id)
    if (at < 0) return false
    const list = [...this.all]
    list[at] = { ...list[at]!, ...change(list[at]!) }
    this.all = list
    return true
  }

  hear(events: Event[], open: string | undefined): void {
    let moved = false
    for (const event of events) {
      if (event.sessionId !== this.sessionId) continue
      const data = event.data
      const id = String(data.chatId ?? '')
      if (event.type === 'message.received' || event.type === 'message.sent') {
        const message = messageOf(event)
        const known = this.change(id, (chat) => ({
          lastMessage: message,
          unreadCount: event.type === 'message.sent' ? 0 : (chat.unreadCount ?? 0) + (open === id ? 0 : 1),
        }))
        if (!known) this.refresh()
        moved = true
      } else if (event.type === 'message.edited') {
        this.change(id, (chat) => (chat.lastMessage?.id === data.messageId ? { lastMessage: messageOf(event) } : {}))
      } else if (event.type === 'message.read') {
        if (data.direction === 'outbox') this.change(id, () => ({ readOutboxMaxId: data.maxId }))
        else this.change(id, (chat) => ({ readInboxMaxId: data.maxId, unreadCount: data.unreadCount ?? (data.maxId >= (chat.lastMessage?.id ?? 0) ? 0 : chat.unreadCount) }))
      } else if (event.type === 'message.deleted' || event.type.startsWith('chat.')) this.refresh()
    }
    if (moved) this.all = sorted(this.all)
  }
}

function sorted(list: Chat[]): Chat[] {
  return [...list].sort(
    (one, other) => Number(other.isPinned ?? false) - Number(one.isPinned ?? false) || (other.lastMessage?.date ?? 0) - (one.lastMessage?.date ?? 0),
  )
}

/** The message that an event of `message.*` tells of. */
export function messageOf(event: Event): Message {
  const { data } = event
  return (data.message?.text !== undefined ? data.message : { ...data, id: data.id ?? data.messageId }) as Message
}

export function inFolder(chat: Chat, folder: Folder): boolean {
  if (folder.pinnedChatIds.includes(chat.id) || folder.includedChatIds.includes(chat.id)) return true
  if (folder.excludedChatIds.includes(chat.id)) return false
  if (folder.without.includes('muted') && chat.isMuted) return false
  if (folder.without.includes('read') && !chat.unreadCount) return false
  if (folder.without.includes('archived') && chat.isArchived) return false
  const person = chat.type === 'user' && !chat.isBot
  return folder.kinds.some(
    (kind) =>
      (kind === 'groups' && (chat.type === 'group' || chat.type === 'supergroup')) ||
      (kind === 'channels' && chat.type === 'channel') ||
      (kind === 'bots' && chat.isBot) ||
      ((kind === 'contacts' || kind === 'nonContacts') && person),
  )
}

export function fileUrl(sessionId: string, fileId: string, thumb = ''): string {
  return `/api/v1/sessions/${sessionId}/files/${encodeURIComponent(fileId)}${thumb ? `?thumb=${thumb}` : ''}`
}
