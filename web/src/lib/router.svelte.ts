/** Where we are: the path's parts and the query. Links are plain `<a href>`; clicks on ours stay in this page. */
export const route = $state<{ parts: string[]; query: URLSearchParams }>({ parts: [], query: new URLSearchParams() })
const API_PATHS = /^\/(docs|openapi\.json|api|assets)(\/|$)/

function read(): void {
  route.parts = location.pathname.split('/').filter(Boolean).map(decodeURIComponent)
  route.query = new URLSearchParams(location.search)
}

export function go(path: string, { replace = false } = {}): void {
  if (path === location.pathname + location.search) return
  history[replace ? 'replaceState' : 'pushState'](null, '', path)
  read()
}

export function path(...parts: (string | number)[]): string {
  return '/' + parts.map((part) => encodeURIComponent(part)).join('/')
}

export function startRouting(): void {
  read()
  addEventListener('popstate', read)
  addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    const link = (event.target as Element | null)?.closest?.('a')
    if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return
    if (API_PATHS.test(link.pathname)) return
    event.preventDefault()
    go(link.pathname + link.search)
  })
}
