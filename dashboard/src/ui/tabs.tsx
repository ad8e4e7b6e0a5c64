import { Link, useLocation } from 'wouter';

/** Parts of a page, each with a URL of its own. The first one's path begins the others'. */
export const Tabs = ({
  label,
  tabs,
}: {
  label: string;
  tabs: readonly { label: string; href: string }[];
}) => {
  const [location] = useLocation();
  const current = tabs.filter(({ href }) => location === href || location.startsWith(`${href}/`)).at(-1);
  return (
    <nav className="tabs" aria-label={label}>
      {tabs.map((tab) => (
        <Link key={tab.href} href={tab.href} aria-current={tab === current ? 'page' : undefined}>
          {tab.label}
        </Link>
      ))}
    </nav>
  );
};
