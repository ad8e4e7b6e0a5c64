import { foreignId } from '../entities/entity';
import type { EntityStore } from '../entities/entity-store';
import { isRecord } from '../schema/field-schema';

/** Order in which Kong's GET /config lists the tables. */
const order = [
  'consumers',
  'services',
  'routes',
  'consumer_groups',
  'plugins',
  'consumer_group_consumers',
  'acls',
  'keyauth_credentials',
];

/**
 * All entities as flat YAML, the text of GET /config: no nesting, every id and default written out, references as
 * ids, absent values as `~`. Written by hand because configurations with tens of thousands of rows are dumped often.
 */
export function dumpDeclarative(store: EntityStore): string {
  const out = ["_format_version: '3.0'\n_transform: false\n"];
  for (const name of order) {
    const table = store.findTable(name);
    if (!table || table.size === 0) continue;
    out.push(`${name}:\n`);
    for (const row of table.list()) {
      let lead = '- ';
      for (const [field, value] of Object.entries(row)) {
        // The key of a membership is the pair; it has no id in Kong.
        if (field === 'id' && name === 'consumer_group_consumers') continue;
        out.push(lead, entry(field, foreignId(value) ?? value, '  '));
        lead = '  ';
      }
    }
  }
  return out.join('');
}

function entry(key: string, value: unknown, indent: string): string {
  if (Array.isArray(value)) {
    if (value.length === 0) return `${scalar(key)}: []\n`;
    return `${scalar(key)}:\n${value.map((item) => `${indent}- ${item === null ? '~' : listItem(item)}\n`).join('')}`;
  }
  if (isRecord(value)) {
    const fields = Object.entries(value);
    if (fields.length === 0) return `${scalar(key)}: {}\n`;
    const inner = `${indent}  `;
    return `${scalar(key)}:\n${fields.map(([name, field]) => inner + entry(name, field, inner)).join('')}`;
  }
  return `${scalar(key)}: ${scalar(value)}\n`;
}

/** Nested structures inside lists are rare; JSON is YAML's flow style. */
function listItem(item: unknown): string {
  return typeof item === 'object' ? JSON.stringify(item) : scalar(item);
}

/** A string needs no quotes when no YAML reader could take it for anything else. */
const plain = /^[A-Za-z/][A-Za-z0-9_/.-]*(?::\/\/[A-Za-z0-9_/.:-]*[A-Za-z0-9_/-])?$/;
/** A UUID that a YAML reader could not take for a number, such as 12e45678-.... */
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const reserved = /^(?:true|false|yes|no|on|off|null|y|n|~)$/i;

function scalar(value: unknown): string {
  if (value === null || value === undefined) return '~';
  if (typeof value !== 'string') return String(value);
  if ((plain.test(value) && !reserved.test(value)) || uuid.test(value)) return value;
  return /[\n\r\t\\\p{C}]/u.test(value) ? JSON.stringify(value) : `'${value.replaceAll("'", "''")}'`;
}
