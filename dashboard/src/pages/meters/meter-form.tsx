import { useLocation } from 'wouter';
import { useChange } from '../../api/use-api';
import { SelectField, TextAreaField, TextField } from '../../ui/fields';
import { Form, useDraft } from '../../ui/form';
import { type Pairs, PairsField, pairsOf, recordOf } from '../../ui/pairs-field';
import { tell } from '../../ui/toasts';
import { type Aggregation, aggregations, type Meter, meterHref, metersPath } from './meter';

interface Draft {
  slug: string;
  name: string;
  description: string;
  aggregation: Aggregation;
  eventType: string;
  valueProperty: string;
  groupBy: Pairs;
}

const empty: Draft = {
  slug: '',
  name: '',
  description: '',
  aggregation: 'COUNT',
  eventType: 'kong.api_request',
  valueProperty: '',
  groupBy: [],
};

const draftOf = (meter: Meter): Draft => ({
  slug: meter.slug,
  name: meter.name,
  description: meter.description ?? '',
  aggregation: meter.aggregation,
  eventType: meter.eventType,
  valueProperty: meter.valueProperty ?? '',
  groupBy: pairsOf(meter.groupBy),
});

export interface MeterFormProps {
  /** The meter that is changed; a new one without it. What it counts cannot be changed, only how it is shown and split. */
  meter?: Meter;
  onCancel: () => void;
}

export const MeterForm = ({ meter, onCancel }: MeterFormProps) => {
  const [draft, change] = useDraft<Draft>(meter ? draftOf(meter) : empty);
  const [, navigate] = useLocation();
  const { run } = useChange<Meter>(metersPath);

  const save = async (): Promise<void> => {
    const shown = {
      name: draft.name || draft.slug,
      description: draft.description || undefined,
      groupBy: recordOf(draft.groupBy),
    };
    if (meter) {
      await run({
        method: 'PUT',
        path: `${metersPath}/${meter.id}`,
        body: { ...shown, metadata: meter.metadata },
      });
      tell(`Saved ${shown.name}.`);
      navigate(meterHref(meter.slug));
      return;
    }
    const made = await run({
      path: metersPath,
      body: {
        ...shown,
        slug: draft.slug,
        aggregation: draft.aggregation,
        eventType: draft.eventType,
        ...(draft.aggregation === 'COUNT' ? {} : { valueProperty: draft.valueProperty }),
      },
    });
    tell(`Created the meter ${made.name}. Events stored before are counted too.`);
    navigate(meterHref(made.slug));
  };

  return (
    <Form submitLabel={meter ? 'Save' : 'Create meter'} onSubmit={save} onCancel={onCancel}>
      {!meter && (
        <TextField
          label="Slug"
          path="$.slug"
          isRequired
          value={draft.slug}
          onChange={(slug) => change({ slug })}
          placeholder="api_requests"
          hint="Lower-case letters, digits and underscores. It stays."
        />
      )}
      <TextField label="Name" path="$.name" value={draft.name} onChange={(name) => change({ name })} />
      <TextAreaField
        label="Description"
        path="$.description"
        rows={2}
        value={draft.description}
        onChange={(description) => change({ description })}
      />
      {!meter && (
        <>
          <TextField
            label="Event type"
            path="$.eventType"
            isRequired
            value={draft.eventType}
            onChange={(eventType) => change({ eventType })}
            suggestions={['kong.api_request', 'kong.llm_request']}
            hint="The plugin sends kong.api_request for every request, kong.llm_request for those of AI proxies."
          />
          <SelectField
            label="Aggregation"
            path="$.aggregation"
            value={draft.aggregation}
            onChange={(aggregation) => change({ aggregation })}
            options={aggregations.map((value) => ({ value, label: value }))}
          />
          {draft.aggregation !== 'COUNT' && (
            <TextField
              label="Value property"
              path="$.valueProperty"
              isRequired
              value={draft.valueProperty}
              onChange={(valueProperty) => change({ valueProperty })}
              placeholder="$.tokens"
              hint="A JSONPath into the data of an event."
            />
          )}
        </>
      )}
      <PairsField
        label="Group by"
        path="$.groupBy"
        nameLabel="Key"
        valueLabel="JSONPath"
        noun="group-by key"
        pairs={draft.groupBy}
        onChange={(groupBy) => change({ groupBy })}
        hint="Usage can be split and filtered by these. A key added later is counted for stored events as well."
      />
    </Form>
  );
};
