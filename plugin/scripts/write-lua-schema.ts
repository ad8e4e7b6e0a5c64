/** Writes examples/kong/schema.lua: `npm run lua-schema -w plugin` after a change of the schema. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { luaSchema } from './lua-schema';

writeFileSync(join(__dirname, '../../examples/kong/schema.lua'), luaSchema());
