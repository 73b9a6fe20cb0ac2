/** What happened, told in a corner. An error is told in the service's own words, with its code and request id. */
import { ApiError } from './api'

export interface Toast {
  id: number
  kind: 'done' | 'error'
  text: string
  code?: string
  requestId?: string
}
export const toasts = $state<Toast[]>([])
let last = 0

function add(toast: Omit<Toast, 'id'>, seconds: number): void {
  // A page that asks for five things tells once that the service is away.
  const same = toasts.findIndex((one) => one.kind === toast.kind && one.text === toast.text && one.code === toast.code)
  if (same >= 0) toasts.splice(same, 1)
  const id = ++last
  toasts.push({ ...toast, id })
  if (toasts.length > 4) toasts.shift()
  setTimeout(() => dismiss(id), seconds * 1000)
}
export function dismiss(id: number): void {
  const at = toasts.findIndex((toast) => toast.id === id)
  if (at >= 0) toasts.splice(at, 1)
}
export function done(text: string): void {
  add({ kind: 'done', text }, 4)
}
export function failed(error: unknown): void {
  if (error instanceof ApiError) {
    if (error.status === 401) return // the sign-in page tells
    add({ kind: 'error', text: error.message, code: error.code, requestId: error.requestId }, 12)
  } else if (!(error instanceof DOMException && error.name === 'AbortError')) {
    add({ kind: 'error', text: error instanceof Error ? error.message : String(error) }, 12)
  }
}
/** Run it; tell when it fails. Whether it went well. */
export async function trying(act: () => Promise<unknown>, told?: string): Promise<boolean> {
  try {
    await act()
    if (told) done(told)
    return true
  } catch (error) {
    failed(error)
    return false
  }
}
