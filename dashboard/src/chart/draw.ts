import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { compactText } from '../format/quantity';
import { tickText } from '../format/time';
import { seriesColor } from './series-colors';
import { stackedValues, windowAt } from './stack';

export type ChartKind = 'bars' | 'line' | 'area';

export interface ChartSeries {
  label: string;
  values: readonly (number | null)[];
}

export interface ChartData {
  kind: ChartKind;
  /** Epoch ms, ascending. */
  times: readonly number[];
  /** On top of each other for bars and areas, side by side for lines. */
  series: readonly ChartSeries[];
  /** Epoch ms: what the time axis covers; what the times cover, unless told. */
  range?: readonly [from: number, to: number] | undefined;
  timeZone: string;
  height: number;
  /** The window under the pointer; undefined when it leaves. */
  onPoint: (index: number | undefined, left: number) => void;
}

/** A canvas knows no custom properties: the colours that hold now, by way of an element's computed style. */
const resolveColor = (element: HTMLElement, color: string): string => {
  element.style.color = color;
  const resolved = getComputedStyle(element).color;
  element.style.removeProperty('color');
  return resolved;
};

const withAlpha = (color: string, alpha: number): string =>
  `color-mix(in srgb, ${color} ${alpha * 100}%, transparent)`;

const axisOf = (ink: string, line: string): uPlot.Axis => ({
  stroke: ink,
  font: '12px system-ui, sans-serif',
  grid: { stroke: line, width: 1 },
  ticks: { show: false },
});

/** Draws into `parent`; answers how to resize and how to take it away. */
export const drawChart = (parent: HTMLElement, data: ChartData) => {
  const color = (text: string): string => resolveColor(parent, text);
  const isStacked = data.kind !== 'line';
  const values = isStacked
    ? stackedValues(data.series.map((series) => series.values))
    : data.series.map((series) => [...series.values]);
  const ink = color('var(--ink-soft)');
  const line = color('var(--line)');
  // Whatever is stacked is drawn from the top down, so that each covers the foot of the one above.
  const order = values.map((_, index) => (isStacked ? values.length - 1 - index : index));
  const bars = uPlot.paths.bars!({ size: [0.8, 48], align: 1 });
  const plot = new uPlot(
    {
      width: Math.max(120, parent.clientWidth),
      height: data.height,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1_000), data.timeZone),
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, points: { show: data.kind === 'line' } },
      padding: [12, 20, 0, 0],
      scales: {
        ...(data.range
          ? { x: { range: [data.range[0] / 1_000, data.range[1] / 1_000] as [number, number] } }
          : {}),
        y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.08 : 1] },
      },
      axes: [
        {
          ...axisOf(ink, line),
          grid: { show: false },
          space: 72,
          size: 32,
          values: (_plot, splits, _axis, _space, step) =>
            splits.map((seconds) => tickText(seconds * 1_000, step * 1_000, data.timeZone)),
        },
        {
          ...axisOf(ink, line),
          size: 52,
          values: (_plot, splits) => splits.map((split) => compactText(split)),
        },
      ],
      series: [
        {},
        ...order.map((index) => {
          const stroke = color(seriesColor(index));
          return {
            label: data.series[index]!.label,
            stroke,
            width: data.kind === 'bars' ? 0 : 1.5,
            points: { show: data.kind === 'line' && data.times.length === 1 },
            ...(data.kind === 'bars' ? { paths: bars, fill: stroke } : {}),
            ...(data.kind === 'area' ? { fill: color(withAlpha(seriesColor(index), 0.28)) } : {}),
          };
        }),
      ],
      // Between two stacked areas only the upper one's colour shows.
      ...(data.kind === 'area' && order.length > 1
        ? { bands: order.slice(1).map((_, at) => ({ series: [at + 1, at + 2] as [number, number] })) }
        : {}),
      hooks: {
        setCursor: [
          (plot) => {
            const { idx, left = -1 } = plot.cursor;
            const index =
              left < 0
                ? undefined
                : data.kind === 'bars'
                  ? windowAt(data.times, plot.posToVal(left, 'x') * 1_000)
                  : (idx ?? undefined);
            data.onPoint(index, left);
          },
        ],
      },
    },
    [data.times.map((time) => time / 1_000), ...order.map((index) => values[index]!)],
    parent,
  );
  return {
    resize: (width: number): void => plot.setSize({ width: Math.max(120, width), height: data.height }),
    remove: (): void => plot.destroy(),
  };
};
