/** Shows what the doctor found: one line a part, and below each problem what mends it. */
import { diagnose, type Finding, type State } from '../src/diagnosis.ts';
import { print } from './print.ts';
import { colours } from './terminal.ts';

const marks: Record<State, string> = {
  ok: colours.green('✓'),
  warn: colours.yellow('!'),
  fail: colours.red('✗'),
  skip: colours.dim('–'),
};

/** Prints the findings; answers the exit code, 1 when something fails. */
export async function showDiagnosis({ json = false }: { json?: boolean }): Promise<number> {
  const checks = await diagnose();
  const ok = checks.every(({ state }) => state !== 'fail');
  print(json ? JSON.stringify({ ok, checks }, null, 2) : renderFindings(checks));
  return ok ? 0 : 1;
}

/** Aligned text, with colours on a terminal alone. */
export function renderFindings(findings: Finding[]): string {
  const width = Math.max(...findings.map(({ name }) => name.length));
  const lines = findings.flatMap(({ name, state, found, hint }, index) => {
    const isSame = findings[index - 1]?.name === name;
    const label = (isSame ? '' : name).padEnd(width);
    const line = `${marks[state]} ${label}  ${found}`;
    return hint === undefined
      ? [line]
      : [line, `${' '.repeat(width + 4)}${colours.cyan('→')} ${hint}`];
  });
  return [...lines, '', summarise(findings)].join('\n');
}

function summarise(findings: Finding[]): string {
  const count = (wanted: State) => findings.filter(({ state }) => state === wanted).length;
  const parts = [
    [count('fail'), 'problem'],
    [count('warn'), 'warning'],
    [count('skip'), 'not looked at'],
  ] as const;
  const said = parts
    .filter(([number]) => number > 0)
    .map(([number, word]) => `${number} ${word}${number > 1 && !word.includes(' ') ? 's' : ''}`);
  return said.length === 0 ? 'All is well.' : `${said.join(', ')}.`;
}
