// GramJS from npm on one session: node session.js '{"host", "port", "dcId", "publicKeyFile", "controlUrl"}' [SAVED]
// With a saved string it says who that is; without one it logs PHONE in and says what it saved. One line of JSON.
"use strict";
const { readFileSync } = require("node:fs");
const { connected, trust, control } = require("./story.js");

async function main() {
  const dc = JSON.parse(process.argv[2]);
  trust(readFileSync(dc.publicKeyFile, "utf8"));
  const saved = process.argv[3];
  const client = await connected(saved || "");
  if (!saved) {
    const phone = process.env.PHONE;
    await client.signInUser({ apiId: 1, apiHash: "hash" }, {
      phoneNumber: phone,
      phoneCode: async () => (await control("GET", `/accounts/${encodeURIComponent(phone)}/code`)).code,
      onError: (error) => { throw error; },
    });
  }
  const me = await client.getMe();
  console.log(JSON.stringify({ phone: "+" + me.phone, saved: saved ? null : client.session.save() }));
  await client.destroy();
}

main().then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });
