/** Our own public API, as any client calls it; only that a cookie says who we are. */
import type { components, paths } from './schema'

export type Schema = components['schemas']
export type Session = Schema['SessionShape']
export type OneSession = Schema['OneSessionShape']
export type Chat = Schema['ChatShape']
export type Message = Schema['MessageShape']
export type Media = Schema['MediaShape']
export type Folder = Schema['FolderShape']
export type Webhook = Schema['WebhookShape']
export type Delivery = Schema['DeliveryShape']
export type DeliveryDetail = Schema['DeliveryDetailShape']
export type Job = Schema['JobShape']
export type User = Schema['UserShape']
export type ApiKey = Schema['KeyShape']
export type AuditEntry = Schema['EntryShape']
/** `data` varies with `type`: docs/events.md. */
export interface Event {
  id: string
  type: string
  sessionId: string | null
  timestamp: string
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  data: Record<string, any>
}

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly requestId: string,
    readonly retryAfter: number | null,
  ) {
    super(message)
  }
}

let csrf = ''
let onSignedOut: () => void = () => {}
export function setCsrf(token: string): void {
  csrf = token
}
export function whenSignedOut(then: () => void): void {
  onSignedOut = then
}

type Query = Record<string, string | number | boolean | null | undefined>
/** The paths of the document, with their parameters filled in. */
export type Path = keyof paths | (string & {})

export function url(path: Path, query: Query = {}): string {
  const named = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== '')
  const text = new URLSearchParams(named.map(([name, value]) => [name, String(value)])).toString()
  return text ? `${path}?${text}` : path
}

interface Answer<T> {
  data: T
  nextCursor?: string
  total?: number
}

/** The whole answer. Raises ApiError, with the service's own words. */
export async function ask<T>(method: string, path: Path, { query, body, key, signal }: Options = {}): Promise<Answer<T>> {
  const headers: Record<string, string> = {}
  if (method !== 'GET' && csrf) headers['X-CSRF-Token'] = csrf
  if (key) headers['Idempotency-Key'] = key
  const isForm = body instanceof FormData
  if (body !== undefined && !isForm) headers['Content-Type'] = 'application/json'
  let answer: Response
  try {
    answer = await fetch(url(path, query), {
      method,
      headers,
      signal: signal ?? AbortSignal.timeout(60_000),
      body: body === undefined ? null : isForm ? body : JSON.stringify(body),
    })
  } catch (error) {
    if (signal?.aborted) throw error
    throw new ApiError(0, 'NO_CONNECTION', 'The service does not answer', '', null)
  }
  const told = await answer.json().catch(() => null)
  if (answer.ok && told) return told as Answer<T>
  const error = told?.error ?? {}
  if (answer.status === 401 && path !== '/api/v1/auth/sign-in') onSignedOut()
  throw new ApiError(
    answer.status,
    error.code ?? `HTTP_${answer.status}`,
    error.message ?? answer.statusText,
    answer.headers.get('x-request-id') ?? '',
    Number(answer.headers.get('retry-after')) || null,
  )
}

interface Options {
  query?: Query
  body?: unknown
  key?: string
  signal?: AbortSignal
}

export const get = async <T>(path: Path, query?: Query, signal?: AbortSignal): Promise<T> =>
  (await ask<T>('GET', path, { query, signal })).data
export const post = async <T>(path: Path, body?: unknown, options: Options = {}): Promise<T> =>
  (await ask<T>('POST', path, { ...options, body })).data
export const put = async <T>(path: Path, body: unknown): Promise<T> => (await ask<T>('PUT', path, { body })).data
export const patch = async <T>(path: Path, body: unknown): Promise<T> => (await ask<T>('PATCH', path, { body })).data
export const del = async <T>(path: Path, query?: Query): Promise<T> => (await ask<T>('DELETE', path, { query })).data
