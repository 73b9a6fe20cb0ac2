/** Why a session is as it is, in plain words where we have them; else the cause's own name. */
import { t, type Key } from './i18n.svelte'

const KNOWN = ['LOGIN_EXPIRED', 'SESSION_PASSWORD_NEEDED', 'DISCONNECTED_HERE', 'LOGGED_OUT_HERE', 'IMPORTED', 'STARTING', 'QR', 'SESSION_REVOKED', 'AUTH_KEY_UNREGISTERED', 'USER_DEACTIVATED_BAN', 'PEER_FLOOD', 'FROZEN', 'LOGIN_CANCELLED']

export function causeOf(cause: string | null | undefined): string {
  if (!cause) return t('sessions.noCause')
  return KNOWN.includes(cause) ? t(`cause.${cause}` as Key) : cause
}
