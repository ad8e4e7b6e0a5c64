import { Link, useLocation } from 'wouter';
import { sentenceOf } from '../../api/problem';
import { useApi, useChange } from '../../api/use-api';
import { quantityText } from '../../format/quantity';
import { ConfirmButton } from '../../ui/confirm-button';
import { CopyAsCurl, CopyAsYaml } from '../../ui/copy-button';
import { Loaded } from '../../ui/loaded';
import { Facts, Page, Section } from '../../ui/page';
import { Sheet } from '../../ui/sheet';
import { ExactTime, Time } from '../../ui/time';
import { tell } from '../../ui/toasts';
import { useUrlState } from '../../ui/use-url-state';
import { type Meter, meterDeclaration, meterHref, metersPath, meterWords } from './meter';
import { MeterForm } from './meter-form';
import { MeterUsage } from './meter-usage';

export const MeterPage = ({ slug, isEditing = false }: { slug: string; isEditing?: boolean }) => {
  const path = `${metersPath}/${encodeURIComponent(slug)}`;
  const query = useApi<Meter>(path);
  return (
    <Page
      title={query.data?.name ?? slug}
      lead={query.data && sentenceOf(meterWords(query.data))}
      parent={{ label: 'Meters', href: '/meters' }}
      actions={query.data && <MeterActions meter={query.data} />}
    >
      <Loaded query={query}>{(meter) => <MeterDetail meter={meter} isEditing={isEditing} />}</Loaded>
    </Page>
  );
};

const MeterActions = ({ meter }: { meter: Meter }) => {
  const [, navigate] = useLocation();
  const url = useUrlState();
  const { run } = useChange(metersPath);
  return (
    <>
      <CopyAsCurl path={`${metersPath}/${meter.slug}`} />
      <CopyAsYaml value={() => meterDeclaration(meter)} />
      <Link className="button" href={url.withSearch(`${meterHref(meter.slug)}/edit`)}>
        Edit
      </Link>
      <ConfirmButton
        label="Delete"
        question={`Delete the meter ${meter.slug}? Its events stay; what it has counted is gone.`}
        onConfirm={async () => {
          await run({ method: 'DELETE', path: `${metersPath}/${meter.slug}` });
          tell(`Deleted the meter ${meter.slug}.`);
          navigate('/meters');
        }}
      />
    </>
  );
};

const MeterDetail = ({ meter, isEditing }: { meter: Meter; isEditing: boolean }) => {
  const url = useUrlState();
  const backfill = meter.annotations?.backfill;
  return (
    <>
      {backfill && (
        <p className="note" role="status">
          Events stored earlier are being counted: {quantityText(Math.floor(backfill.progress * 100))} %,{' '}
          {quantityText(backfill.events)} events so far.
        </p>
      )}
      <MeterUsage meter={meter} />
      <Section title="Definition">
        <Facts
          facts={[
            ['Slug', <code key="slug">{meter.slug}</code>],
            ['Description', meter.description],
            ['Aggregation', meter.aggregation],
            ['Event type', <code key="type">{meter.eventType}</code>],
            ['Value property', meter.valueProperty && <code key="value">{meter.valueProperty}</code>],
            ['Counts from', meter.eventFrom && <ExactTime key="from" at={meter.eventFrom} />],
            ...Object.entries(meter.groupBy ?? {}).map(
              ([key, path]) => [`Group by ${key}`, <code key={key}>{path}</code>] as const,
            ),
            ...Object.entries(meter.metadata),
            ['Id', <code key="id">{meter.id}</code>],
            ['Created', <Time key="created" at={meter.createdAt} />],
            ['Changed', <Time key="changed" at={meter.updatedAt} />],
          ]}
        />
      </Section>
      {isEditing && (
        <Sheet title={`Edit ${meter.name}`} onClose={() => url.go(meterHref(meter.slug))}>
          <MeterForm meter={meter} onCancel={() => url.go(meterHref(meter.slug))} />
        </Sheet>
      )}
    </>
  );
};
