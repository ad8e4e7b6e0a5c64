import { useState } from 'react';
import { Icon } from './icon';

type Theme = 'light' | 'dark';
const storageKey = 'tollgate.theme';

const stored = (): Theme | undefined => {
  const value = localStorage.getItem(storageKey);
  return value === 'light' || value === 'dark' ? value : undefined;
};

const preferred = (): Theme => (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');

/** Called before the first paint; without a choice of the viewer's, the system's holds. */
export const applyTheme = (): void => {
  const theme = stored();
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
};

export const ThemeSwitch = () => {
  const [theme, setTheme] = useState<Theme>(() => stored() ?? preferred());
  const other = theme === 'dark' ? 'light' : 'dark';
  return (
    <button
      type="button"
      className="button button-quiet button-small"
      style={{ justifyContent: 'flex-start' }}
      onClick={() => {
        // What the system prefers anyway needs no choice kept.
        if (other === preferred()) localStorage.removeItem(storageKey);
        else localStorage.setItem(storageKey, other);
        applyTheme();
        setTheme(other);
        document.dispatchEvent(new Event('themechange'));
      }}
    >
      <Icon name={theme === 'dark' ? 'sun' : 'moon'} size={14} />
      {other === 'dark' ? 'Dark' : 'Light'} theme
    </button>
  );
};
