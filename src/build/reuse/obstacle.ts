/** What keeps an image from being known by its fingerprint. */
import { instructionText, parseDockerfile } from '../dockerfile/index.ts';

/** Nobody can tell beforehand what the build would make; the message ends `built anew: …`. */
export class Obstacle extends Error {}

interface Instruction {
  keyword: string;
  /** All behind the keyword, in one line. */
  rest: string;
}

/** Why the Dockerfile may make another image each time it is built; undefined where nothing says so. */
export function obstacleIn(
  dockerfile: Buffer,
  args: Readonly<Record<string, string>> = {},
): string | undefined {
  // INCLUDE may have spliced the line in anywhere.
  if (always.test(dockerfile.toString('latin1'))) return 'the Dockerfile says # ekiden: always';
  // BuildKit takes it for what `# syntax=` says.
  if ('BUILDKIT_SYNTAX' in args) return 'an arg names another reader of the Dockerfile';
  for (const { keyword, rest } of instructionsOf(dockerfile)) {
    if (keyword === 'ADD' && mayBeRemote(rest)) return 'ADD may take what another host gives';
    if (keyword === 'FROM' && /^--platform/i.test(rest)) return 'FROM has a platform of its own';
    if (keyword === 'FROM' && /\$\{?(?:TARGET|BUILD)/.test(rest)) {
      return 'FROM depends on the platform';
    }
    if (keyword === 'ONBUILD' && /^(?:COPY|ADD)\s.*--from/is.test(rest)) {
      return 'ONBUILD may take from another image';
    }
    if (keyword === 'RUN' && /(?:^|\s)--mount=\S*["'$\\`]/i.test(rest)) {
      return 'a mount is written so that it may be any';
    }
    if (keyword === 'RUN' && /(?:^|\s)--mount=\S*type=(?:secret|ssh)/i.test(rest)) {
      return 'a secret may be another one than before';
    }
  }
  return undefined;
}

const always = /^[ \t]*#[ \t]*ekiden:[ \t]*always\b/m;

/** Addresses of http and git; a variable or an escape could hide one. */
function mayBeRemote(rest: string): boolean {
  return /:\/\/|\bgit@|\.git\b|[$\\]/i.test(rest);
}

function* instructionsOf(dockerfile: Buffer): Generator<Instruction> {
  const parsed = parseDockerfile(dockerfile);
  for (const instruction of parsed.instructions) {
    const said = instructionText(parsed, instruction);
    const [, trigger = '', rest = ''] = /^ONBUILD\s+(\w+)\s*(.*)$/is.exec(said) ?? [];
    if (trigger !== '') yield { keyword: trigger.toUpperCase(), rest };
    yield { keyword: instruction.keyword, rest: said.slice(instruction.keyword.length).trim() };
  }
}
