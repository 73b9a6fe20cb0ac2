// A client of the older gateway as a page or a Node program has it: fetch, a key, the envelope.
const given = JSON.parse(process.argv[2])
let key = ''
let asked = 0

async function call(method, path, body, status = 200) {
  const headers = { 'Content-Type': 'application/json' }
  if (key) headers['X-API-Key'] = key
  const answer = await fetch(given.url + path, { method, headers, body: body && JSON.stringify(body) })
  asked += 1
  const told = await answer.json()
  if (answer.status !== status || told.success !== status < 400) {
    throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(told)}`)
  }
  return told.success ? told.data : told.error
}

function expect(what, found, wanted) {
  if (JSON.stringify(found) !== JSON.stringify(wanted)) throw new Error(`${what}: ${JSON.stringify(found)}`)
}

const health = await call('GET', '/health')
expect('health', health.status, 'ok')
key = (await call('POST', '/api/v1/auth/login', { name: given.name, password: given.password }, 201)).apiKey
expect('me', (await call('GET', '/api/v1/auth/me')).name, given.name)
const sessions = await call('GET', '/api/v1/sessions')
const sessionId = sessions.at(-1).id
const on = { sessionId, chatId: given.chat }
const text = 'walk: by fetch'
const sent = await call('POST', '/api/v1/messages/send', { ...on, text }, 201)
expect('text', sent.text, text)
const edited = 'walk: by fetch, edited'
const body = { sessionId, chatId: sent.chatId, messageId: sent.id, text: edited }
expect('edited', (await call('POST', '/api/v1/messages/edit', body)).text, edited)
const query = new URLSearchParams({ sessionId, chatId: sent.chatId, limit: '1' })
const history = await call('GET', `/api/v1/messages/history?${query}`)
expect('history', history.map((one) => [one.id, one.text]), [[sent.id, edited]])
const chats = await call('GET', `/api/v1/chats?sessionId=${sessionId}`)
expect('chat', chats[0].id, sent.chatId)
const unknown = await call('GET', '/api/v1/sessions/ses_unknown', undefined, 404)
expect('code', unknown.code, 'SESSION_NOT_FOUND')
console.log(JSON.stringify({ asked, id: sent.id, chatId: sent.chatId, text, edited }))
