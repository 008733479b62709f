/** The inputs that a file declares (`# ekiden: input NAME[=DEFAULT] description`) and the values they get. */

import { toUtf8 } from './bytes.ts';
import { includeError, type Problem, type Spot } from './diagnostic.ts';
import { nearestNames } from './nearest.ts';
import type { Pragma } from './pragmas.ts';
import { readWord } from './words.ts';

export interface Input {
  name: string;
  /** As latin1; undefined where an INCLUDE must give one. */
  standard: string | undefined;
  line: number;
  /** The line that declares it, for hints. */
  declaration: string;
}

/** What one line has wrong. */
export interface InputProblem {
  problem: Problem;
  line: number;
}

/** The value of an input, as latin1, and where it was given: in the INCLUDE or as the default. */
export interface Value {
  text: string;
  spot: () => Spot;
}

export type Values = ReadonlyMap<string, Value>;

export interface Binding {
  /** What the messages call the file. */
  id: string;
  inputs: ReadonlyMap<string, Input>;
  /** The character that escapes in the file. */
  token: string;
  /** What the INCLUDE says, in its order. */
  given: readonly (Value & { name: string })[];
  spots: {
    declared(input: Input): Spot;
    /** Where a value is missing. */
    missing(input: Input): Spot;
  };
}

const DECLARATION = /^([A-Za-z_][A-Za-z0-9_]*)(=|\s|$)/;
// So many lines of a fragment fit into a hint.
const MAX_SHOWN = 8;
const MAX_SHOWN_WIDTH = 100;

/** The inputs in the order of their declarations, and the first line that declares none properly. */
export function declaredInputs(
  lines: readonly Pragma[],
  token: string,
): {
  inputs: ReadonlyMap<string, Input>;
  problem: InputProblem | undefined;
} {
  const inputs = new Map<string, Input>();
  let problem: InputProblem | undefined;
  for (const pragma of lines) {
    if (pragma.name !== 'input') continue;
    const { line } = pragma;
    const input = readDeclaration(pragma, token);
    const known = 'name' in input ? inputs.get(input.name) : undefined;
    if (!('name' in input)) problem ??= { problem: input, line };
    else if (known) problem ??= { problem: declaredTwice(known), line };
    else inputs.set(input.name, input);
  }
  return { inputs, problem };
}

function readDeclaration({ rest, line, text }: Pragma, token: string): Input | Problem {
  const hint = 'Write # ekiden: input NAME description, or with a default NAME=VALUE.';
  const [, name, next] = DECLARATION.exec(rest) ?? [];
  if (name === undefined) {
    return { code: 'E_SYNTAX', message: 'the line declares an input without a name', hint };
  }
  const declaration = toUtf8(text).slice(0, MAX_SHOWN_WIDTH);
  if (next !== '=') return { name, standard: undefined, line, declaration };
  const word = readWord(rest, name.length + 1, token);
  if (word.problem !== undefined) {
    return { code: 'E_SYNTAX', message: `the default of ${name}: ${toUtf8(word.problem)}`, hint };
  }
  // Variables in a default are left to Docker, or to the INCLUDE in which the input is used.
  const parts = word.pieces.map((piece) =>
    typeof piece === 'string' ? piece : rest.slice(piece.from, piece.to),
  );
  const standard = parts.join('');
  const wrong = wrongValue(name, standard, token);
  return wrong ? { ...wrong, hint } : { name, standard, line, declaration };
}

/** Gives each input its value. Throws IncludeError for what is not declared, missing, given twice or no value. */
export function bindInputs(binding: Binding): Values {
  const { inputs, given, spots, token } = binding;
  const values = new Map<string, Value>();
  for (const { name, ...value } of given) {
    const problem = inputs.has(name)
      ? (wrongValue(name, value.text, token) ?? givenTwice(name, values))
      : unknownInput(binding, name);
    if (problem) throw includeError({ hint: declarationsOf(binding), ...problem }, value.spot());
    values.set(name, value);
  }
  for (const input of inputs.values()) {
    if (values.has(input.name)) continue;
    if (input.standard === undefined) {
      throw includeError(missingInput(binding, input.name), spots.missing(input));
    }
    values.set(input.name, { text: input.standard, spot: () => spots.declared(input) });
  }
  return values;
}

/** The declaration lines of a file, for a hint. */
export function declarationsOf({ id, inputs }: Pick<Binding, 'id' | 'inputs'>): string {
  if (inputs.size === 0) return `${id} declares no inputs.`;
  const all = [...inputs.values()].map(({ declaration }) => declaration);
  const shown = all.slice(0, MAX_SHOWN).join(' | ');
  const more = all.length > MAX_SHOWN ? ` | and ${all.length - MAX_SHOWN} more` : '';
  return `${id} declares: ${shown}${more}.`;
}

function wrongValue(name: string, value: string, token: string): Problem | undefined {
  const isLine = !/[\r\n\0]/.test(value);
  if (isLine && !value.endsWith(token)) return undefined;
  const message = isLine
    ? `the value of ${name} ends with ${token}, which would join lines`
    : `the value of ${name} has a line end or a NUL byte`;
  return { code: 'E_PARAM_VALUE', message };
}

function givenTwice(name: string, values: Values): Problem | undefined {
  if (!values.has(name)) return undefined;
  return { code: 'E_INPUT_DUPLICATE', message: `${name} is given twice` };
}

function declaredTwice({ name, line, declaration }: Input): Problem {
  return {
    code: 'E_INPUT_DUPLICATE',
    message: `the input ${name} is declared twice`,
    hint: `Line ${line} declares it: ${declaration}.`,
  };
}

function unknownInput({ id, inputs }: Binding, name: string): Problem {
  const near = nearestNames(name, [...inputs.keys()]);
  const meant = near.length > 0 ? `; did you mean ${near.join(' or ')}?` : '';
  return { code: 'E_PARAM_UNKNOWN', message: `${id} has no input ${name}${meant}` };
}

function missingInput(binding: Binding, name: string): Problem {
  return {
    code: 'E_PARAM_MISSING',
    message: `${binding.id} needs a value for its input ${name}`,
    hint: `Give ${name}=VALUE in the INCLUDE, or a default in the declaration. ${declarationsOf(binding)}`,
  };
}
