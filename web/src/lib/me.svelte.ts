/** Who is signed in here. */
import { ApiError, get, post, setCsrf, whenSignedOut, type Schema } from './api'

type Browser = Schema['BrowserShape']
export const me = $state<{ user: Browser | null; known: boolean }>({ user: null, known: false })

function take(user: Browser | null): void {
  me.user = user
  me.known = true
  setCsrf(user?.csrfToken ?? '')
}
whenSignedOut(() => take(null))

export async function whoAmI(): Promise<void> {
  try {
    take(await get<Browser>('/api/v1/auth/browser'))
  } catch (error) {
    take(null)
    if (!(error instanceof ApiError && error.status === 401)) throw error
  }
}
export async function signIn(name: string, password: string): Promise<void> {
  const user = await post<Browser>('/api/v1/auth/sign-in', { name, password })
  // Whether the browser kept the cookie is only known by asking.
  take(user)
  await whoAmI()
}
export async function signOut(): Promise<void> {
  await post('/api/v1/auth/sign-out')
  take(null)
}
