import { type FieldError, Refusal } from '../../primitives/refusal';

/** Invalid fields listed in one answer at most. */
const reportedLimit = 100;

/** A refusal that names the bad events; nothing of the request was stored. */
export const invalidEvents = (fields: readonly FieldError[]): Refusal => {
  const shown = fields.slice(0, reportedLimit);
  const [first] = shown;
  const more = fields.length > 1 ? ` (and ${fields.length - 1} more)` : '';
  return new Refusal(
    'invalid',
    'invalid_event',
    `${first!.field} ${first!.message}${more}; nothing of this request was stored`,
    { fields: shown },
  );
};
