import { existsSync } from 'node:fs';

const usual = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** A Chromium on this machine: CHROMIUM_PATH, or where systems put it. */
export const findChromium = (): string | undefined =>
  process.env.CHROMIUM_PATH ?? usual.find((path) => existsSync(path));

/**
 * Describes a suite that needs a browser. Without one it is left out and says so; with REQUIRE_BROWSER that is a failure.
 */
export const describeInBrowser = (name: string, suite: (executablePath: string) => void): void => {
  const executablePath = findChromium();
  if (executablePath) {
    describe(name, () => suite(executablePath));
    return;
  }
  if (process.env.REQUIRE_BROWSER) {
    it(`${name} runs in Chromium`, () => {
      throw new Error(
        'REQUIRE_BROWSER is set, but there is no Chromium; install it or name it in CHROMIUM_PATH',
      );
    });
    return;
  }
  process.stderr.write(
    `${name}: left out, there is no Chromium on this machine (apt-get install chromium, or set CHROMIUM_PATH)\n`,
  );
  it.skip(`${name} needs Chromium`, () => undefined);
};
