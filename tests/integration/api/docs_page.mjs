// Drives a headless Chromium over its DevTools protocol: log in by the Authorize dialog of /docs, then try a route.
// Arguments: the browser, a folder for its profile, the service's URL, username, password. Prints one JSON line.
import { spawn } from "node:child_process";

const [browser, profile, url, username, password] = process.argv.slice(2);
const child = spawn(browser, [
  "--headless=new", "--window-size=1200,3000", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-proxy-server",
  "--remote-debugging-port=0", `--user-data-dir=${profile}`, "about:blank",
], { stdio: ["ignore", "ignore", "pipe"] });

const endpoint = await new Promise((resolve, reject) => {
  let seen = "";
  child.stderr.on("data", (chunk) => {
    seen += chunk;
    const found = seen.match(/DevTools listening on (ws:\S+)/);
    if (found) resolve(found[1]);
  });
  child.on("exit", () => reject(new Error(`the browser ended: ${seen.slice(-500)}`)));
});

const socket = new WebSocket(endpoint);
await new Promise((resolve) => socket.addEventListener("open", resolve));
const waiting = new Map();
const complaints = [];
const foreign = [];
let last = 0;
socket.addEventListener("message", ({ data }) => {
  const message = JSON.parse(data);
  if (waiting.has(message.id)) waiting.get(message.id)(message);
  if (message.method === "Log.entryAdded") complaints.push(message.params.entry.text);
  if (message.method === "Runtime.exceptionThrown") complaints.push(message.params.exceptionDetails.text);
  if (message.method === "Network.requestWillBeSent") {
    const asked = message.params.request.url;
    if (!asked.startsWith(url) && !asked.startsWith("data:")) foreign.push(asked);
  }
});
const ask = (method, params = {}, sessionId) => new Promise((resolve) => {
  const id = ++last;
  waiting.set(id, resolve);
  socket.send(JSON.stringify({ id, method, params, sessionId }));
});

const { result: { targetId } } = await ask("Target.createTarget", { url: "about:blank" });
const { result: { sessionId } } = await ask("Target.attachToTarget", { targetId, flatten: true });
for (const domain of ["Page", "Runtime", "Log", "Network"]) await ask(`${domain}.enable`, {}, sessionId);
await ask("Page.navigate", { url: `${url}/docs` }, sessionId);

// What a person does, and then waits to see.
const steps = `(async () => {
  const see = async (find) => {
    for (let tries = 0; tries < 200; tries++) {
      const found = find();
      if (found) return found;
      await new Promise((next) => setTimeout(next, 50));
    }
    throw new Error("never seen: " + find);
  };
  const one = (selector) => () => document.querySelector(selector);
  const me = () => document.querySelector('[data-path="/auth/me"]')?.closest(".opblock");
  const mine = (selector) => () => me()?.querySelector(selector);
  const type = (field, text) => {
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(field, text);
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.dispatchEvent(new Event("change", { bubbles: true }));
  };
  (await see(one(".auth-wrapper .btn.authorize"))).click();
  type(await see(one("#oauth_username")), ${JSON.stringify(username)});
  type(await see(one("#oauth_password")), ${JSON.stringify(password)});
  document.querySelector("#oauth_username").closest(".auth-container").querySelector(".btn.authorize").click();
  const told = await see(() => document.querySelector(".auth-container .errors") || [...document.querySelectorAll(".auth-container h6")].find((line) => line.textContent.includes("Authorized")));
  if (told.className.includes("errors")) return { refused: told.textContent };
  document.querySelector(".btn-done").click();
  (await see(mine(".opblock-summary-control"))).click();
  (await see(mine(".try-out__btn"))).click();
  (await see(mine(".execute"))).click();
  const status = await see(mine(".live-responses-table .response-col_status:not(.col_header)"));
  const body = await see(mine(".live-responses-table .response-col_description pre"));
  return { status: status.textContent, body: body.textContent };
})()`;
const evaluated = await ask("Runtime.evaluate", { expression: steps, awaitPromise: true, returnByValue: true }, sessionId);
const { result, exceptionDetails } = evaluated.result;
const outcome = exceptionDetails ? { failed: exceptionDetails.exception?.description } : result.value;
console.log(JSON.stringify({ ...outcome, complaints, foreign }));
child.removeAllListeners("exit");
child.kill();
process.exit(0);
