import { CheckField, SelectField, TextField } from '../../ui/fields';
import type { CardPartProps } from './rate-card-draft';

/** What a subscriber is entitled to with a rate card. */
export const TemplateEditor = ({ card, path, change }: CardPartProps) => {
  const template = `${path}.entitlementTemplate`;
  return (
    <>
      <div className="fields-2">
        <SelectField
          label="Entitlement"
          path={template}
          value={card.entitlement}
          onChange={(entitlement) => change({ entitlement })}
          options={[
            { value: 'none', label: 'None' },
            { value: 'boolean', label: 'Boolean: on' },
            { value: 'metered', label: 'Metered: an allowance' },
            { value: 'static', label: 'Static: a fixed configuration' },
          ]}
        />
        {card.entitlement === 'metered' && (
          <>
            <TextField
              label="Allowance each period"
              path={`${template}.issueAfterReset`}
              isNumeric
              value={card.issueAfterReset}
              onChange={(issueAfterReset) => change({ issueAfterReset })}
            />
            <TextField
              label="Allowance period"
              path={`${template}.usagePeriod`}
              value={card.usagePeriod}
              onChange={(usagePeriod) => change({ usagePeriod })}
              suggestions={['P1D', 'P1W', 'P1M', 'P1Y']}
              hint="The billing period unless told."
            />
          </>
        )}
        {card.entitlement === 'static' && (
          <TextField
            label="Configuration"
            path={`${template}.config`}
            isRequired
            value={card.config}
            onChange={(config) => change({ config })}
            hint="JSON."
          />
        )}
      </div>
      {card.entitlement === 'metered' && (
        <div className="row" style={{ gap: 24 }}>
          <CheckField
            label="Soft limit"
            hint="Access stays beyond the allowance."
            isChecked={card.isSoftLimit}
            onChange={(isSoftLimit) => change({ isSoftLimit })}
          />
          <CheckField
            label="Keep overage at reset"
            hint="What was used too much counts against the next period."
            isChecked={card.preserveOverage}
            onChange={(preserveOverage) => change({ preserveOverage })}
          />
        </div>
      )}
    </>
  );
};
