/** The messages of one chat, newest first: pages of the past, what comes, and what is on its way. */
import { ApiError, del, get, post, type Chat, type Event, type Message } from './api'
import { messageOf } from './chats.svelte'
import { failed } from './toasts.svelte'

/** A message of ours that is not yet, or never was, at Telegram. */
export interface Draft {
  key: string
  text: string
  date: number
  error?: string
  body: Record<string, unknown>
}

const PAGE = 50

export class History {
  list = $state.raw<Message[]>([])
  drafts = $state<Draft[]>([])
  loaded = $state(false)
  older = $state(true)
  newer = $state(false)
  typing = $state<{ who: string; until: number } | null>(null)
  private busy = false

  constructor(
    readonly sessionId: string,
    readonly chatId: string,
    readonly around?: number,
  ) {
    void this.first()
  }

  private where(): { sessionId: string; chatId: string } {
    return { sessionId: this.sessionId, chatId: this.chatId }
  }

  private async page(query: Record<string, number>): Promise<Message[]> {
    return get<Message[]>('/api/v1/messages/history', { ...this.where(), limit: PAGE, ...query })
  }

  async first(around = this.around): Promise<void> {
    try {
      const found = await this.page(around ? { offsetId: around + 25 } : {})
      this.list = found
      this.older = found.length === PAGE
      this.newer = !!around
      this.loaded = true
    } catch (error) {
      this.older = false
      failed(error)
    }
  }

  async past(): Promise<void> {
    const last = this.list.at(-1)?.id
    if (this.busy || !this.older || !last) return
    this.busy = true
    try {
      const found = await this.page({ offsetId: last })
      this.list = [...this.list, ...found]
      this.older = found.length === PAGE
    } catch (error) {
      this.older = false
      failed(error)
    }
    this.busy = false
  }

  async future(): Promise<void> {
    const first = this.list[0]?.id
    if (this.busy || !this.newer || !first) return
    this.busy = true
    try {
      const found = await this.page({ afterId: first })
      this.list = [...found, ...this.list]
      this.newer = found.length > 0
    } catch (error) {
      this.newer = false
      failed(error)
    }
    this.busy = false
  }

  private put(message: Message): void {
    const at = this.list.findIndex((one) => one.id === message.id)
    if (at >= 0) this.list = this.list.with(at, { ...this.list[at]!, ...message })
    else if (!this.newer) this.list = [message, ...this.list].sort((one, other) => (other.id ?? 0) - (one.id ?? 0))
  }

  private change(id: number, change: Partial<Message>): void {
    this.list = this.list.map((one) => (one.id === id ? { ...one, ...change } : one))
  }

  hear(events: Event[]): void {
    for (const event of events) {
      if (event.sessionId !== this.sessionId) continue
      const { data } = event
      if (event.type === 'message.deleted' && (data.chatId === undefined || data.chatId === this.chatId)) {
        // The ids of private chats and basic groups are one row of numbers: no other chat has them.
        const gone = new Set<number>(data.deletedIds)
        const channel = this.chatId.startsWith('-100') && this.chatId.length > 12
        if (data.chatId === this.chatId || !channel) this.list = this.list.filter((one) => !gone.has(one.id ?? 0))
      }
      if (data.chatId !== this.chatId) continue
      if (event.type === 'message.received' || event.type === 'message.sent') {
        this.put(messageOf(event))
        if (event.type === 'message.received') this.typing = null
      } else if (event.type === 'message.edited') {
        const message = messageOf(event)
        if (this.list.some((one) => one.id === message.id)) this.put(message)
      } else if (event.type === 'message.reaction') this.change(data.messageId, { reactions: data.reactions })
      else if (event.type === 'message.pinned') for (const id of data.messageIds) this.change(id, { pinned: data.pinned })
      else if (event.type === 'user.typing') this.typing = { who: String(data.userId), until: Date.now() + 6000 }
    }
  }

  async send(text: string, more: Record<string, unknown>): Promise<void> {
    const draft: Draft = { key: crypto.randomUUID(), text, date: Date.now() / 1000, body: { ...this.where(), text, ...more } }
    this.drafts.push(draft)
    await this.try(draft.key)
  }

  /** Send it, or once more: the key lets it go out once, however often it is asked for. */
  async try(key: string): Promise<void> {
    const draft = this.drafts.find((one) => one.key === key)
    if (!draft) return
    draft.error = undefined
    try {
      const sent = await post<Message>('/api/v1/messages/send', draft.body, { key })
      this.forget(key)
      if (!draft.body.schedule) this.put(sent)
    } catch (error) {
      draft.error = error instanceof ApiError ? `${error.message} (${error.code})` : String(error)
    }
  }

  forget(key: string): void {
    this.drafts = this.drafts.filter((one) => one.key !== key)
  }

  edit = async (id: number, text: string): Promise<void> =>
    this.put(await post<Message>('/api/v1/messages/edit', { ...this.where(), messageId: id, text }))

  async remove(ids: number[], forEveryone: boolean): Promise<void> {
    await post('/api/v1/messages/delete', { ...this.where(), messageIds: ids, forEveryone })
    this.list = this.list.filter((one) => !ids.includes(one.id ?? 0))
  }

  async react(message: Message, emoji: string): Promise<void> {
    const chosen = message.reactions?.some((one) => one.chosen && one.emoji === emoji)
    const told = chosen
      ? await del<{ reactions?: Message['reactions'] }>('/api/v1/messages/react', { ...this.where(), messageId: message.id })
      : await post<{ reactions?: Message['reactions'] }>('/api/v1/messages/react', { ...this.where(), messageId: message.id, emoji })
    if (told.reactions) this.change(message.id!, { reactions: told.reactions })
    else await this.again(message.id!)
  }

  private async again(id: number): Promise<void> {
    const [fresh] = await this.page({ offsetId: id + 1, limit: 1 })
    if (fresh?.id === id) this.change(id, { reactions: fresh.reactions })
  }

  async pin(message: Message): Promise<void> {
    await post(`/api/v1/messages/${message.pinned ? 'unpin' : 'pin'}`, { ...this.where(), messageId: message.id })
    this.change(message.id!, { pinned: !message.pinned })
  }

  read = (upTo: number): Promise<unknown> => post('/api/v1/messages/read', { ...this.where(), upTo })
  type = (): Promise<unknown> => post('/api/v1/messages/typing', this.where())
}

/** Names by id, of those who write in a group; each asked for once. */
export class Names {
  known = $state<Record<string, { name: string; photo?: string }>>({})
  private asked = new Set<string>()
  constructor(readonly sessionId: string) {}

  async members(chatId: string): Promise<void> {
    try {
      const found = await get<{ id: string; firstName: string; lastName?: string; photoFileId?: string }[]>(
        `/api/v1/chats/${chatId}/members`,
        { sessionId: this.sessionId, limit: 100 },
      )
      for (const one of found) {
        this.asked.add(one.id)
        this.known[one.id] = { name: [one.firstName, one.lastName].filter(Boolean).join(' '), photo: one.photoFileId }
      }
    } catch {
      // members may be hidden: names come one by one
    }
  }

  want(id: string): void {
    if (this.asked.has(id) || id === '0') return
    this.asked.add(id)
    get<Chat>(`/api/v1/chats/${id}`, { sessionId: this.sessionId }).then(
      (chat) => (this.known[id] = { name: chat.title, photo: chat.photoFileId ?? undefined }),
      () => {},
    )
  }
}
