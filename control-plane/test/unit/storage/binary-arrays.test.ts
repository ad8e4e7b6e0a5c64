import fc from 'fast-check';
import { binaryArrays } from '../../../src/storage/postgres/binary-arrays';

/** Reads what array_recv of PostgreSQL reads: dimensions, a flag for nulls, the element type, then length and bytes each. */
const decode = <T>(encoded: unknown, oid: number, read: (element: Buffer) => T): (T | null)[] => {
  const buffer = encoded as Buffer;
  const dimensions = buffer.readInt32BE(0);
  expect(buffer.readInt32BE(8)).toBe(oid);
  if (dimensions === 0) {
    expect(buffer).toHaveLength(12);
    return [];
  }
  expect(dimensions).toBe(1);
  const values: (T | null)[] = [];
  let offset = 20;
  for (let index = 0; index < buffer.readInt32BE(12); index += 1) {
    const length = buffer.readInt32BE(offset);
    offset += 4;
    values.push(length < 0 ? null : read(buffer.subarray(offset, offset + length)));
    offset += Math.max(length, 0);
  }
  expect(offset).toBe(buffer.length);
  expect(buffer.readInt32BE(4)).toBe(values.includes(null) ? 1 : 0);
  return values;
};

describe('array parameters in binary format', () => {
  const short = fc.string({ unit: 'binary', maxLength: 80 });
  const long = fc.string({ unit: 'grapheme', minLength: 60, maxLength: 300 });
  const text = fc.oneof(fc.string(), short, long, fc.constant('€'.repeat(70)));

  it('hold every text, of whatever script and length', () => {
    fc.assert(
      fc.property(fc.array(fc.option(text), { maxLength: 40 }), (values) => {
        // Half of a surrogate pair has no UTF-8; it is refused or replaced before it comes here.
        const storable = values.map((value) => value?.toWellFormed() ?? null);
        expect(decode(binaryArrays.text(storable), 25, (element) => element.toString('utf8'))).toEqual(
          storable,
        );
      }),
    );
  });

  it('hold every whole number that a double holds', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.maxSafeInteger()), { maxLength: 40 }), (values) => {
        const decoded = decode(binaryArrays.bigint(values), 20, (element) =>
          Number(element.readBigInt64BE(0)),
        );
        expect(decoded).toEqual(values.map((value) => (value === 0 ? 0 : value)));
      }),
    );
  });
});
