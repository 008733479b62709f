/** Debian's Chromium, for tests and measurements of the pages. */
import { type Browser, chromium } from 'playwright-core';

/** Its own sandbox is off: tests run as root in places where it cannot be made. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
}
