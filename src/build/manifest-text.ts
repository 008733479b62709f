/** Reads the YAML of a manifest as plain data that knows its lines, whatever the text tries. */
import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  Lexer,
  Parser,
  parseDocument,
  visit,
} from 'yaml';
import { InputError } from '../core/errors.ts';

export const manifestFile = '.ekiden.yml';

/** Keys are compared each with each, which for 64 KiB of them takes a third of a second. */
const sizeLimit = 64 * 1024;

/** The composer calls itself for every level, and Node aborts where its stack ends within a RegExp. */
const depthLimit = 50;

/** Longest text of an error; keys and values of any length are quoted in it. */
const errorLimit = 500;

export interface ManifestText {
  /** Undefined or null for an empty file. */
  data: unknown;
  /** Line, from 1, of the deepest part on the path that the file really has. */
  lineOf(path: PropertyKey[]): number;
}

/** @throws InputError with file and line. */
export function readManifestText(bytes: Buffer): ManifestText {
  if (bytes.length > sizeLimit) throw manifestError(1, 'it is larger than 64 KiB');
  const text = bytes.toString('utf8');
  const lineAt = (offset: number) => text.slice(0, offset).split('\n').length;
  const deep = depthExcess(text);
  if (deep !== undefined) {
    throw manifestError(lineAt(deep), `it is nested more than ${depthLimit} levels deep`);
  }
  // The error's own text would repeat the line, and a warning would go to standard error.
  const document = parseDocument(text, { prettyErrors: false, logLevel: 'error' });
  const fault = faultOf(document);
  if (fault) throw manifestError(lineAt(fault.offset), fault.what);
  return {
    data: toData(document),
    lineOf: (path) => lineAt(offsetOf(document.contents, path)),
  };
}

/** Says what is wrong, and in which line. */
export function manifestError(line: number, what: string): InputError {
  const short = what.length > errorLimit ? `${what.slice(0, errorLimit)}…` : what;
  return new InputError(`${manifestFile}:${line}: ${short}.`, {
    code: 'E_MANIFEST',
    hint: 'templates/ekiden.schema.json describes the manifest; editors can check it as you type.',
  });
}

/** Offset at which the nesting is too deep. */
function depthExcess(text: string): number | undefined {
  const parser = new Parser();
  for (const lexeme of new Lexer().lex(text)) {
    // The generator must be drained; the tokens themselves are made again for the document.
    for (const _ of parser.next(lexeme));
    if (parser.stack.length > depthLimit) return parser.offset;
  }
  return undefined;
}

interface Fault {
  offset: number;
  what: string;
}

function faultOf(document: Document.Parsed): Fault | undefined {
  const notes = [...document.errors, ...document.warnings];
  const worst = notes.find(({ code }) => code === 'BAD_ALIAS') ?? document.errors[0];
  if (!worst) return faultOfNodes(document);
  const [offset] = worst.pos;
  if (worst.code === 'MULTIPLE_DOCS') {
    return { offset, what: 'it holds several documents; one is read' };
  }
  return { offset, what: worst.code === 'BAD_ALIAS' ? mustBeQuoted('*-fix') : worst.message };
}

/** Finds globs that YAML takes for aliases, and keys that plain objects do not hold safely. */
function faultOfNodes(document: Document.Parsed): Fault | undefined {
  const anchors = new Set<string>();
  let fault: Fault | undefined;
  visit(document, (_, node) => {
    if (isPair(node) && isScalar(node.key) && node.key.value === '__proto__') {
      fault = { offset: node.key.range?.[0] ?? 0, what: 'the key __proto__ is not allowed' };
    } else if (isAlias(node) && !anchors.has(node.source)) {
      fault = { offset: node.range?.[0] ?? 0, what: mustBeQuoted(`*${node.source}`) };
    } else if ((isMap(node) || isSeq(node) || isScalar(node)) && node.anchor) {
      anchors.add(node.anchor);
    }
    return fault ? visit.BREAK : undefined;
  });
  return fault;
}

function mustBeQuoted(value: string): string {
  return `a value that begins with * must be quoted, such as "${value}"`;
}

function toData(document: Document.Parsed): unknown {
  try {
    return document.toJS();
  } catch (error) {
    // The only reason left is the library's limit to what aliases multiply.
    if (!(error instanceof ReferenceError)) throw error;
    throw manifestError(1, 'it uses aliases too often; write the values out');
  }
}

function offsetOf(contents: unknown, path: PropertyKey[]): number {
  let node = contents;
  let offset = 0;
  for (const part of path) {
    const next = childOf(node, part);
    if (next?.offset === undefined) break;
    offset = next.offset;
    node = next.value;
  }
  return offset;
}

function childOf(
  node: unknown,
  part: PropertyKey,
): { offset?: number; value: unknown } | undefined {
  if (isSeq(node)) {
    const value = node.items[Number(part)];
    return { ...startOf(value), value };
  }
  if (!isMap(node)) return undefined;
  const pair = node.items.find((item) => String(item.key) === String(part));
  return pair && { ...startOf(pair.key), value: pair.value };
}

function startOf(node: unknown): { offset?: number } {
  const range = (node as { range?: [number, number, number] } | undefined)?.range;
  return range ? { offset: range[0] } : {};
}
