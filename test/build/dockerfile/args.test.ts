/** The names that ARG declares. */
import { expect, test } from 'vitest';
import { declaredArgs } from '../../../src/build/dockerfile/index.ts';

test.each<[source: string, want: string[]]>([
  ['', []],
  ['ARG A\nFROM x\nARG B=1\narg C="d e" F\n', ['A', 'B', 'C', 'F']],
  ['ARG A=1 \\\n# x\n    B=2\n', ['A', 'B']],
  ["ARG A='b C=d' E\n", ['A', 'E']],
  ['ARG A=b\\ C=d E\n', ['A', 'E']],
  ['# escape=`\nARG A=b` C=d E\n', ['A', 'E']],
  ['RUN <<E\nARG A\nE\n# ARG B\nONBUILD ARG C\nENV D=1\n', []],
  ['ARG A="open B=1\nARG C\n', ['A', 'C']],
])('%j', (source, want) => {
  expect([...declaredArgs(Buffer.from(source))]).toEqual(want);
});
