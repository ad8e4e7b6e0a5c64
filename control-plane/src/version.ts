import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The version of this control plane, as its package says. */
export const version: string = JSON.parse(readFileSync(join(__dirname, '../package.json'), 'utf8')).version;
