import type { ScaleRow } from './scale-row';

const width = 880;
const panel = { width: 400, height: 190, left: 56, top: 44, gapX: 36, gapY: 60 };
const colours = { postgres: '#336791', server: '#3c873a' };

const text = (x: number, y: number, content: string, attributes = ''): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${content.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</text>`;

const numberLabel = (value: number): string =>
  value >= 1_000 ? `10^${Math.round(Math.log10(value))}` : String(value);

/** The largest of 1, 2 and 5 times a power of ten that still leaves room above the highest bar. */
const ceilingOf = (highest: number): number => {
  const power = 10 ** Math.floor(Math.log10(highest));
  return [1, 2, 5, 10].map((factor) => factor * power).find((limit) => limit >= highest) ?? highest;
};

/** Processor time an event, a panel a dimension, a stacked bar a value: PostgreSQL below, the control planes above. */
export const drawPlot = (rows: readonly ScaleRow[], caption: string): string => {
  const dimensions = [...new Set(rows.map(({ dimension }) => dimension))];
  const height = panel.top + Math.ceil(dimensions.length / 2) * (panel.height + panel.gapY) + 24;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    '<title>Processor time to count one event, by replicas, events stored, customers and meters</title>',
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    text(16, 22, 'Processor time to count one event, microseconds', 'font-size="15" font-weight="bold"'),
    `<rect x="${width - 260}" y="12" width="12" height="12" fill="${colours.postgres}"/>`,
    text(width - 242, 22, 'PostgreSQL'),
    `<rect x="${width - 150}" y="12" width="12" height="12" fill="${colours.server}"/>`,
    text(width - 132, 22, 'control planes'),
  ];
  for (const [index, dimension] of dimensions.entries()) {
    const own = rows.filter((row) => row.dimension === dimension);
    const x = panel.left + (index % 2) * (panel.width + panel.gapX);
    const y = panel.top + Math.floor(index / 2) * (panel.height + panel.gapY);
    parts.push(
      drawPanel(
        x,
        y,
        dimension,
        own,
        // A scale of its own: a hundred meters cost fifty times of what anything else does.
        ceilingOf(Math.max(...own.map((row) => row.serverMicros + row.postgresMicros))),
      ),
    );
  }
  parts.push(text(16, height - 10, caption, 'fill="#555"'), '</svg>');
  return `${parts.join('\n')}\n`;
};

const drawPanel = (
  x: number,
  y: number,
  dimension: string,
  rows: readonly ScaleRow[],
  ceiling: number,
): string => {
  const inner = panel.width - 40;
  const heightOf = (micros: number): number => (micros / ceiling) * panel.height;
  const parts = [0, 0.5, 1].map((share) => {
    const level = y + panel.height - share * panel.height;
    return (
      `<line x1="${x}" y1="${level}" x2="${x + inner}" y2="${level}" stroke="#ddd"/>` +
      text(x - 6, level + 4, String(Math.round(ceiling * share)), 'text-anchor="end" fill="#555"')
    );
  });
  const slot = inner / rows.length;
  for (const [index, row] of rows.entries()) {
    const left = x + index * slot + slot * 0.2;
    const bar = slot * 0.6;
    const postgres = heightOf(row.postgresMicros);
    const server = heightOf(row.serverMicros);
    const base = y + panel.height;
    parts.push(
      `<rect x="${left.toFixed(1)}" y="${(base - postgres).toFixed(1)}" width="${bar.toFixed(1)}" height="${postgres.toFixed(1)}" fill="${colours.postgres}"/>`,
      `<rect x="${left.toFixed(1)}" y="${(base - postgres - server).toFixed(1)}" width="${bar.toFixed(1)}" height="${server.toFixed(1)}" fill="${colours.server}"/>`,
      text(left + bar / 2, base - postgres - server - 5, `${row.eventsPerSecond}/s`, 'text-anchor="middle"'),
      text(left + bar / 2, base + 16, numberLabel(row.value), 'text-anchor="middle"'),
    );
  }
  parts.push(
    text(x + inner / 2, y + panel.height + 34, dimension, 'text-anchor="middle" font-weight="bold"'),
  );
  return parts.join('\n');
};
