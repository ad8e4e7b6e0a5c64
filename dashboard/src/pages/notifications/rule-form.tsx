import { useApi, useChange } from '../../api/use-api';
import { ConfirmButton } from '../../ui/confirm-button';
import { CopyAsCurl } from '../../ui/copy-button';
import { CheckField, SelectField, TextField } from '../../ui/fields';
import { Form, useDraft, useFieldProblem } from '../../ui/form';
import { Icon } from '../../ui/icon';
import { tell } from '../../ui/toasts';
import {
  type Channel,
  notificationPath,
  type Rule,
  type RuleType,
  ruleTypes,
  ruleTypeWords,
  type ThresholdType,
} from './notification';

export interface RuleFormProps {
  /** The rule that is changed; a new one without it. */
  rule?: Rule;
  channels: readonly Channel[];
  onClose: () => void;
}

interface Line {
  type: ThresholdType;
  value: string;
}

interface Draft {
  name: string;
  type: RuleType;
  isEnabled: boolean;
  channels: readonly string[];
  features: string;
  lines: readonly Line[];
}

const rulesPath = `${notificationPath}/rules`;

const draftOf = (rule: Rule | undefined): Draft => ({
  name: rule?.name ?? '',
  type: rule?.type ?? 'entitlements.balance.threshold',
  isEnabled: !rule?.disabled,
  channels: rule?.channels.map(({ id }) => id) ?? [],
  features: rule?.features?.map(({ key }) => key).join(', ') ?? '',
  lines: rule?.thresholds?.map(({ type, value }) => ({ type, value: String(value) })) ?? [
    { type: 'usage_percentage', value: '80' },
    { type: 'usage_percentage', value: '100' },
  ],
});

const bodyOf = (draft: Draft) => {
  const features = draft.features
    .split(',')
    .map((key) => key.trim())
    .filter((key) => key !== '');
  return {
    name: draft.name,
    type: draft.type,
    disabled: !draft.isEnabled,
    channels: draft.channels,
    ...(draft.type.startsWith('entitlements.') && features.length > 0 ? { features } : {}),
    ...(draft.type === 'entitlements.balance.threshold'
      ? { thresholds: draft.lines.map(({ type, value }) => ({ type, value: Number(value) })) }
      : {}),
  };
};

export const RuleForm = ({ rule, channels, onClose }: RuleFormProps) => {
  const [draft, change] = useDraft<Draft>(() => draftOf(rule));
  const features = useApi<{ key: string }[]>('/api/v1/features', { limit: 200 });
  const { run } = useChange<Rule>(notificationPath);
  const isEnabledChannel = (channel: Channel): boolean =>
    !('deletedAt' in channel) && (!channel.disabled || draft.channels.includes(channel.id));
  const save = async (): Promise<void> => {
    const body = { ...bodyOf(draft), ...(rule ? { metadata: rule.metadata } : {}) };
    if (rule) await run({ method: 'PUT', path: `${rulesPath}/${rule.id}`, body });
    else await run({ path: rulesPath, body });
    tell(`Saved the rule ${draft.name}.`);
    onClose();
  };
  return (
    <Form
      submitLabel={rule ? 'Save' : 'Create rule'}
      onSubmit={save}
      onCancel={onClose}
      actions={
        rule && (
          <ConfirmButton
            label="Delete"
            question={`Delete the rule ${rule.name}? What it told stays in the list of events.`}
            onConfirm={async () => {
              await run({ method: 'DELETE', path: `${rulesPath}/${rule.id}` });
              tell(`Deleted the rule ${rule.name}.`);
              onClose();
            }}
          />
        )
      }
    >
      {rule && (
        <div className="row">
          <CopyAsCurl path={`${rulesPath}/${rule.id}`} />
        </div>
      )}
      <TextField
        label="Name"
        path="$.name"
        isRequired
        value={draft.name}
        onChange={(name) => change({ name })}
      />
      <SelectField
        label="Tells that"
        path="$.type"
        value={draft.type}
        isDisabled={rule !== undefined}
        onChange={(type) => change({ type })}
        options={ruleTypes.map((value) => ({ value, label: ruleTypeWords[value] }))}
      />
      {draft.type === 'entitlements.balance.threshold' && (
        <Thresholds lines={draft.lines} onChange={(lines) => change({ lines })} />
      )}
      {draft.type.startsWith('entitlements.') && (
        <TextField
          label="Features"
          path="$.features"
          value={draft.features}
          onChange={(text) => change({ features: text })}
          suggestions={(features.data ?? []).map(({ key }) => key)}
          hint="Keys, separated by commas; every feature without any."
        />
      )}
      <Channels
        channels={channels.filter(isEnabledChannel)}
        chosen={draft.channels}
        onChange={(chosen) => change({ channels: chosen })}
      />
      <CheckField
        label="Enabled"
        isChecked={draft.isEnabled}
        onChange={(isEnabled) => change({ isEnabled })}
      />
    </Form>
  );
};

const lineTypes: readonly { value: ThresholdType; label: string }[] = [
  { value: 'usage_percentage', label: '% used' },
  { value: 'usage_value', label: 'used' },
  { value: 'balance_value', label: 'left' },
];

const modernType = (type: ThresholdType): ThresholdType =>
  type === 'PERCENT' ? 'usage_percentage' : type === 'NUMBER' ? 'usage_value' : type;

interface ThresholdsProps {
  lines: readonly Line[];
  onChange: (lines: readonly Line[]) => void;
}

const Thresholds = ({ lines, onChange }: ThresholdsProps) => {
  const problem = useFieldProblem('$.thresholds');
  const put = (index: number, changes: Partial<Line>): void =>
    onChange(lines.map((line, at) => (at === index ? { ...line, ...changes } : line)));
  return (
    <fieldset className="field">
      <legend className="field-label">Thresholds</legend>
      {lines.map((line, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the lines have no identity but their place.
        <div className="row" key={index}>
          <input
            className="input input-short"
            inputMode="decimal"
            aria-label={`Threshold ${index + 1}`}
            required
            value={line.value}
            onChange={(event) => put(index, { value: event.target.value })}
          />
          <select
            className="select input-short"
            aria-label={`Kind of threshold ${index + 1}`}
            value={modernType(line.type)}
            onChange={(event) => put(index, { type: event.target.value as ThresholdType })}
          >
            {lineTypes.map(({ value, label }) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
          <button
            type="button"
            className="button button-quiet button-icon"
            aria-label={`Remove threshold ${index + 1}`}
            onClick={() => onChange(lines.filter((_, at) => at !== index))}
          >
            <Icon name="close" />
          </button>
        </div>
      ))}
      <div>
        <button
          type="button"
          className="button button-small"
          disabled={lines.length >= 10}
          onClick={() => onChange([...lines, { type: 'usage_percentage', value: '' }])}
        >
          <Icon name="plus" size={14} />
          Add a threshold
        </button>
      </div>
      {problem && <span className="field-error">{problem}</span>}
      <span className="field-hint">
        Reached at exactly the value: 100 % is told by the very event that ends access. Each is told once a
        period.
      </span>
    </fieldset>
  );
};

interface ChannelsProps {
  channels: readonly Channel[];
  chosen: readonly string[];
  onChange: (chosen: readonly string[]) => void;
}

const Channels = ({ channels, chosen, onChange }: ChannelsProps) => {
  const problem = useFieldProblem('$.channels');
  return (
    <fieldset className="field">
      <legend className="field-label">Channels</legend>
      {channels.length === 0 && <span className="soft">There is no channel yet; make one first.</span>}
      {channels.map(({ id, name, url }) => (
        <CheckField
          key={id}
          label={name}
          hint={url}
          isChecked={chosen.includes(id)}
          onChange={(isOn) => onChange(isOn ? [...chosen, id] : chosen.filter((one) => one !== id))}
        />
      ))}
      {problem && <span className="field-error">{problem}</span>}
    </fieldset>
  );
};
