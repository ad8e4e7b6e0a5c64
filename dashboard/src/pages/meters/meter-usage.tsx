import { useMemo, useState } from 'react';
import { call } from '../../api/client';
import { useApi } from '../../api/use-api';
import { Chart } from '../../chart/chart';
import { quantityText } from '../../format/quantity';
import { minuteText, viewerTimeZone } from '../../format/time';
import { CopyAsCurl } from '../../ui/copy-button';
import { SelectField, TextField } from '../../ui/fields';
import { Icon } from '../../ui/icon';
import { Loaded } from '../../ui/loaded';
import { Section, Tile, Tiles } from '../../ui/page';
import { tellProblem } from '../../ui/toasts';
import { useUrlState } from '../../ui/use-url-state';
import { type Meter, metersPath } from './meter';
import {
  boundsOf,
  questionOf,
  type Span,
  spanLabels,
  spans,
  type UsageQuestion,
  usageQuery,
  type Window,
  windowsOf,
} from './usage-question';
import { rankGroups, readUsage, seriesOf, type UsageAnswer } from './usage-series';

const refreshMs = 10_000;
const zones = ['UTC', ...Intl.supportedValuesOf('timeZone')];
const rankLimit = 20;

const download = async (
  path: string,
  query: Parameters<typeof call>[0]['query'],
  name: string,
): Promise<void> => {
  try {
    const response = await call({ path, query: query ?? {}, accept: 'text/csv' });
    const address = URL.createObjectURL(await response.blob());
    const link = document.createElement('a');
    link.href = address;
    link.download = name;
    link.click();
    URL.revokeObjectURL(address);
  } catch (error) {
    tellProblem(error);
  }
};

/** The usage of a meter: a number, a chart of it by window, and who or what used the most. */
export const MeterUsage = ({ meter }: { meter: Meter }) => {
  const url = useUrlState();
  const question = questionOf(url.get, viewerTimeZone());
  const [openedAt] = useState(Date.now);
  const bounds = useMemo(() => boundsOf(question.span, openedAt), [question.span, openedAt]);
  const path = `${metersPath}/${meter.slug}/query`;
  const windowed = usageQuery(question, bounds[0], true);
  const usage = useApi<UsageAnswer>(path, windowed, { everyMs: refreshMs, read: readUsage });
  const totals = useApi<UsageAnswer>(
    path,
    usageQuery({ ...question, groupBy: undefined }, bounds[0], false),
    {
      everyMs: refreshMs,
    },
  );
  const groups = useApi<UsageAnswer>(path, usageQuery(question, bounds[0], false), {
    isEnabled: question.groupBy !== undefined,
    everyMs: refreshMs,
    read: readUsage,
  });
  const drawn = useMemo(
    () => seriesOf(usage.data?.data ?? [], question.groupBy, meter.name),
    [usage.data, question.groupBy, meter.name],
  );
  const isAdditive = meter.aggregation === 'COUNT' || meter.aggregation === 'SUM';
  const total = totals.data?.data[0]?.value ?? (isAdditive ? 0 : undefined);

  return (
    <>
      <Tiles>
        <Tile
          label={`${isAdditive ? 'Total' : meter.aggregation}, ${spanLabels[question.span].toLowerCase()}`}
          value={total === undefined ? '–' : quantityText(total)}
          note={question.subject ? `of ${question.subject}` : 'of all subjects'}
        />
        <Tile
          label="Latest window with usage"
          value={drawn.times.length === 0 ? '–' : quantityText(sumAt(drawn.series, drawn.times.length - 1))}
          note={drawn.times.length === 0 ? undefined : minuteText(drawn.times.at(-1)!, question.timeZone)}
        />
        {question.groupBy && groups.data && (
          <Tile label={`Values of ${question.groupBy}`} value={quantityText(groups.data.data.length)} />
        )}
      </Tiles>
      <Section
        title="Usage"
        actions={
          <>
            <CopyAsCurl path={path} query={windowed} />
            <button
              type="button"
              className="button button-small"
              onClick={() => void download(path, windowed, `${meter.slug}.csv`)}
            >
              <Icon name="download" size={14} />
              Export CSV
            </button>
          </>
        }
      >
        <QuestionBar
          meter={meter}
          question={question}
          onChange={(changes) => url.change(changes, { replace: true })}
        />
        <Loaded query={usage}>
          {() =>
            drawn.times.length === 0 ? (
              <p className="soft">No usage in this span.</p>
            ) : (
              <Chart
                label={`${meter.name} by ${question.window.toLowerCase()}, ${spanLabels[question.span].toLowerCase()}`}
                kind={isAdditive ? 'bars' : 'line'}
                times={drawn.times}
                series={drawn.series}
                range={bounds}
                timeZone={question.timeZone}
                describe={(index) =>
                  `${minuteText(drawn.times[index]!, question.timeZone)} to ${minuteText(drawn.ends[index]!, question.timeZone)}`
                }
              />
            )
          }
        </Loaded>
      </Section>
      {question.groupBy && (
        <Section title={`Most by ${question.groupBy}`}>
          <Loaded query={groups}>
            {(answer) => (
              <Ranking rows={rankGroups(answer.data, question.groupBy)} name={question.groupBy!} />
            )}
          </Loaded>
        </Section>
      )}
    </>
  );
};

const sumAt = (series: readonly { values: readonly (number | null)[] }[], index: number): number =>
  series.reduce((sum, { values }) => sum + (values[index] ?? 0), 0);

interface QuestionBarProps {
  meter: Meter;
  question: UsageQuestion;
  onChange: (changes: Record<string, string | undefined>) => void;
}

const QuestionBar = ({ meter, question, onChange }: QuestionBarProps) => {
  const keys = ['subject', ...Object.keys(meter.groupBy ?? {})];
  return (
    <div className="fields-bar">
      <SelectField<Span>
        label="Span"
        value={question.span}
        onChange={(span) => onChange({ span, window: undefined })}
        options={spans.map((value) => ({ value, label: spanLabels[value] }))}
      />
      <SelectField<Window>
        label="Window"
        value={question.window}
        onChange={(window) => onChange({ window })}
        options={windowsOf(question.span).map((value) => ({ value, label: value.toLowerCase() }))}
      />
      <SelectField
        label="Group by"
        value={question.groupBy ?? ''}
        onChange={(groupBy) => onChange({ groupBy })}
        options={[{ value: '', label: 'nothing' }, ...keys.map((value) => ({ value, label: value }))]}
      />
      <SelectField
        label="Time zone of the windows"
        value={question.timeZone}
        onChange={(zone) => onChange({ zone })}
        options={[...new Set([question.timeZone, ...zones])].map((value) => ({ value, label: value }))}
      />
      <TextField
        label="Subject"
        value={question.subject ?? ''}
        onChange={(subject) => onChange({ subject: subject.trim() })}
        placeholder="all"
      />
    </div>
  );
};

const Ranking = ({
  rows,
  name,
}: {
  rows: readonly { label: string; value: number | string }[];
  name: string;
}) => (
  <div className="table-box">
    <table className="table" aria-label={`Usage by ${name}`}>
      <thead>
        <tr>
          <th scope="col">{name}</th>
          <th scope="col" className="number">
            Usage
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.slice(0, rankLimit).map(({ label, value }) => (
          <tr key={label}>
            <td>{label}</td>
            <td className="number">{quantityText(value)}</td>
          </tr>
        ))}
      </tbody>
    </table>
    {rows.length > rankLimit && (
      <p className="soft">
        The largest {rankLimit} of {quantityText(rows.length)}; the CSV has all.
      </p>
    )}
  </div>
);
