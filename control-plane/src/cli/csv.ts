/** One line of CSV (RFC 4180): quoted where a comma, a quote or a line end stands in a cell. */
export const csvLine = (cells: readonly (string | undefined)[]): string =>
  `${cells.map((cell = '') => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',')}\r\n`;
