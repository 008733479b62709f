/** Logs as they are printed on a terminal, and into a file. */
import { expect, onTestFinished, test, vi } from 'vitest';
import { createLogPrinter } from '../../../runners/remote/log-printer.ts';

/** Takes the place of standard output; answers what is printed. */
function catchOutput(isTTY: boolean): string[] {
  const { isTTY: before } = process.stdout;
  const printed: string[] = [];
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text, ...rest) => {
    printed.push(Buffer.from(text as Uint8Array).toString());
    for (const done of rest) if (typeof done === 'function') (done as () => void)();
    return true;
  });
  process.stdout.isTTY = isTTY;
  onTestFinished(() => {
    process.stdout.isTTY = before;
    write.mockRestore();
  });
  return printed;
}

test.each([
  ['on a terminal leaves no colour behind', true, '\x1b[8mhidden\n\x1b[0m'],
  ['elsewhere is what it is', false, '\x1b[8mhidden\n'],
])('a log %s', async (_, isTTY, wanted) => {
  const printed = catchOutput(isTTY);
  const printer = createLogPrinter();
  await printer.add(Buffer.from('\x1b[8mhidden\n'));
  await printer.end();
  expect(printed.join('')).toBe(wanted);
});

test('whoever interrupts it gets a terminal without colours back, and ends as one does', async () => {
  // Loaded before there is a terminal, since whatever is loaded stays for the files that come after.
  vi.resetModules();
  const { createLogPrinter: create } = await import('../../../runners/remote/log-printer.ts');
  const printed = catchOutput(true);
  const kill = vi.spyOn(process, 'kill').mockReturnValue(true);
  onTestFinished(() => kill.mockRestore());
  const before = process.listeners('SIGINT');
  const printer = create();
  create('web');
  await printer.add(Buffer.from('\x1b[8mhidden\n'));
  const added = process.listeners('SIGINT').filter((each) => !before.includes(each));
  expect(added).toHaveLength(1);
  for (const listener of added) (listener as () => void)();
  expect(printed.join('')).toBe('\x1b[8mhidden\n\x1b[0m');
  expect(kill).toHaveBeenCalledWith(process.pid, 'SIGINT');
  for (const listener of added) process.off('SIGINT', listener);
});
