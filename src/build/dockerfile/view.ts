/** Expansions and diagnostics as programs read them: plain objects for JSON. */

import type { Diagnostic, Severity } from './diagnostic.ts';
import type { Expansion } from './expand.ts';
import type { Origin } from './source-map.ts';

export interface DiagnosticView extends Origin {
  severity: Severity;
  code: string;
  message: string;
  hint?: string;
  /** From 1, in characters. */
  column: number;
  /** Number of characters from there on. */
  width: number;
  /** The INCLUDE lines that led to the file, outermost first. */
  chain: Origin[];
  excerpt: { line: number; text: string }[];
}

export function viewOfDiagnostic({ place, via, ...diagnostic }: Diagnostic): DiagnosticView {
  const { severity, code, message, hint, excerpt } = diagnostic;
  const { file, line, column, width } = place;
  const chain = via.map((origin) => ({ file: origin.file, line: origin.line }));
  return {
    severity,
    code,
    message,
    file,
    line,
    column,
    width,
    chain,
    excerpt,
    ...(hint === undefined ? {} : { hint }),
  };
}

export interface ContentView {
  text: string;
  encoding: 'utf-8' | 'base64';
  /** Where each line of the text was written. */
  lines: { file: string; line: number; count: number }[];
}

export function viewOfContent({ bytes, map }: Pick<Expansion, 'bytes' | 'map'>): ContentView {
  const text = bytes.toString('utf8');
  const isText = Buffer.from(text, 'utf8').equals(bytes);
  return {
    text: isText ? text : bytes.toString('base64'),
    encoding: isText ? 'utf-8' : 'base64',
    lines: map.map(({ file, line, count }) => ({ file, line, count })),
  };
}

/** What `ekiden expand` prints: the expanded bytes, or with `map` one JSON object with text, encoding and lines. */
export function formatExpansion(expansion: Expansion, options: { map?: boolean } = {}): Buffer {
  if (!options.map) return expansion.bytes;
  return Buffer.from(`${JSON.stringify(viewOfContent(expansion))}\n`);
}
