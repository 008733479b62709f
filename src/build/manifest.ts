/** Reads the manifest of a repository, and says where and how it is wrong. */
import { isMap, LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { InputError } from '../core/errors.ts';
import type { EnvironmentRule, Manifest } from '../core/manifest.ts';
import { type ManifestInput, manifestSchema } from './manifest-schema.ts';

export const manifestFile = '.ekiden.yml';

/**
 * Parses `.ekiden.yml`; no file and an empty file mean the defaults.
 * @throws InputError with file, line and what is allowed there.
 */
export function parseManifest(bytes: Buffer | undefined): Manifest {
  const lines = new LineCounter();
  const document = parseDocument(bytes?.toString('utf8') ?? '', { lineCounter: lines });
  const [broken] = document.errors;
  if (broken) {
    const line = broken.linePos?.[0].line ?? 1;
    throw manifestError(line, broken.message.split('\n')[0] ?? 'is no YAML');
  }
  const parsed = manifestSchema.safeParse(document.toJS() ?? {});
  if (parsed.success) return toManifest(parsed.data);
  const issue = deepest(parsed.error.issues);
  const offset = offsetOf(document.contents, issue.path);
  throw manifestError(lines.linePos(offset).line, explain(issue));
}

function toManifest(input: ManifestInput): Manifest {
  const { target, ...build } = input.build;
  const { deadline } = input.deploy;
  return {
    build: { ...build, ...(target === undefined ? {} : { target }) },
    ...(input.environments === undefined
      ? {}
      : { environments: Object.entries(input.environments).map(toRule) }),
    services: Object.entries(input.services).map(([name, service]) =>
      withoutUndefined({ name, ...service }),
    ),
    deploy: deadline === undefined ? {} : { deadline },
  } as Manifest;
}

function toRule([name, rule]: [string, string[] | Omit<EnvironmentRule, 'name'>]): EnvironmentRule {
  return Array.isArray(rule) ? { name, branches: rule, tags: [] } : { name, ...rule };
}

type Issue = z.core.$ZodIssue;

/** Of a union that nothing fits, the issue that lies deepest tells most. */
function deepest(issues: Issue[]): Issue {
  const flat = issues.flatMap((issue): Issue[] => {
    if (issue.code !== 'invalid_union' || issue.errors.length === 0) return [issue];
    const inner = deepest(issue.errors.flat());
    const path = [...issue.path, ...inner.path];
    return inner.path.length > 0 ? [{ ...inner, path } as Issue] : [issue];
  });
  return flat.reduce((best, issue) => (issue.path.length > best.path.length ? issue : best));
}

function explain(issue: Issue): string {
  const where = issue.path.join('.') || 'the file';
  if (issue.code === 'unrecognized_keys') {
    const allowed = allowedKeys(issue.path);
    const known = allowed.length > 0 ? `; allowed are ${allowed.join(', ')}` : '';
    return `${where} has the unknown key ${issue.keys.join(', ')}${known}`;
  }
  if (issue.code === 'invalid_union') return `${where} ${unionText(issue)}`;
  return `${where}: ${issue.message}`;
}

function unionText(issue: Extract<Issue, { code: 'invalid_union' }>): string {
  const choices = issue.errors.flat().map((inner) => inner.message);
  return `fits none of what is allowed (${[...new Set(choices)].join('; ')})`;
}

/** Keys that the schema knows at a path, read from its JSON Schema. */
function allowedKeys(path: PropertyKey[]): string[] {
  let node: SchemaNode | undefined = manifestSchema.toJSONSchema({ io: 'input' }) as SchemaNode;
  for (const part of path) {
    const within: SchemaNode[] = [node, ...(node?.anyOf ?? [])].filter(
      (each) => each !== undefined,
    );
    node = within
      .map((each) => each.properties?.[String(part)] ?? objectOf(each.additionalProperties))
      .find((each) => each !== undefined);
  }
  const object = [node, ...(node?.anyOf ?? [])].find((each) => each?.properties);
  return Object.keys(object?.properties ?? {});
}

interface SchemaNode {
  properties?: Record<string, SchemaNode>;
  additionalProperties?: SchemaNode | boolean;
  anyOf?: SchemaNode[];
}

function objectOf(node: SchemaNode | boolean | undefined): SchemaNode | undefined {
  return typeof node === 'object' ? node : undefined;
}

/** Byte offset of the deepest key on the path that the file really has. */
function offsetOf(contents: unknown, path: PropertyKey[]): number {
  let node = contents;
  let offset = 0;
  for (const part of path) {
    if (!isMap(node)) break;
    const pair = node.items.find((item) => String(item.key) === String(part));
    const key = pair?.key as { range?: [number, number, number] } | undefined;
    if (!pair || !key?.range) break;
    offset = key.range[0];
    node = pair.value;
  }
  return offset;
}

function manifestError(line: number, what: string): InputError {
  return new InputError(`${manifestFile}:${line}: ${what}.`, {
    code: 'E_MANIFEST',
    hint: 'templates/ekiden.schema.json describes the manifest; editors can check it as you type.',
  });
}

function withoutUndefined<T extends object>(value: T): T {
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, part]) => [
        key,
        part !== null && typeof part === 'object' && !Array.isArray(part)
          ? withoutUndefined(part)
          : part,
      ])
      .filter(([, part]) => part !== undefined),
  ) as T;
}
