import { csvLine } from '../../../src/primitives/csv';

describe('a line of CSV', () => {
  it('quotes what RFC 4180 asks for', () => {
    expect(csvLine(['a', 'b,c', 'd"e', 'f\r\ng', undefined])).toBe('a,"b,c","d""e","f\r\ng",\r\n');
  });

  it.each(['=HYPERLINK("http://127.0.0.1")', '+1+1', '-2+3', '@SUM(A1)', '\t=1', '\r=1'])(
    'makes text of %j, which a spreadsheet would run',
    (cell) => expect(csvLine([cell]).replace(/^"/, '').startsWith(`'${cell[0]}`)).toBe(true),
  );

  it('leaves numbers alone', () => {
    expect(csvLine(['-5', '+5', '-0.25', '1e5'])).toBe('-5,+5,-0.25,1e5\r\n');
  });
});
