import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configurationDocument } from '../control-plane/src/config/configuration-document';

writeFileSync(join(__dirname, '../docs/configuration.md'), configurationDocument());
