/** The types of events that a webhook can ask for (docs/events.md), by their group. */
export const TYPES: Record<string, string[]> = {
  session: ['session.created', 'session.authorized', 'session.connected', 'session.disconnected', 'session.deleted', 'session.state_changed', 'session.flood_wait'],
  message: ['message.received', 'message.sent', 'message.edited', 'message.deleted', 'message.read', 'message.reaction', 'message.pinned', 'message.scheduled'],
  chat: ['chat.created', 'chat.updated', 'chat.deleted', 'chat.member_joined', 'chat.member_left'],
  group: ['group.created', 'group.updated', 'group.deleted', 'group.member_added', 'group.member_removed', 'group.admin_changed'],
  channel: ['channel.created', 'channel.updated', 'channel.deleted', 'channel.post_published'],
  user: ['user.status_changed', 'user.typing', 'user.profile_updated'],
  updates: ['updates.gap'],
  webhook: ['webhook.disabled'],
  job: ['job.settled'],
  broadcast: ['broadcast.state_changed'],
}
