/** Puts thousands separators into exact decimal text, or a number; nothing is rounded away. */
export const quantityText = (value: string | number): string => {
  const text = typeof value === 'number' ? plainNumber(value) : value;
  const match = /^(-?)(\d+)(\.\d+)?$/.exec(text);
  if (!match) return text;
  const [, sign, whole, fraction = ''] = match;
  return `${sign === '-' ? '−' : ''}${whole!.replace(/\B(?=(\d{3})+$)/g, ',')}${fraction.replace(/\.?0+$/, '')}`;
};

/** Without an exponent, and without the noise of binary fractions. */
const plainNumber = (value: number): string =>
  Number.isFinite(value)
    ? value.toLocaleString('en-US', { useGrouping: false, maximumFractionDigits: 9 })
    : String(value);

/** Short, for axes and tiles: 1.2 M. */
export const compactText = (value: number): string =>
  value.toLocaleString('en-US', { notation: 'compact', maximumFractionDigits: 1 });

/** With its unit: "10,000 requests", "1 request". Units are given in the singular. */
export const withUnit = (value: string | number, unit: string): string => {
  const text = quantityText(value);
  return `${text} ${text === '1' ? unit : plural(unit)}`;
};

export const plural = (noun: string): string =>
  /[^aeiou]y$/.test(noun) ? `${noun.slice(0, -1)}ies` : /(s|x|ch|sh)$/.test(noun) ? `${noun}es` : `${noun}s`;

/** Used of allowed, as a share in percent of at most one decimal; 99.96 % is not yet 100. */
export const percentText = (used: number, allowed: number): string => {
  if (allowed <= 0) return used > 0 ? 'over' : '0 %';
  const tenths = Math.floor((used / allowed) * 1000);
  return `${quantityText(tenths / 10)} %`;
};

/** An exact amount of money in its currency. */
export const moneyText = (amount: string | number, currency: string): string => {
  const options: Intl.NumberFormatOptions = { style: 'currency', currency, maximumFractionDigits: 6 };
  try {
    return new Intl.NumberFormat('en-US', options).format(amount as Intl.StringNumericLiteral);
  } catch {
    return `${quantityText(amount)} ${currency}`;
  }
};
