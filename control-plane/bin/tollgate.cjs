#!/usr/bin/env node
// The built program in a package; in a checkout, where nothing is built, the sources.
const { existsSync } = require('node:fs');
const { join } = require('node:path');

const built = join(__dirname, '../dist/main.js');
if (existsSync(built)) require(built);
else {
  require('tsx/cjs');
  require('../src/main.ts');
}
