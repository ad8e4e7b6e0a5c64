/** What is wrong with one field, as the person who wrote the configuration must read it. */
export interface ConfigurationProblem {
  readonly field: string;
  readonly problem: string;
}

/** A configuration that cannot be used; `problems` names every field at fault, not only the first. */
export class ConfigurationError extends Error {
  readonly code = 'plugin_configuration_invalid';

  constructor(readonly problems: readonly ConfigurationProblem[]) {
    super(
      `tollgate: invalid configuration: ${problems.map(({ field, problem }) => `config.${field} ${problem}`).join('; ')}`,
    );
    this.name = 'ConfigurationError';
  }
}

interface NumberRule {
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly integer?: boolean;
}

type Fields = Record<string, unknown>;

const isRecord = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Reads typed fields out of the JSON that Kong sends and gathers every mistake. Kong sends `null` for a field
 * that is not set, so null and absent mean the same.
 */
export class FieldReader {
  private constructor(
    private readonly fields: Fields,
    private readonly prefix: string,
    private readonly problems: ConfigurationProblem[],
  ) {}

  static of(value: unknown): FieldReader {
    if (isRecord(value)) return new FieldReader(value, '', []);
    throw new ConfigurationError([{ field: '', problem: 'must be a record of fields' }]);
  }

  /** Ends the reading: throws one error with everything that was wrong. */
  assertValid(): void {
    if (this.problems.length > 0) throw new ConfigurationError(this.problems);
  }

  refuse(name: string, problem: string): void {
    this.problems.push({ field: `${this.prefix}${name}`, problem });
  }

  record(name: string): FieldReader {
    const value = this.fields[name] ?? {};
    if (!isRecord(value)) this.refuse(name, 'must be a record');
    return this.at(isRecord(value) ? value : {}, `${name}.`);
  }

  records(name: string, limit: number): FieldReader[] {
    const value = this.fields[name] ?? [];
    if (!Array.isArray(value) || value.length > limit || !value.every(isRecord)) {
      this.refuse(name, `must be an array of at most ${limit} records`);
      return [];
    }
    return value.map((entry, index) => this.at(entry, `${name}[${index}].`));
  }

  strings(name: string, limit: number): string[] {
    const value = this.fields[name] ?? [];
    if (Array.isArray(value) && value.length <= limit && value.every((entry) => typeof entry === 'string')) {
      return value;
    }
    this.refuse(name, `must be an array of at most ${limit} strings`);
    return [];
  }

  optionalString(name: string): string | undefined {
    const value = this.fields[name] ?? undefined;
    if (value === undefined || (typeof value === 'string' && value.trim() !== '')) return value;
    this.refuse(name, 'must be a string that is not empty');
    return undefined;
  }

  requiredString(name: string): string {
    const value = this.optionalString(name);
    if (value === undefined && (this.fields[name] ?? undefined) === undefined)
      this.refuse(name, 'is required');
    return value ?? '';
  }

  boolean(name: string, byDefault: boolean): boolean {
    const value = this.fields[name] ?? byDefault;
    if (typeof value === 'boolean') return value;
    this.refuse(name, 'must be true or false');
    return byDefault;
  }

  number(name: string, rule: NumberRule): number {
    const value = this.fields[name] ?? rule.default;
    const isFitting =
      typeof value === 'number' &&
      Number.isFinite(value) &&
      value >= rule.min &&
      value <= rule.max &&
      (rule.integer !== true || Number.isInteger(value));
    if (isFitting) return value;
    this.refuse(
      name,
      `must be ${rule.integer ? 'a whole number' : 'a number'} from ${rule.min} to ${rule.max}`,
    );
    return rule.default;
  }

  oneOf<const Choice extends string>(name: string, choices: readonly Choice[], byDefault: Choice): Choice {
    const value = this.fields[name] ?? byDefault;
    const choice = choices.find((candidate) => candidate === value);
    if (choice === undefined) this.refuse(name, `must be one of ${choices.join(', ')}`);
    return choice ?? byDefault;
  }

  private at(fields: Fields, prefix: string): FieldReader {
    return new FieldReader(fields, `${this.prefix}${prefix}`, this.problems);
  }
}
