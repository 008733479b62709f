/** Logs as they are printed on a terminal, and into a file. */
import { expect, onTestFinished, test, vi } from 'vitest';
import { createLogPrinter } from '../../../runners/remote/log-printer.ts';

test.each([
  ['on a terminal leaves no colour behind', true, '\x1b[8mhidden\n\x1b[0m'],
  ['elsewhere is what it is', false, '\x1b[8mhidden\n'],
])('a log %s', async (_, isTTY, wanted) => {
  const { isTTY: before } = process.stdout;
  const printed: string[] = [];
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed.push(Buffer.from(text as Uint8Array).toString());
    return true;
  });
  process.stdout.isTTY = isTTY;
  onTestFinished(() => {
    process.stdout.isTTY = before;
    write.mockRestore();
  });
  const printer = createLogPrinter();
  await printer.add(Buffer.from('\x1b[8mhidden\n'));
  await printer.end();
  expect(printed.join('')).toBe(wanted);
});
