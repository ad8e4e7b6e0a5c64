import { parse } from 'yaml';

/** A consumer as the document names it. */
export interface DocumentConsumer {
  id: string;
  username: string | null;
  customId: string | null;
  tags: readonly string[];
}

/** How groups are written: rows of acls (the OSS form), or of consumer_group_consumers (Enterprise). */
export type MembershipTable = 'acls' | 'consumer_group_consumers';

/** The part of the text that is one top-level list. */
interface Section {
  /** Its `name:` line. */
  header: string;
  /** Its rows as they stand, each beginning with `- `; undefined where it holds no block list. */
  rows: string[] | undefined;
  /** The text after the header, for sections that are no list. */
  rest: string;
}

/** The text is not what `GET /config` of a Kong gives. */
export class DocumentFormError extends Error {
  override readonly name = 'DocumentFormError';
}

/**
 * The configuration of a Kong without a database, as `GET /config` gives it: top-level lists of flat rows, written by
 * libyaml. It is edited as text, row by row, so that everything that is not a membership stays byte for byte what its
 * owner wrote; reading tens of thousands of rows this way takes milliseconds.
 */
export class DeclarativeDocument {
  private constructor(
    private readonly table: MembershipTable,
    private readonly sections: ReadonlyMap<string, Section>,
    readonly consumers: ReadonlyMap<string, DocumentConsumer>,
    /** Ids of consumer groups by name; empty in the OSS form, where a group is but a word. */
    readonly groupIds: ReadonlyMap<string, string>,
    /** Row text by consumer and group. */
    private readonly memberships: Map<string, string>,
  ) {}

  /** @throws DocumentFormError */
  static parse(text: string, table: MembershipTable): DeclarativeDocument {
    const sections = splitSections(text);
    const rowsOf = (name: string) => sections.get(name)?.rows ?? [];
    const consumers = rowsOf('consumers').map(consumerOf);
    const groups = table === 'acls' ? [] : rowsOf('consumer_groups');
    const column = groupColumn(table);
    return new DeclarativeDocument(
      table,
      sections,
      new Map(consumers.map((consumer) => [consumer.id, consumer])),
      new Map(groups.map((row) => [required(row, 'name'), required(row, 'id')])),
      new Map(rowsOf(table).map((row) => [keyOf(required(row, 'consumer'), required(row, column)), row])),
    );
  }

  isMember(consumerId: string, group: string): boolean {
    return this.memberships.has(keyOf(consumerId, this.referenceTo(group)));
  }

  /** Another document with memberships of its own. */
  copy(): DeclarativeDocument {
    const memberships = new Map(this.memberships);
    return new DeclarativeDocument(this.table, this.sections, this.consumers, this.groupIds, memberships);
  }

  add(consumerId: string, group: string): void {
    const reference = this.referenceTo(group);
    const row = `- consumer: ${quote(consumerId)}\n  ${groupColumn(this.table)}: ${quote(reference)}\n`;
    this.memberships.set(keyOf(consumerId, reference), row);
  }

  remove(consumerId: string, group: string): void {
    this.memberships.delete(keyOf(consumerId, this.referenceTo(group)));
  }

  toText(): string {
    const parts: string[] = [];
    for (const [name, section] of this.sections) {
      if (name !== this.table) parts.push(section.header, section.rest, ...(section.rows ?? []));
    }
    // An empty list needs another notation, and no list at all means the same.
    if (this.memberships.size > 0) parts.push(`${this.table}:\n`, ...this.memberships.values());
    return parts.join('');
  }

  private referenceTo(group: string): string {
    return this.groupIds.get(group) ?? group;
  }
}

const groupColumn = (table: MembershipTable): string => (table === 'acls' ? 'group' : 'consumer_group');

const keyOf = (consumerId: string, group: string): string => `${consumerId}\n${group}`;

const consumerOf = (row: string): DocumentConsumer => ({
  id: required(row, 'id'),
  username: field(row, 'username'),
  customId: field(row, 'custom_id'),
  tags: tagsOf(row),
});

/** Double-quoted YAML is a superset of JSON strings. */
const quote = (text: string): string => JSON.stringify(text);

const splitSections = (text: string): Map<string, Section> => {
  const sections = new Map<string, Section>();
  let current: Section | undefined;
  let row: string[] = [];
  const endRow = () => {
    if (row.length > 0) current!.rows!.push(row.join(''));
    row = [];
  };
  for (const line of linesOf(text)) {
    const name = /^([A-Za-z_][\w-]*):/.exec(line)?.[1];
    if (name) {
      if (current) endRow();
      current = { header: line, rows: undefined, rest: '' };
      sections.set(name, current);
    } else if (!current) {
      if (line.trim() !== '' && !/^(#|---)/.test(line))
        throw new DocumentFormError(`unexpected line "${line.trim().slice(0, 80)}"`);
    } else if (line.startsWith('- ')) {
      endRow();
      current.rows ??= [];
      row = [line.endsWith('\n') ? line : `${line}\n`];
    } else if (row.length > 0) row.push(line);
    else current.rest += line;
  }
  if (current) endRow();
  return sections;
};

function* linesOf(text: string): Generator<string> {
  let start = 0;
  while (start < text.length) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline + 1;
    yield text.slice(start, end);
    start = end;
  }
}

/** Scalars that mean themselves; anything else is left to the YAML parser. */
const plainScalar = /^[A-Za-z0-9_][\w.@/+-]*$/;
const nulls = new Set(['~', 'null', '']);

const patterns = new Map<string, RegExp>();

/** A field's text. Only fields that Kong's schema calls strings are asked for, so numbers are read as text. */
const field = (row: string, name: string): string | null => {
  let pattern = patterns.get(name);
  if (!pattern) {
    pattern = new RegExp(`^[- ] ${name}: ?(.*)$`, 'm');
    patterns.set(name, pattern);
  }
  const raw = pattern.exec(row)?.[1]?.trim();
  if (raw === undefined || nulls.has(raw)) return null;
  if (plainScalar.test(raw)) return raw;
  const value = (parse(row, { schema: 'failsafe' }) as Record<string, unknown>[])[0]?.[name];
  return typeof value === 'string' ? value : null;
};

const required = (row: string, name: string): string => {
  const value = field(row, name);
  if (value === null)
    throw new DocumentFormError(`a row has no "${name}": ${row.slice(0, 80).replaceAll('\n', ' ')}`);
  return value;
};

const tagsOf = (row: string): string[] => {
  const block = /^[- ] tags:\n((?: {2}- .*\n)+)/m.exec(row)?.[1];
  if (!block) return [];
  return (parse(block, { schema: 'failsafe' }) as string[]).map(String);
};
