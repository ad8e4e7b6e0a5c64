import { useEffect, useRef, useState } from 'react';
import { quantityText, withUnit } from '../format/quantity';
import { viewerTimeZone } from '../format/time';
import type { ChartKind, ChartSeries } from './draw';
import { seriesColor } from './series-colors';

export type { ChartSeries } from './draw';

export interface ChartProps {
  /** What it shows, in words: what a screen reader says instead of the drawing. */
  label: string;
  kind: ChartKind;
  /** Epoch ms, ascending. */
  times: readonly number[];
  series: readonly ChartSeries[];
  /** Of the values, in the singular: "request". */
  unit?: string;
  /** The window or instant at an index, for the tooltip. */
  describe: (index: number) => string;
  /** Epoch ms: what the time axis covers; what the times cover, unless told. */
  range?: readonly [from: number, to: number];
  timeZone?: string;
  height?: number;
}

interface Pointed {
  index: number;
  left: number;
}

const tooltipLimit = 12;

/** A chart, whose library is loaded when the first one is shown. Hovering tells the exact value and its window. */
export const Chart = (props: ChartProps) => {
  const {
    label,
    kind,
    times,
    series,
    unit,
    describe,
    range,
    timeZone = viewerTimeZone(),
    height = 240,
  } = props;
  const box = useRef<HTMLDivElement>(null);
  const [pointed, setPointed] = useState<Pointed>();
  const [themeTurns, setThemeTurns] = useState(0);

  useEffect(() => {
    const turned = (): void => setThemeTurns((turns) => turns + 1);
    const media = matchMedia('(prefers-color-scheme: dark)');
    media.addEventListener('change', turned);
    document.addEventListener('themechange', turned);
    return () => {
      media.removeEventListener('change', turned);
      document.removeEventListener('themechange', turned);
    };
  }, []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another theme means other colours, so it is drawn anew.
  useEffect(() => {
    const parent = box.current;
    if (!parent || times.length === 0) return;
    let isGone = false;
    let remove = (): void => undefined;
    void import('./draw').then(({ drawChart }) => {
      if (isGone) return;
      const onPoint = (index: number | undefined, left: number): void =>
        setPointed(index === undefined ? undefined : { index, left });
      const drawn = drawChart(parent, { kind, times, series, range, timeZone, height, onPoint });
      const observer = new ResizeObserver(() => drawn.resize(parent.clientWidth));
      observer.observe(parent);
      remove = () => {
        observer.disconnect();
        drawn.remove();
      };
    });
    return () => {
      isGone = true;
      remove();
      setPointed(undefined);
    };
  }, [kind, times, series, range, timeZone, height, themeTurns]);

  const width = box.current?.clientWidth ?? 0;
  return (
    <figure className="stack-tight">
      <div className="chart" ref={box} role="img" aria-label={label} style={{ minHeight: height }}>
        {pointed && pointed.index < times.length && (
          <div
            className="chart-tip"
            style={
              pointed.left > width / 2
                ? { right: width - pointed.left, top: 8 }
                : { left: pointed.left + 72, top: 8 }
            }
          >
            <div className="soft">{describe(pointed.index)}</div>
            {series.slice(0, tooltipLimit).map(({ label: name, values }, index) => (
              <div key={name}>
                {series.length > 1 && <SeriesMark index={index} />}
                {series.length > 1 && `${name}: `}
                <strong>{valueText(values[pointed.index], unit)}</strong>
              </div>
            ))}
            {series.length > tooltipLimit && (
              <div className="soft">and {series.length - tooltipLimit} more</div>
            )}
          </div>
        )}
      </div>
      {series.length > 1 && (
        <figcaption className="chart-labels">
          {series.slice(0, tooltipLimit * 2).map(({ label: name }, index) => (
            <span key={name}>
              <SeriesMark index={index} />
              {name}
            </span>
          ))}
        </figcaption>
      )}
    </figure>
  );
};

const SeriesMark = ({ index }: { index: number }) => (
  <i
    style={{
      background: seriesColor(index),
      display: 'inline-block',
      width: 12,
      height: 3,
      marginRight: 6,
      verticalAlign: 'middle',
    }}
  />
);

const valueText = (value: number | null | undefined, unit: string | undefined): string => {
  if (value === null || value === undefined) return '–';
  return unit ? withUnit(value, unit) : quantityText(value);
};
