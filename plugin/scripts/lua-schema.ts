import { schema } from '../src/configuration/schema';

type Value = string | number | boolean | readonly Value[] | { readonly [name: string]: Value };

const isPlainName = (name: string): boolean => /^[a-z_]+$/.test(name);

function lua(value: Value, indent: string): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  const deeper = `${indent}  `;
  if (Array.isArray(value)) {
    const items = (value as readonly Value[]).map((item) => lua(item, deeper));
    const isShort = items.every((item) => !item.includes('\n') && item.length < 16);
    return isShort
      ? `{ ${items.join(', ')} }`
      : `{\n${items.map((item) => `${deeper}${item},\n`).join('')}${indent}}`;
  }
  const entries = Object.entries(value).map(
    ([name, item]) => `${isPlainName(name) ? name : `[${JSON.stringify(name)}]`} = ${lua(item, deeper)}`,
  );
  const line = `{ ${entries.join(', ')} }`;
  return line.length < 90 && !line.includes('\n')
    ? line
    : `{\n${entries.map((entry) => `${deeper}${entry},\n`).join('')}${indent}}`;
}

/** The plugin's schema as a Lua module: what Konnect asks for with a custom plugin. */
export function luaSchema(): string {
  return [
    '-- Upload to Konnect as the schema of the custom plugin "tollgate". Made from plugin/src/configuration/schema.ts',
    '-- by `npm run lua-schema -w plugin`.',
    'local typedefs = require "kong.db.schema.typedefs"',
    '',
    'return {',
    '  name = "tollgate",',
    '  fields = {',
    '    { protocols = typedefs.protocols_http },',
    '    {',
    '      config = {',
    '        type = "record",',
    `        fields = ${lua(schema as unknown as Value, '        ')},`,
    '      },',
    '    },',
    '  },',
    '}',
    '',
  ].join('\n');
}
