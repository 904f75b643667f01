// Checks web pages of reports: axe-core in a headless Chromium, light and dark, wide and narrow, and the Nu checker.
//
//   npm install --prefix DIR axe-core puppeteer-core vnu-jar      (once; the Nu checker needs Java)
//   node packaging/check_report.mjs DIR report.html ...
//
// CHROMIUM names the browser (default: /usr/bin/chromium). Ends with 1 where something is wrong.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, ...files] = process.argv.slice(2).map((name) => resolve(name));
const need = createRequire(`${folder}/`);
const axe = readFileSync(need.resolve("axe-core/axe.min.js"), "utf8");
const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const browser = await need("puppeteer-core").launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
});
let wrong = 0;

function say(text) {
  wrong += 1;
  console.log(text);
}

async function look(file, scheme, width) {
  const page = await browser.newPage();
  page.on("console", (message) => say(`${file}: ${message.text()}`)); // what the page's own policy forbids
  await page.setBypassCSP(true); // for axe alone: the page runs nothing
  await page.setViewport({ width, height: 900 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await page.goto(pathToFileURL(file).href);
  await page.evaluate(axe);
  const found = await page.evaluate((values) => window.axe.run({ runOnly: { type: "tag", values } }), rules);
  for (const one of found.violations)
    say(`${file} (${scheme}, ${width}): ${one.id}: ${one.help}\n  ${one.nodes.map((node) => node.html).join("\n  ")}`);
  const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (over > 0) say(`${file} (${scheme}, ${width}): wider than its window by ${over} pixels`);
  await page.close();
}

for (const file of files)
  for (const scheme of ["light", "dark"]) for (const width of [1280, 420]) await look(file, scheme, width);
await browser.close();
try {
  execFileSync("java", ["-jar", need("vnu-jar"), "--errors-only", ...files], { stdio: "inherit" });
} catch {
  say("The Nu checker found errors.");
}
console.log(wrong ? `${wrong} findings` : `${files.length} pages: nothing found`);
process.exit(wrong ? 1 : 0);
