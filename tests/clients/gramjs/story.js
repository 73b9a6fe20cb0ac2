// GramJS from npm against the sandbox: node story.js '{"host", "port", "dcId", "publicKeyFile", "controlUrl"}' STEP...
// Prints one line of JSON for each step, {"step", "ok", ...}, and exits with 1 when one fails.
"use strict";
const { createPublicKey, createHash } = require("node:crypto");
const { readFileSync } = require("node:fs");
const bigInt = require("big-integer");
const { Api, TelegramClient } = require("telegram");
const { NewMessage } = require("telegram/events");
const { ConnectionTCPFull } = require("telegram/network");
const { StringSession } = require("telegram/sessions");
const { LogLevel } = require("telegram/extensions/Logger");
const { _serverKeys } = require("telegram/crypto/RSA");

const dc = JSON.parse(process.argv[2]);
const steps = process.argv.slice(3);
const ANN = "+15550100001", BOB = "+15550100002", EVE = "+15550100003";
const WAIT = 15000;

// docs:begin
function trust(pem) {
  const jwk = createPublicKey(pem).export({ format: "jwk" });
  const [n, e] = [jwk.n, jwk.e].map((text) => Buffer.from(text, "base64url"));
  const tl = (data) => {
    const head = data.length < 254 ? Buffer.from([data.length]) : Buffer.from([254, data.length & 255, data.length >> 8, 0]);
    return Buffer.concat([head, data, Buffer.alloc((4 - ((head.length + data.length) % 4)) % 4)]);
  };
  const digest = createHash("sha1").update(Buffer.concat([tl(n), tl(e)])).digest();
  const fingerprint = digest.readBigInt64LE(12).toString();
  _serverKeys.set(fingerprint, { n: bigInt(n.toString("hex"), 16), e: e.readUIntBE(0, e.length) });
}

// GramJS goes to ports 80 and 443 whatever it is told, and saves no port above 32767.
class ToSandbox extends ConnectionTCPFull {
  constructor(options) { super({ ...options, port: dc.port }); }
}

async function connected(saved = "") {
  const session = new StringSession(saved);
  if (!saved) session.setDC(dc.dcId, dc.host, 80);
  const client = new TelegramClient(session, 1, "hash", { useWSS: false, connectionRetries: 5, connection: ToSandbox });
  client.setLogLevel(LogLevel[process.env.GRAM_LOG || "NONE"]);
  await client.connect();
  return client;
}
// docs:end

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

function heard(client, wanted) {
  return new Promise((resolve) => {
    client.addEventHandler((event) => { if (wanted(event.message)) resolve(event.message); }, new NewMessage({}));
  });
}

function same(found, wanted, what) {
  if (JSON.stringify(found) !== JSON.stringify(wanted)) throw new Error(`${what}: ${JSON.stringify(found)}`);
}

async function signIn(phone, password) {
  const client = await connected();
  await client.start({
    phoneNumber: async () => phone,
    phoneCode: async () => (await control("GET", `/accounts/${encodeURIComponent(phone)}/code`)).code,
    password: async () => password,
    onError: (error) => { throw error; },
  });
  return client;
}

let ann, group, channel;
const story = {
  async login() {
    ann = await signIn(ANN);
    const me = await ann.getMe();
    same([me.firstName, me.phone], ["Ann", ANN.slice(1)], "who I am");
  },
  async password() {
    const eve = await signIn(EVE, "open sesame");
    same((await eve.getMe()).firstName, "Eve", "who I am");
    await eve.destroy();
  },
  async talk() {
    const incoming = heard(ann, (message) => message.message === "hello Ann");
    const sent = await ann.sendMessage("bob_here", { message: "hello Bob" });
    same(sent.message, "hello Bob", "what was sent");
    await act(BOB, { do: "send", to: ANN, text: "hello Ann" });
    const message = await until(incoming, "Bob");
    same((await message.getSender()).firstName, "Bob", "who wrote");
    const history = await ann.getMessages("bob_here", { limit: 2 });
    same(history.map((each) => each.message), ["hello Ann", "hello Bob"], "the history");
  },
  async group() {
    const made = await ann.invoke(new Api.messages.CreateChat({ users: ["bob_here"], title: "Friends" }));
    group = (made.updates || made).chats[0];
    await ann.sendMessage(group, { message: "welcome" });
    const bob = await signIn(BOB);
    const incoming = heard(ann, (message) => message.message === "hello group");
    const theirs = (await bob.getDialogs({})).filter((each) => each.title === "Friends");
    same(theirs.length, 1, "the group among Bob's dialogs");
    same((await bob.getMessages(theirs[0].inputEntity, { limit: 1 }))[0].message, "welcome", "what Bob reads");
    await bob.sendMessage(theirs[0].inputEntity, { message: "hello group" });
    same((await (await until(incoming, "the group")).getSender()).firstName, "Bob", "who wrote");
    await bob.destroy();
  },
  async channel() {
    const made = await ann.invoke(new Api.channels.CreateChannel({ title: "News", about: "all of it", broadcast: true }));
    channel = made.chats[0];
    await ann.sendMessage(channel, { message: "first post" });
    const history = await ann.getMessages(channel, { limit: 1 });
    same(history[0].message, "first post", "the post");
    const incoming = heard(ann, (message) => message.message === "second post");
    await act(ANN, { do: "send", to: `-100${channel.id}`, text: "second post" }); // as from another device
    await until(incoming, "a post from another device");
  },
  async media() {
    const { CustomFile } = require("telegram/client/uploads");
    const data = Buffer.alloc(300000, "media ");
    const file = new CustomFile("notes.txt", data.length, "", data);
    const sent = await ann.sendFile("bob_here", { file, caption: "read this", forceDocument: true });
    const back = await ann.downloadMedia(sent, {});
    same(Buffer.compare(back, data), 0, "the document, there and back");
  },
  async reconnect() {
    const saved = ann.session.save();
    const before = await ann.invoke(new Api.updates.GetState());
    const { fullChat } = await ann.invoke(new Api.channels.GetFullChannel({ channel }));
    await ann.disconnect();
    await act(BOB, { do: "send", to: ANN, text: "while away {n}", times: 3 });
    await act(BOB, { do: "send", to: `-${group.id}`, text: "group while away" });
    await act(ANN, { do: "send", to: `-100${channel.id}`, text: "post while away" });
    ann = await connected(saved);
    same((await ann.getMe()).firstName, "Ann", "who I still am");
    const missed = await ann.invoke(new Api.updates.GetDifference({ pts: before.pts, date: before.date, qts: 0 }));
    const wanted = [...[1, 2, 3].map((n) => `while away ${n}`), "group while away"];
    same(missed.newMessages.map((each) => each.message), wanted, "what was missed");
    const posts = await ann.invoke(new Api.updates.GetChannelDifference({
      channel: await ann.getInputEntity(channel), filter: new Api.ChannelMessagesFilterEmpty(), pts: fullChat.pts, limit: 100,
    }));
    same(posts.newMessages.map((each) => each.message), ["post while away"], "the posts that were missed");
    const incoming = heard(ann, (message) => message.message === "live again");
    await act(BOB, { do: "send", to: ANN, text: "live again" });
    await until(incoming, "a push after the reconnect");
  },
};

module.exports = { connected, trust, control };

if (require.main === module) (async () => {
  trust(readFileSync(dc.publicKeyFile, "ascii"));
  let failed = 0;
  for (const step of steps) {
    try {
      await story[step]();
      console.log(JSON.stringify({ step, ok: true }));
    } catch (error) {
      failed = 1;
      console.log(JSON.stringify({ step, ok: false, error: String(error && error.stack || error) }));
    }
  }
  process.exit(failed);
})();
