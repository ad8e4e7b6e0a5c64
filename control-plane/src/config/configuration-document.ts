import { z } from 'zod';
import { settings } from './configuration';

/** docs/configuration.md, from the table that the start reads; a test holds the file to it. */
export const configurationDocument = (): string => {
  const sections = Object.values(settings).map((setting) => {
    const isSecret = 'isSecret' in setting;
    const facts = [`Default: ${setting.default === undefined ? 'none' : `\`${String(setting.default)}\``}.`];
    const range = rangeOf(setting.schema);
    if (range) facts.push(range);
    if (isSecret) facts.push('A secret: masked wherever it is printed.');
    return `### ${setting.env}\n\n${setting.doc.replace(/^DANGER: (.)/, (_, first: string) => `**Danger:** ${first}`)}\n\n${facts.join(' ')}\n`;
  });
  return `# Configuration

Settings are environment variables; there is no other place. All mistakes are told together at start, which then ends with
status 2. \`tollgate config --print\` shows what is in force with secrets masked. What the server _has_ (meters, features,
customers, channels, rules, gateways) is declared in a file instead: see [operations](operations.md#configuration-as-code).

This page is written by \`npm run docs\` from \`control-plane/src/config/configuration.ts\`.

${sections.join('\n')}`;
};

/** What values are taken, where the schema has bounds or a list. */
const rangeOf = (schema: z.ZodType): string | undefined => {
  const { minimum, maximum, enum: values } = z.toJSONSchema(schema, { unrepresentable: 'any', io: 'output' });
  if (values) return `One of ${values.map((value) => `\`${String(value)}\``).join(', ')}.`;
  if (minimum === undefined || maximum === undefined) return undefined;
  return `From ${minimum.toLocaleString('en-US')} to ${maximum.toLocaleString('en-US')}.`;
};
