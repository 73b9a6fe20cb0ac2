// mtcute from npm against the sandbox: node story.js '{"host", "port", "dcId", "publicKeyFile", "controlUrl"}' STEP...
// Prints one line of JSON for each step, {"step", "ok", ...}, and exits with 1 when one fails.
import { readFileSync } from "node:fs";
// docs:begin
import { MemoryStorage, TelegramClient } from "@mtcute/node";
import { NodeCryptoProvider } from "@mtcute/node/utils.js";
import { addPublicKey } from "@mtcute/core/utils.js";

const dc = JSON.parse(process.argv[2]);

async function client() {
  const crypto = new NodeCryptoProvider();
  await crypto.initialize();
  addPublicKey(crypto, readFileSync(dc.publicKeyFile, "ascii"));
  const address = { id: dc.dcId, ipAddress: dc.host, port: dc.port };
  return new TelegramClient({
    apiId: 1, apiHash: "hash", storage: new MemoryStorage(), crypto, logLevel: 0,
    defaultDcs: { main: address, media: { ...address, mediaOnly: true } },
    updates: { catchUp: true },
  });
}
// docs:end

const steps = process.argv.slice(3);
const ANN = "+15550100001", BOB = "+15550100002", EVE = "+15550100003";
const WAIT = 15000;

async function control(method, path, body) {
  const answer = await fetch(dc.controlUrl + path, {
    method, body: body && JSON.stringify(body), headers: { "content-type": "application/json" },
  });
  const value = await answer.json();
  if (!answer.ok) throw new Error(JSON.stringify(value));
  return value;
}

const act = (phone, body) => control("POST", `/accounts/${encodeURIComponent(phone)}/act`, body);

async function until(promise, what) {
  let timer;
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`waited in vain for ${what}`)), WAIT); });
  try { return await Promise.race([promise, late]); } finally { clearTimeout(timer); }
}

function heard(ann, text) {
  return new Promise((resolve) => ann.onNewMessage.add((message) => { if (message.text === text) resolve(message); }));
}

function same(found, wanted, what) {
  if (JSON.stringify(found) !== JSON.stringify(wanted)) throw new Error(`${what}: ${JSON.stringify(found)}`);
}

async function signIn(phone, password) {
  const made = await client();
  await made.start({
    phone, password,
    code: async () => (await control("GET", `/accounts/${encodeURIComponent(phone)}/code`)).code,
  });
  return made;
}

async function texts(ann, peer, limit) {
  return (await ann.getHistory(peer, { limit })).map((each) => each.text);
}

let ann, group, channel;
const story = {
  async login() {
    ann = await signIn(ANN);
    same((await ann.getMe()).firstName, "Ann", "who I am");
  },
  async password() {
    const eve = await signIn(EVE, "open sesame");
    same((await eve.getMe()).firstName, "Eve", "who I am");
    await eve.destroy();
  },
  async talk() {
    const incoming = heard(ann, "hello Ann");
    same((await ann.sendText("bob_here", "hello Bob")).text, "hello Bob", "what was sent");
    await act(BOB, { do: "send", to: ANN, text: "hello Ann" });
    same((await until(incoming, "Bob")).sender.displayName, "Bob", "who wrote");
    same(await texts(ann, "bob_here", 2), ["hello Ann", "hello Bob"], "the history");
  },
  async group() {
    group = (await ann.createGroup({ title: "Friends", users: ["bob_here"] })).chat;
    await ann.sendText(group, "welcome");
    const incoming = heard(ann, "hello group");
    const bob = await signIn(BOB);
    for await (const dialog of bob.iterDialogs()) {
      if (dialog.peer.displayName !== "Friends") continue;
      same(await texts(bob, dialog.peer, 1), ["welcome"], "what Bob reads");
      await bob.sendText(dialog.peer, "hello group");
    }
    same((await until(incoming, "the group")).chat.displayName, "Friends", "where");
    await bob.destroy();
  },
  async channel() {
    channel = await ann.createChannel({ title: "News", description: "all of it" });
    await ann.sendText(channel, "first post");
    same((await texts(ann, channel, 1)), ["first post"], "the post");
    const incoming = heard(ann, "second post");
    await act(ANN, { do: "send", to: channel.id, text: "second post" }); // as from another device
    await until(incoming, "a post from another device");
  },
  async media() {
    const data = Buffer.alloc(300000, "media ");
    const sent = await ann.sendMedia("bob_here", { type: "document", file: data, fileName: "notes.txt", fileMime: "text/plain" });
    const back = await ann.downloadAsBuffer(sent.media);
    same(Buffer.compare(Buffer.from(back), data), 0, "the document, there and back");
  },
  async reconnect() {
    await ann.disconnect();
    await act(BOB, { do: "send", to: ANN, text: "while away {n}", times: 3 });
    await act(BOB, { do: "send", to: group.id, text: "group while away" });
    await act(ANN, { do: "send", to: channel.id, text: "post while away" });
    const away = [...[1, 2, 3].map((n) => `while away ${n}`), "group while away", "post while away"];
    const missed = away.map((text) => until(heard(ann, text), text));
    await ann.connect();
    await ann.startUpdatesLoop();
    await Promise.all(missed);
    const live = heard(ann, "live again");
    await act(BOB, { do: "send", to: ANN, text: "live again" });
    await until(live, "a push after the reconnect");
  },
};

let failed = 0;
for (const step of steps) {
  try {
    await until(story[step](), step);
    console.log(JSON.stringify({ step, ok: true }));
  } catch (error) {
    failed = 1;
    console.log(JSON.stringify({ step, ok: false, error: String((error && error.stack) || error) }));
  }
}
process.exit(failed);
