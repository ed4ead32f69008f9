// The stock client: refreshes, and downloads what is named. Prints one JSON object, ends with 0 or 1.
// usage: client.js METADATA-DIR METADATA-URL TARGET-DIR TARGETS-URL [TARGET…]
'use strict';
const { Updater } = require('tuf-js');

async function main([metadataDir, metadataBaseUrl, targetDir, targetBaseUrl, ...targets]) {
  // One try each: on loopback a failure is an answer.
  const updater = new Updater({ metadataDir, metadataBaseUrl, targetDir, targetBaseUrl, config: { fetchRetries: 0 } });
  await updater.refresh();
  const files = [];
  for (const path of targets) {
    const info = await updater.getTargetInfo(path);
    if (!info) throw new Error(`no role lists ${path}`);
    files.push(await updater.downloadTarget(info));
  }
  return { files };
}

main(process.argv.slice(2)).then(
  (result) => console.log(JSON.stringify({ ok: true, ...result })),
  (error) => {
    console.log(JSON.stringify({ ok: false, error: error.constructor.name, message: error.message }));
    process.exitCode = 1;
  },
);
