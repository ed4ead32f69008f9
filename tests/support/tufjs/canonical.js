// Prints the SHA-256 of the canonical form of each file's `signed` part, as @tufjs/canonical-json makes it; with
// --vectors the canonical form of each text in a file of vectors, in hex.
'use strict';
const { createHash } = require('crypto');
const fs = require('fs');
const { canonicalize } = require('@tufjs/canonical-json');

const [first, ...rest] = process.argv.slice(2);
const read = (file) => JSON.parse(fs.readFileSync(file, 'utf8'));
if (first === '--vectors') {
  for (const { json } of read(rest[0]).vectors) console.log(Buffer.from(canonicalize(JSON.parse(json))).toString('hex'));
} else {
  for (const file of [first, ...rest]) {
    console.log(createHash('sha256').update(canonicalize(read(file).signed)).digest('hex'));
  }
}
