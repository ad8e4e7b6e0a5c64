import { fillDashboard } from '../../../demo/fill-dashboard';
import { seriousFindings } from './support/axe';
import { type BrowserStage, settled, startBrowserStage } from './support/browser-stage';
import { describeInBrowser } from './support/find-chromium';
import { shownPages } from './support/pages';

jest.setTimeout(280_000);

describeInBrowser('accessibility', (chromium) => {
  let stage: BrowserStage;
  let portalToken: string;

  beforeAll(async () => {
    stage = await startBrowserStage(chromium, ['acme-inc', 'globex', 'initech', 'umbrella']);
    const { token } = await fillDashboard({
      get: (path) => stage.json('GET', path),
      post: (path, body) => stage.json('POST', path, body),
      gatewayUrl: stage.gateway.adminUrl,
      webhookUrl: `${stage.receiver.url}/hook`,
      withConsumers: true,
      now: Date.now,
    });
    portalToken = token;
  });
  afterAll(async () => {
    await stage?.stop();
  });

  it.each(['light', 'dark'] as const)('has no serious findings on any page, %s', async (colorScheme) => {
    const context = { colorScheme };
    const pages = {
      api: await stage.open('/', { context }),
      portal: await stage.open('/', { context, token: portalToken }),
      outside: await stage.open('/', { context, token: null }),
    };
    const findings: string[] = [];
    for (const { name, path, isPortal, isOutside } of shownPages) {
      const page = isOutside ? pages.outside : isPortal ? pages.portal : pages.api;
      await page.goto(`${stage.app.url}${path}`);
      await settled(page);
      for (const finding of await seriousFindings(page)) findings.push(`${name} (${path}): ${finding}`);
    }
    expect(findings).toEqual([]);
  });

  it('can be used at a width of 400 pixels: no page is wider than the screen', async () => {
    const context = { viewport: { width: 400, height: 800 } };
    const api = await stage.open('/', { context });
    const portal = await stage.open('/', { context, token: portalToken });
    const tooWide: string[] = [];
    for (const { name, path, isPortal, isOutside } of shownPages) {
      if (isOutside) continue;
      const page = isPortal ? portal : api;
      await page.goto(`${stage.app.url}${path}`);
      await settled(page);
      const width = (await page.evaluate('document.documentElement.scrollWidth')) as number;
      if (width > 400) tooWide.push(`${name}: ${width} px`);
    }
    expect(tooWide).toEqual([]);
  });
});
