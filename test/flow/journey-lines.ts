/** What the log of a build of the stage's project tells, from the push to the address. */
import { expect } from 'vitest';

const time = '^\\d\\d:\\d\\d:\\d\\d ';

const lines = [
  '^\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d UTC {2}main at [0-9a-f]{12}, pushed',
  `${time}Dockerfile for production: web$`,
  '^ {2}included template:',
  `${time}the build begins$`,
  `${time}#\\d+ COPY app\\.js`,
  `${time}the image is in the registry: `,
  `${time}production/web: the deployment is requested$`,
  `${time}production/web: starting new instances$`,
  `${time}production/web: live at http`,
].map((line) => new RegExp(line, 'm'));

/** Each leg in its turn. */
export function expectJourney(log: string): void {
  for (const line of lines) expect(log).toMatch(line);
  const places = lines.map((line) => log.search(line));
  expect(places).toEqual(places.toSorted((a, b) => a - b));
}
