/** Whether the data centre is the one in the box; then its virtual phones can be looked at. */
import { get, post, type Schema } from './api'
import { me } from './me.svelte'

export type VirtualPhone = Schema['VirtualPhoneShape']
const known = $state<{ there: boolean }>({ there: false })
export const phones = $state<{ list: VirtualPhone[]; troubles: number }>({ list: [], troubles: 0 })

export function hasSandbox(): boolean {
  return known.there && me.user?.role === 'admin'
}
let asking: Promise<void> = Promise.resolve()
export function askForSandbox(): Promise<void> {
  asking = get<Schema['SystemShape']>('/api/v1/system').then(
    (told) => void (known.there = told.sandbox),
    () => {},
  )
  return asking
}
export async function lookAtPhones(): Promise<void> {
  await asking
  if (!hasSandbox()) return
  const told = await get<Schema['SandboxShape']>('/api/v1/sandbox')
  phones.list = told.phones
  phones.troubles = told.troubles
}
/** Keep them true until the returned function is called. */
export function followPhones(): () => void {
  const look = () => {
    if (document.visibilityState === 'visible') lookAtPhones().catch(() => {})
  }
  look()
  const looking = setInterval(look, 1500)
  return () => clearInterval(looking)
}
export const scanWith = (phone: string): Promise<Schema['ScannedShape']> =>
  post<Schema['ScannedShape']>(`/api/v1/sandbox/phones/${encodeURIComponent(phone)}/scan`, {})
