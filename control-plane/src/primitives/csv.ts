/** What a spreadsheet would run as a formula; plain numbers begin like one and are none. */
const formula = /^[=+\-@\t\r](?!\d+(?:\.\d+)?$)/;

/** Quoted where a comma, a quote or a line end stands in it (RFC 4180, section 2), and never a formula: OWASP, CSV injection. */
const cellText = (cell: string): string => {
  const text = formula.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

/** One line of CSV. Text that begins like a formula gets an apostrophe in front: names come from whoever sends events. */
export const csvLine = (cells: readonly (string | undefined)[]): string =>
  `${cells.map((cell = '') => cellText(cell)).join(',')}\r\n`;
