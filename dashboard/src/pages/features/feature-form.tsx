import { useApi, useChange } from '../../api/use-api';
import { TextField } from '../../ui/fields';
import { Form, useDraft } from '../../ui/form';
import { type Pairs, PairsField, recordOf } from '../../ui/pairs-field';
import { PickField } from '../../ui/pick-field';
import { tell } from '../../ui/toasts';
import { type Meter, metersPath } from '../meters/meter';
import { type Feature, featuresPath, filtersOf } from './feature';

interface Draft {
  key: string;
  name: string;
  meterSlug: string;
  filters: Pairs;
}

export const FeatureForm = ({ onDone }: { onDone: () => void }) => {
  const [draft, change] = useDraft<Draft>({ key: '', name: '', meterSlug: '', filters: [] });
  const { run } = useChange<Feature>(featuresPath);
  const meter = useApi<Meter>(
    `${metersPath}/${encodeURIComponent(draft.meterSlug)}`,
    {},
    {
      isEnabled: draft.meterSlug !== '',
    },
  );
  const keys = Object.keys((meter.data?.slug === draft.meterSlug && meter.data.groupBy) || {});

  const save = async (): Promise<void> => {
    const filters = filtersOf(recordOf(draft.filters));
    const made = await run({
      path: featuresPath,
      body: {
        key: draft.key,
        name: draft.name || draft.key,
        ...(draft.meterSlug ? { meterSlug: draft.meterSlug } : {}),
        ...(Object.keys(filters).length > 0 ? { advancedMeterGroupByFilters: filters } : {}),
      },
    });
    tell(`Created the feature ${made.name}.`);
    onDone();
  };

  return (
    <Form submitLabel="Create feature" onSubmit={save} onCancel={onDone}>
      <TextField
        label="Key"
        path="$.key"
        isRequired
        value={draft.key}
        onChange={(key) => change({ key })}
        placeholder="api-requests"
        hint="Lower-case letters, digits and single dashes or underscores. It stays."
      />
      <TextField label="Name" path="$.name" value={draft.name} onChange={(name) => change({ name })} />
      <PickField<Meter>
        label="Meter"
        path="$.meterSlug"
        value={draft.meterSlug}
        onChange={(meterSlug) => change({ meterSlug })}
        listPath={metersPath}
        valueOf={({ slug }) => slug}
        hint="What of it is used is what this meter counts. Leave it empty for a feature that is only switched on or off."
      />
      {draft.meterSlug && (
        <PairsField
          label="Counts only"
          path="$.advancedMeterGroupByFilters"
          nameLabel="Group-by key"
          valueLabel="Value, or values between commas"
          noun="filter"
          pairs={draft.filters}
          onChange={(filters) => change({ filters })}
          hint={
            keys.length > 0
              ? `The meter can be filtered by ${keys.join(', ')}.`
              : 'Filters use the group-by keys of the meter.'
          }
        />
      )}
    </Form>
  );
};
