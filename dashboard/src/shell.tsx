import { type ReactNode, useEffect, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { sections } from './sections';
import { endSession } from './session/session';
import { Icon } from './ui/icon';
import { ThemeSwitch } from './ui/theme';

const Brand = () => (
  <Link className="brand" href="/">
    <Icon name="access" size={20} />
    Tollgate
  </Link>
);

/** The left rail beside the page; on a narrow screen a bar above it, opened by a button. */
export const Shell = ({ children }: { children: ReactNode }) => {
  const [location] = useLocation();
  const [isOpen, setOpen] = useState(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new place closes the menu.
  useEffect(() => setOpen(false), [location]);
  const isCurrent = (path: string): boolean =>
    path === '/' ? location === '/' : location === path || location.startsWith(`${path}/`);
  return (
    <div className="shell">
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <header className="rail" data-open={isOpen}>
        <div className="rail-top">
          <Brand />
          <button
            type="button"
            className="button button-quiet button-icon rail-toggle"
            aria-expanded={isOpen}
            aria-label="Menu"
            onClick={() => setOpen(!isOpen)}
          >
            <Icon name={isOpen ? 'close' : 'menu'} />
          </button>
        </div>
        <nav className="rail-links" aria-label="Sections">
          {sections.map(({ path, label, icon }) => (
            <Link key={path} href={path} aria-current={isCurrent(path) ? 'page' : undefined}>
              <Icon name={icon} />
              {label}
            </Link>
          ))}
        </nav>
        <div className="rail-foot">
          <ThemeSwitch />
          <button
            type="button"
            className="button button-quiet button-small"
            style={{ justifyContent: 'flex-start' }}
            onClick={() => endSession()}
          >
            <Icon name="exit" size={14} />
            Sign out
          </button>
        </div>
      </header>
      <main className="content" id="main" tabIndex={-1}>
        {children}
      </main>
    </div>
  );
};
